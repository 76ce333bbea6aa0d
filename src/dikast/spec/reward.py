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
import re
import sys
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from dikast.errors import ConfigError
from dikast.spec.reading import read_struct

PROMPTS_VERSION = "2"
"""Raised whenever a text in judges/prompts changes, or how one is filled: it changes every reward's hash."""


class _Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="check"):
    """What all checks share. A check is a gate or has a weight."""

    name: str | None = None
    """How the part is called; the kind of check where not given."""
    gate: bool = False
    weight: float | None = None
    """Absolute share of the score, in 0..1."""

    @property
    def part_name(self) -> str:
        return self.name or type(self).__struct_config__.tag  # pyright: ignore[reportReturnType]  tags are strings here


class JsonCheck(_Check, frozen=True, kw_only=True, tag="json"):
    """The completion is JSON, and follows a JSON Schema where one is named."""

    schema: str | None = None


class QuoteCheck(_Check, frozen=True, kw_only=True, tag="quote"):
    """A field (of every item) is a verbatim quote from an input."""

    field: str
    source: str
    min_words: int = 1


class LengthCheck(_Check, frozen=True, kw_only=True, tag="length"):
    """The completion, or a field, has at least and at most so many words."""

    max_words: int | None = None
    min_words: int | None = None
    field: str | None = None


class LanguageCheck(_Check, frozen=True, kw_only=True, tag="language"):
    """The text is in the prompt's language, or in one of those named (ISO 639-1)."""

    same_as: str | None = None
    one_of: tuple[str, ...] | None = None


class SafetyCheck(_Check, frozen=True, kw_only=True, tag="safety"):
    """No term or pattern of the lists occurs. Rule-based; `lists` replaces the built-in ones."""

    lists: tuple[str, ...] | None = None


class ArtifactsCheck(_Check, frozen=True, kw_only=True, tag="artifacts"):
    """No odd Unicode and no repetition: the traces of a model that broke."""


class PythonCheck(_Check, frozen=True, kw_only=True, tag="python"):
    """A user's function `module:function`, found beside the reward file."""

    call: str


CheckSpec = JsonCheck | QuoteCheck | LengthCheck | LanguageCheck | SafetyCheck | ArtifactsCheck | PythonCheck


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A solved case of one criterion: the judge sees it with its answer before it is asked."""

    candidate: str | dict[str, Any]
    """What the judge would see: a text, or fields as they would be shown."""
    answer: bool


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One observable yes/no question put to the judge."""

    id: str
    ask: str
    pass_: str | None = msgspec.field(default=None, name="pass")
    fail: str | None = None
    weight: float = 1.0
    negative: bool = False
    """A yes is bad: the part counts 1 − value."""
    na: bool = False
    evidence: str | None = None
    """The input from which a yes must quote."""
    paraphrases: tuple[str, ...] = ()
    """Other wordings of `ask`; the certificate asks them to measure consistency."""
    examples: tuple[Example, ...] = ()
    """Solved cases, in the order in which the judge sees them. They are shown without documents."""


class JudgeSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who judges, and what is asked."""

    mode: Literal["rubric"] = "rubric"
    model: str
    """provider:model."""
    criteria: tuple[Criterion, ...] = ()
    show: tuple[str, ...] | None = None
    """Fields of an item (or of a JSON completion) that the judge sees; all where not given."""
    inputs: tuple[str, ...] | None = None
    """Inputs that the judge sees, in this order; all where not given. The checks see all of them."""


class RecallSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the share of the expert's issues that a set covers is counted."""

    issues: str
    """Column with the expert's issues, a list of objects."""
    key: str
    """Field that an item and an issue both carry; equal means covered."""
    beta: float = 1.0


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
    aggregate: Literal["weighted_mean"] = "weighted_mean"
    recall: RecallSpec | None = None


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
        digest.update(msgspec.json.encode(self.file))
        for path in named_files(self):
            content = path.read_bytes()
            digest.update(f"\x00{len(content)}\x00".encode() + content)
        digest.update(f"\x00prompts {PROMPTS_VERSION}".encode())
        return digest.hexdigest()


def read_reward(path: Path) -> RewardSpec:
    """Reads and checks a reward file. Raises `ConfigError` with the place and the mend."""
    spec = RewardSpec(file=read_struct(path, RewardFile), path=path)
    for problem in _problems(spec.file):
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


def _problems(file: RewardFile) -> list[str]:
    """What does not fit together, worst first. One sentence each, with the mend."""
    return [*_range_problems(file), *_check_problems(file), *_criteria_problems(file), *_recall_problems(file)]


def _range_problems(file: RewardFile) -> list[str]:
    low, high = file.range
    if not (math.isfinite(high - low) and low < high):
        return [f"range: [{low}, {high}] is not a range; write two numbers, the lower one first"]
    return []


def _check_problems(file: RewardFile) -> list[str]:
    problems: list[str] = []
    total = 0.0
    names: set[str] = set()
    for at, check in enumerate(file.checks):
        where = f"checks[{at}] ({check.part_name})"
        if check.part_name in names:
            problems.append(f"{where}: the name is taken; give it a 'name' of its own")
        names.add(check.part_name)
        if check.gate == (check.weight is not None):
            problems.append(f"{where}: a check is a gate or has a weight; write 'gate: true' or 'weight: 0.1'")
        if check.weight is not None:
            if not 0 < check.weight < 1:
                problems.append(f"{where}: weight {check.weight} is outside 0..1; it is a share of the score")
            total += check.weight
        problems.extend(f"{where}: {problem}" for problem in _own_problems(check, file))
    if total >= 1:
        problems.append(f"checks: their weights add up to {total:g}; they are shares and must stay under 1")
    return problems


def _own_problems(check: CheckSpec, file: RewardFile) -> list[str]:
    match check:
        case QuoteCheck(source=source) if source not in file.inputs:
            return [f"source '{source}' is no input; inputs are {', '.join(file.inputs)}"]
        case LengthCheck(max_words=None, min_words=None):
            return ["write max_words or min_words"]
        case LanguageCheck(same_as=same_as, one_of=one_of) if (same_as is None) == (one_of is None):
            return ["write same_as or one_of"]
        case PythonCheck(call=call) if not re.fullmatch(r"\w+(\.\w+)*:\w+", call):
            return [f"call '{call}' must be written as module:function"]
        case _:
            return []


def _criteria_problems(file: RewardFile) -> list[str]:
    problems: list[str] = []
    judge = file.judge
    if not judge.criteria:
        problems.append("judge.criteria: there is none; write at least one with an 'ask'")
    if ":" not in judge.model:
        problems.append(
            f"judge.model: '{judge.model}' must be written as provider:model, for instance openai:gpt-oss-120b"
        )
    seen = file.inputs if judge.inputs is None else judge.inputs
    problems.extend(
        f"judge.inputs: '{name}' is no input; inputs are {', '.join(file.inputs)}"
        for name in seen
        if name not in file.inputs
    )
    names = {check.part_name for check in file.checks}
    for at, criterion in enumerate(judge.criteria):
        where = f"judge.criteria[{at}] ({criterion.id})"
        if not re.fullmatch(r"[A-Za-z_][\w-]{0,63}", criterion.id):
            problems.append(f"{where}: the id must be a word of letters, digits, _ and -")
        if criterion.id in names:
            problems.append(f"{where}: the id is taken; ids and check names must differ")
        names.add(criterion.id)
        if not criterion.ask.strip():
            problems.append(f"{where}: 'ask' is empty; write one yes/no question")
        if not (math.isfinite(criterion.weight) and criterion.weight > 0):
            problems.append(f"{where}: weight must be above 0; for a bad trait write 'negative: true'")
        if criterion.evidence is not None and criterion.evidence not in seen:
            problems.append(
                f"{where}: evidence '{criterion.evidence}' is no input that the judge sees; those are {', '.join(seen)}"
            )
        if not all(e.candidate.strip() if isinstance(e.candidate, str) else e.candidate for e in criterion.examples):
            problems.append(f"{where}: an example's 'candidate' is empty; write what the judge would see")
    return problems


def _recall_problems(file: RewardFile) -> list[str]:
    if file.recall is None:
        return []
    problems: list[str] = []
    if file.items is None:
        problems.append("recall: it counts the items of a set; write 'items', or remove it")
    if not (math.isfinite(file.recall.beta) and file.recall.beta > 0):
        problems.append(f"recall.beta: {file.recall.beta} must be above 0; 1 counts precision and recall alike")
    return problems
