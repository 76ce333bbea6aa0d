"""The judge of a reward.yaml: who is asked, and what."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import Any, Literal

import msgspec

Compare = Literal["reference", "swiss", "listwise", "round_robin"]
PanelRule = Literal["mean", "min", "majority"]

PREFERENCE = "preference"
"""Name of the part that a preference judge gives."""
MOST_CRITERIA = 30
MOST_LEVELS = 10
"""Levels of a scale: each must be one digit, or the first token of the answer would not tell them apart."""


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A solved case of one criterion: the judge sees it with its answer before it is asked."""

    candidate: str | dict[str, Any]
    """What the judge would see: a text, or fields as they would be shown."""
    answer: bool


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One observable question put to the judge: yes or no, or one of a scale's levels."""

    id: str
    ask: str
    pass_: str | None = msgspec.field(default=None, name="pass")
    fail: str | None = None
    scale: tuple[int, int] | None = None
    """Lowest and highest level [a, b], within 0..9; the value is (x − a) / (b − a). None for yes or no."""
    levels: dict[int, str] = {}
    """What each level of the scale means."""
    weight: float = 1.0
    negative: bool = False
    """A yes is bad: the part counts 1 − value."""
    required: bool = False
    """Without a yes to this the whole score is the lowest; `aggregate: veto` heeds it."""
    na: bool = False
    evidence: str | None = None
    """The input from which a yes must quote."""
    paraphrases: tuple[str, ...] = ()
    """Other wordings of `ask`; the certificate asks them to measure consistency."""
    examples: tuple[Example, ...] = ()
    """Solved cases, in the order in which the judge sees them. They are shown without documents."""

    def __hash__(self) -> int:
        # The levels are a dict, which has none of its own.
        return hash((self.id, self.ask))


class Fallback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second model for what the first does not answer: failed after its retries, or slower than `after`."""

    model: str
    """provider:model."""
    after: float | None = None
    """Seconds after which the second is asked too and the first answer counts; None asks it only after a failure."""


class JudgeSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who judges, and what is asked."""

    mode: Literal["rubric", "preference"] = "rubric"
    model: str | tuple[str, ...]
    """provider:model; a list is a panel."""
    panel: PanelRule = "mean"
    """How a panel's verdicts become one."""
    criteria: tuple[Criterion, ...] = ()
    max_criteria_per_call: int | None = None
    """Criteria in one request, where verdicts are not read from log-probabilities; all where not given."""
    samples: int = 1
    """How often each question is asked; the verdict is the mean."""
    temperature: float | None = None
    """Of the judge's sampling. Where not given 0, and 1 where `samples` asks for more than one."""
    fallback: Fallback | None = None
    show: tuple[str, ...] | None = None
    """Fields of an item (or of a JSON completion) that the judge sees; all where not given."""
    inputs: tuple[str, ...] | None = None
    """Inputs that the judge sees, in this order; all where not given. The checks see all of them."""
    compare: Compare | None = None
    """With what a preference judge compares a rollout: its siblings by a schedule, or the reference."""
    rounds: int = 4
    """Rounds of `compare: swiss`: so many duels for each rollout."""
    swap: bool = False
    """Ask every duel in both orders."""
    prefer: str | None = None
    """What makes one of two completions the better one."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models asked, one or a panel."""
        return (self.model,) if isinstance(self.model, str) else self.model

    @property
    def sampling_temperature(self) -> float:
        """Temperature of every request."""
        return self.temperature if self.temperature is not None else float(self.samples > 1)


def judge_problems(judge: JudgeSpec, inputs: Collection[str], check_names: Collection[str]) -> Iterator[str]:
    """What does not fit together in the judge, worst first. One sentence each, with the mend."""
    yield from _model_problems(judge)
    for name in judge.inputs or ():
        if name not in inputs:
            yield f"judge.inputs: '{name}' is no input; inputs are {', '.join(inputs)}"
    if judge.samples < 1:
        yield f"judge.samples: {judge.samples} must be at least 1"
    if judge.samples > 1 and judge.temperature == 0:
        yield "judge.temperature: at 0 every sample is the same; raise it, or remove 'samples'"
    if judge.mode == "preference":
        yield from _preference_problems(judge)
    else:
        yield from _rubric_problems(judge, inputs if judge.inputs is None else judge.inputs, check_names)


def _model_problems(judge: JudgeSpec) -> Iterator[str]:
    if not judge.models:
        yield "judge.model: the panel is empty; name at least one model as provider:model"
    if len(set(judge.models)) < len(judge.models):
        yield "judge.model: a model stands twice in the panel; its votes would be copies, so name each once"
    named = [*judge.models, *([judge.fallback.model] if judge.fallback else [])]
    for name in named:
        if ":" not in name:
            yield f"judge.model: '{name}' must be written as provider:model, for instance openai:gpt-oss-120b"
    if judge.fallback and judge.fallback.model in judge.models:
        yield "judge.fallback: it is one of the judge's own models; name another"
    if judge.fallback and judge.fallback.after is not None and not judge.fallback.after > 0:
        yield f"judge.fallback.after: {judge.fallback.after} must be above 0 seconds"


def _preference_problems(judge: JudgeSpec) -> Iterator[str]:
    if judge.criteria:
        yield "judge.criteria: a preference judge has none; write what is preferred into 'prefer'"
    if judge.compare is None:
        yield "judge.compare: not given; write reference, swiss, listwise or round_robin"
    if not (judge.prefer or "").strip():
        yield "judge.prefer: not given; write what makes one of two completions the better one"
    if judge.samples > 1:
        yield "judge.samples: a preference judge asks each duel once; write 'swap: true' to ask it in both orders"
    if judge.rounds < 1:
        yield f"judge.rounds: {judge.rounds} must be at least 1"


def _rubric_problems(judge: JudgeSpec, seen: Collection[str], check_names: Collection[str]) -> Iterator[str]:
    for name, given in (("compare", judge.compare), ("prefer", judge.prefer)):
        if given is not None:
            yield f"judge.{name}: it belongs to a preference judge; write 'mode: preference', or remove it"
    if judge.swap:
        yield "judge.swap: it belongs to a preference judge; write 'mode: preference', or remove it"
    if not judge.criteria:
        yield "judge.criteria: there is none; write at least one with an 'ask'"
    if len(judge.criteria) > MOST_CRITERIA:
        yield f"judge.criteria: there are {len(judge.criteria)}; a judge answers at most {MOST_CRITERIA} well"
    if judge.max_criteria_per_call is not None and judge.max_criteria_per_call < 1:
        yield f"judge.max_criteria_per_call: {judge.max_criteria_per_call} must be at least 1"
    names = set(check_names)
    for at, criterion in enumerate(judge.criteria):
        where = f"judge.criteria[{at}] ({criterion.id})"
        if criterion.id in names:
            yield f"{where}: the id is taken; ids and check names must differ"
        names.add(criterion.id)
        for problem in _criterion_problems(criterion, seen):
            yield f"{where}: {problem}"


def _criterion_problems(criterion: Criterion, seen: Collection[str]) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z_][\w-]{0,63}", criterion.id):
        yield "the id must be a word of letters, digits, _ and -"
    if not criterion.ask.strip():
        yield "'ask' is empty; write one question"
    if not (math.isfinite(criterion.weight) and criterion.weight > 0):
        yield "weight must be above 0; for a bad trait write 'negative: true'"
    if criterion.evidence is not None and criterion.evidence not in seen:
        yield f"evidence '{criterion.evidence}' is no input that the judge sees; those are {', '.join(seen)}"
    if not all(e.candidate.strip() if isinstance(e.candidate, str) else e.candidate for e in criterion.examples):
        yield "an example's 'candidate' is empty; write what the judge would see"
    if criterion.required and criterion.na:
        yield "it is required and may be n/a; what does not apply cannot be required, so remove one of the two"
    yield from _scale_problems(criterion)


def _scale_problems(criterion: Criterion) -> Iterator[str]:
    if criterion.scale is None:
        if criterion.levels:
            yield "it has levels and no scale; write 'scale: [1, 5]', or remove them"
        return
    low, high = criterion.scale
    if not 0 <= low < high < MOST_LEVELS:
        yield f"scale [{low}, {high}] must be two whole numbers within 0..{MOST_LEVELS - 1}, the lower one first"
        return
    if unexplained := [str(level) for level in range(low, high + 1) if not criterion.levels.get(level, "").strip()]:
        yield f"level {', '.join(unexplained)} has no text; write in 'levels' what each level of the scale means"
    if stray := [str(level) for level in criterion.levels if not low <= level <= high]:
        yield f"level {', '.join(stray)} lies outside the scale [{low}, {high}]"
    for name in ("pass_", "fail", "evidence", "examples"):
        if getattr(criterion, name):
            yield f"'{name.rstrip('_')}' belongs to a yes/no question; a scale says it in its levels"
