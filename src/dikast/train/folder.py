"""A run's folder: every file of it by name, and which stages are done. Any stage may be killed and started again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec

from dikast.errors import ConfigError, UnavailableError, UsageError
from dikast.rollouts import appearing
from dikast.spec.run import RunFile, RunSpec, read_run


class RunFolder:
    """The files of one run. What a stage found out stands in state.json, written when the stage is done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state_file = path / "state.json"
        self.run_copy = path / "run.json"
        self.certificate = path / "certificate.json"
        self.journal = path / "journal.db"
        self.report = path / "report.json"
        self.page = path / "report.html"

    def model(self, arm: str) -> Path:
        """Gives the folder of an arm's checkpoint."""
        return self.path / arm / "model"

    def log(self, stage: str) -> Path:
        """Gives the stage's log: JSONL, a line a step."""
        return self.path / stage / "log.jsonl"

    def answers(self, arm: str, kind: str) -> Path:
        """Gives the file of an arm's completions; kind is greedy or sampled."""
        return self.path / "eval" / f"{arm}.{kind}.jsonl"

    def begin(self, spec: RunSpec) -> None:
        """Makes the folder, or takes it up again. Raises `ConfigError` when another run stands in it."""
        raw = msgspec.json.encode(spec.file, order="deterministic")
        if self.run_copy.is_file():
            # Compared as it is read back: a whole number that stands for a fraction is written in two ways.
            if self._file() != msgspec.json.decode(raw, type=RunFile):
                raise ConfigError(
                    f"{self.path}: holds a run with other settings; name another folder with -o, or give this folder to go on"
                )
            return
        # What a beginning that was killed leaves is begun again.
        begun = {"origin", "run.yaml", self.run_copy.name + ".partial"}
        if self.path.exists() and any(file.name not in begun for file in self.path.iterdir()):
            raise ConfigError(f"{self.path}: is not empty and holds no run; name another folder with -o")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "origin").write_text(str(spec.path.resolve()), "utf-8")
            shutil.copyfile(spec.path, self.path / "run.yaml")
            with appearing(self.run_copy) as out:
                out.write(raw)
        except OSError as error:
            raise UnavailableError(
                f"{self.path}: cannot be written ({error.strerror}); name another with -o"
            ) from error

    def spec(self) -> RunSpec:
        """Gives the run that stands in the folder, with paths relative to where its file was."""
        if not self.run_copy.is_file():
            raise ConfigError(
                f"{self.path}: is no run folder (no {self.run_copy.name}); give a run file or a run's folder"
            )
        origin = Path((self.path / "origin").read_text("utf-8"))
        read_run(origin)
        return RunSpec(file=self._file(), path=origin)

    def reward(self) -> Path:
        """Gives the reward that the run names. Raises `UsageError` where it cannot be told any more."""
        try:
            return self.spec().reward
        except (ConfigError, OSError):
            raise UsageError(f"{self.path}: its reward is not where it was; name it with --reward REWARD") from None

    def done(self, stage: str) -> dict[str, Any] | None:
        """Gives what a stage found out, or None where it is not done."""
        return self._state().get(stage)

    def finish(self, stage: str, found: dict[str, Any]) -> None:
        """Marks a stage as done."""
        state = self._state()
        state[stage] = found
        with appearing(self.state_file) as out:
            out.write(json.dumps(state, indent=2).encode())

    def append(self, stage: str, row: dict[str, Any]) -> None:
        """Adds a line to a stage's log."""
        path = self.log(stage)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            log.write(msgspec.json.encode(row) + b"\n")

    def _file(self) -> RunFile:
        return msgspec.json.decode(self.run_copy.read_bytes(), type=RunFile)

    def _state(self) -> dict[str, Any]:
        return json.loads(self.state_file.read_bytes()) if self.state_file.is_file() else {}
