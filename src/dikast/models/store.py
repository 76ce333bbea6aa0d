"""Finds model files on this machine, and hands none out whose SHA-256 is not the catalogue's.

    path = find("qwen2.5-coder-0.5b-instruct-q4")    # DIKAST_MODELS_LOCAL first, then the cache
    path = find("some/model.gguf")                   # a file of the user's own

A sum that was computed is remembered beside the cache with the file's size, time and inode, so that
a gigabyte is not read on every start; `check` always reads the file anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from dikast.errors import UnavailableError, UsageError
from dikast.models.catalog import KnownModel, known

CACHE_VARIABLE = "DIKAST_MODELS"
LOCAL_VARIABLE = "DIKAST_MODELS_LOCAL"


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A file that stands where a known model is looked for."""

    path: Path
    sha256: str | None
    """None where the file was not hashed since it last changed."""
    sound: bool | None
    """Whether the sum is the catalogue's; None where it is not known."""


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """A sum, and what the file looked like when it was computed."""

    size: int
    mtime_ns: int
    inode: int
    sha256: str


def cache_folder() -> Path:
    """The folder that pulled models are kept in: DIKAST_MODELS, or dikast/models in the user's cache."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(xdg) if Path(xdg).is_absolute() else Path("~/.cache").expanduser()
    return base / "dikast" / "models"


def find(name: str) -> Path:
    """Gives the file of a known model, verified, or the user's own `.gguf` file.

    Raises `UnavailableError` where there is none, or only one with another sum; `UsageError` for an unknown name.
    """
    if name.endswith(".gguf"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise UnavailableError(f"{path}: no such model file")
        return path
    model = known(name)
    if (found := sound_copy(model)) is not None:
        return found
    raise UnavailableError(
        f"the model {name} is not on this machine; get it with 'dikast models pull {name}' ({in_words(model.size)})"
    )


def sound_copy(model: KnownModel) -> Path | None:
    """Gives a copy with the right sum, or None; raises `UnavailableError` where all there are have another."""
    wrong: UnavailableError | None = None
    for path in _places(model):
        found = known_sum(path)
        if found == model.sha256:
            return path
        wrong = wrong or wrong_sum(model, path, found)
    if wrong is not None:
        raise wrong
    return None


def wrong_sum(model: KnownModel, path: Path, found: str) -> UnavailableError:
    """The error for a file that is not the model."""
    return UnavailableError(
        f"{path}: not the model {model.name} (SHA-256 {model.sha256} expected, {found} found); "
        f"delete it and run 'dikast models pull {model.name}'"
    )


def look(name: str) -> Copy | None:
    """Says where a known model stands, from what is remembered: nothing is hashed."""
    model = known(name)
    for path in _places(model):
        found = _recall(path)
        return Copy(path=path, sha256=found, sound=None if found is None else found == model.sha256)
    return None


def check(name: str) -> Copy | None:
    """Hashes a known model's file anew; None where there is no file."""
    model = known(name)
    for path in _places(model):
        found = _hash(path)
        return Copy(path=path, sha256=found, sound=found == model.sha256)
    return None


def known_sum(path: Path) -> str:
    """Gives a file's SHA-256, computed now or remembered from when the file last changed."""
    return _recall(path) or _hash(path)


def remember(path: Path, sha256: str) -> None:
    """Notes a sum that was just computed. A cache that cannot be written costs time, no more."""
    with contextlib.suppress(OSError):
        _note(path, path.stat(), sha256)


def in_words(size: int) -> str:
    """A number of bytes for people."""
    if size >= 1e9:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _places(model: KnownModel) -> Iterator[Path]:
    """The files that may be the model: in the local folder by name or by size, then in the cache."""
    if local := os.environ.get(LOCAL_VARIABLE):
        folder = Path(local).expanduser()
        if not folder.is_dir():
            raise UsageError(f"{LOCAL_VARIABLE}: no folder at {folder}; correct the variable or unset it")
        named = folder / model.file
        if named.is_file():
            yield named
        # People keep model files under names of their own; the size in bytes finds them, the sum decides.
        yield from (p for p in sorted(folder.glob("*.gguf")) if p != named and p.stat().st_size == model.size)
    cached = cache_folder() / model.file
    if cached.is_file():
        yield cached


def _hash(path: Path) -> str:
    try:
        # Taken before reading: a file that changes meanwhile no longer fits what is noted.
        state = path.stat()
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnavailableError(f"{path}: cannot be read ({error.strerror})") from error
    with contextlib.suppress(OSError):
        _note(path, state, found)
    return found


def _recall(path: Path) -> str | None:
    try:
        state = path.stat()
        noted = msgspec.json.decode(_sidecar(path).read_bytes(), type=_Remembered)
    except (OSError, msgspec.DecodeError):
        return None
    same = (noted.size, noted.mtime_ns, noted.inode) == (state.st_size, state.st_mtime_ns, state.st_ino)
    return noted.sha256 if same else None


def _note(path: Path, state: os.stat_result, sha256: str) -> None:
    sidecar = _sidecar(path)
    sidecar.parent.mkdir(parents=True, exist_ok=True)
    noted = _Remembered(size=state.st_size, mtime_ns=state.st_mtime_ns, inode=state.st_ino, sha256=sha256)
    # Written beside and renamed: another process reads the old note or the new one.
    handle, temporary = tempfile.mkstemp(dir=sidecar.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(noted))
    Path(temporary).replace(sidecar)


def _sidecar(path: Path) -> Path:
    return cache_folder() / "sums" / f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]}.json"
