"""What a player of duels is worth, from their outcomes.

A player who had fewer than half of its planned duels answered is missing: a share of nothing is no number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from dikast.records import Missing, Verdict
from dikast.reward.duels import ANSWERED_SHARE, Duel, ranking_duels, sigmoid, strengths

Outcomes = dict[Duel, Verdict | Missing]
"""Of each duel the share that the first player won, or why that is not known."""


def against_reference(player: int, outcomes: Outcomes) -> Verdict | Missing:
    """The share of its duels with the reference that the player won, in 0..1."""
    said = _seen_by(player, outcomes)
    won = [verdict.value for verdict in said if isinstance(verdict, Verdict) and verdict.value is not None]
    if len(won) < ANSWERED_SHARE * len(said):
        return _most_common(said)
    return _worth(sum(won) / len(won), f"won {sum(won):g} of {len(won)} against the reference", said)


def in_group(players: int, outcomes: Outcomes) -> list[Verdict | Missing]:
    """Each player's σ(θ), with θ its Bradley-Terry strength among the others."""
    answered = {
        duel: outcome.value
        for duel, outcome in outcomes.items()
        if isinstance(outcome, Verdict) and outcome.value is not None
    }
    theta = strengths(players, answered)
    worth: list[Verdict | Missing] = []
    for player in range(players):
        planned = _seen_by(player, outcomes)
        won = [one.value for one in planned if isinstance(one, Verdict) and one.value is not None]
        if not planned or len(won) < ANSWERED_SHARE * len(planned):
            worth.append(_most_common(planned))
            continue
        worth.append(_worth(sigmoid(theta[player]), f"won {sum(won):g} of {len(won)} duels in its group", planned))
    return worth


def _worth(value: float, reason: str, said: Sequence[Verdict | Missing]) -> Verdict:
    """A player's worth, with the share that each member of a panel gives it, and the second judge where it was asked."""
    verdicts = [verdict for verdict in said if isinstance(verdict, Verdict)]
    by = next((verdict.by for verdict in verdicts if verdict.by), None)
    votes = [verdict.votes for verdict in verdicts if verdict.votes]
    return Verdict(value=value, reason=reason, votes=_shares(votes) if votes else None, by=by)


def _shares(votes: Sequence[tuple[float | None, ...]]) -> tuple[float | None, ...]:
    """What each member of a panel gives in the mean of its duels; None where it answered none."""
    shares: list[float | None] = []
    for of_member in zip(*votes, strict=True):
        given = [vote for vote in of_member if vote is not None]
        shares.append(sum(given) / len(given) if given else None)
    return tuple(shares)


def _seen_by(player: int, outcomes: Outcomes) -> list[Verdict | Missing]:
    """The outcomes of a player's duels, as it sees them: 1 is won."""
    return [
        outcome if duel.first == player else turned(outcome)
        for duel, outcome in outcomes.items()
        if player in (duel.first, duel.second)
    ]


def standings(players: int, outcomes: Outcomes) -> list[float]:
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


def from_ranking(ranking: list[int] | Missing, seats: Sequence[int], duel: Duel) -> Verdict | Missing:
    """The duel as a ranking of seats decides it; `seats` says which player sat where."""
    if isinstance(ranking, Missing):
        return ranking
    won = ranking_duels([seats[at] for at in ranking])
    return Verdict(value=1.0 if duel in won else 0.0)


def turned(outcome: Verdict | Missing) -> Verdict | Missing:
    """The same outcome as the second player sees it."""
    if isinstance(outcome, Missing) or outcome.value is None:
        return outcome
    votes = outcome.votes and tuple(None if vote is None else 1 - vote for vote in outcome.votes)
    return msgspec.structs.replace(outcome, value=1 - outcome.value, votes=votes)
