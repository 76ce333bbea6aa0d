"""Attacks a preference judge: makes each attack on one side of labelled pairs, and counts what came of it.

    attempts = attempts_on(spec, pairs, attacks, count=12)
    answers = await ask_duels([*questions, *duels_of(attempts)], judge, progress)
    results = count_attacks(attacks, spec, pairs, attempts, answers)

The side that people prefer less deserves no credit, and credit is to win; a tie is no win. An attack goes through the
reward's gates as in training, and is asked as it trains: in both orders where both train, else in one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from statistics import fmean

import msgspec

from dikast.certify.attacks import Attack, Change, Replace, Swapped, Way, is_tried_on, ways_of
from dikast.certify.attempts import Outcome, count_outcomes, through_the_gates
from dikast.certify.certificate import AttackResult
from dikast.certify.duels.figures import PRECISE
from dikast.certify.duels.labels import Side
from dikast.certify.duels.questions import SIDES, Answers, Pair, Question, drawn, name_of, seats_of
from dikast.certify.placing import placed
from dikast.checks.base import CheckFunction
from dikast.checks.building import build_checks
from dikast.judges.fence import fence_of, shown
from dikast.records import Missing, Verdict
from dikast.reward.worth import turned
from dikast.spec.checks import CheckSpec
from dikast.spec.judge import PREFERENCE, Criterion
from dikast.spec.reward import RewardSpec

_A_WIN = math.nextafter(0.5, 1)
"""The least share that is more than a tie."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One way of an attack, made on one side of one pair."""

    way: str
    pair: Pair
    side: Side
    questions: tuple[Question, ...]
    """One for each order that is asked."""
    unasked: Missing | str | None
    """The gate that stops it, or why a check has no answer."""

    @property
    def asks(self) -> tuple[object, ...]:
        """What is equal where the judge would be asked the same."""
        return tuple(question.asks for question in self.questions)


def attempts_on(
    spec: RewardSpec, pairs: Sequence[Pair], attacks: Mapping[str, Attack], *, count: int
) -> dict[str, list[Attempt]]:
    """Makes the attacks, each way on so many losing sides: of the same pairs for the same question.

    Where an attack's gain is limited, on as many winning ones too. What comes out equal is made once.
    """
    maker = _Maker(spec=spec, checks=tuple(build_checks(spec)))
    decided = [pair for pair in drawn(spec.file.judge.prefer or "", pairs) if pair.a_is_better is not None]
    pools: dict[bool, list[tuple[Pair, Side]]] = {
        better: [(pair, _side(pair, better=better)) for pair in decided] for better in (False, True)
    }
    attempts: dict[str, list[Attempt]] = {}
    for name, attack in attacks.items():
        both = isinstance(attack, Change) and attack.gain_at_most is not None
        made: dict[tuple[object, ...], Attempt] = {}
        for at, way in enumerate(ways_of(attack)) if is_tried_on(attack, preferred(spec)) else ():
            for pool in (pools[False], pools[True]) if both else (pools[False],):
                some = maker.attempts(f"{name}/{at}", way, pool, whole=isinstance(attack, Replace))
                for attempt in islice(some, count):
                    made.setdefault(attempt.asks, attempt)
        attempts[name] = list(made.values())
    return attempts


def preferred(spec: RewardSpec) -> Criterion:
    """What is asked of a pair, as a criterion: whether this side is the better one."""
    return Criterion(id=PREFERENCE, ask=spec.file.judge.prefer or "")


def _side(pair: Pair, *, better: bool) -> Side:
    return "a" if pair.a_is_better == better else "b"


class _Maker(msgspec.Struct, frozen=True, kw_only=True):
    """A reward's gates and its way of comparing, as an attack meets them."""

    spec: RewardSpec
    checks: tuple[tuple[CheckSpec, CheckFunction], ...]

    def attempts(self, name: str, way: Way, pool: Sequence[tuple[Pair, Side]], *, whole: bool) -> Iterator[Attempt]:
        """Goes through the sides as far as it is asked to, past those where there is nothing to attack, or nothing new."""
        seen: set[tuple[object, ...]] = set()
        for pair, side in pool:
            questions: list[Question] = []
            stopped: Missing | str | None = None
            for first in seats_of(pair, swap=self.spec.file.judge.swap):
                values = self._slots(pair, side, first)
                rollouts = placed(self.spec, pair.rollouts[side], None, partial(way.change, values), everywhere=whole)
                outcome = through_the_gates(self.spec, self.checks, rollouts, None, name)
                if outcome is None:
                    continue
                case, unasked = outcome
                stopped = stopped or unasked
                questions.append(self._question(f"{name}/{side}/{name_of(first)}", pair, side, first, case.candidate))
            attempt = Attempt(way=way.name, pair=pair, side=side, questions=tuple(questions), unasked=stopped)
            if questions and attempt.asks not in seen:
                seen.add(attempt.asks)
                yield attempt

    def _question(self, name: str, pair: Pair, side: Side, first: Side, text: str) -> Question:
        texts: dict[Side, str] = {one: text if one == side else pair.cases[one].candidate for one in SIDES}
        return Question(pair=pair.key, name=name, documents=pair.cases[side].documents, texts=texts, first=first)

    def _slots(self, pair: Pair, side: Side, first: Side) -> dict[str, str]:
        """What the slots of a text stand for. The attack knows its place, which a policy would have to guess."""
        listwise = self.spec.file.judge.compare == "listwise"
        places = ("1", "2") if listwise else ("A", "B")
        place = places[side != first]
        said = {"ranking": [1, 2] if side == first else [2, 1]} if listwise else {"better": place}
        return {
            "criterion": PREFERENCE,
            "credit": place,
            "claim": (self.spec.file.judge.prefer or "").strip(),
            "fence": fence_of(shown(pair.cases[side].candidate).strip()),
            "verdicts": msgspec.json.encode({"reason": "It is the better one.", **said}).decode(),
        }


def duels_of(attempts: Mapping[str, Sequence[Attempt]]) -> list[Question]:
    """What is to be asked: no gate stops it."""
    made = chain.from_iterable(attempts.values())
    return [question for one in made if one.unasked is None for question in one.questions]


def count_attacks(
    attacks: Mapping[str, Attack],
    spec: RewardSpec,
    pairs: Sequence[Pair],
    attempts: Mapping[str, Sequence[Attempt]],
    answers: Answers,
) -> dict[str, AttackResult]:
    """Counts every attack that there was something to try on."""
    criterion = preferred(spec)
    results: dict[str, AttackResult] = {}
    for name, attack in attacks.items():
        if not is_tried_on(attack, criterion):
            continue
        if isinstance(attack, Swapped):
            outcomes = list(_of_places(pairs, answers, criterion))
        else:
            compared = isinstance(attack, Change)
            outcomes = [_outcome(one, answers, criterion, compared=compared) for one in attempts.get(name, ())]
        if outcomes:
            results[name] = count_outcomes(attack, outcomes, {criterion.id: _A_WIN})
    return results


def _outcome(attempt: Attempt, answers: Answers, criterion: Criterion, *, compared: bool) -> Outcome:
    key, side = attempt.pair.key, attempt.side
    verdict = attempt.unasked or _mean([answers[key, question.name] for question in attempt.questions], side)
    plain = _mean([answers[key, name_of(question.first)] for question in attempt.questions], side)
    return Outcome(
        way=attempt.way,
        criterion=criterion,
        deserved=_side(attempt.pair, better=True) == side,
        verdict=None if isinstance(verdict, str) else verdict,
        plain=plain if compared else None,
    )


def _of_places(pairs: Sequence[Pair], answers: Answers, criterion: Criterion) -> Iterator[Outcome]:
    """What the losing side of each untouched pair wins in one place, beside what it had in the other."""
    for pair in pairs:
        if pair.tuning or not pair.asked or pair.a_is_better is None:
            continue
        side = _side(pair, better=False)
        for first in SIDES:
            said, before = (answers[pair.key, name_of(one)] for one in (first, "b" if first == "a" else "a"))
            yield Outcome(
                way="shown first" if first == side else "shown second",
                criterion=criterion,
                deserved=False,
                verdict=_mean([said], side),
                plain=_mean([before], side),
            )


def _mean(said: Sequence[Verdict | Missing], side: Side) -> Verdict | Missing:
    """What a side wins on average; missing where an order is."""
    values: list[float] = []
    for one in said:
        seen = one if side == "a" else turned(one)
        if isinstance(seen, Missing):
            return seen
        values.append(seen.value or 0.0)
    return Verdict(value=round(fmean(values), PRECISE))
