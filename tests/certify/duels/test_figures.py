"""The intervals of a preference judge hold the truth as often as they say, and place is told from knowledge."""

# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false, reportOptionalMemberAccess=false

import math
import random
from collections import Counter
from statistics import fmean

import pytest

from dikast.certify.certificate import PreferenceFigures
from dikast.certify.duels.figures import figures_of, right, sample_of, table_of, trained, within_prompts
from dikast.certify.duels.questions import Pair, name_of
from dikast.judges.render import Case
from dikast.records import Rollout, Verdict
from dikast.reward.duels import sigmoid

PAIRS = 120
SETS = 400
LEAN = math.log(0.72 / 0.28)
"""Among equals the one shown first wins 72 to 28."""
GAPS = [-0.5, 0.5, 1.5, 2.5]
"""By how much, in logits, the judge finds the side that people prefer stronger."""
ENOUGH = 0.95 - 2.576 * math.sqrt(0.95 * 0.05 / SETS)


def chances_right(gap: float) -> tuple[float, float]:
    """How often the better side wins, shown first and shown second."""
    return sigmoid(gap + LEAN), sigmoid(gap - LEAN)


TRUE_FIRST, TRUE_SECOND = (fmean(chances_right(gap)[at] for gap in GAPS) for at in (0, 1))
TRUTH = {
    "accuracy": (TRUE_FIRST + TRUE_SECOND) / 2,
    "both_orders": (TRUE_FIRST + TRUE_SECOND) / 2,
    "right_twice": fmean(first * second for first, second in map(chances_right, GAPS)),
    "consistency": fmean(f * s + (1 - f) * (1 - s) for f, s in map(chances_right, GAPS)),
    "first_place": (TRUE_FIRST + 1 - TRUE_SECOND) / 2,
}


def judged(dice: random.Random, *, pairs: int = PAIRS, per_group: int = 1) -> tuple[list[Pair], dict]:
    """Labelled pairs of a drawn gap, a group's alike, and what a judge says that leans to the first place."""
    made: list[Pair] = []
    answers = {}
    gap = 0.0
    for number in range(pairs):
        gap = gap if number % per_group else dice.choice(GAPS)
        better = number % 2 == 0
        one = Rollout(id="", group=f"g{number // per_group}", prompt="", completion="")
        pair = Pair(
            key=str(number),
            group=one.group,
            tuning=False,
            rollouts={"a": one, "b": one},
            cases=dict.fromkeys(("a", "b"), Case(documents=(), candidate="")),
            votes={"ann": better},
            truth=better,
        )
        made.append(pair)
        first, second = chances_right(gap)
        for shown in ("a", "b"):
            wins = dice.random() < (first if (shown == "a") == better else second)
            answers[pair.key, name_of(shown)] = Verdict(value=float(wins == better))
    return made, answers


def figures(dice: random.Random) -> PreferenceFigures:
    pairs, answers = judged(dice)
    sample = sample_of(pairs, answers)
    return figures_of(sample, sample, pairs, answers, swap=False)


def test_the_intervals_hold_the_truth_of_a_judge_that_leans_72_to_28():
    dice = random.Random(72)
    held: Counter[str] = Counter()

    for _ in range(SETS):
        found = figures(dice)
        intervals = {name: getattr(found, name) for name in TRUTH}
        # In half of the pairs a is the better one, so an order shows the better side first in half.
        intervals |= {f"by_order {name}": share for name, share in found.by_order.items()}
        for name, interval in intervals.items():
            held[name] += interval.low <= TRUTH.get(name, TRUTH["accuracy"]) <= interval.high

    shares = {name: count / SETS for name, count in held.items()}
    assert len(shares) == 7
    assert min(shares.values()) >= ENOUGH, shares
    # Not by being wide: nobody is helped by an interval that always holds.
    assert max(shares.values()) < 0.99, shares


@pytest.mark.parametrize("swap", [False, True])
def test_the_rates_that_decide_the_level_hold_the_truth(swap):
    dice = random.Random(28)
    held: Counter[str] = Counter()

    for _ in range(SETS):
        pairs, answers = judged(dice)
        table = table_of(sample_of(pairs, answers).heard, swap=swap)
        for name, interval, truth in (
            ("tpr", table.tpr, TRUTH["accuracy"]),
            ("tnr", table.tnr, TRUTH["accuracy"]),
            ("j", table.j, 2 * TRUTH["accuracy"] - 1),
        ):
            held[name] += interval.low <= truth <= interval.high

    assert min(held.values()) / SETS >= ENOUGH, held


def test_pairs_of_one_prompt_share_its_difficulty_and_the_interval_knows():
    dice = random.Random(8)
    held = alone = 0

    for _ in range(SETS):
        pairs, answers = judged(dice, pairs=240, per_group=8)
        heard = sample_of(pairs, answers).heard
        one = within_prompts(heard, swap=False)
        held += one.low <= TRUTH["accuracy"] <= one.high
        single = figures_of(sample_of(pairs, answers), sample_of([], answers), pairs, answers, swap=False).accuracy
        alone += single.low <= TRUTH["accuracy"] <= single.high

    # Thirty prompts are few: it is a little short of 95 %, and taking pairs as independent far more so.
    assert held / SETS > 0.91
    assert alone / SETS < held / SETS - 0.05


def test_of_one_order_at_random_each_order_is_half_of_the_pair():
    assert trained((0.9, 0.3), swap=False) == [0.9, 0.3]
    assert trained((0.9, 0.3), swap=True) == [0.6]
    assert trained((0.72, 1 - 0.72), swap=True) == [0.5]


@pytest.mark.parametrize(("chance", "better", "expected"), [(0.6, True, 1), (0.6, False, 0), (0.5, True, 0.5)])
def test_a_tie_is_half_right(chance, better, expected):
    assert right(chance, better) == expected


def test_nothing_to_go_by_has_no_figures():
    empty = sample_of([], {})

    found = figures_of(empty, empty, [], {}, swap=True)

    assert found.accuracy.value is found.consistency.value is found.first_place.value is None
