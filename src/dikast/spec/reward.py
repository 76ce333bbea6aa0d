"""reward.yaml: read, checked, hashed.

    spec = read_reward(Path("reward.yaml"))
    spec.hash            # SHA-256 over the resolved file and the bytes of everything it names

Reading fails when something does not fit together, before any model is called. Nothing of the file
is executed here: a user's Python check is only located and its source hashed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from dikast.errors import ConfigError
from dikast.spec.checks import CheckSpec, JsonCheck, PythonCheck, SafetyCheck, check_problems
from dikast.spec.judge import JudgeSpec, judge_problems
from dikast.spec.reading import canonical, read_struct

PROMPTS_VERSION = "3"
"""Raised whenever a text in judges/prompts changes, or how one is filled: it changes every reward's hash."""


class RecallSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the share of the expert's issues that a set covers is counted."""

    issues: str
    """Column with the expert's issues, a list of objects."""
    key: str | None = None
    """Field that an item and an issue both carry; equal means covered. Without it the judge says what is covered."""
    beta: float = 1.0


class OutcomeSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure of production that rollouts are known by later, and from where on it is good: `at_least` or `at_most`."""

    at_least: float | None = None
    at_most: float | None = None
    criteria: tuple[str, ...] = ()
    """Those that are meant to serve it."""

    def is_good(self, value: float) -> bool:
        """Whether a rollout did well by it."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most


class RewardFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """reward.yaml as it stands in the file."""

    name: str
    objective: str
    range: tuple[float, float] = (0.0, 1.0)
    inputs: dict[str, str]
    """shown name → column of the rollout, in the order in which the judge sees them."""
    items: str | None = None
    """Key of the completion's JSON object under which the set of items stands."""
    checks: tuple[CheckSpec, ...] = ()
    judge: JudgeSpec
    aggregate: Literal["weighted_mean", "veto", "saturating", "healthbench"] = "weighted_mean"
    recall: RecallSpec | None = None
    outcomes: dict[str, OutcomeSpec] = {}
    """Metrics of production. Labels carry them, and the certificate holds the score against them; no score uses them."""


class RewardSpec(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A checked reward.yaml with the folder it stands in."""

    file: RewardFile
    path: Path

    @property
    def folder(self) -> Path:
        return self.path.parent

    def resource(self, name: str) -> Path:
        """Gives the path of a file that the reward names, which must lie in its folder."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ConfigError(f"{self.path}: '{name}' leaves the reward's folder; keep the files it names beside it")
        if not path.is_file():
            raise ConfigError(f"{self.path}: it names '{name}', and {path} is not there")
        return path

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical file, the bytes of every file it names and the prompts' version."""
        digest = hashlib.sha256()
        # The order of keys counts: the judge sees the inputs in the order of the file.
        digest.update(msgspec.json.encode(canonical(self.file)))
        for path in named_files(self):
            content = path.read_bytes()
            digest.update(f"\x00{len(content)}\x00".encode() + content)
        digest.update(f"\x00prompts {PROMPTS_VERSION}".encode())
        return digest.hexdigest()


def read_reward(path: Path) -> RewardSpec:
    """Reads and checks a reward file. Raises `ConfigError` with the place and the mend."""
    spec = RewardSpec(file=read_struct(path, RewardFile), path=path)
    for problem in reward_problems(spec.file):
        raise ConfigError(f"{path}: {problem}")
    named_files(spec)
    return spec


def named_files(spec: RewardSpec) -> list[Path]:
    """Lists the files whose bytes belong to the reward: schemas, lists, check sources, in file order."""
    paths: list[Path] = []
    for check in spec.file.checks:
        match check:
            case JsonCheck(schema=str(schema)):
                paths.append(spec.resource(schema))
            case SafetyCheck(lists=tuple(lists)):
                paths.extend(spec.resource(name) for name in lists)
            case PythonCheck(call=call):
                paths.append(python_source(spec, call))
            case _:
                pass
    return paths


def python_source(spec: RewardSpec, call: str) -> Path:
    """Finds the source file of `module:function`, beside the reward first, without importing it."""
    module = call.partition(":")[0]
    beside = module.replace(".", "/") + ".py"
    if (spec.folder / beside).is_file():
        return spec.resource(beside)
    try:
        known = "." not in module or module.partition(".")[0] in sys.modules
        found = importlib.util.find_spec(module) if known else None
    except (ImportError, ValueError):
        found = None
    if found is None or not found.has_location or found.origin is None:
        raise ConfigError(f"{spec.path}: check '{call}': no module '{module}'; put {module}.py beside the reward file")
    return Path(found.origin)


def reward_problems(file: RewardFile) -> Iterator[str]:
    """What does not fit together, worst first. One sentence each, with the mend."""
    yield from _range_problems(file)
    yield from check_problems(file.checks, file.inputs)
    yield from judge_problems(file.judge, file.inputs, {check.part_name for check in file.checks})
    yield from _recall_problems(file)
    yield from _aggregate_problems(file)
    yield from _outcome_problems(file)
    if file.items is not None and file.judge.mode == "preference":
        yield "items: a preference judge compares whole completions; remove 'items'"


def _range_problems(file: RewardFile) -> Iterator[str]:
    low, high = file.range
    if not (math.isfinite(high - low) and low < high):
        yield f"range: [{low}, {high}] is not a range; write two numbers, the lower one first"


def _recall_problems(file: RewardFile) -> Iterator[str]:
    if file.recall is None:
        return
    if file.items is None:
        yield "recall: it counts the items of a set; write 'items', or remove it"
    if not (math.isfinite(file.recall.beta) and file.recall.beta > 0):
        yield f"recall.beta: {file.recall.beta} must be above 0; 1 counts precision and recall alike"


def _outcome_problems(file: RewardFile) -> Iterator[str]:
    known = [criterion.id for criterion in file.judge.criteria]
    if file.outcomes and file.judge.mode == "preference":
        yield "outcomes: the scores of a preference judge compare within a prompt only; remove them"
    for name, outcome in file.outcomes.items():
        limits = [limit for limit in (outcome.at_least, outcome.at_most) if limit is not None]
        if len(limits) != 1 or not math.isfinite(limits[0]):
            yield f"outcomes.{name}: from where on is it good? write one of 'at_least' and 'at_most', with a number"
        for criterion in outcome.criteria:
            if criterion not in known:
                yield f"outcomes.{name}: '{criterion}' is no criterion; its criteria may be {', '.join(known)}"


def _aggregate_problems(file: RewardFile) -> Iterator[str]:
    required = [criterion.id for criterion in file.judge.criteria if criterion.required]
    if file.aggregate == "veto" and not required:
        yield "aggregate: veto needs a criterion with 'required: true'"
    if file.aggregate != "veto" and required:
        yield f"judge.criteria ({required[0]}): 'required' is heeded by 'aggregate: veto' only"
    if file.judge.mode == "preference" and file.aggregate != "weighted_mean":
        yield f"aggregate: {file.aggregate} adds up criteria, and a preference judge has none; remove it"
    if file.aggregate == "healthbench" and file.judge.criteria:
        if file.items is not None:
            yield "aggregate: healthbench scores whole completions; remove 'items', or use weighted_mean"
        yield from healthbench_problems(file, {criterion.id: criterion.weight for criterion in file.judge.criteria})


def healthbench_problems(file: RewardFile, weights: Mapping[str, float]) -> Iterator[str]:
    """What does not fit `healthbench` where the criteria have these weights: a certificate's may differ from the file's."""
    if not any(weights[criterion.id] for criterion in file.judge.criteria if not criterion.negative):
        yield "aggregate: healthbench divides by the weights of positive criteria, and there are none"
        return
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights.values()):
        return  # told of the criterion already
    lowest = healthbench_floor(weights, file.judge)
    low, high = file.range
    checked = sum(check.weight or 0.0 for check in file.checks)
    lowest *= 1 - checked
    if not math.isfinite(lowest * 100):
        yield "judge.criteria: the weights are too large to add up; write smaller ones"
    elif low > lowest or high < 1:
        yield (
            f"range: [{low}, {high}] does not hold what healthbench can give, {lowest:.4g} to 1; "
            f"write 'range: [{math.floor(lowest * 100) / 100:g}, 1]'"
        )


def healthbench_floor(weights: Mapping[str, float], judge: JudgeSpec) -> float:
    """The lowest share that `healthbench` can give: every negative weight met, and as few positive ones as can apply."""
    positive = {c.id: weights[c.id] for c in judge.criteria if not c.negative and weights.get(c.id)}
    always = sum(weight for c in judge.criteria if not c.na and (weight := positive.get(c.id)))
    against = sum(weights.get(c.id, 0.0) for c in judge.criteria if c.negative)
    return -against / (always or min(positive.values()))
