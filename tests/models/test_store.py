"""Model files are found where they may stand, and none with another sum is handed out."""

import os
from pathlib import Path

import pytest

from dikast.errors import UnavailableError, UsageError
from dikast.models import store


def in_cache(cache: Path, small) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / "small.gguf"
    path.write_bytes(small.content)
    return path


def test_the_cache_stands_in_the_users_cache_unless_a_variable_names_it(monkeypatch, tmp_path):
    monkeypatch.delenv("DIKAST_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert store.cache_folder() == tmp_path / "dikast" / "models"

    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert store.cache_folder() == Path("~/.cache/dikast/models").expanduser()

    monkeypatch.setenv("DIKAST_MODELS", str(tmp_path / "mine"))
    assert store.cache_folder() == tmp_path / "mine"


def test_a_model_in_the_cache_is_found(cache, small):
    path = in_cache(cache, small)

    assert store.find("small") == path


def test_a_model_that_is_not_here_names_the_command_that_brings_it(small):
    with pytest.raises(UnavailableError, match="dikast models pull small"):
        store.find("small")


def test_an_unknown_name_is_told_with_the_nearest_one(small):
    with pytest.raises(UsageError, match="did you mean 'smollm2-135m-instruct'"):
        store.find("smollm-135m-instruct")


def test_the_local_folder_comes_before_the_cache(cache, small, tmp_path, monkeypatch):
    in_cache(cache, small)
    local = tmp_path / "local"
    local.mkdir()
    (local / "small.gguf").write_bytes(small.content)
    monkeypatch.setenv("DIKAST_MODELS_LOCAL", str(local))

    assert store.find("small") == local / "small.gguf"


def test_a_local_file_under_another_name_is_known_by_its_sum(small, tmp_path, monkeypatch):
    local = tmp_path / "local"
    local.mkdir()
    (local / "a.gguf").write_bytes(b"x" * len(small.content))
    (local / "my-judge.gguf").write_bytes(small.content)
    monkeypatch.setenv("DIKAST_MODELS_LOCAL", str(local))

    assert store.find("small") == local / "my-judge.gguf"


def test_a_local_folder_that_does_not_exist_is_told(small, tmp_path, monkeypatch):
    monkeypatch.setenv("DIKAST_MODELS_LOCAL", str(tmp_path / "nowhere"))

    with pytest.raises(UsageError, match="DIKAST_MODELS_LOCAL"):
        store.find("small")


def test_a_wrong_sum_names_file_both_sums_and_the_mend(cache, small):
    path = in_cache(cache, small)
    path.write_bytes(small.content[:-1] + b"!")

    with pytest.raises(UnavailableError) as caught:
        store.find("small")

    found = store.known_sum(path)
    for part in (str(path), small.known.sha256, found, "delete it and run 'dikast models pull small'"):
        assert part in str(caught.value)


def test_a_sound_copy_elsewhere_makes_up_for_a_damaged_one(cache, small, tmp_path, monkeypatch):
    path = in_cache(cache, small)
    local = tmp_path / "local"
    local.mkdir()
    (local / "small.gguf").write_bytes(b"damaged")
    monkeypatch.setenv("DIKAST_MODELS_LOCAL", str(local))

    assert store.find("small") == path


def test_a_sum_is_remembered_until_the_file_changes(cache, small):
    path = in_cache(cache, small)
    store.find("small")
    before = path.stat()
    # Same size, time and inode with other bytes: only one that trusts its memory still takes it.
    with path.open("r+b") as file:
        file.write(b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert store.find("small") == path

    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(UnavailableError):
        store.find("small")


def test_a_check_reads_the_file_anew_whatever_is_remembered(cache, small):
    path = in_cache(cache, small)
    store.find("small")
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    copy = store.check("small")

    assert copy is not None
    assert copy.sound is False
    with pytest.raises(UnavailableError):
        store.find("small")


def test_a_look_hashes_nothing(cache, small):
    in_cache(cache, small)

    unhashed = store.look("small")
    store.find("small")
    hashed = store.look("small")

    assert unhashed is not None
    assert (unhashed.sha256, unhashed.sound) == (None, None)
    assert hashed is not None
    assert (hashed.sha256, hashed.sound) == (small.known.sha256, True)


def test_a_damaged_memory_is_no_memory(cache, small):
    path = in_cache(cache, small)
    store.find("small")
    for sidecar in (cache / "sums").iterdir():
        sidecar.write_bytes(b"[" * 100_000)

    assert store.known_sum(path) == small.known.sha256


def test_a_file_of_ones_own_needs_no_catalogue(tmp_path, cache):
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF")

    assert store.find(str(path)) == path
    with pytest.raises(UnavailableError, match="no such model file"):
        store.find(str(tmp_path / "other.gguf"))
