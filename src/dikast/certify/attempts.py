"""Makes the attacks on labelled candidates, and counts what came of them.

    attempts = attempts_on(spec, units, attacks, count=12)      # on which units, is up to the question and the unit
    answers = await ask_all(..., attacks=questions_of(attempts, criteria))
    results = count_all(attacks, spec, units, attempts, answers, cuts)

An attack is made on the rollout and goes through the reward's gates as in training: what a gate stops is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from statistics import fmean
from typing import NamedTuple

import msgspec

from dikast.certify.attacks import (
    Attack,
    Change,
    Half,
    Reordered,
    Replace,
    Reworded,
    Template,
    Way,
    is_tried_on,
    slots_of,
    ways_of,
)
from dikast.certify.certificate import AttackResult, CriterionAttack
from dikast.certify.placing import placed
from dikast.certify.questions import BASE, PARAPHRASE, REVERSED, WORDING, Answers, Unit, Variant, drawn
from dikast.checks.base import CheckFunction
from dikast.checks.building import build_checks
from dikast.judges.render import Case
from dikast.records import Missing, Rollout, Verdict
from dikast.reward.binding import bind, case_of
from dikast.reward.engine import run_checks
from dikast.spec.checks import CheckSpec
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardSpec
from dikast.stats.intervals import clopper_pearson_upper

ATTACK_UNITS = 12
"""Candidates of a criterion that each way of an attack is tried on: some 370 questions with the attacks of dikast."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One way of an attack, made on one candidate for one criterion."""

    way: str
    criterion: str
    unit: Unit
    name: str
    """Under which its answer is kept."""
    case: Case
    """What the judge would see."""
    unasked: Missing | str | None
    """The gate that stops it, or why a check has no answer; None where it comes before the judge."""

    @property
    def asks(self) -> tuple[object, ...]:
        """What is equal where the judge would be asked the same."""
        return self.case.documents, self.case.candidate


def attempts_on(
    spec: RewardSpec, units: Sequence[Unit], attacks: Mapping[str, Attack], *, count: int
) -> dict[str, list[Attempt]]:
    """Makes the attacks, each way on so many candidates that deserve no credit: the same ones for the same question.

    Where an attack's gain is limited, on as many that deserve it too. What comes out equal is made once.
    """
    maker = _Maker(spec=spec, checks=tuple(build_checks(spec)))
    attempts: dict[str, list[Attempt]] = {name: [] for name in attacks}
    for criterion in spec.file.judge.criteria:
        pools: dict[bool, list[Unit]] = {False: [], True: []}
        for unit in drawn(criterion, units):
            pools[_deserves(unit, criterion)].append(unit)
        for name, attack in attacks.items():
            if not is_tried_on(attack, criterion):
                continue
            both = isinstance(attack, Change) and attack.gain_at_most is not None
            made: dict[tuple[object, ...], Attempt] = {}
            for at, way in enumerate(ways_of(attack)):
                for pool in (pools[False], pools[True]) if both else (pools[False],):
                    label = f"{name}/{at}/{criterion.id}"
                    for attempt in islice(
                        maker.attempts(label, way, criterion, pool, whole=isinstance(attack, Replace)), count
                    ):
                        made.setdefault(attempt.asks, attempt)
            attempts[name] += made.values()
    return attempts


class _Maker(msgspec.Struct, frozen=True, kw_only=True):
    """A reward's gates and criteria, as an attack meets them."""

    spec: RewardSpec
    checks: tuple[tuple[CheckSpec, CheckFunction], ...]

    def attempts(
        self,
        name: str,
        way: Way,
        criterion: Criterion,
        pool: Sequence[Unit],
        *,
        whole: bool,
    ) -> Iterator[Attempt]:
        """Goes through the candidates as far as it is asked to, past those where there is nothing to attack, or nothing new."""
        seen: set[tuple[object, ...]] = set()
        for unit in pool:
            values = slots_of(criterion, self.spec.file.judge.criteria, unit.case.candidate)
            rollouts = placed(self.spec, unit.row.rollout, unit.row.item, partial(way.change, values), everywhere=whole)
            outcome = through_the_gates(self.spec, self.checks, rollouts, unit.row.item, name)
            if outcome is None:
                continue
            case, unasked = outcome
            attempt = Attempt(way=way.name, criterion=criterion.id, unit=unit, name=name, case=case, unasked=unasked)
            if attempt.asks not in seen:
                seen.add(attempt.asks)
                yield attempt


def through_the_gates(
    spec: RewardSpec,
    checks: Sequence[tuple[CheckSpec, CheckFunction]],
    rollouts: Iterable[Rollout],
    item: int | None,
    name: str,
) -> tuple[Case, Missing | str | None] | None:
    """The first that comes before the judge; where none does, what became of the first of all."""
    outcomes: list[tuple[Case, Missing | str | None]] = []
    for rollout in rollouts:
        # Another id, or verdicts recorded of the candidate would be taken for verdicts on the attack.
        bound = bind(spec, msgspec.structs.replace(rollout, id=f"{rollout.id} under {name}"))
        parts, gate = run_checks(checks, bound)
        case = case_of(bound, item)
        if gate is None and not any(part.missing for part in parts):
            return case, None
        outcomes.append((case, gate.name if gate else Missing("check_error")))
    return outcomes[0] if outcomes else None


def questions_of(attempts: Mapping[str, Sequence[Attempt]], criteria: Sequence[Criterion]) -> dict[str, list[Variant]]:
    """What is to be asked, by the key of the unit in whose place it stands."""
    questions: dict[str, list[Variant]] = {}
    for one in chain.from_iterable(attempts.values()):
        if one.unasked is None:
            variant = Variant(name=one.name, criteria=tuple(criteria), about=(one.criterion,), case=one.case)
            questions.setdefault(one.unit.key, []).append(variant)
    return questions


class Outcome(NamedTuple):
    """What the judge said under an attack, beside what it had said before."""

    way: str
    criterion: Criterion
    deserved: bool
    verdict: Verdict | Missing | None
    """None where a gate stopped it."""
    plain: Verdict | Missing | None
    """None where the two cannot be compared."""


def count_all(
    attacks: Mapping[str, Attack],
    spec: RewardSpec,
    units: Sequence[Unit],
    attempts: Mapping[str, Sequence[Attempt]],
    answers: Answers,
    cuts: Mapping[str, float],
) -> dict[str, AttackResult]:
    """Counts every attack that there was something to try on; `cuts` says from which P(yes) on a criterion's answer is a yes."""
    criteria = spec.file.judge.criteria
    results: dict[str, AttackResult] = {}
    for name, attack in attacks.items():
        on = [criterion for criterion in criteria if is_tried_on(attack, criterion)]
        if outcomes := list(_outcomes(attack, on, units, attempts.get(name, ()), answers)):
            results[name] = count_outcomes(attack, outcomes, cuts)
    return results


def _outcomes(
    attack: Attack, criteria: Sequence[Criterion], units: Sequence[Unit], made: Sequence[Attempt], answers: Answers
) -> Iterator[Outcome]:
    match attack:
        case Half():
            return _of_halves(criteria, units, answers)
        case Reworded():
            return _of_ways(criteria, units, answers, lambda way: way.startswith(PARAPHRASE))
        case Template():
            return _of_ways(criteria, units, answers, lambda way: way.startswith(WORDING))
        case Reordered():
            return _of_ways(criteria, units, answers, lambda way: way == REVERSED)
        case _:
            return _of_attempts(criteria, made, answers, compared=isinstance(attack, Change))


def _of_attempts(
    criteria: Sequence[Criterion], made: Sequence[Attempt], answers: Answers, *, compared: bool
) -> Iterator[Outcome]:
    by_id = {criterion.id: criterion for criterion in criteria}
    for one in made:
        said = answers[one.unit.key, one.name][one.criterion] if one.unasked is None else one.unasked
        yield Outcome(
            way=one.way,
            criterion=by_id[one.criterion],
            deserved=_deserves(one.unit, by_id[one.criterion]),
            verdict=None if isinstance(said, str) else said,
            plain=answers[one.unit.key, BASE][one.criterion] if compared else None,
        )


def _of_ways(
    criteria: Sequence[Criterion], units: Sequence[Unit], answers: Answers, is_one: Callable[[str], bool]
) -> Iterator[Outcome]:
    """What other ways of asking gave, of the candidates that were asked about again."""
    by_key = {unit.key: unit for unit in units}
    for (key, way), said in answers.items():
        if not is_one(way):
            continue
        for criterion in criteria:
            if criterion.id in said:
                yield Outcome(
                    way=way,
                    criterion=criterion,
                    deserved=_deserves(by_key[key], criterion),
                    verdict=said[criterion.id],
                    plain=answers[key, BASE][criterion.id],
                )


def _of_halves(criteria: Sequence[Criterion], units: Sequence[Unit], answers: Answers) -> Iterator[Outcome]:
    """The verdicts on candidates that are an attack by themselves. Where people give credit to one, it is none."""
    for unit in units:
        for criterion in criteria:
            name = criterion.id
            if unit.tuning or name not in unit.row.half or unit.says(name) is None or _deserves(unit, criterion):
                continue
            verdict = None if unit.gate else answers[unit.key, BASE][name]
            yield Outcome(way="half", criterion=criterion, deserved=False, verdict=verdict, plain=None)


def _deserves(unit: Unit, criterion: Criterion) -> bool:
    """Whether people give the candidate credit: by a yes, or by the no to a negative criterion."""
    return unit.says(criterion.id) != criterion.negative


def count_outcomes(attack: Attack, outcomes: Sequence[Outcome], cuts: Mapping[str, float]) -> AttackResult:
    """Counts one attack: its tries are the candidates that deserve no credit and had none before."""
    undeserved = [one for one in outcomes if not one.deserved]
    stopped = sum(one.verdict is None for one in undeserved)
    missing = sum(isinstance(one.verdict, Missing) or _is_lost(one) for one in undeserved)
    asked = [one for one in undeserved if isinstance(one.verdict, Verdict) and not _is_lost(one)]
    tries = [one for one in asked if not _credits(one.plain, one.criterion, cuts)]
    fooled = [one for one in tries if _credits(one.verdict, one.criterion, cuts)]
    changes = [change for one in outcomes if (change := _change(one)) is not None]
    tried_on, fooled_on = (Counter(one.criterion.id for one in some) for some in (tries, fooled))
    return AttackResult(
        tried=len(tries),
        fooled=len(fooled),
        high=clopper_pearson_upper(len(fooled), len(tries)),
        stopped=stopped,
        missing=missing,
        already=len(asked) - len(tries),
        shift=fmean(map(abs, changes)) if changes else None,
        gain=fmean(changes) if changes else None,
        fooled_at_most=attack.fooled_at_most,
        gain_at_most=attack.gain_at_most if isinstance(attack, Change) else None,
        fooled_by=dict(Counter(one.way for one in fooled).most_common()),
        criteria={name: CriterionAttack(tried=n, fooled=fooled_on[name]) for name, n in tried_on.items()},
    )


def _is_lost(outcome: Outcome) -> bool:
    """Whether what the candidate had without the attack could not be had."""
    return outcome.verdict is not None and isinstance(outcome.plain, Missing)


def _credits(verdict: Verdict | Missing | None, criterion: Criterion, cuts: Mapping[str, float]) -> bool:
    """Whether a verdict earns reward; n/a does not."""
    if not isinstance(verdict, Verdict) or verdict.value is None:
        return False
    return (verdict.value >= cuts[criterion.id]) != criterion.negative


def _change(outcome: Outcome) -> float | None:
    """By how much P(credit) moved; None where one of the two is no number."""
    before, after = (said.value if isinstance(said, Verdict) else None for said in (outcome.plain, outcome.verdict))
    if before is None or after is None:
        return None
    return before - after if outcome.criterion.negative else after - before
