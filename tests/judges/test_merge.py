"""Several verdicts become one: by the rule, over those that could be had."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.judges.merge import merged
from dikast.records import Missing, Verdict

LATE = Missing("timeout", "late")
BROKEN = Missing("unparsable", "odd")

SHARE = st.floats(0, 1)
SAID = st.lists(
    st.one_of(SHARE.map(lambda value: Verdict(value=value)), st.just(Verdict(value=None)), st.just(LATE)),
    min_size=1,
    max_size=7,
)
RULE = st.sampled_from(["mean", "min", "majority"])


def said(*values: float | None) -> list[Verdict]:
    return [Verdict(value=value, reason=f"because of {value}") for value in values]


@pytest.mark.parametrize(
    ("rule", "values", "value"),
    [
        ("mean", (0.2, 0.4, 0.9), 0.5),
        ("mean", (1.0,), 1.0),
        ("min", (0.9, 0.2, 0.4), 0.2),
        ("majority", (0.9, 0.6, 0.1), 1.0),
        ("majority", (0.9, 0.4, 0.1), 0.0),
        ("majority", (0.9, 0.5, 0.5), 1.0),
        ("majority", (0.8, 0.0), 0.4),
        ("majority", (0.5, 0.5), 0.5),
    ],
)
def test_each_rule_by_hand(rule: Any, values: tuple[float, ...], value: float):
    assert merged(said(*values), rule).value == pytest.approx(value)


def test_what_is_missing_is_left_out_of_the_value_and_has_no_vote():
    verdict = merged([Verdict(value=0.5), LATE, Verdict(value=1.0)], "mean")

    assert verdict == Verdict(value=0.75, votes=(0.5, None, 1.0))


def test_it_is_missing_only_where_all_are_and_then_as_the_first():
    assert merged([LATE, BROKEN], "mean") == LATE
    assert merged([LATE, BROKEN, Verdict(value=0.0)], "mean") == Verdict(value=0.0, votes=(None, None, 0.0))


def test_where_most_of_those_that_answered_say_not_applicable_it_is_and_their_reason_is_given():
    verdict = merged([*said(1.0, None, None), LATE], "mean")

    assert verdict == Verdict(value=None, reason="because of None", votes=(1.0, None, None, None))


def test_half_of_them_saying_not_applicable_is_not_most():
    assert merged(said(None, 0.75), "min") == Verdict(value=0.75, reason="because of 0.75", votes=(None, 0.75))


def test_reason_and_evidence_are_those_of_the_member_nearest_to_the_outcome():
    middle = Verdict(value=0.5, reason="half", evidence="a quote")

    verdict = merged([Verdict(value=0.0, reason="none"), middle, Verdict(value=0.9, reason="nearly all")], "mean")

    assert isinstance(verdict, Verdict)
    assert (verdict.reason, verdict.evidence) == ("half", "a quote")


@given(SAID, RULE)
def test_the_outcome_lies_between_the_lowest_and_the_highest_vote_but_for_a_majority(said: Any, rule: Any):
    outcome = merged(said, rule)

    votes = [one.value for one in said if isinstance(one, Verdict) and one.value is not None]
    if isinstance(outcome, Missing):
        assert all(isinstance(one, Missing) for one in said)
    elif outcome.value is not None:
        low, high = (0.0, 1.0) if rule == "majority" else (min(votes), max(votes))
        assert low - 1e-12 <= outcome.value <= high + 1e-12
        assert 0.0 <= outcome.value <= 1.0


@given(SAID, RULE, st.randoms())
def test_the_order_of_the_members_changes_no_value(said: Any, rule: Any, dice: Any):
    other = list(said)
    dice.shuffle(other)

    one, two = merged(said, rule), merged(other, rule)

    assert type(one) is type(two)
    if isinstance(one, Verdict) and isinstance(two, Verdict):
        assert two.value == (one.value if one.value is None else pytest.approx(one.value))
        assert one.votes is not None
        assert len(one.votes) == len(said)


@given(SHARE, st.integers(1, 5))
def test_members_of_one_mind_are_as_one(value: float, members: int):
    for rule in ("mean", "min"):
        assert merged([Verdict(value=value)] * members, rule).value == pytest.approx(value)
