"""What a certificate asks: every labelled unit once, and some of them again in other ways.

The units, and the ways of asking each again, are laid out before the first question, so that all
questions about one candidate follow each other and share its cached prefix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from dikast.certify.labels import LabelledRow, Labels, Split, Vote, consensus, expected_of
from dikast.checks.building import build_checks
from dikast.errors import DataError
from dikast.judges.ask import Heard, hearing
from dikast.judges.base import Judge
from dikast.judges.render import Case
from dikast.records import Missing, Part, Verdict
from dikast.reward.binding import Bound, bind, case_of
from dikast.reward.engine import run_checks
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardSpec
from dikast.tasks import side_by_side

ASKED_AGAIN = 60
"""Units of a criterion, at most, that are asked again."""
BASE = "base"
PARAPHRASE = "paraphrase-"
"""How the names of the ways begin that put a question in other words."""
REVERSED = "reversed"
WORDING = "wording-"
"""How the names of the ways begin that ask with other words around the questions."""

Progress = Callable[[int, int], None]
"""Is told how many of how many candidates are judged, each with all that is asked about it."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled candidate, ready to be put before the judge."""

    key: str
    group: str
    tuning: bool
    case: Case
    row: LabelledRow
    truth: dict[str, Vote | None]
    """criterion id → what people agree on; None where they do not."""
    expected: dict[str, Vote] = {}
    """criterion id → what the judge is known to have to say."""
    gate: str | None = None
    """The gate of the reward that stops the candidate: the judge never sees it, and is not asked."""
    parts: tuple[Part, ...] = ()
    """Of the reward's checks."""

    def says(self, criterion: str) -> bool | None:
        """People's yes or no, where they have one."""
        answer = self.truth.get(criterion)
        return answer if isinstance(answer, bool) else None

    @property
    def whole(self) -> bool:
        """Whether everything is asked about it: its score is wanted, or it is there for what the judge says of it alone."""
        return not self.tuning and (bool(self.row.outcomes) or not self.truth)


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One way of asking: the criteria as they are put, and those whose verdicts are wanted."""

    name: str
    criteria: tuple[Criterion, ...]
    about: tuple[str, ...]
    repeat: int = 0
    case: Case | None = None
    """What is put in the candidate's place; None for the candidate itself."""
    judge: Judge | None = None
    """Who is asked in the judge's place: itself, in other words."""


Answers = dict[tuple[str, str], dict[str, Verdict | Missing]]
"""(unit key, variant name) → criterion id → verdict."""


def units_of(spec: RewardSpec, labels: Labels, split: Split) -> list[Unit]:
    """Binds every row to the reward, groups together. Raises `DataError` with file and line where that fails."""
    tuning = set(split.tuning)
    checks = build_checks(spec)
    order = {group: at for at, group in enumerate(dict.fromkeys(row.rollout.group for row in labels.rows))}
    units: list[Unit] = []
    for row in sorted(labels.rows, key=lambda row: order[row.rollout.group]):
        group = row.rollout.group
        bound = _bound(spec, labels, row)
        parts, gate = run_checks(checks, bound)
        units.append(
            Unit(
                key=f"{row.rollout.id}#{'' if row.item is None else row.item}",
                group=group,
                tuning=group in tuning,
                case=case_of(bound, row.item),
                row=row,
                truth={name: consensus(votes) for name, votes in row.labels.items() if votes},
                expected=expected_of(row, spec.file.judge.criteria),
                gate=gate.name if gate else None,
                parts=tuple(parts),
            )
        )
    return units


def _bound(spec: RewardSpec, labels: Labels, row: LabelledRow) -> Bound:
    where = f"{labels.path}:{row.line}"
    try:
        bound = bind(spec, row.rollout)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    if not bound.is_set and row.item is not None:
        raise DataError(f"{where}: 'item' is given, but {spec.path} judges completions as a whole; remove it")
    if bound.is_set and row.item is None:
        raise DataError(
            f"{where}: {spec.path} judges the items under '{spec.file.items}'; say which 'item' is labelled"
        )
    if row.item is not None and row.item >= len(bound.items or ()):
        raise DataError(f"{where}: no item {row.item}; the completion has {len(bound.items or ())}")
    return bound


def chosen_again(spec: RewardSpec, units: Sequence[Unit]) -> dict[str, frozenset[str]]:
    """Draws, for each criterion, the untouched units that are asked again: the same ones for the same question.

    Nothing else of the reward counts, or a changed weight would draw other units and with them another luck.
    """
    return {c.id: frozenset(u.key for u in drawn(c, units)[:ASKED_AGAIN]) for c in spec.file.judge.criteria}


def drawn(criterion: Criterion, units: Sequence[Unit]) -> list[Unit]:
    """Gives the untouched units that have an answer of people's and come before the judge, in an order of the question's own."""
    eligible = [unit for unit in units if not (unit.tuning or unit.gate) and unit.says(criterion.id) is not None]
    return sorted(eligible, key=lambda unit: place_in_draw(criterion.ask, unit.key))


def place_in_draw(ask: str, key: str) -> bytes:
    """Where a unit stands in a question's own order: as good as random, and always the same."""
    return hashlib.sha256(f"{ask}\x00{key}".encode("utf-8", "surrogatepass")).digest()


def ways_of_asking(criteria: Sequence[Criterion], *, logprobs: bool, repeats: int) -> list[Variant]:
    """Lists the other ways of asking the same.

    Each criterion's paraphrases; and where the model answers all criteria in one sampled reply, their
    order reversed and the same request again, until it has been asked `repeats` times. A question whose
    answer is read from log-probabilities stands alone and gets the same answer again.
    """
    ways: list[Variant] = []
    for at in range(max((len(c.paraphrases) for c in criteria), default=0)):
        worded = {c.id: _reworded(c, at) for c in criteria if at < len(c.paraphrases)}
        put = tuple(worded.get(c.id, c) for c in criteria)
        ways.append(Variant(name=f"{PARAPHRASE}{at + 1}", criteria=put, about=tuple(worded)))
    if not logprobs:
        everything = tuple(c.id for c in criteria)
        if len(criteria) > 1:
            ways.append(Variant(name=REVERSED, criteria=tuple(reversed(criteria)), about=everything))
        for repeat in range(1, repeats):
            ways.append(Variant(name=f"repeat-{repeat}", criteria=tuple(criteria), about=everything, repeat=repeat))
    return ways


def _reworded(criterion: Criterion, at: int) -> Criterion:
    return msgspec.structs.replace(criterion, ask=criterion.paraphrases[at])


async def ask_all(
    spec: RewardSpec,
    units: Sequence[Unit],
    ways: Sequence[Variant],
    again: Mapping[str, frozenset[str]],
    *,
    attacks: Mapping[str, Sequence[Variant]],
    judge: Judge,
    progress: Progress | None,
    heard: Heard | None = None,
) -> Answers:
    """Puts all questions, as many candidates at a time as the model takes. A failed one is a `Missing` among the answers.

    `attacks` holds, by the key of a unit, what is put in its place; those questions follow the unit's own.
    `heard` is told of every reply to the units' own first questions.
    """
    logprobs = judge.capabilities.logprobs
    answers: Answers = {}
    plans: list[tuple[Unit, list[Variant]]] = []
    for unit in units:
        if plan := _plan(spec, unit, ways, again, logprobs=logprobs):
            plans.append((unit, plan))
        plans += [(unit, [_asked(attack, logprobs=logprobs)]) for attack in attacks.get(unit.key, ())]
    waiting = iter(plans)
    done = 0

    async def work() -> None:
        nonlocal done
        for unit, plan in waiting:
            for variant in plan:
                with hearing(heard if variant.name == BASE else None):
                    [verdicts], _ = await (variant.judge or judge).judge(
                        [variant.case or unit.case], variant.criteria, repeat=variant.repeat
                    )
                answers[unit.key, variant.name] = {name: verdicts[name] for name in variant.about}
            done += 1
            if progress:
                progress(done, len(plans))

    await side_by_side(work() for _ in range(max(1, judge.capabilities.concurrency)))
    return answers


def _plan(
    spec: RewardSpec, unit: Unit, ways: Sequence[Variant], again: Mapping[str, frozenset[str]], *, logprobs: bool
) -> list[Variant]:
    """What one unit is asked, the base first. Empty where a gate stops it or nobody wants to know."""
    if unit.gate:
        return []
    criteria = spec.file.judge.criteria
    wanted = tuple(c.id for c in criteria if unit.whole or unit.says(c.id) is not None or c.id in unit.expected)
    if not wanted:
        return []
    plan: list[Variant] = []
    for way in (Variant(name=BASE, criteria=criteria, about=wanted), *ways):
        about = way.about if way.name == BASE else tuple(name for name in way.about if unit.key in again[name])
        if about:
            plan.append(_asked(msgspec.structs.replace(way, about=about), logprobs=logprobs))
    return plan


def _asked(way: Variant, *, logprobs: bool) -> Variant:
    """One question a request: only what is wanted. All in one request: as in training, all of them."""
    if not logprobs:
        return way
    return msgspec.structs.replace(way, criteria=tuple(c for c in way.criteria if c.id in way.about))
