"""From duels to strengths: who meets whom, and what a player is worth after it. Pure.

A player is one distinct completion of a group, by its number. An outcome is the share of a duel that its
first player won: 1 for a win, ½ for a tie, in between where the judge gave a probability.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
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
    """Everybody meets everybody once, and sits first in half of its duels, one more or less."""
    order = list(range(players))
    dice.shuffle(order)
    return [
        Duel(order[one], order[other]) if (one + other) % 2 else Duel(order[other], order[one])
        for one, other in combinations(range(players), 2)
    ]


def swiss_round(standings: Sequence[float], fought: Collection[Duel], dice: random.Random) -> list[Duel]:
    """Pairs players of like standing who have not met. Of an odd number one rests, who has not rested more than others.

    Equal standings are in shuffled order, and of a pair sits first who did so less often. After fewer rounds than half
    the players everybody else finds an opponent; later some may have met all who are left, and rest too.
    """
    order = list(range(len(standings)))
    dice.shuffle(order)
    order.sort(key=lambda player: -standings[player])
    met = frozenset(frozenset((duel.first, duel.second)) for duel in fought)
    firsts = Counter(duel.first for duel in fought)
    return [_seated(one, other, firsts, dice) for one, other in _paired(order, met)]


def _seated(one: int, other: int, firsts: Counter[int], dice: random.Random) -> Duel:
    lead = firsts[one] - firsts[other]
    return Duel(one, other) if lead < 0 or (lead == 0 and dice.random() < 0.5) else Duel(other, one)


def _paired(order: Sequence[int], met: frozenset[frozenset[int]]) -> list[tuple[int, int]]:
    if len(order) % 2 == 0:
        return _neighbours(order, met)
    duels = Counter(player for pair in met for player in pair)
    pairs: list[tuple[int, int]] = []
    # Whoever fought most rests, the lowest of them first: the others would have too little to go by.
    for at in sorted(range(len(order)), key=lambda at: (duels[order[at]], at), reverse=True):
        pairs = max(pairs, _neighbours([*order[:at], *order[at + 1 :]], met), key=len)
        if len(pairs) == len(order) // 2:
            break
    return pairs


def _neighbours(order: Sequence[int], met: frozenset[frozenset[int]]) -> list[tuple[int, int]]:
    """Pairs each, from the top, with the next one that it has not met."""
    left = list(order)
    pairs: list[tuple[int, int]] = []
    alone: list[int] = []
    while left:
        player = left.pop(0)
        other = next((at for at, one in enumerate(left) if frozenset((player, one)) not in met), None)
        if other is None:
            alone.append(player)
        else:
            pairs.append((player, left.pop(other)))
    for one, other in zip(alone[::2], alone[1::2], strict=False):
        _let_in(one, other, pairs, met)
    return pairs


def _let_in(one: int, other: int, pairs: list[tuple[int, int]], met: frozenset[frozenset[int]]) -> None:
    """Parts a pair for two that were left over and have met each other, the lowest pair that can be."""
    for at in reversed(range(len(pairs))):
        for mine, yours in (pairs[at], pairs[at][::-1]):
            if not {frozenset((one, mine)), frozenset((other, yours))} & met:
                pairs[at : at + 1] = [(one, mine), (other, yours)]
                return


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
