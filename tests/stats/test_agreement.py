# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

import math
import random

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from dikast.stats.agreement import Confusion, auc, within_group_accuracy
from dikast.stats.intervals import Interval, unknown

answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)
scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40)


def test_the_rates_are_those_of_the_counts():
    table = Confusion(tp=45, fn=5, fp=10, tn=40)

    assert table.tpr.value == 0.9
    assert table.tnr.value == 0.8
    assert table.precision.value == pytest.approx(45 / 55)
    assert table.j.value == pytest.approx(0.7)
    assert (table.tpr.n, table.tnr.n, table.precision.n, table.j.n) == (50, 50, 55, 100)
    assert table.base_rate == 0.5


def test_counting_puts_each_pair_where_it_belongs():
    said = [True, True, False, False, True]
    truth = [True, False, True, False, True]

    assert Confusion.of(said, truth) == Confusion(tp=2, fp=1, fn=1, tn=1)


def test_asking_for_no_swaps_the_classes():
    table = Confusion(tp=45, fn=5, fp=10, tn=40)

    assert table.swapped().tpr == table.tnr
    assert table.swapped().precision.value == pytest.approx(40 / 45)
    assert table.swapped().kappa == table.kappa


def test_precision_at_the_samples_own_base_rate_is_the_precision():
    table = Confusion(tp=45, fn=5, fp=10, tn=40)

    assert table.precision_at(0.5).value == pytest.approx(table.precision.value)


def test_half_the_wins_of_a_90_90_judge_are_false_where_one_in_ten_deserves_one():
    table = Confusion(tp=90, fn=10, fp=10, tn=90)

    rare = table.precision_at(0.1)

    assert rare.value == pytest.approx(0.5)
    assert rare.low < 0.5 < rare.high


def test_kappa_of_the_textbook_grant_example():
    # Two readers of 50 proposals: both yes 20, both no 15, 5 and 10 apart.
    assert Confusion(tp=20, fp=5, fn=10, tn=15).kappa.value == pytest.approx(0.4)


def test_ac1_stays_where_kappa_collapses_with_prevalence():
    # Gwet's example of 125 subjects, 118 of whom both raters call positive and none negative.
    table = Confusion(tp=118, fp=5, fn=2, tn=0)

    assert table.agreement.value == pytest.approx(0.944)
    assert table.kappa.value == pytest.approx(-0.0234, abs=1e-4)
    assert table.ac1.value == pytest.approx(0.9408, abs=1e-4)


@given(answers)
def test_kappa_is_scikit_learns(pairs: list[tuple[bool, bool]]):
    said, truth = [a for a, _ in pairs], [b for _, b in pairs]
    assume(len({*said, *truth}) == 2)

    value = Confusion.of(said, truth).kappa.value

    assert value == pytest.approx(cohen_kappa_score(said, truth))


@given(st.lists(st.booleans(), min_size=2))
def test_kappa_and_ac1_of_a_copy_are_one(said: list[bool]):
    assume(len(set(said)) == 2)

    table = Confusion.of(said, said)

    assert table.kappa.value == pytest.approx(1)
    assert table.ac1.value == pytest.approx(1)
    assert table.kappa.low < 1


def test_kappa_is_unknown_where_both_sides_said_one_thing_only():
    assert Confusion(tp=12).kappa == unknown(12)


@given(answers)
def test_every_interval_of_the_counts_holds_its_value(pairs: list[tuple[bool, bool]]):
    table = Confusion.of([a for a, _ in pairs], [b for _, b in pairs])

    for interval in (table.tpr, table.tnr, table.precision, table.j, table.kappa, table.ac1, table.precision_at(0.3)):
        assert interval.value is None or interval.low <= interval.value <= interval.high


def test_nothing_counted_is_nothing_known():
    table = Confusion()

    assert table.tpr == table.kappa == table.ac1 == table.j == table.precision_at(0.5) == unknown()
    assert table.base_rate is None


@pytest.mark.parametrize(("prevalence", "tpr", "tnr"), [(0.5, 0.9, 0.9), (0.5, 0.97, 0.97), (0.9, 0.97, 0.8)])
def test_kappas_interval_covers_the_truth_at_about_its_rate(prevalence: float, tpr: float, tnr: float):
    draw = random.Random(4)
    truth = Confusion(
        tp=prevalence * tpr, fn=prevalence * (1 - tpr), tn=(1 - prevalence) * tnr, fp=(1 - prevalence) * (1 - tnr)
    ).kappa.value
    cells = [(True, True), (True, False), (False, True), (False, False)]
    weights = [prevalence * tpr, (1 - prevalence) * (1 - tnr), prevalence * (1 - tpr), (1 - prevalence) * tnr]

    inside = 0
    for _ in range(500):
        pairs = draw.choices(cells, weights, k=120)
        interval = Confusion.of([a for a, _ in pairs], [b for _, b in pairs]).kappa
        inside += interval.low <= truth <= interval.high

    assert 0.92 <= inside / 500 <= 0.98


@given(scored)
def test_auc_is_scikit_learns(pairs: list[tuple[float, bool]]):
    values, labels = [v for v, _ in pairs], [y for _, y in pairs]
    assume(len(set(labels)) == 2)

    interval = auc(values, labels)

    assert interval.value == pytest.approx(roc_auc_score(labels, values))
    assert interval.low <= interval.value <= interval.high


@given(st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=2, max_size=40))
def test_auc_does_not_change_under_a_monotone_map(pairs: list[tuple[int, bool]]):
    values, labels = [float(v) for v, _ in pairs], [y for _, y in pairs]

    assert auc([math.exp(v) for v in values], labels) == auc(values, labels)


def test_auc_is_unknown_with_one_class():
    assert auc([0.1, 0.2], [True, True]) == unknown(2)


def test_perfect_order_keeps_an_honest_lower_bound():
    interval = auc([0.9] * 20 + [0.1] * 30, [True] * 20 + [False] * 30)

    assert interval.value == 1.0
    assert interval.low == pytest.approx(0.8389, abs=1e-3)


def test_aucs_interval_covers_the_truth_at_about_its_rate():
    draw = random.Random(8)
    truth = 0.5 * (1 + math.erf(1.2 / 2))

    inside = 0
    for _ in range(400):
        values = [draw.gauss(1.2, 1) for _ in range(40)] + [draw.gauss(0, 1) for _ in range(40)]
        interval = auc(values, [True] * 40 + [False] * 40)
        inside += interval.low <= truth <= interval.high

    assert 0.92 <= inside / 400 <= 0.985


def test_pairs_are_made_inside_a_group_only():
    # Pooled, the yes of the hard group lies under the no of the easy one; inside its group it wins.
    groups = ["easy", "easy", "hard", "hard"]
    values = [0.95, 0.80, 0.30, 0.10]
    labels = [True, False, True, False]

    interval = within_group_accuracy(groups, values, labels)

    assert (interval.value, interval.n) == (1.0, 2)
    assert interval.low < 0.5
    assert auc(values, labels).value == 0.75


def test_a_tie_is_half_a_pair():
    interval = within_group_accuracy(
        ["a"] * 3 + ["b"] * 2, [0.5, 0.5, 0.9, 0.2, 0.1], [True, False, False, True, False]
    )

    assert interval.value == pytest.approx((0.5 + 0 + 1) / 3)
    assert interval.n == 3


def test_groups_with_one_class_make_no_pair():
    assert within_group_accuracy(["a", "a", "b"], [0.1, 0.9, 0.5], [True, True, False]) == unknown()


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), max_size=40))
def test_within_group_accuracy_is_what_its_pairs_say(rows: list[tuple[int, float, bool]]):
    wins = [
        0.5 if above == below else float(above > below)
        for group, above, good in rows
        for other, below, fine in rows
        if group == other and good and not fine
    ]

    interval = within_group_accuracy([g for g, _, _ in rows], [v for _, v, _ in rows], [y for _, _, y in rows])

    assert interval.n == len(wins)
    assert interval.value == (pytest.approx(sum(wins) / len(wins)) if wins else None)


def test_the_pairs_of_a_large_group_are_counted_without_laying_them_out():
    n = 20_000
    interval = within_group_accuracy(["one"] * n, [at / n for at in range(n)], [at % 2 == 1 for at in range(n)])

    assert interval.n == n * n // 4
    assert interval.value == pytest.approx(0.5 + 1 / n)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1), st.booleans()), max_size=25))
def test_within_group_accuracy_stays_a_share_and_holds_its_value(rows: list[tuple[int, float, bool]]):
    interval = within_group_accuracy([g for g, _, _ in rows], [v for _, v, _ in rows], [y for _, _, y in rows])

    # numpy's own numbers cannot be written into a file.
    assert msgspec.json.decode(msgspec.json.encode(interval), type=Interval) == interval

    assert interval.value is None or 0 <= interval.value <= 1
    assert interval.low is None or interval.low <= interval.value <= interval.high
