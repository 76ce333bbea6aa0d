"""Environments of their own for packages that do not agree on the versions of what they need.

    Environments(Path("bench/peers")).python_of("verifiers")
    python bench/environments.py conformance verifiers art       # makes these, or all of the folder

    bench/peers/requirements/NAME.txt   what it is installed from: the package and all below it, pinned
    bench/peers/.environments/NAME      made from it when it is missing or that file has changed

A line `# python 3.12` asks for that Python; without it the one that runs this is taken. A line `# pip OPTIONS` is for
pip. DIKAST_ENVIRONMENTS names another place for them, which a fresh clone finds again. Nothing but what is listed is installed, since some pins of some packages cannot be had together.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path


class NotInstalledError(Exception):
    """An environment could not be made."""


class Environments:
    """Those of one folder."""

    def __init__(self, folder: Path) -> None:
        self._requirements = folder / "requirements"
        elsewhere = os.environ.get("DIKAST_ENVIRONMENTS")
        self._environments = Path(elsewhere) / folder.name if elsewhere else folder / ".environments"

    def names(self) -> list[str]:
        """All that there are requirements for."""
        return sorted(path.stem for path in self._requirements.glob("*.txt"))

    def made(self, name: str) -> Path | None:
        """The interpreter of an environment that is there and up to date."""
        wanted = self._wanted(name)
        # Written last, so what was cut short is made again.
        made_from = self._environments / name / "made-from.txt"
        is_there = made_from.exists() and made_from.read_text("utf-8") == wanted
        return self._environments / name / "bin" / "python" if is_there else None

    def python_of(self, name: str) -> Path:
        """The interpreter of an environment, made where it is not there. Raises `NotInstalledError`."""
        if (python := self.made(name)) is not None:
            return python
        wanted = self._wanted(name)
        folder = self._environments / name
        print(f"setting up {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run([_interpreter(wanted), "-m", "venv", str(folder)])
        python = folder / "bin" / "python"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        options = re.search(r"^# pip (.*)$", wanted, re.MULTILINE)
        _run([*pip, *(options[1].split() if options else []), "--requirement", str(self._requirements / f"{name}.txt")])
        (folder / "made-from.txt").write_text(wanted, "utf-8")
        return python

    def version_of(self, name: str, wanted: str | None = None) -> str:
        """The version of a package, of the one it is all for where none is named, that requirements pin."""
        for line in self._wanted(name).splitlines():
            package, _, version = line.partition("==")
            if _plain(package) == _plain(wanted or name):
                return version
        raise ValueError(f"requirements/{name}.txt does not pin {wanted or name}")

    def _wanted(self, name: str) -> str:
        return (self._requirements / f"{name}.txt").read_text("utf-8")


def _plain(package: str) -> str:
    """A package's name as every index takes it for the same."""
    return re.sub(r"[-_.]+", "-", package).lower()


def _interpreter(wanted: str) -> str:
    """The Python that requirements ask for: one in the path, or one of pyenv's."""
    asked = re.search(r"^# python (\d+\.\d+)$", wanted, re.MULTILINE)
    if asked is None:
        return sys.executable
    version = asked[1]
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for python in (f"python{version}", *map(str, pyenv)):
        if shutil.which(python) and _starts(python):
            return python
    raise NotInstalledError(f"there is no Python {version} here")


def _starts(python: str) -> bool:
    """Whether it is one: a stand-in in the path may start nothing."""
    return not subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise NotInstalledError(next((line for line in reversed(said) if line.startswith("ERROR")), said[-1]))


def main() -> int:
    """Makes environments of a folder; says which cannot be had here."""
    folder, *names = sys.argv[1:]
    environments = Environments(Path(folder))
    failed = False
    for name in names or environments.names():
        try:
            environments.python_of(name)
        except NotInstalledError as error:
            failed = True
            print(f"{name}: {error}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
