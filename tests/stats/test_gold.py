# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ratings import NULL_VERDICT, ratings_of
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from dikast.stats.gold import against_gold, truth_of

SAID = {"null": 9999.0}
binary = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0, NULL_VERDICT])), min_size=1, max_size=40
)
several = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([0.0, 1.0, 2.0, NULL_VERDICT])), min_size=1, max_size=40
)


def against(rows, labels=(0.0, 1.0), **options):
    ratings = ratings_of(rows, labels)
    settings = {"positive": None, "drop_null": False} | options
    return against_gold(ratings, truth_of(ratings, 0), 1, **settings)


def sides(rows) -> tuple[list[int], list[int]]:
    """As scikit-learn wants it, a verdict without a label as a class of its own."""
    return [int(t) for t, _ in rows], [int(SAID.get(s, s)) for _, s in rows]


@given(binary)
def test_the_rates_are_scikit_learns_with_null_as_another_answer(rows):
    found = against(rows)
    true, said = sides(rows)

    assert found.accuracy.value == accuracy_score(true, said)
    assert found.null == said.count(9999)
    for ours, label in ((found.tpr, 1), (found.tnr, 0)):
        hits = recall_score(true, said, labels=[label], average="macro", zero_division=0)
        assert (ours.value or 0) == pytest.approx(hits)
        assert ours.n == true.count(label)
    assert (found.precision.value or 0) == pytest.approx(
        precision_score(true, said, labels=[1], average="macro", zero_division=0)
    )
    assert (found.f1.value or 0) == pytest.approx(f1_score(true, said, labels=[1], average="macro", zero_division=0))
    assert found.tpr.value is None or found.tnr.value is None or found.j.value == found.tpr.value + found.tnr.value - 1


@given(several)
def test_macro_f1_is_scikit_learns_over_the_labels_that_are_no_null(rows):
    true, said = sides(rows)
    labels = sorted({*true, *said} - {9999})

    found = against(rows, (0.0, 1.0, 2.0))

    assert found.macro_f1.value == pytest.approx(f1_score(true, said, labels=labels, average="macro", zero_division=0))
    assert found.macro_f1.low is None or found.macro_f1.low <= found.macro_f1.value <= found.macro_f1.high
    assert found.tpr is found.f1 is found.j is None or {*true} <= {0, 1}


@given(several)
def test_dropping_nulls_is_as_if_they_had_never_been_asked_for(rows):
    left = [row for row in rows if row[1] != NULL_VERDICT]
    assume(left)

    dropped, without = against(rows, (0.0, 1.0, 2.0), drop_null=True), against(left, (0.0, 1.0, 2.0))

    assert (dropped.accuracy, dropped.macro_f1) == (without.accuracy, without.macro_f1)
    assert dropped.null == len(rows) - len(left)
    assert dropped.null_counted_as == "left out"


def test_a_label_that_is_named_is_the_positive_one_against_all_others():
    rows = [(2.0, 2.0), (2.0, 1.0), (1.0, 1.0), (0.0, 1.0), (0.0, 2.0)]

    found = against(rows, (0.0, 1.0, 2.0), positive=2)

    assert (found.positive, found.tpr.value, found.tnr.value) == (2.0, 0.5, pytest.approx(2 / 3))


def test_probabilities_are_cut_at_a_half_against_yes_and_no():
    rows = [(1.0, 0.5), (1.0, 0.49), (0.0, 0.1), (0.0, 0.9), (0.0, NULL_VERDICT)]

    found = against(rows, (0.0, 0.1, 0.49, 0.5, 0.9, 1.0))

    assert found.cut == 0.5
    assert (found.tpr.value, found.tnr.value) == (0.5, pytest.approx(1 / 3))


def test_a_cut_probability_is_no_gold_label_where_gold_has_but_one():
    # Nobody ever says 0 here: a probability under a half must still be wrong, not equal to something.
    found = against([(1.0, 0.2), (1.0, 0.7)], (0.2, 0.7, 1.0))

    assert found.accuracy.value == 0.5


def test_an_item_that_gold_does_not_know_is_not_counted():
    rows = [(1.0, 1.0), (NULL_VERDICT, 1.0), (None, 0.0), (0.0, None)]

    assert against(rows).n == 1
    assert against([(None, 1.0), (1.0, None)]) is None


def test_macro_f1_has_bounds_that_cover_it():
    rows = [(float(at % 3), float(at % 3 if at % 5 else (at + 1) % 3)) for at in range(90)]

    found = against(rows, (0.0, 1.0, 2.0)).macro_f1

    assert found.low < found.value < found.high
    assert found.n == 90


def test_macro_f1_of_very_many_classes_is_scikit_learns_without_bounds():
    rows = [(float(at), float(at + (at % 4 == 0))) for at in range(300)]

    found = against(rows, tuple(float(at) for at in range(301))).macro_f1

    true, said = sides(rows)
    assert found.value == pytest.approx(f1_score(true, said, average="macro", zero_division=0))
    assert (found.low, found.n) == (None, 300)
