"""Compares the rollouts of a group, by the schedule that the reward names, and says what each is worth.

Equal completions are one player. A player who had fewer than half of its planned duels answered is
missing, and so is a rollout without any sibling: a share of nothing is no number.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from dikast.judges.merge import merged
from dikast.judges.panel import wants_another
from dikast.judges.preference import PreferenceJudge
from dikast.records import Missing, Usage, Verdict
from dikast.reward.binding import Bound, case_of, reference_of
from dikast.reward.duels import (
    ANSWERED_SHARE,
    Duel,
    all_pairs,
    dice_of,
    ranking_duels,
    sigmoid,
    strengths,
    swiss_round,
)
from dikast.reward.priming import primed
from dikast.spec.judge import JudgeSpec
from dikast.tasks import first_or_second, side_by_side

T = TypeVar("T")

Outcomes = dict[Duel, Verdict | Missing]
Documents = tuple[tuple[str, str], ...]

_REFERENCE = -1
"""The reference's number among the players."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A preference judge, or a panel of them, with the schedule."""

    judges: tuple[PreferenceJudge, ...]
    second: PreferenceJudge | None
    """Asked where the first ones leave a question open, or take too long."""
    spec: JudgeSpec
    reward_hash: str

    async def compare(
        self, group: Sequence[Bound], *, until: float | None = None
    ) -> list[tuple[Verdict | Missing, Usage]]:
        """Gives each rollout's worth in 0..1, in order: the share won against the reference, else σ(θ) in its group."""
        texts = [case_of(bound, None).candidate for bound in group]
        # Sorted, as the dice's ids are: the order in which a trainer hands its rollouts over decides no duel.
        players = sorted(set(texts))
        documents = case_of(group[0], None).documents
        if self.spec.compare == "reference":
            outcomes, usage = await self._meet_reference(group, players, documents, until)
            worth = [_against_reference(player, outcomes) for player in range(len(players))]
        elif len(group) == 1:
            return [(Missing("not_applicable", "no other rollout of its prompt to compare with"), Usage())]
        elif len(players) == 1:
            return [(Verdict(value=0.5, reason="equal to all its siblings"), Usage()) for _ in group]
        else:
            outcomes, usage = await self._meet_each_other(group, players, documents, until)
            worth = _in_group(len(players), outcomes)
        costs = [usage, *[Usage()] * (len(group) - 1)]
        return [(worth[players.index(text)], cost) for text, cost in zip(texts, costs, strict=True)]

    async def _meet_reference(
        self, group: Sequence[Bound], players: Sequence[str], documents: Documents, until: float | None
    ) -> tuple[Outcomes, Usage]:
        reference = reference_of(group[0])
        dice = self._dice(group, 0)
        duels = [
            Duel(player, _REFERENCE) if dice.random() < 0.5 else Duel(_REFERENCE, player)
            for player in range(len(players))
        ]
        return await self._fight(duels, [*players, reference], documents, until)

    async def _meet_each_other(
        self, group: Sequence[Bound], players: Sequence[str], documents: Documents, until: float | None
    ) -> tuple[Outcomes, Usage]:
        match self.spec.compare:
            case "listwise":
                return await self._rank(group, players, documents, until)
            case "round_robin":
                return await self._fight(all_pairs(len(players), self._dice(group, 0)), players, documents, until)
            case _:
                return await self._swiss(group, players, documents, until)

    async def _swiss(
        self, group: Sequence[Bound], players: Sequence[str], documents: Documents, until: float | None
    ) -> tuple[Outcomes, Usage]:
        outcomes: Outcomes = {}
        usage = Usage()
        for turn in range(self.spec.rounds):
            duels = swiss_round(_standings(len(players), outcomes), outcomes, self._dice(group, turn))
            if not duels:
                break
            fought, cost = await self._fight(duels, players, documents, until, first=turn == 0)
            usage += cost
            outcomes |= fought
        return outcomes, usage

    async def _rank(
        self, group: Sequence[Bound], players: Sequence[str], documents: Documents, until: float | None
    ) -> tuple[Outcomes, Usage]:
        order = list(range(len(players)))
        orders = [order]
        self._dice(group, 0).shuffle(order)
        if self.spec.swap:
            orders.append(order[::-1])
        pairs = [Duel(one, other) for one in range(len(players)) for other in range(one + 1, len(players))]
        outcomes: Outcomes = {}
        usage = Usage()
        for seats in orders:
            texts = [players[player] for player in seats]
            rankings, cost = await self._ask(lambda judge, texts=texts: judge.rank(documents, texts, until=until))
            usage += cost
            for duel in pairs:
                said = [_from_ranking(ranking, seats, duel) for ranking in rankings]
                # The second order's duels stand the other way round, and count beside the first's.
                key = duel if seats is order else Duel(duel.second, duel.first)
                outcome = merged(said, self.spec.panel)
                outcomes[key] = outcome if key is duel else _turned(outcome)
        return outcomes, usage

    async def _fight(
        self,
        duels: Sequence[Duel],
        players: Sequence[str],
        documents: Documents,
        until: float | None,
        *,
        first: bool = True,
    ) -> tuple[Outcomes, Usage]:
        """Has the duels judged; `first`, where nothing was asked about the documents before."""
        planned = [*duels, *(Duel(duel.second, duel.first) for duel in duels if self.spec.swap)]
        work = [
            partial(self._one_duel, documents, players[duel.first], players[duel.second], until) for duel in planned
        ]
        fought = await primed(work, prefix=sum(len(text) for _, text in documents) if first else 0)
        usage = Usage()
        for _, cost in fought:
            usage += cost
        return {duel: outcome for duel, (outcome, _) in zip(planned, fought, strict=True)}, usage

    async def _one_duel(
        self, documents: Documents, first: str, second: str, until: float | None
    ) -> tuple[Verdict | Missing, Usage]:
        if first == second:
            return Verdict(value=0.5, reason="equal to each other"), Usage()
        said, usage = await self._ask(lambda judge: judge.duel(documents, first, second, until=until))
        return merged(said, self.spec.panel), usage

    async def _ask(
        self, ask: Callable[[PreferenceJudge], Coroutine[Any, Any, tuple[T | Missing, Usage]]]
    ) -> tuple[list[T | Missing], Usage]:
        """What the judges say to one question; where none of them has an answer, or not soon enough, the second one."""
        first, second = _together(map(ask, self.judges)), self.second
        if second is None or self.spec.fallback is None:
            return await first
        heard = await first_or_second(
            first,
            lambda _: _together([ask(second)]),
            after=self.spec.fallback.after,
            enough=lambda said: _any_answer(said) or not any(map(wants_another, said[0])),
            whole=_any_answer,
        )
        there = [one for one in heard if one is not None]
        said, _ = next(filter(_any_answer, there), there[0])
        usage = Usage()
        for _, cost in there:
            usage += cost
        return said, usage

    def _dice(self, group: Sequence[Bound], turn: int) -> random.Random:
        ids = sorted(bound.rollout.id for bound in group)
        return dice_of(self.reward_hash, group[0].rollout.group, ids, turn)


async def _together(
    asked: Iterable[Coroutine[Any, Any, tuple[T | Missing, Usage]]],
) -> tuple[list[T | Missing], Usage]:
    usage = Usage()
    said: list[T | Missing] = []
    for outcome, cost in await side_by_side(asked):
        said.append(outcome)
        usage += cost
    return said, usage


def _any_answer(heard: tuple[Sequence[object], Usage]) -> bool:
    return not all(isinstance(one, Missing) for one in heard[0])


def _against_reference(player: int, outcomes: Outcomes) -> Verdict | Missing:
    said = [
        outcome if duel.first == player else _turned(outcome)
        for duel, outcome in outcomes.items()
        if player in (duel.first, duel.second)
    ]
    won = [verdict.value for verdict in said if isinstance(verdict, Verdict) and verdict.value is not None]
    if len(won) < ANSWERED_SHARE * len(said):
        return _most_common(said)
    return Verdict(value=sum(won) / len(won), reason=f"won {sum(won):g} of {len(won)} against the reference")


def _in_group(players: int, outcomes: Outcomes) -> list[Verdict | Missing]:
    answered = {
        duel: outcome.value
        for duel, outcome in outcomes.items()
        if isinstance(outcome, Verdict) and outcome.value is not None
    }
    theta = strengths(players, answered)
    worth: list[Verdict | Missing] = []
    for player in range(players):
        planned = [outcome for duel, outcome in outcomes.items() if player in (duel.first, duel.second)]
        had = {duel: won for duel, won in answered.items() if player in (duel.first, duel.second)}
        if not planned or len(had) < ANSWERED_SHARE * len(planned):
            worth.append(_most_common(planned))
            continue
        won = sum(share if duel.first == player else 1 - share for duel, share in had.items())
        worth.append(Verdict(value=sigmoid(theta[player]), reason=f"won {won:g} of {len(had)} duels in its group"))
    return worth


def _standings(players: int, outcomes: Outcomes) -> list[float]:
    """Share of its answered duels that each player won; half where it had none, so that a rest is no defeat."""
    won: list[list[float]] = [[] for _ in range(players)]
    for duel, outcome in outcomes.items():
        if isinstance(outcome, Verdict) and outcome.value is not None:
            won[duel.first].append(outcome.value)
            won[duel.second].append(1 - outcome.value)
    return [sum(shares) / len(shares) if shares else 0.5 for shares in won]


def _most_common(said: Sequence[Verdict | Missing]) -> Missing:
    missing = [one for one in said if isinstance(one, Missing)]
    if not missing:
        return Missing("not_applicable", "no duel was planned for it")
    counts = Counter(one.reason for one in missing)
    commonest = max(missing, key=lambda one: counts[one.reason])
    return Missing(commonest.reason, f"{counts[commonest.reason]} of {len(said)} duels")


def _from_ranking(ranking: list[int] | Missing, seats: Sequence[int], duel: Duel) -> Verdict | Missing:
    if isinstance(ranking, Missing):
        return ranking
    won = ranking_duels([seats[at] for at in ranking])
    return Verdict(value=1.0 if duel in won else 0.0)


def _turned(outcome: Verdict | Missing) -> Verdict | Missing:
    """The same outcome as the second player sees it."""
    if isinstance(outcome, Missing) or outcome.value is None:
        return outcome
    return msgspec.structs.replace(outcome, value=1 - outcome.value)
