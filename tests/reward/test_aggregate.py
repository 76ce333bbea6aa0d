"""The five rules of aggregation, each with an example worked by hand, and what always holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.base import Outcome
from dikast.records import Missing, Rollout, Verdict
from dikast.reward.aggregate import (
    Judged,
    Reading,
    aggregate,
    check_parts,
    failed_gate,
    gated_score,
    in_range,
    set_quality,
)
from dikast.spec.reward import ArtifactsCheck, Criterion, JsonCheck, JudgeSpec, LengthCheck, RecallSpec, RewardFile

ROLLOUT = Rollout(id="r", group="g", prompt="p", completion="c", columns={"issues": [{"rule": "A"}, {"rule": "B"}]})
GATE = JsonCheck(gate=True)
LENGTH = LengthCheck(max_words=9, weight=0.1)
ARTIFACTS = ArtifactsCheck(weight=0.2)
RECALL = RecallSpec(issues="issues", key="rule")


def reward(*criteria: Criterion, **fields) -> RewardFile:
    judge = JudgeSpec(model="m:x", criteria=criteria)
    return RewardFile(name="n", objective="o", inputs={}, judge=judge, **fields)


def yes(value: float | None) -> Verdict:
    return Verdict(value=value)


def scored(file: RewardFile, *judged: Judged, checks=(), readings=None, items=None):
    return aggregate(file, ROLLOUT, check_parts(checks), judged, readings or {}, items=items)


A = Criterion(id="a", ask="A?", weight=2)
B = Criterion(id="b", ask="B?")
NEGATIVE = Criterion(id="bad", ask="Bad?", negative=True)


def test_rule_1_a_negative_criterion_counts_one_minus_its_value():
    score = scored(reward(A, NEGATIVE), Judged(item=None, verdicts={"a": yes(0.8), "bad": yes(0.9)}))

    assert score.score == pytest.approx((2 * 0.8 + 1 * 0.1) / 3)


def test_rule_2_a_gate_that_fails_gives_the_lowest_reward_and_decides_alone():
    file = reward(A, range=(-1.0, 1.0))
    parts = check_parts([(GATE, Outcome(value=0, reason="no JSON"))])
    gate = failed_gate(parts)

    assert gate is not None
    score = gated_score(file, ROLLOUT, parts, gate)

    assert (score.score, score.status, score.detail) == (-1.0, "gated", "json: no JSON")


def test_rule_2_one_missing_verdict_makes_the_score_missing_however_good_the_rest_is():
    score = scored(reward(A, B), Judged(item=None, verdicts={"a": yes(1.0), "b": Missing("timeout", "60 s")}))

    assert (score.score, score.status, score.missing) == (None, "missing", "timeout")
    assert score.detail == "b: 60 s"


def test_rule_2_a_check_that_broke_makes_the_score_missing():
    score = scored(
        reward(A), Judged(item=None, verdicts={"a": yes(1.0)}), checks=[(LENGTH, Missing("check_error", "boom"))]
    )

    assert (score.score, score.missing) == (None, "check_error")


def test_rule_3_what_does_not_apply_is_left_out_and_nothing_applying_is_missing():
    one = scored(reward(A, B), Judged(item=None, verdicts={"a": yes(None), "b": yes(0.6)}))
    none = scored(reward(A, B), Judged(item=None, verdicts={"a": yes(None), "b": yes(None)}))

    assert one.score == pytest.approx(0.6)
    assert (none.score, none.missing) == (None, "not_applicable")


def test_rule_3_a_set_is_the_mean_of_its_items_and_a_duplicate_is_worth_nothing():
    file = reward(A, items="comments")
    judged = [
        Judged(item=0, verdicts={"a": yes(0.9)}),
        Judged(item=1, verdicts={"a": yes(0.6)}),
        Judged(item=2, verdicts={}, duplicate=True),
    ]

    assert scored(file, *judged, items=({}, {}, {})).score == pytest.approx((0.9 + 0.6 + 0) / 3)


def test_rule_3_recall_joins_as_f_beta():
    file = reward(A, items="comments", recall=RECALL)
    score = scored(file, Judged(item=0, verdicts={"a": yes(0.8)}), items=({"rule": "A"},))

    precision, recall = 0.8, 0.5
    assert score.score == pytest.approx(2 * precision * recall / (precision + recall))


@pytest.mark.parametrize(
    ("qualities", "recall", "expected"),
    [([], (0.0, 0), 1.0), ([], (0.0, 2), 0.0), ([0.9], (0.0, 0), 0.0), ([0.0], (0.0, 2), 0.0)],
)
def test_rule_3_both_sets_empty_is_right_and_exactly_one_empty_is_wrong(qualities, recall, expected):
    assert set_quality(qualities, recall, RECALL) == expected


def test_rule_4_check_weights_are_shares_of_the_whole():
    checks = [(LENGTH, Outcome(value=0.5)), (ARTIFACTS, Outcome(value=1.0)), (GATE, Outcome(value=1.0))]

    score = scored(reward(A), Judged(item=None, verdicts={"a": yes(0.4)}), checks=checks)

    assert score.score == pytest.approx(0.7 * 0.4 + 0.1 * 0.5 + 0.2 * 1.0)


def test_rule_5_the_share_is_spread_over_the_range():
    score = scored(reward(A, range=(1.0, 5.0)), Judged(item=None, verdicts={"a": yes(0.25)}))

    assert score.score == pytest.approx(2.0)


def test_a_share_outside_is_an_error_and_not_a_clip():
    with pytest.raises(AssertionError, match=r"1\.1 is outside"):
        in_range(1.1, (0, 1))


def test_a_certificate_weighs_a_criterion_down_turns_it_off_or_reads_it_hard():
    verdicts = Judged(item=None, verdicts={"a": yes(0.8), "b": yes(0.5)})

    down = scored(reward(A, B), verdicts, readings={"a": Reading(factor=0.25)})
    off = scored(reward(A, B), verdicts, readings={"a": Reading(factor=0.0)})
    hard = scored(reward(A, B), verdicts, readings={"a": Reading(threshold=0.8), "b": Reading(threshold=0.6)})

    assert down.score == pytest.approx((0.5 * 0.8 + 0.5) / 1.5)
    assert off.score == pytest.approx(0.5)
    assert [part.name for part in off.parts] == ["b"]
    assert hard.score == pytest.approx(2 / 3)


values = st.one_of(st.none(), st.floats(0, 1), st.just(Missing("refused")))


@given(st.lists(st.tuples(values, values), min_size=1, max_size=4), st.floats(0, 1), st.booleans())
def test_a_score_is_in_its_range_or_missing_and_missing_whenever_a_part_is(items, length, negative):
    criteria = (A, Criterion(id="b", ask="B?", negative=negative))
    file = reward(*criteria, items="comments", range=(-2.0, 3.0))
    judged = [
        Judged(
            item=at,
            verdicts={"a": a if isinstance(a, Missing) else yes(a), "b": b if isinstance(b, Missing) else yes(b)},
        )
        for at, (a, b) in enumerate(items)
    ]

    score = scored(file, *judged, checks=[(LENGTH, Outcome(value=length))], items=({},) * len(items))

    broken = any(isinstance(value, Missing) for pair in items for value in pair)
    empty = any(pair == (None, None) for pair in items)
    assert (score.score is None) == (broken or empty)
    assert score.score is None or -2.0 <= score.score <= 3.0
