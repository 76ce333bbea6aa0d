"""The verdict claims what an interval holds, and nothing else."""

import pytest

from dikast.evaluate.records import Contrast, Figure
from dikast.report.verdict import verdict_of

ARMS = {"sft_start": {}, "sft_long": {}, "rft": {}}


def contrast(metric, value, low, high, *, b="sft_start", n=50):
    return Contrast(a="rft", b=b, metric=metric, value=value, low=low, high=high, p=0.01, n=n)


def test_a_difference_above_zero_is_claimed_with_its_bounds():
    told = verdict_of(ARMS, [contrast("gold", 0.12, 0.05, 0.19)])

    assert told[0] == "rft is better than sft_start in gold, which the reward does not see."
    assert told[1] == "rft beats sft_start in gold by 0.12 [0.05, 0.19]."


def test_an_interval_that_includes_zero_is_no_claim():
    told = verdict_of(ARMS, [contrast("gold", 0.02, -0.03, 0.07)])

    assert told[0] == "No improvement of rft over sft_start is shown."
    assert told[1] == "Against sft_start the interval includes zero in gold (0.02 [−0.03, 0.07]): no claim."


def test_a_bound_at_zero_is_no_claim():
    told = verdict_of(ARMS, [contrast("gold", 0.02, 0.0, 0.07)])

    assert "no claim" in told[1]


def test_a_bound_just_above_zero_does_not_look_like_zero():
    told = verdict_of(ARMS, [contrast("gold", 0.05, 0.002, 0.1)])

    assert told[1] == "rft beats sft_start in gold by 0.050 [0.002, 0.100]."


@pytest.mark.parametrize("metric", ["reward", "judge_score"])
def test_what_the_judge_scores_and_gold_does_not_see_is_no_improvement(metric: str):
    told = verdict_of(ARMS, [contrast(metric, 0.3, 0.2, 0.4), contrast("gold", 0.0, -0.1, 0.1)])

    assert told[0] == "What the judge scores rose and gold did not: that rft is better than sft_start is not shown."


def test_gold_that_fell_is_told_first_whatever_the_reward_did():
    told = verdict_of(ARMS, [contrast("reward", 0.3, 0.2, 0.4), contrast("gold", -0.2, -0.3, -0.1)])

    assert told[0] == "rft is worse than sft_start in gold, whatever the reward says."
    assert "rft falls behind sft_start in gold (−0.20 [−0.30, −0.10])." in told


def test_without_gold_nothing_is_called_better():
    told = verdict_of(ARMS, [contrast("reward", 0.3, 0.2, 0.4)])

    assert told[0].startswith("There is no gold measure here")


def test_few_documents_carry_no_claim():
    told = verdict_of(ARMS, [contrast("gold", 0.3, 0.2, 0.4, n=4)])

    assert told[0] == "No improvement of rft over sft_start is shown."
    assert told[1] == "Against sft_start under 10 documents tell of gold (0.30 [0.20, 0.40]): no claim."


def test_the_conclusion_speaks_of_each_comparison():
    told = verdict_of(ARMS, [contrast("gold", 0.12, 0.05, 0.19), contrast("gold", 0.0, -0.1, 0.1, b="sft_long")])

    assert told[:2] == (
        "rft is better than sft_start in gold, which the reward does not see.",
        "No improvement of rft over sft_long is shown.",
    )


def test_validity_is_told_with_its_exact_bound():
    arms = {"base": {}, "rft": {"json_validity": Figure(value=0.99, low=0.96, high=1.0, n=200, exact_low=0.969)}}

    assert verdict_of(arms, []) == (
        "rft gives valid JSON in 99.0 % of 200 documents (at least 96.9 %, one-sided 95 % bound).",
    )


@pytest.mark.parametrize("arms", [{}, {"alone": {}}])
def test_there_may_be_nothing_to_say(arms):
    assert verdict_of(arms, []) == ()
