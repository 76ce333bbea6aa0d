"""From answers about pairs to figures: how often the judge is right, and whether place or repetition changes it.

What trains is one order at random, or the mean of both where the reward says `swap`. Of one at random each order
counts half of the pair, which is what the lot comes to. The better side has won from P above ½ on; ½ is a tie, and
half right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, pvariance
from typing import NamedTuple

import msgspec

from dikast.certify.certificate import PreferenceFigures, VariantResult
from dikast.certify.duels.questions import REPEAT, SIDES, Answers, Pair, name_of
from dikast.certify.samples import AskedAgain, flip_rate_of
from dikast.records import Missing, Verdict
from dikast.stats.agreement import Confusion, auc
from dikast.stats.intervals import Interval, bootstrap_mean, wilson

PRECISE = 9
"""Decimals of a P(a) that count: 0.72 and 1 - 0.28 are one number."""


class Heard(NamedTuple):
    """A pair with an answer in either order."""

    pair: Pair
    chances: tuple[float, float]
    """P(a) with a shown first, and with b."""


class Sample(NamedTuple):
    """The pairs of which people prefer one side, beside the judge's answers, and what is in no rate."""

    heard: list[Heard]
    missing: dict[str, int]
    """Answers that could not be had, by reason. Their pairs are in no rate."""
    left_out: dict[str, int]
    unheard: list[bool]
    """Of those pairs, whether a is the better side."""


def sample_of(pairs: Iterable[Pair], answers: Answers) -> Sample:
    """Takes the pairs that people decided, and counts what cannot be compared."""
    heard: list[Heard] = []
    missing: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    unheard: list[bool] = []
    for pair in pairs:
        if not pair.votes:
            continue
        if pair.gate:
            left_out[f"stopped by the gate {pair.gate}"] += 1
            continue
        if pair.a_is_better is None:
            left_out["people say tie" if pair.truth == "n/a" else "people disagree"] += 1
            continue
        chances = chances_of(pair, answers)
        if chances is not None:
            heard.append(Heard(pair, chances))
            continue
        said = [answers[pair.key, name_of(first)] for first in SIDES]
        missing.update(one.reason for one in said if isinstance(one, Missing))
        unheard.append(pair.a_is_better)
    return Sample(heard, dict(missing), dict(left_out), unheard)


def chances_of(pair: Pair, answers: Answers, repeat: int = 0) -> tuple[float, float] | None:
    """P(a) in both orders; None where one of them could not be had."""
    a, b = (_chance(answers.get((pair.key, name_of(first, repeat)))) for first in SIDES)
    return None if a is None or b is None else (a, b)


def _chance(said: Verdict | Missing | None) -> float | None:
    return round(said.value, PRECISE) if isinstance(said, Verdict) and said.value is not None else None


def trained(chances: Sequence[float], *, swap: bool) -> list[float]:
    """What a pair comes to in training: the mean of both orders, or either of them."""
    return [round(fmean(chances), PRECISE)] if swap else list(chances)


def right(chance: float, a_is_better: bool) -> float:
    """1 where the better side wins, ½ for a tie."""
    return 0.5 if chance == 0.5 else float((chance > 0.5) == a_is_better)


def table_of(heard: Iterable[Heard], *, swap: bool) -> Confusion:
    """Counts for a against people, each pair once."""
    table = Confusion()
    for pair, chances in heard:
        better = pair.a_is_better is True
        credit = fmean(right(chance, better) for chance in trained(chances, swap=swap))
        one = Confusion(tp=credit, fn=1 - credit) if better else Confusion(tn=credit, fp=1 - credit)
        table = table.plus(one)
    return table


def figures_of(
    sample: Sample, tuning: Sample, untouched: Sequence[Pair], answers: Answers, *, swap: bool
) -> PreferenceFigures:
    """All that is said of duels alone; `untouched` are the pairs of the untouched part, decided or not."""
    rights = [
        tuple(right(chance, pair.a_is_better is True) for chance in (*chances, round(fmean(chances), PRECISE)))
        for pair, chances in sample.heard
    ]
    one_order, both_orders = _share([(a + b) / 2 for a, b, _ in rights]), _share([both for *_, both in rights])
    consistency, first_place = _position(untouched, answers)
    return PreferenceFigures(
        swap=swap,
        accuracy=both_orders if swap else one_order,
        by_order={name_of(first): _share([one[at] for one in rights]) for at, first in enumerate(SIDES)},
        one_order=one_order,
        both_orders=both_orders,
        right_twice=_share([float(a == b == 1) for a, b, _ in rights]),
        consistency=consistency,
        first_place=first_place,
        tuning=_share(
            [
                fmean(right(chance, pair.a_is_better is True) for chance in trained(chances, swap=swap))
                for pair, chances in tuning.heard
            ]
        ),
    )


def _share(values: Sequence[float]) -> Interval:
    """The mean of values in 0..1 with Wilson's interval, its n that which their spread stands for."""
    import numpy as np

    from dikast.stats.shares import share

    return share(np.asarray(values, dtype=np.float64))


def _position(pairs: Iterable[Pair], answers: Answers) -> tuple[Interval, Interval]:
    """Share of pairs with one winner in both orders, and of answers that prefer the first; as `dikast agree` has them."""
    import numpy as np

    from dikast.stats.again import position
    from dikast.stats.intervals import unknown
    from dikast.stats.ratings import Scale

    both = [chances for pair in pairs if (chances := chances_of(pair, answers)) is not None]
    table = np.asarray([[_winner(chance) for chance in chances] for chances in both], dtype=np.int64).reshape(-1, 2)
    found = position(Scale(labels=("a", "b", "tie"), values=None), SIDES, table, None, drop_null=True)
    if found is None:
        return unknown(), unknown()
    return found.consistency, found.first_place or unknown()


def _winner(chance: float) -> int:
    """As a code: a, b, a tie."""
    return 2 if chance == 0.5 else int(chance < 0.5)


def within_prompts(heard: Sequence[Heard], *, swap: bool) -> Interval:
    """The accuracy with prompts as the independent units: pairs of one share its difficulty. n counts pairs."""
    import numpy as np

    from dikast.stats.shares import share

    of: dict[str, list[float]] = {}
    for pair, chances in heard:
        better = pair.a_is_better is True
        of.setdefault(pair.group, []).append(fmean(right(one, better) for one in trained(chances, swap=swap)))
    interval = share(
        np.asarray([sum(some) for some in of.values()], dtype=np.float64),
        np.asarray([len(some) for some in of.values()], dtype=np.float64),
    )
    return msgspec.structs.replace(interval, n=len(heard))


def auc_of(heard: Sequence[Heard]) -> Interval:
    """Of P(a) as the mean of both orders, whatever trains: what the judge knows once place is averaged out."""
    return auc([fmean(chances) for _, chances in heard], [pair.a_is_better is True for pair, _ in heard])


def asked_again(pairs: Sequence[Pair], answers: Answers, *, repeats: int, swap: bool, seed: int) -> AskedAgain:
    """Compares each repetition with the first answer: a, b and a tie are three.

    The flip rate is over (pair, repetition), the variance of P(a) over the repetitions of one pair. A repetition
    with an answer missing is on neither side, and counted.
    """
    flips: dict[str, list[float]] = {f"{REPEAT}{repeat}": [] for repeat in range(1, repeats)}
    missing: Counter[str] = Counter()
    by_pair: list[list[float]] = []
    spreads: list[float] = []
    groups: list[str] = []
    for pair in pairs:
        base = chances_of(pair, answers)
        if base is None:
            continue
        before = trained(base, swap=swap)
        seen = [before]
        of_pair: list[float] = []
        for repeat in range(1, repeats):
            if (pair.key, name_of("a", repeat)) not in answers:
                continue
            chances = chances_of(pair, answers, repeat)
            if chances is None:
                missing[f"{REPEAT}{repeat}"] += 1
                continue
            now = trained(chances, swap=swap)
            changed = [_winner(one) != _winner(other) for one, other in zip(before, now, strict=True)]
            of_pair.append(fmean(changed))
            flips[f"{REPEAT}{repeat}"].append(of_pair[-1])
            seen.append(now)
        if of_pair:
            by_pair.append(of_pair)
            spreads.append(fmean(pvariance(of_order) for of_order in zip(*seen, strict=True)))
            groups.append(pair.group)
    return AskedAgain(
        flip_rate=flip_rate_of(by_pair),
        variance=bootstrap_mean(spreads, groups, seed=seed),
        variants={
            way: VariantResult(flip_rate=_rate(of_way), missing=missing[way])
            for way, of_way in flips.items()
            if of_way or missing[way]
        },
    )


def _rate(flips: Sequence[float]) -> Interval:
    return wilson(sum(flips), len(flips))
