"""run.yaml: what is trained, on what, how long and how it is evaluated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from dikast.errors import ConfigError
from dikast.spec.aws import AwsSpec
from dikast.spec.reading import read_struct

OnMissing = Literal["native", "group_mean", "drop", "raise"]


class Constant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`on_missing: {constant: x}`: a number that the user asks for by name."""

    constant: float


class DataFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """JSONL files of prompts, with the columns that the reward names."""

    train: str
    valid: str
    test: str


class SftSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The warm start on references, and the longer control run that is given RL's wall time."""

    examples: int = 64
    """How many training rows have a reference that may be learnt from; the others are prompts only."""
    steps: int = 12
    batch_size: int = 8
    learning_rate: float = 5e-5
    long_valid_every: int = 8
    """Steps between two looks at the validation loss in the long run."""
    long_patience: int = 6
    """Looks without a better one after which the long run stops before its time is up."""


class EvalSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the arms are compared."""

    gold: str | None = None
    """module:function beside the run file: rollout → 0..1, a measure that the reward does not see."""
    documents: int = 200
    """Held-out prompts answered greedily, for JSON validity, gold and artefacts."""
    judged: int = 24
    """Of these, how many the judge scores."""
    sampled_documents: int = 12
    """Of these, how many are also answered by sampling at the training temperature, and all samples scored."""
    best_of: int = 4
    """Samples for each of them."""
    known: str | None = None
    """Column with the known answer, shown to the judge that gives the 1–5 score."""
    ask: str = "Does the candidate agree with the known answer in what it finds and what it proposes?"
    """The question of the 1–5 score: another wording than the reward's."""
    batch_size: int = 32


class RunFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """run.yaml as it stands in the file."""

    reward: str
    certificate: str | None = None
    """Beside the reward where not given: certificate.json."""
    policy: str
    """A checkpoint folder, a known model's name, or `tiny`: a small model made from scratch."""
    data: DataFiles
    sft: SftSpec | None = None
    rl: dict[str, Any] = {}
    """Passed to TRL's GRPOConfig; the names are checked."""
    on_missing: OnMissing | Constant = "native"
    eval: EvalSpec = EvalSpec()
    aws: AwsSpec | None = None
    """Read by `dikast aws`; a local run does not look at it."""
    seed: int = 0


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A checked run.yaml with the folder it stands in."""

    file: RunFile
    path: Path

    def resolve(self, name: str) -> Path:
        """Gives the path of a file that the run names, relative to the run file."""
        return self.path.parent / name

    @property
    def reward(self) -> Path:
        return self.resolve(self.file.reward)

    @property
    def certificate(self) -> Path:
        return self.resolve(self.file.certificate) if self.file.certificate else self.reward.parent / "certificate.json"


def read_run(path: Path) -> RunSpec:
    """Reads and checks a run file. Raises `ConfigError` with the place and the mend."""
    spec = RunSpec(file=read_struct(path, RunFile), path=path)
    for name in (spec.file.data.train, spec.file.data.valid, spec.file.data.test, spec.file.reward):
        if not spec.resolve(name).is_file():
            raise ConfigError(f"{path}: it names '{name}', and {spec.resolve(name)} is not there")
    for problem in _eval_problems(spec.file.eval):
        raise ConfigError(f"{path}: eval: {problem}")
    sft = spec.file.sft
    if sft and min(sft.examples, sft.batch_size, sft.steps) < 1:
        raise ConfigError(f"{path}: sft: examples, batch_size and steps must be at least 1")
    return spec


def _eval_problems(spec: EvalSpec) -> list[str]:
    problems = [
        f"{name} must be at least 1, not {count}"
        for name in ("documents", "judged", "best_of", "batch_size")
        if (count := getattr(spec, name)) < 1
    ]
    if spec.sampled_documents < 0:
        problems.append(f"sampled_documents must be at least 0, not {spec.sampled_documents}")
    if spec.gold is not None and not re.fullmatch(r"\w+(\.\w+)*:\w+", spec.gold):
        problems.append(f"gold '{spec.gold}' must be written as module:function")
    if not spec.ask.strip():
        problems.append("'ask' is empty; write one yes/no question")
    return problems
