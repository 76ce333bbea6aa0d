# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ratings import NULL_VERDICT, ratings_of

from dikast.stats.annotators import annotators

LEVELS = (0.0, 1.0, 2.0)
labels = st.sampled_from([*LEVELS, None, NULL_VERDICT])
tables = st.lists(st.tuples(labels, labels, labels, labels, labels), min_size=1, max_size=12)


def modes(others: list[float]) -> list[float]:
    most = max(others.count(x) for x in others)
    return sorted({x for x in others if others.count(x) == most})


def faced(row: tuple, humans: range):
    """(the label taken out, the others) for each person with a label and company."""
    given = [row[h] for h in humans if isinstance(row[h], float)]
    for at, own in enumerate(given):
        others = given[:at] + given[at + 1 :]
        if others:
            yield own, others


def credit(label, others: list[float]) -> float:
    tied = modes(others)
    return (label in tied) / len(tied)


@given(tables)
def test_leave_one_out_is_that_of_its_definition(table: list[tuple]):
    found = annotators(ratings_of(table, LEVELS), range(4), [4], drop_null=False)

    credits = [credit(own, others) for row in table for own, others in faced(row, range(4))]
    assert (found.ceiling.value or 0) == pytest.approx(sum(credits) / len(credits) if credits else 0)
    judged = [credit(row[4], others) for row in table if row[4] is not None for _, others in faced(row, range(4))]
    assert (found.leave_one_out["r4"].value or 0) == pytest.approx(sum(judged) / len(judged) if judged else 0)


@given(tables)
def test_one_persons_figure_is_over_the_items_that_the_person_shares(table: list[tuple]):
    found = annotators(ratings_of(table, LEVELS), range(5), [], drop_null=False)

    for h in range(5):
        credits = []
        for row in table:
            others = [row[o] for o in range(5) if o != h and isinstance(row[o], float)]
            if isinstance(row[h], float) and others:
                credits.append(credit(row[h], others))
        mine = found.leave_one_out[f"r{h}"]
        assert mine.n == len(credits)
        assert (mine.value or 0) == pytest.approx(sum(credits) / len(credits) if credits else 0)


@given(tables)
def test_distances_are_those_of_their_definition(table: list[tuple]):
    found = annotators(ratings_of(table, LEVELS), range(5), [], drop_null=False)

    to_mode, to_median = [], []
    for row in table:
        of_item = list(faced(row, range(5)))
        if of_item:
            to_mode.append(
                sum(sum(abs(own - m) for m in modes(rest)) / len(modes(rest)) for own, rest in of_item) / len(of_item)
            )
            to_median.append(sum(abs(own - median(rest)) for own, rest in of_item) / len(of_item))
    for ours, wanted in ((found.distance_to_mode, to_mode), (found.distance_to_median, to_median)):
        assert ours.n == len(wanted)
        assert (ours.value or 0) == pytest.approx(sum(wanted) / len(wanted) if wanted else 0)


@given(tables)
def test_the_majority_is_the_label_that_is_given_most(table: list[tuple]):
    found = annotators(ratings_of(table, LEVELS), range(5), [], drop_null=False).majority

    labelled = [[x for x in row if isinstance(x, float)] for row in table]
    labelled = [row for row in labelled if row]
    decided = [modes(row)[0] for row in labelled if len(modes(row)) == 1]
    assert (found.n, found.undecided) == (len(labelled), len(labelled) - len(decided))
    assert dict(found.counts) == {x: decided.count(x) for x in LEVELS if decided.count(x)}
    assert found.unanimous == sum(len(row) > 1 and len(set(row)) == 1 for row in labelled)


def test_a_tie_among_the_others_is_shared():
    found = annotators(ratings_of([(1.0, 1.0, 2.0)]), range(3), [], drop_null=False)

    assert [found.leave_one_out[f"r{h}"].value for h in range(3)] == [0.5, 0.5, 0.0]
    assert found.ceiling.value == pytest.approx(1 / 3)


def test_a_judge_faces_as_many_voters_as_a_person_does():
    # Against all three people the judge is always right; without the first of them there is no majority.
    table = [(1.0, 1.0, 2.0, 1.0)] * 40

    found = annotators(ratings_of(table), range(3), [3], drop_null=False)

    assert found.leave_one_out["r3"].value == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert found.share_of_ceiling["r3"] == pytest.approx(2)


def test_a_judge_without_an_answer_agrees_with_nobody_unless_nulls_are_dropped():
    ratings = ratings_of([(1.0, 1.0, 1.0), (1.0, 1.0, NULL_VERDICT), (1.0, 1.0, None)])

    kept = annotators(ratings, range(2), [2], drop_null=False).leave_one_out["r2"]
    dropped = annotators(ratings, range(2), [2], drop_null=True).leave_one_out["r2"]

    assert (kept.value, kept.n) == (0.5, 2)
    assert (dropped.value, dropped.n) == (1.0, 1)


def test_the_ceiling_has_its_bounds_from_items_and_not_from_verdicts():
    table = [(1.0,) * 10, (1.0, 2.0) * 5] * 20

    found = annotators(ratings_of(table), range(10), [], drop_null=False).ceiling

    assert found.n == 40
    assert found.high - found.low > 0.25
