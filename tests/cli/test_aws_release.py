"""`dikast aws release`: the smoke set is asked, scored, and held to the report."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_reward import ONE

from dikast.cli.aws.release import _answer_and_score, _compare
from dikast.errors import ConfigError, NotGoodEnoughError
from dikast.evaluate.recorded import recorded_evaluation
from dikast.evaluate.records import Judge
from dikast.records import Rollout, Score
from dikast.report.write import write_report
from dikast.train.folder import RunFolder


def rollout(number: int) -> Rollout:
    return Rollout(
        id=f"r{number}", group=f"g{number}", prompt=f"Ask {number}", completion="", columns={"contract": "c"}
    )


@pytest.fixture
def run(tmp_path: Path, judged_by: Callable[..., Any], scripted_model: Any) -> RunFolder:
    """A run's folder whose report gives the arm rft a mean reward of 0.6, from 0.5 and 0.7 in turn."""
    reward = judged_by(ONE, scripted_model(0.9))
    pairs = [
        (rollout(at), Score(id=f"r{at}", group=f"g{at}", score=0.5 + 0.2 * (at % 2), status="scored"))
        for at in range(40)
    ]
    judge = Judge(name="scripted:judge", fingerprint="f00d")
    write_report(recorded_evaluation("rft", pairs, reward.spec, judge=judge, certificate_hash=None), tmp_path)
    return RunFolder(tmp_path)


def test_the_deployed_model_answers_and_the_reward_scores_what_it_said(
    judged_by: Callable[..., Any], scripted_model: Any
):
    deployed = scripted_model(lambda request: f"answer to {request.messages[-1].content}")
    reward = judged_by(ONE, scripted_model(0.75))

    answered = asyncio.run(_answer_and_score([rollout(1), rollout(2)], deployed, reward, max_tokens=64))

    assert [one.completion for one, _ in answered] == ["answer to Ask 1", "answer to Ask 2"]
    assert [score for _, score in answered] == [pytest.approx(0.75)] * 2
    assert deployed.closed
    assert deployed.asked[0].max_tokens == 64


def test_a_mean_below_the_report_s_interval_is_not_good_enough(run: RunFolder):
    low = json.loads(run.report.read_text())["arms"]["rft"]["reward"]["low"]

    with pytest.raises(NotGoodEnoughError, match=r"mean reward 0\.\d+ is below rft in the report: 0\.600"):
        _compare(low - 0.01, 8, 8, run, "rft")


def test_a_mean_inside_the_interval_is_told_and_is_no_error(run: RunFolder, capsys: pytest.CaptureFixture[str]):
    _compare(0.6, 8, 8, run, "rft")

    assert "not below rft in the report: 0.600" in capsys.readouterr().err


def test_an_arm_that_the_report_does_not_have_is_told(run: RunFolder):
    with pytest.raises(ConfigError, match="name another arm with --arm"):
        _compare(0.6, 8, 8, run, "other")


def test_without_a_report_the_figure_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    _compare(0.6, 8, 8, RunFolder(tmp_path), "rft")

    assert "no report in" in capsys.readouterr().err
