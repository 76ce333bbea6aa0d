import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ratings import NULL_VERDICT, ratings_of
from scipy.stats import ttest_1samp

from dikast.stats.alternative import alternative


def by_definition(table, *, epsilon: float, numbers: bool) -> tuple[float, float] | None:
    """(winning rate, advantage) of the last column against the others, item by item as the paper says it."""

    def score(label: float, others: list[float]) -> float:
        if numbers:
            return -np.sqrt(np.mean([(label - x) ** 2 for x in others]))
        return float(np.mean([label == x for x in others]))

    ps, advantages = [], []
    for human in range(len(table[0]) - 1):
        leads, wins = [], []
        for row in table:
            others = [x for at, x in enumerate(row[:-1]) if at != human and x is not None]
            if row[human] is None or row[-1] is None or not others:
                continue
            person, judge = score(row[human], others), score(row[-1], others)
            tie = bool(np.isclose(person, judge))
            wins.append(float(judge > person or tie))
            leads.append(float(person > judge or tie) - wins[-1])
        if len(leads) >= 30:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                p = ttest_1samp(leads, epsilon, alternative="less").pvalue
            ps.append((0.0 if leads[0] < epsilon else 1.0) if len(set(leads)) == 1 else p)
            advantages.append(np.mean(wins))
    if not ps:
        return None
    # Benjamini and Yekutieli, step up.
    m, harmonic = len(ps), sum(1 / k for k in range(1, len(ps) + 1))
    passed = [k for k, p in enumerate(sorted(ps), start=1) if p <= k / m * 0.05 / harmonic]
    return max(passed, default=0) / m, float(np.mean(advantages))


@settings(max_examples=40)
@given(st.randoms(use_true_random=False), st.integers(30, 70), st.sampled_from([(0.0, 1.0), (1.0, 2.0, 3.0, 4.0)]))
def test_it_is_the_papers_procedure(draw: random.Random, items: int, labels: tuple[float, ...]):
    noise, missing = draw.random(), draw.choice([0, 0.1])
    table = []
    for _ in range(items):
        true = draw.choice(labels)
        row = [true if draw.random() > noise else draw.choice(labels) for _ in range(4)]
        table.append([None if draw.random() < missing else x for x in row[:3]] + [row[3]])

    found = alternative(ratings_of(table, labels), range(3), 3, epsilon=0.2)

    wanted = by_definition(table, epsilon=0.2, numbers=len(labels) > 2)
    assert found.score == ("distance" if len(labels) > 2 else "same")
    if wanted is None:
        assert found.winning_rate is found.advantage is found.passes is None
    else:
        assert (found.winning_rate, found.advantage) == (pytest.approx(wanted[0]), pytest.approx(wanted[1]))


def test_a_judge_that_is_as_good_as_people_passes_and_one_that_guesses_does_not():
    draw = random.Random(1)
    table = []
    for _ in range(200):
        true = draw.random() < 0.5
        seen = [float(true ^ (draw.random() < 0.1)) for _ in range(4)]
        table.append([*seen, float(draw.random() < 0.5)])
    ratings = ratings_of(table)

    good, guessing = (alternative(ratings, range(3), judge) for judge in (3, 4))

    assert (good.winning_rate, good.passes) == (1.0, True)
    assert (guessing.winning_rate, guessing.passes) == (0.0, False)
    assert good.advantage is not None
    assert guessing.advantage is not None
    assert good.advantage > guessing.advantage


def test_a_person_with_few_items_is_skipped_and_named():
    table = [[1.0, 1.0, 1.0 if at < 29 else None, 1.0] for at in range(60)]

    found = alternative(ratings_of(table, (0.0, 1.0)), range(3), 3)

    assert set(found.humans) == {"r0", "r1"}
    assert found.skipped == {"r2": 29}


def test_a_verdict_without_a_label_loses_to_everybody_unless_nulls_are_dropped():
    table = [[1.0, 1.0, NULL_VERDICT if at % 2 else 1.0] for at in range(80)]
    ratings = ratings_of(table, (0.0, 1.0))

    kept, dropped = (alternative(ratings, range(2), 2, drop_null=drop) for drop in (False, True))

    assert (kept.advantage, kept.winning_rate) == (0.5, 0.0)
    assert (dropped.advantage, dropped.winning_rate) == (1.0, 1.0)
    assert dropped.humans["r0"].advantage.n == 40


def test_distances_that_are_equal_but_for_rounding_are_a_tie():
    # .1 and .3 lie equally far from .2, which binary fractions do not show.
    found = alternative(ratings_of([[0.1, 0.2, 0.3]] * 30, (0.1, 0.2, 0.3, 0.9)), range(2), 2)

    assert found.humans["r0"].advantage.value == 1.0
    assert found.humans["r0"].p == 0.0
