# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.stats.again import first_shown, position, repeats
from dikast.stats.intervals import wilson
from dikast.stats.ratings import NULL, Scale

TWO = Scale(labels=("a", "b"), values=None)
DUEL = Scale(labels=("a", "b", "tie"), values=None)


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([NULL, 0, 1, 2])), max_size=30))
def test_repeats_are_those_of_their_definition(rows: list[tuple[int, int]]):
    questions = {q: [label for at, label in rows if at == q] for q, _ in rows}
    several = [labels for labels in questions.values() if len(labels) > 1]

    question, label = (np.array([row[at] for row in rows], dtype=np.int64) for at in (0, 1))
    found = repeats(question, question, label)

    if not several:
        assert found is None
        return
    modal = [max(labels.count(x) for x in labels) / len(labels) for labels in several]
    flips = [np.mean([x != y for x, y in combinations(labels, 2)]) for labels in several]
    assert (found.n, found.verdicts) == (len(several), sum(map(len, several)))
    assert found.modal_share.value == pytest.approx(np.mean(modal))
    assert found.flip_rate.value == pytest.approx(np.mean(flips))
    assert found.unanimous.value == pytest.approx(np.mean([len(set(labels)) == 1 for labels in several]))
    assert found.null == sum(labels.count(NULL) for labels in several)


def test_the_questions_about_one_item_are_no_independent_units():
    question = np.repeat(np.arange(20), 2)
    label = np.array([0, 0] * 10 + [0, 1] * 10)

    each, shared = repeats(question, question, label), repeats(question // 2, question, label)

    assert each.flip_rate.value == shared.flip_rate.value == 0.5
    assert (each.n, each.flip_rate.n, shared.n, shared.flip_rate.n) == (20, 20, 20, 10)
    assert (shared.unanimous.low, shared.unanimous.high) == (wilson(5, 10).low, wilson(5, 10).high)


def test_consistency_counts_two_failures_as_the_same_and_one_as_a_change():
    table = np.array([[0, 0], [1, 0], [NULL, NULL], [NULL, 1]])

    found = position(TWO, ("ab", "ba"), table, None, drop_null=False)

    assert (found.n, found.null) == (4, 3)
    assert found.consistency.value == 0.5
    assert found.accuracy is None


def test_accuracy_is_told_for_each_order_for_both_and_for_the_mean():
    table = np.array([[0, 0], [0, 1], [1, 1], [NULL, 1]])
    truth = np.array([0, 0, 0, 1])

    found = position(TWO, ("ab", "ba"), table, truth, drop_null=False)
    dropped = position(TWO, ("ab", "ba"), table, truth, drop_null=True)

    assert [one.value for one in found.accuracy.values()] == [0.5, 0.5]
    assert (found.accuracy_mean.value, found.accuracy_all.value) == (0.5, 0.25)
    assert [one.n for one in dropped.accuracy.values()] == [3, 4]
    assert dropped.accuracy_all.n == 3


def test_a_judge_that_always_takes_the_first_place_is_seen():
    table = np.array([[0, 1]] * 10 + [[2, 2]] * 5)

    found = position(DUEL, ("ab", "ba"), table, None, drop_null=False)

    assert found.first_place.value == 1.0
    assert found.first_place.n == 10, "a tie names no place"
    assert found.kappa.value < 0.5


def test_what_an_order_shows_first_is_read_from_it_or_not_known():
    assert first_shown(("a", "b", "tie"), ("ab", "ba")) == [0, 1]
    assert first_shown((1.0, 2.0), ("1", "2")) == [0, 1]
    assert first_shown((1.0, 2.0), ("2-1", "1-2")) == [1, 0]
    assert first_shown(("A", "B"), ("ab", "ba")) == [0, 1]
    assert first_shown(("a", "A"), ("a", "A")) == [0, 1], "labels that differ in capitals alone are two"
    assert first_shown(("a", "b"), ("forward", "swapped")) is None
    assert first_shown(("a", "b"), ("ab", "a")) is None


def test_three_orders_have_no_kappa_between_two():
    found = position(TWO, ("x", "y", "z"), np.array([[0, 0, 0], [0, 0, 1]]), None, drop_null=False)

    assert (found.kappa, found.first_place, found.consistency.value) == (None, None, 0.5)


def test_no_item_in_every_order_is_nothing_to_say():
    assert position(TWO, ("ab", "ba"), np.zeros((0, 2), dtype=np.int64), None, drop_null=False) is None
