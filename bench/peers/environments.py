"""An environment for each peer, since no two of them agree on the versions of what they need.

bench/peers/requirements/NAME.txt   what a peer is installed from, everything pinned
bench/peers/.environments/NAME      made from it when it is missing or that file has changed
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".environments"
REQUIREMENTS = HERE / "requirements"


class NotInstalledError(Exception):
    """A peer's environment could not be made."""


def python_of(name: str) -> Path:
    """The interpreter that has a peer installed."""
    wanted = (REQUIREMENTS / f"{name}.txt").read_text("utf-8")
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    # Written last, so what was cut short is made again.
    made_from = folder / "made-from.txt"
    if made_from.exists() and made_from.read_text("utf-8") == wanted:
        return python
    print(f"setting up {folder}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--requirement", str(REQUIREMENTS / f"{name}.txt")])
    made_from.write_text(wanted, "utf-8")
    return python


def version_of(name: str) -> str:
    """The version of a peer that its requirements pin."""
    for line in (REQUIREMENTS / f"{name}.txt").read_text("utf-8").splitlines():
        package, _, version = line.partition("==")
        if package == name:
            return version
    raise ValueError(f"requirements/{name}.txt does not pin {name}")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise NotInstalledError(next((line for line in reversed(said) if line.startswith("ERROR")), said[-1]))
