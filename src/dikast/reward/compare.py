"""Compares the rollouts of a group, by the schedule that the reward names.

Equal completions are one player. A rollout without any sibling is missing: there is nothing to compare it with.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from dikast.errors import DataError
from dikast.judges.merge import merged
from dikast.judges.panel import common, wants_another
from dikast.judges.preference import PreferenceJudge
from dikast.judges.priming import primed
from dikast.models.base import Capabilities
from dikast.records import Missing, Usage, Verdict
from dikast.reward.binding import Bound, case_of, reference_of
from dikast.reward.duels import (
    Duel,
    all_pairs,
    dice_of,
    swiss_round,
)
from dikast.reward.worth import Outcomes, against_reference, from_ranking, in_group, standings, turned
from dikast.spec.judge import JudgeSpec, PanelRule
from dikast.tasks import first_or_second, side_by_side

T = TypeVar("T")

Documents = tuple[tuple[str, str], ...]

_REFERENCE = -1
"""The reference's number among the players."""


class _Said(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What was answered to one question: by the judges, in their order, or by the second one alone."""

    answers: Sequence[T | Missing]
    by: str | None = None
    """The second judge, where the answer is its."""

    def merged(self, verdicts: Sequence[Verdict | Missing], rule: PanelRule) -> Verdict | Missing:
        """Makes one verdict of those that were read out of the answers, marked with whose it is."""
        verdict = merged(verdicts, rule)
        if isinstance(verdict, Missing) or len(verdicts) > 1:
            return verdict
        return msgspec.structs.replace(verdict, votes=None, by=self.by)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A preference judge, or a panel of them, with the schedule."""

    judges: tuple[PreferenceJudge, ...]
    second: PreferenceJudge | None
    """Asked where the first ones leave a question open, or take too long."""
    spec: JudgeSpec
    reward_hash: str

    @property
    def name(self) -> str:
        """The models that compare, without the one behind them."""
        return ", ".join(judge.asker.name for judge in self.judges)

    @property
    def fingerprint(self) -> str:
        """Of all that may give an answer."""
        return " | ".join(judge.asker.fingerprint for judge in self._all)

    @property
    def capabilities(self) -> Capabilities:
        """What all of them can do."""
        return common([judge.asker.capabilities for judge in self._all])

    @property
    def _all(self) -> list[PreferenceJudge]:
        return [*self.judges, *([self.second] if self.second else [])]

    async def pair(
        self, documents: Documents, first: str, second: str, *, repeat: int = 0
    ) -> tuple[Verdict | Missing, Usage]:
        """Gives the share that the first of two wins, asked as a group would be: by a ranking where the reward ranks."""
        if self.spec.compare == "listwise" and first != second:
            said, usage = await self._ask(lambda judge: judge.rank(documents, [first, second], repeat=repeat))
            won = [from_ranking(ranking, (0, 1), Duel(0, 1)) for ranking in said.answers]
            return said.merged(won, self.spec.panel), usage
        return await self._one_duel(documents, first, second, None, repeat=repeat)

    async def compare(
        self, group: Sequence[Bound], *, until: float | None = None
    ) -> list[tuple[Verdict | Missing, Usage]]:
        """Gives each rollout's worth in 0..1, in order: the share won against the reference, else σ(θ) in its group.

        Raises `DataError` where they do not belong together.
        """
        self._require_alike(group)
        texts = [case_of(bound, None).candidate for bound in group]
        # By their ids, as the dice has them: the order in which a trainer hands its rollouts over decides no duel.
        by_id = sorted(range(len(group)), key=lambda at: group[at].rollout.id)
        players = list(dict.fromkeys(texts[at] for at in by_id))
        documents = case_of(group[0], None).documents
        if self.spec.compare == "reference":
            outcomes, usage = await self._meet_reference(group, players, documents, until)
            worth = [against_reference(player, outcomes) for player in range(len(players))]
        elif len(group) == 1:
            return [(Missing("not_applicable", "no other rollout of its prompt to compare with"), Usage())]
        elif len(players) == 1:
            return [(Verdict(value=0.5, reason="equal to all its siblings"), Usage()) for _ in group]
        else:
            outcomes, usage = await self._meet_each_other(group, players, documents, until)
            worth = in_group(len(players), outcomes)
        costs = [usage, *[Usage()] * (len(group) - 1)]
        return [(worth[players.index(text)], cost) for text, cost in zip(texts, costs, strict=True)]

    def _require_alike(self, group: Sequence[Bound]) -> None:
        """One question shows two rollouts and one set of documents: those of a group must be the same."""
        first, *others = group
        for other in others:
            same = case_of(other, None).documents == case_of(first, None).documents
            if self.spec.compare == "reference":
                same = same and other.rollout.reference == first.rollout.reference
            if not same:
                raise DataError(
                    f"rollouts '{first.rollout.id}' and '{other.rollout.id}' of group '{first.rollout.group}' have different "
                    "inputs or references, and cannot be compared; give them different groups"
                )

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
            duels = swiss_round(standings(len(players), outcomes), outcomes, self._dice(group, turn))
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
            said, cost = await self._ask(lambda judge, texts=texts: judge.rank(documents, texts, until=until))
            usage += cost
            for duel in pairs:
                won = [from_ranking(ranking, seats, duel) for ranking in said.answers]
                # The second order's duels stand the other way round, and count beside the first's.
                key = duel if seats is order else Duel(duel.second, duel.first)
                outcome = said.merged(won, self.spec.panel)
                outcomes[key] = outcome if key is duel else turned(outcome)
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
        self, documents: Documents, first: str, second: str, until: float | None, *, repeat: int = 0
    ) -> tuple[Verdict | Missing, Usage]:
        if first == second:
            return Verdict(value=0.5, reason="equal to each other"), Usage()
        said, usage = await self._ask(lambda judge: judge.duel(documents, first, second, repeat=repeat, until=until))
        return said.merged(said.answers, self.spec.panel), usage

    async def _ask(
        self, ask: Callable[[PreferenceJudge], Coroutine[Any, Any, tuple[T | Missing, Usage]]]
    ) -> tuple[_Said[T], Usage]:
        """What the judges say to one question; where none of them has an answer, or not soon enough, the second one."""
        first, second = _together(map(ask, self.judges)), self.second
        if second is None or self.spec.fallback is None:
            said, usage = await first
            return _Said(answers=said), usage
        one, other = await first_or_second(
            first,
            lambda _: _together([ask(second)]),
            after=self.spec.fallback.after,
            enough=lambda said: _any_answer(said) or not any(map(wants_another, said[0])),
            whole=_any_answer,
        )
        usage = (one[1] if one else Usage()) + (other[1] if other else Usage())
        if other is not None and (one is None or (not _any_answer(one) and _any_answer(other))):
            return _Said(answers=other[0], by=second.asker.name), usage
        assert one is not None
        return _Said(answers=one[0]), usage

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
