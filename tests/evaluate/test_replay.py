"""What two rewards say of the same rollouts: figures by hand, and what must hold whatever the scores are."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.evaluate.moved import MOST_CHARACTERS, change_of
from dikast.evaluate.replay import Changed, Comparison
from dikast.evaluate.replayed import Compared
from dikast.evaluate.siblings import siblings_of
from dikast.records import Part, Score
from dikast.report.replay import change_line, verdict_of

Given = float | None


def score(value: Given, *, name: str = "r", gated: bool = False, **parts: Given) -> Score:
    """A score of one rollout; None is missing."""
    return Score(
        id=name,
        group="g",
        score=value,
        status="missing" if value is None else "gated" if gated else "scored",
        missing="timeout" if value is None else None,
        parts=tuple(Part(name=part, kind="criterion", value=got, weight=1.0) for part, got in parts.items()),
    )


def compared(*groups: tuple[int, Sequence[Given], Sequence[Given]], one_range: bool = True) -> Compared:
    """Compares groups of (step, scores then, scores now)."""
    return comparison_of(*groups).result(one_range=one_range, why=None if one_range else "another range")


def comparison_of(*groups: tuple[int, Sequence[Given], Sequence[Given]]) -> Comparison:
    comparison = Comparison()
    number = 0
    for step, then, now in groups:
        comparison.add(step, range(number, number + len(then)), [score(x) for x in then], [score(x) for x in now])
        number += len(then)
    return comparison


class TestSiblings:
    def test_pairs_are_counted_by_who_stands_above_whom(self):
        found = siblings_of([0.0, 0.5, 0.5, 1.0], [0.2, 0.1, 0.3, 0.3])

        # Six pairs: the first and the second swap; the second and the third were tied; the third and the fourth are.
        assert found.pairs == (6, 1, 1, 1)
        assert found.another_best is False

    def test_a_missing_score_is_in_no_pair_and_no_mean(self):
        found = siblings_of([0.0, None, 1.0], [1.0, 0.5, None])

        assert found.pairs.all == 0
        assert (found.both, found.sum_then, found.sum_now) == (1, 0.0, 1.0)
        assert (found.valid_then, found.valid_now, found.another_best) == (2, 2, None)
        # Each reward's own mean: then 0.5, now 0.75.
        assert found.turned == 1

    def test_the_best_is_another_only_where_no_rollout_is_best_under_both(self):
        assert siblings_of([0.0, 1.0, 1.0], [0.0, 0.0, 1.0]).another_best is False
        assert siblings_of([0.0, 1.0, 1.0], [1.0, 0.0, 0.0]).another_best is True

    def test_a_group_is_flat_where_its_valid_scores_teach_nothing(self):
        found = siblings_of([0.3, 0.3, None], [0.3, 0.4, 0.3])

        assert (found.flat_then, found.flat_now) == (True, False)
        assert siblings_of([None, None], [0.1, None]).flat_now is True
        assert siblings_of([0.5], [0.5]).flat_then is None

    def test_sums_that_differ_by_rounding_are_tied(self):
        found = siblings_of([0.1 + 0.2, 0.3], [0.0, 0.0])

        assert found.pairs == (1, 0, 0, 0)
        assert found.flat_then is True


class TestFigures:
    def test_what_became_of_what(self):
        comparison = Comparison()
        then = [score(None), score(0.0, gated=True), score(0.5), score(0.5)]
        comparison.add(0, range(4), then, [score(0.7), score(0.4), score(0.0, gated=True), score(None)])

        found = comparison.result(one_range=True)

        assert found.transitions == {
            "scored": {"scored": 0, "gated": 1, "missing": 1},
            "gated": {"scored": 1, "gated": 0, "missing": 0},
            "missing": {"scored": 1, "gated": 0, "missing": 0},
        }
        assert (found.missing_then, found.missing) == ({"timeout": 1}, {"timeout": 1})
        assert (found.coverage_then.value, found.coverage.value) == (0.75, 0.75)
        assert (found.mean.then.value, found.mean.now.value, found.mean.then.n) == (0.25, 0.2, 2)

    def test_means_are_over_the_rollouts_that_have_both(self):
        found = compared((0, [0.0, 1.0, None], [0.5, 0.7, 1.0]), (1, [0.5, 0.2], [0.6, None]))

        assert found.mean.then.value == pytest.approx(0.5)
        assert found.mean.now.value == pytest.approx(0.6)
        assert found.mean.difference is not None
        assert found.mean.difference.value == pytest.approx(0.1)
        assert found.mean.difference.n == 3

    def test_without_one_range_there_is_no_difference_and_the_order_stands(self):
        found = compared((0, [0.0, 1.0], [-1.0, 5.0]), one_range=False)

        assert (found.mean.difference, found.mean.why) == (None, "another range")
        assert found.order.swapped.value == 0.0

    def test_the_rise_is_the_last_quarter_less_the_first(self):
        groups = [(step, [step / 10, step / 10], [0.4, 0.6]) for step in range(8)]

        found = compared(*groups)

        assert found.steps == 8
        assert found.rise is not None
        assert (found.rise.steps, found.rise.groups) == (2, 2)
        # (0.6 + 0.7) / 2 less (0.0 + 0.1) / 2.
        assert found.rise.then.value == pytest.approx(0.6)
        assert found.rise.now.value == pytest.approx(0.0)
        assert found.rise.apart is not None
        assert found.rise.apart.value == pytest.approx(0.6)

    def test_three_steps_have_no_quarters(self):
        assert compared(*[(step, [0.1], [0.2]) for step in range(3)]).rise is None

    def test_a_part_is_compared_where_it_has_both_values(self):
        comparison = Comparison()
        then = [score(0.5, good=1.0, old=1.0), score(0.5, good=0.0), score(0.5, good=None)]
        now = [score(0.5, good=0.0, new=1.0), score(0.5, good=0.0), score(0.5, good=1.0)]
        comparison.add(0, range(3), then, now)

        found = comparison.result(one_range=True)

        assert list(found.parts) == ["good"]
        part = found.parts["good"]
        assert (part.then.value, part.now.value, part.n, part.changed.value) == pytest.approx((0.5, 0.0, 2, 0.5))
        assert (found.parts_then_only, found.parts_now_only) == (("old",), ("new",))

    def test_nothing_at_all_has_no_figures(self):
        found = compared((0, [None], [None]))

        assert found.mean.then.value is None
        assert found.order.spearman.value is None
        assert found.order.swapped.value is None
        assert not found.parts


class TestMostChanged:
    def test_by_the_difference_where_there_is_one_range(self):
        comparison = comparison_of((0, [0.0, 0.5, 0.9], [0.1, 0.5, 0.2]))

        assert [(one.number, pytest.approx(one.by)) for one in comparison.most_changed(5, one_range=True)] == [
            (2, -0.7),
            (0, 0.1),
        ]

    def test_by_rank_where_there_is_none(self):
        comparison = comparison_of((0, [0.0, 0.5, 0.9], [10.0, 30.0, 20.0]))

        assert comparison.most_changed(5, one_range=False) == [
            Changed(1, pytest.approx(1 / 3)),
            Changed(2, pytest.approx(-1 / 3)),
        ]

    def test_a_missing_score_has_not_changed_by_anything(self):
        assert comparison_of((0, [None, 0.5], [1.0, None])).most_changed(5, one_range=True) == []


class TestChange:
    def test_the_part_that_moved_most_is_told_with_its_reason(self):
        then = score(0.2, good=0.0, kind=0.5)
        part = Part(name="good", kind="criterion", value=1.0, weight=1.0, reason="it  is\n" + "x" * 1000)
        now = Score(id="a", group="g", score=0.9, status="scored", parts=(part, *score(0.9, kind=0.6).parts))

        found = change_of(3, then, now, by=0.7)

        assert found.part is not None
        assert (found.part.name, found.part.then, found.part.now) == ("good", 0.0, 1.0)
        assert found.part.reason is not None
        assert found.part.reason.startswith("it is x")
        assert len(found.part.reason) <= MOST_CHARACTERS + 2

    def test_where_no_part_is_in_both_the_gate_that_decided_is_told(self):
        then = Score(id="a", group="g", score=0.0, status="gated", detail="json: not JSON")

        found = change_of(3, then, score(0.9, name="a", good=1.0), by=0.9)

        assert (found.part, found.gated, found.detail) == (None, "then", "json: not JSON")
        assert change_line(found, by="difference") == "a, step 3: 0.000 → 0.900; gated then by json: not JSON"


values = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1))
groups = st.lists(
    st.lists(st.tuples(values, values), min_size=1, max_size=6), min_size=1, max_size=8
)  # fmt: skip


@given(groups)
def test_a_replay_against_itself_changes_nothing(drawn: list[list[tuple[Given, Given]]]):
    given_groups = [(step, [a for a, _ in group], [a for a, _ in group]) for step, group in enumerate(drawn)]

    comparison = comparison_of(*given_groups)
    found = comparison.result(one_range=True)

    order = found.order
    assert found.same
    assert {one.value for one in (order.swapped, order.untied, order.tied, order.another_best, order.turned)} <= {
        0.0,
        None,
    }
    assert found.mean.difference is not None
    assert found.mean.difference.value in (0.0, None)
    assert order.flat_then == order.flat_now
    assert comparison.most_changed(9, one_range=True) == comparison.most_changed(9, one_range=False) == []
    assert verdict_of(found)[0].startswith("Nothing changes")


@given(groups)
def test_the_other_way_round_what_was_tied_is_untied_and_the_rest_is_the_same(drawn: list[list[tuple[Given, Given]]]):
    there = compared(*[(step, [a for a, _ in group], [b for _, b in group]) for step, group in enumerate(drawn)])
    back = compared(*[(step, [b for _, b in group], [a for a, _ in group]) for step, group in enumerate(drawn)])

    one, other = there.order, back.order
    assert (one.swapped, one.tied, one.untied) == (other.swapped, other.untied, other.tied)
    assert (one.flat_then, one.flat_now, one.another_best) == (other.flat_now, other.flat_then, other.another_best)
    assert one.turned == other.turned
    assert (there.coverage_then, there.coverage) == (back.coverage, back.coverage_then)


@given(groups, st.floats(0.1, 10), st.floats(-5, 5))
def test_another_scale_changes_no_order(drawn: list[list[tuple[Given, Given]]], by: float, plus: float):
    # Whole hundredths, so that what differs still does on the other scale.
    whole = [[None if a is None else round(a, 2) for a, _ in group] for group in drawn]
    found = compared(
        *[(step, group, [None if a is None else plus + by * a for a in group]) for step, group in enumerate(whole)],
        one_range=False,
    )

    order = found.order
    assert {one.value for one in (order.swapped, order.untied, order.tied, order.another_best, order.turned)} <= {
        0.0,
        None,
    }
    assert order.flat_then == order.flat_now
    assert order.spearman.value in (None, pytest.approx(1.0))


def run_of(then_rise: float, now_rise: float, *, prompts: int = 12) -> Compared:
    """Eight steps of groups of two, with a little noise that differs between groups."""
    made = []
    for step in range(8):
        for prompt in range(prompts):
            noise = (prompt % 3 - 1) / 50
            then, now = 0.3 + then_rise * step / 7 + noise, 0.3 + now_rise * step / 7 - noise
            made.append((step, [then, then + 0.01], [now, now + 0.02]))
    return compared(*made)


class TestVerdict:
    def test_a_rise_that_only_the_old_reward_sees_is_told_and_not_called_a_proof(self):
        said = " ".join(verdict_of(run_of(0.4, 0.0)))

        assert "Scores rise over the run under the reward that scored then; under this one no rise is shown" in said
        assert "it is no proof of it" in said
        assert "is itself not shown" not in said

    def test_a_rise_under_both_is_told_as_that(self):
        assert "The run rises under both rewards" in " ".join(verdict_of(run_of(0.4, 0.3)))

    def test_no_rise_then_is_told(self):
        assert "Under the reward that scored then no rise is shown" in " ".join(verdict_of(run_of(0.0, 0.3)))

    def test_few_groups_make_no_claim(self):
        said = " ".join(verdict_of(run_of(0.4, 0.0, prompts=2)))

        assert "is not claimed: 4 groups at one end are too few" in said

    def test_a_run_of_one_step_has_no_rise(self):
        assert "Whether scores rise over the run is not said" in " ".join(verdict_of(compared((0, [0.1], [0.2]))))
