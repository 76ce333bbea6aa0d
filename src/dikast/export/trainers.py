"""The trainers that a run can be exported for, and how their files come to stand in a folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from dikast.errors import UsageError
from dikast.export.run import ExportedRun
from dikast.rollouts import appearing

TRAINERS: dict[str, str] = {
    "trl": "TRL: a script and accelerate's configuration",
    "verl": "verl: a configuration file for its v1 trainer, and the data",
    "openrlhf": "OpenRLHF: a script that serves the reward and starts the trainer, and the data",
    "prime-rl": "verifiers and prime-rl: TOML, a taskset, and the data",
    "axolotl": "Axolotl: YAML, the module it imports, and the data",
    "unsloth": "Unsloth: a script",
    "nemo-gym": "NeMo Gym: a resources server, its configuration, and the data",
}
_MODULES = {"prime-rl": "verifiers", "nemo-gym": "nemo_gym"}
_WITHOUT_GPUS = frozenset({"trl", "nemo-gym"})
"""TRL trains on a CPU, and Gym's server only judges."""


def write(trainer: str, run: ExportedRun, folder: Path) -> tuple[list[Path], str]:
    """Writes the files; gives them, and the command that starts the training. Raises `UsageError`."""
    module = _module(trainer)
    if not run.gpus and trainer not in _WITHOUT_GPUS:
        raise UsageError(f"--gpus 0: {trainer} trains on GPUs only; give their number, or export for trl")
    folder = folder.resolve()
    written: list[Path] = []
    # All of them are made before the first is written: what cannot be exported leaves nothing behind.
    for name, text in list(module.files(run, folder)):
        with appearing(folder / name) as out:
            out.write(text.encode())
        written.append(folder / name)
    return written, module.command(folder)


def left_out(trainer: str, run: ExportedRun) -> list[str]:
    """The policy and settings of the file's `rl`, as far as the files hold nothing of them. Raises `UsageError`."""
    taken: frozenset[str] | None = _module(trainer).TAKES
    return [] if taken is None else sorted({"policy", *run.spec.file.rl} - taken)


def _module(trainer: str) -> ModuleType:
    if trainer not in TRAINERS:
        raise UsageError(f"no export for '{trainer}'; there is one for {', '.join(TRAINERS)}")
    return importlib.import_module(f"dikast.export.{_MODULES.get(trainer, trainer)}")
