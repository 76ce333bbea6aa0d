"""Warnings about a run's steps: each once, and only where the figures call for it."""

from dikast.report.steps import Alarms, step_line


def said(*rows: dict[str, float], limits: tuple[float, float] = (0.0, 1.0)) -> list[str]:
    alarms = Alarms(limits)
    return [alarm for at, row in enumerate(rows, 1) for alarm in alarms.of({"step": at, **row})]


def test_a_quiet_run_says_nothing():
    assert said(*[{"reward": 0.5, "entropy": 1.0, "completions/mean_length": 90.0, "share/missing": 0.04}] * 30) == []


def test_each_kind_is_said_once_at_the_step_where_it_begins():
    rows = [{"completions/mean_length": length} for length in (100.0, 200.0, 201.0, 300.0)]

    assert said(*rows) == ["step 3: answers are 201 tokens long, over twice as long as at first"]


def test_a_collapse_of_entropy_missing_scores_and_cut_answers_are_told():
    [missing, cut, entropy] = said({"entropy": 1.0}, {"entropy": 0.09, "share/missing": 0.05, "aborted": 0.2})

    assert "5.0% of the scores are missing" in missing
    assert "20.0% of the answers were cut short" in cut
    assert "entropy fell to 0.09" in entropy


def test_a_reward_is_too_high_or_stays_too_low_by_its_own_range():
    assert said({"reward": 9.6}, limits=(0.0, 10.0)) == [
        "step 1: the mean reward is 9.600: almost nothing is left to learn from it"
    ]
    low = said(*[{"reward": -0.9}] * 25, limits=(-1.0, 1.0))
    assert low == ["step 20: the mean reward is -0.900 still: warm the policy up on examples first"]


def test_a_step_of_a_job_elsewhere_has_its_seconds_without_their_parts():
    assert (
        step_line({"step": 2, "reward": 0.5, "loss": -0.1, "seconds_step": 61.6})
        == "step 2 loss -0.100 reward 0.500 62 s"
    )
