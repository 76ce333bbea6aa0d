"""From duels to strengths: who meets whom, and what a player is worth after it. Pure.

A player is one distinct completion of a group, by its number. An outcome is the share of a duel that its
first player won: 1 for a win, ½ for a tie, in between where the judge gave a probability.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec

ANSWERED_SHARE = 0.5
"""Share of a player's planned duels that must have been answered for its strength to count."""

_STEPS = 200
_PRECISE = 1e-10


class Duel(msgspec.Struct, frozen=True):
    """Two players in the order in which the judge sees them."""

    first: int
    second: int


def dice_of(reward_hash: str, group: str, ids: Sequence[str], turn: int) -> random.Random:
    """Gives the dice of one round: seeded by SHA-256(reward hash, group, ids, round), so that a replay meets the same pairs."""
    digest = hashlib.sha256()
    for field in (reward_hash, group, *ids, str(turn)):
        raw = field.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return random.Random(digest.digest())


def all_pairs(players: int, dice: random.Random) -> list[Duel]:
    """Everybody meets everybody once, in shuffled seats."""
    return [_seated(one, other, dice) for one, other in combinations(range(players), 2)]


def swiss_round(points: Sequence[float], met: frozenset[frozenset[int]], dice: random.Random) -> list[Duel]:
    """Pairs players of like standing who have not met; where the number is odd, or no one is left to meet, one rests.

    `points` are the duels won so far. Equal standings are in shuffled order.
    """
    order = list(range(len(points)))
    dice.shuffle(order)
    order.sort(key=lambda player: -points[player])
    duels: list[Duel] = []
    while order:
        player = order.pop(0)
        other = next((at for at, one in enumerate(order) if frozenset((player, one)) not in met), None)
        if other is not None:
            duels.append(_seated(player, order.pop(other), dice))
    return duels


def ranking_duels(ranking: Sequence[int]) -> dict[Duel, float]:
    """The duels that a ranking, best first, stands for: everybody beats whoever stands behind."""
    return {Duel(better, worse): 1.0 for better, worse in combinations(ranking, 2)}


def strengths(players: int, outcomes: Mapping[Duel, float]) -> list[float]:
    """Bradley–Terry strengths θ at the maximum of the posterior under a unit normal prior, 0 for a player of no duel.

    Maximises Σ y log σ(θ_i − θ_j) + (1 − y) log σ(θ_j − θ_i) − ½ Σ θ² over the duels (i, j) with outcome y
    (Bradley and Terry 1952; the prior as in Caron and Doucet 2012, with a normal in place of a gamma). The prior
    keeps a player who won everything finite and pulls whoever met few towards 0.
    """
    theta = [0.0] * players
    faced: list[list[tuple[int, float]]] = [[] for _ in range(players)]
    for duel, outcome in outcomes.items():
        faced[duel.first].append((duel.second, outcome))
        faced[duel.second].append((duel.first, 1 - outcome))
    for _ in range(_STEPS):
        moved = 0.0
        # One coordinate after the other by Newton's rule: the posterior is concave, and a group is small.
        for player, duels in enumerate(faced):
            slope, bend = -theta[player], -1.0
            for other, outcome in duels:
                chance = sigmoid(theta[player] - theta[other])
                slope += outcome - chance
                bend -= chance * (1 - chance)
            step = -slope / bend
            theta[player] += step
            moved = max(moved, abs(step))
        if moved < _PRECISE:
            break
    return theta


def sigmoid(x: float) -> float:
    """1 / (1 + e^(−x))."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _seated(one: int, other: int, dice: random.Random) -> Duel:
    return Duel(one, other) if dice.random() < 0.5 else Duel(other, one)
