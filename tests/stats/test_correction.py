"""The share that people would pass, from a judge's verdicts and some labels: it covers, and a useless judge costs nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.stats.correction import FEWEST, Labelled, Unlabelled, corrected, ppi, rogan_gladen
from dikast.stats.intervals import Interval, wilson


def judged(
    dice: random.Random, n: int, *, share: float = 0.85, tpr: float = 0.9, tnr: float = 0.7
) -> tuple[list[float], list[float]]:
    """People's and a judge's verdicts on n units."""
    truth = [dice.random() < share for _ in range(n)]
    said = [dice.random() < (tpr if one else 1 - tnr) for one in truth]
    return [float(one) for one in truth], [float(one) for one in said]


@pytest.mark.parametrize(("n", "others", "runs"), [(60, 1000, 300), (100, 2000, 300), (500, 5000, 300)])
def test_the_interval_covers_the_truth_at_its_rate(n: int, others: int, runs: int):
    dice = random.Random(n)
    covered = 0
    for seed in range(runs):
        labels, said = judged(dice, n)
        _, rest = judged(dice, others)
        found = ppi(labels, said, rest, seed=seed)
        covered += found.low <= 0.85 <= found.high

    # Three standard errors of a share of 300 around .95.
    assert covered / runs == pytest.approx(0.95, abs=0.038)


def test_it_is_nearer_to_the_truth_than_the_judge_and_narrower_than_the_labels():
    dice = random.Random(0)
    labels, said = judged(dice, 400, tpr=0.95, tnr=0.9)
    _, rest = judged(dice, 20_000, tpr=0.95, tnr=0.9)

    found = ppi(labels, said, rest)

    assert abs(found.value - 0.85) < abs(sum(rest) / len(rest) - 0.85)
    alone = wilson(sum(labels), len(labels))
    assert found.high - found.low < 0.8 * (alone.high - alone.low)
    assert found.n == 400


def test_a_judge_that_guesses_costs_next_to_nothing():
    dice = random.Random(1)
    labels, _ = judged(dice, 500)
    noise, rest = ([float(dice.random() < 0.5) for _ in range(n)] for n in (500, 5000))

    found = ppi(labels, noise, rest)

    alone = wilson(sum(labels), len(labels))
    assert found.value == pytest.approx(alone.value, abs=0.01)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.1)


@pytest.mark.parametrize(
    ("labels", "rest"),
    [([1.0] * (FEWEST - 1), [1.0] * 10), ([1.0, 0.0] * FEWEST, []), ([1.0] * 2 * FEWEST, [0.0, 1.0] * 10)],
    ids=["few labels", "nothing unlabelled", "equal labels"],
)
def test_where_nothing_can_be_corrected_it_is_what_people_say(labels: list[float], rest: list[float]):
    assert ppi(labels, [1.0] * len(labels), rest) == wilson(sum(labels), len(labels))


def alike(dice: random.Random, clusters: int, each: int) -> tuple[list[bool], list[float], list[int]]:
    """Units whose truth hangs on their cluster, and a judge's verdicts on them."""
    truth: list[bool] = []
    said: list[float] = []
    names: list[int] = []
    for name in range(clusters):
        share = 0.97 if dice.random() < 0.6 else 0.3
        for _ in range(each):
            truth.append(dice.random() < share)
            said.append(float(dice.random() < (0.9 if truth[-1] else 0.3)))
            names.append(name)
    return truth, said, names


@pytest.mark.parametrize(("labelled", "runs"), [(20, 80), (60, 300)])
def test_units_that_resemble_each_other_count_as_fewer(labelled: int, runs: int):
    share, each = 0.6 * 0.97 + 0.4 * 0.3, 8
    dice = random.Random(labelled)
    covered = naive = 0
    for seed in range(runs):
        truth, said, names = alike(dice, 200, each)
        first = labelled * each
        some = Labelled(truth[:first], said[:first], [*names[:first]])
        rest = Unlabelled(said[first:], [*names[first:]])
        found = corrected(some, rest, cut=0.5, seed=seed).corrected
        covered += found.low <= share <= found.high
        plain = ppi([float(one) for one in some.labels], some.judged, rest.judged, seed=seed)
        naive += plain.low <= share <= plain.high

    # Three standard errors of such a share, and .01 that few clusters lack.
    assert covered / runs >= 0.95 - 3 * (0.95 * 0.05 / runs) ** 0.5 - 0.01
    assert naive / runs < 0.85


def test_a_corrected_share_stays_a_share_and_counts_its_units():
    labels = [True] * 99 + [False]
    found = corrected(
        Labelled(labels, [0.9] * 99 + [0.2], [*range(100)]), Unlabelled([0.95] * 50, [*range(100, 150)]), cut=0.5
    )

    assert (found.labelled, found.unlabelled, found.judge.n) == (100, 50, 150)
    assert 0 <= found.corrected.low <= found.corrected.value <= found.corrected.high <= 1
    assert found.rogan_gladen.value == pytest.approx(149 / 150)


def test_with_few_labels_it_is_what_people_say_and_the_judge_stands_beside():
    found = corrected(Labelled([True, False], [1.0, 1.0], ["a", "b"]), Unlabelled([1.0] * 8, [*"cdefghij"]), cut=0.5)

    assert found.corrected == wilson(1, 2)
    assert found.judge.value == 1
    assert found.rogan_gladen.value is None


def test_labels_need_not_be_yes_or_no():
    dice = random.Random(2)
    labels = [dice.gauss(3, 1) for _ in range(200)]
    said = [label + dice.gauss(0.5, 0.3) for label in labels]
    rest = [dice.gauss(3, 1) + dice.gauss(0.5, 0.3) for _ in range(5000)]

    found = ppi(labels, said, rest)

    assert found.low < 3 < found.high
    assert found.high - found.low < 0.16


def test_labels_and_verdicts_must_be_of_the_same_units():
    with pytest.raises(ValueError, match="2 labels and 1 verdicts"):
        ppi([1.0, 0.0], [1.0], [])


def share(value: float, n: int = 100) -> Interval:
    return wilson(value * n, n)


def test_rogan_gladen_inverts_the_error_rates():
    found = rogan_gladen(0.7, 1000, share(0.9), share(0.8))

    assert found.value == pytest.approx(5 / 7)
    # sqrt(.21/1000 + .714^2 .09/100 + .286^2 .16/100) / .7 x 1.96
    assert found.high - found.value == pytest.approx(1.96 * 0.02843 / 0.7, abs=1e-3)


@given(st.floats(0, 1), st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_rogan_gladen_is_a_share_or_unknown(p: float, judged: int, tpr: float, tnr: float):
    found = rogan_gladen(p, judged, share(tpr), share(tnr))

    if tpr + tnr <= 1:
        assert found.value is None
    else:
        assert 0 <= found.low <= found.value <= found.high <= 1
