"""The traps of tinker-cookbook, in the package itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dikast

pytestmark = pytest.mark.slow

GROUP = """
import pickle
from pathlib import Path
from types import SimpleNamespace
from dikast.adapters.opening import RewardSettings
from dikast.adapters.tinker import judged
from dikast.conform.recorded import Recorded
from dikast.errors import ConfigError, ModelError
from dikast.spec.run import Constant

rollouts = Recorded(folder=Path(folder)).rollouts()

def score(group, **settings):
    of = [one for one in rollouts if one.group == group]
    columns = {"contract": of[0].columns["contract"], "rule": of[0].columns["rule"]}
    steps = [SimpleNamespace(transitions=[SimpleNamespace(logs={})]) for _ in of]
    prompt = [{"role": turn.role, "content": turn.content} for turn in of[0].prompt]
    given = judged(RewardSettings(reward=folder + "/reward.yaml", **settings), prompt,
                   [one.completion for one in of], columns=columns, trajectories=steps)
    return asyncio.run(given), [one.transitions[0].logs for one in steps]

def error_of(group, **settings):
    try:
        score(group, **settings)
    except (ConfigError, ModelError) as error:
        return f"{type(error).__name__}: {error}"
"""


def test_what_is_missing_gets_the_mean_of_the_others_and_says_so_in_metrics_and_logs(asked_in: Any):
    (given, logs) = asked_in("tinker", GROUP + 'print(json.dumps(score("g03")))')

    rewards = [reward for reward, _ in given]
    assert rewards[0] == pytest.approx(sum(rewards[1:]) / 3)
    assert [metrics["share/missing"] for _, metrics in given] == [1.0, 0.0, 0.0, 0.0]
    assert logs[0]["score_status"] == "missing"
    assert "on_the_clause: read" in logs[1]["score_reasons"]
    assert all(isinstance(value, float) for _, metrics in given for value in metrics.values())


def test_a_group_without_any_is_raised_so_that_the_cookbook_leaves_it_out(asked_in: Any):
    told = asked_in("tinker", GROUP + 'print(json.dumps(error_of("g43")))')

    assert told.startswith("ModelError: rejected: rollout '")
    assert "and all others of its group" in told


def test_a_setting_that_the_cookbook_cannot_follow_is_refused_and_the_others_are_followed(asked_in: Any):
    told = asked_in(
        "tinker",
        GROUP
        + """
constant, _ = score("g03", on_missing=Constant(constant=-1.0))
print(json.dumps([error_of("g03", on_missing="drop"), error_of("g03", on_missing="raise"), constant[0][0]]))
""",
    )

    assert "ConfigError: on_missing: drop: tinker-cookbook drops no trajectory" in told[0]
    assert told[1].startswith("ModelError: refused")
    assert told[2] == -1.0


COMPARING = """
name: comparing
objective: Judge the answer.
inputs: {}
judge:
  mode: preference
  model: openai:judge
  compare: round_robin
  prefer: The better answer.
"""


def test_a_judge_that_compares_the_rollouts_of_a_prompt_gets_the_whole_group(
    asked_in: Any, judge_server: Callable[..., Any], tmp_path: Path
):
    connection = {"provider": "openai", "endpoint": f"{judge_server('--latency', '0.001').url}/v1"}
    (tmp_path / "models.yaml").write_text(json.dumps({"judge": connection}))
    (tmp_path / "reward.yaml").write_text(COMPARING)
    said = ["one", "two", "three", "four"]

    told = asked_in(
        "tinker",
        f"""
        from dikast.adapters.opening import RewardSettings
        from dikast.adapters.tinker import judged

        settings = RewardSettings(reward={str(tmp_path / "reward.yaml")!r})
        print(json.dumps([reward for reward, _ in asyncio.run(judged(settings, "p", {said}))]))
        """,
    )

    here = dikast.load(tmp_path / "reward.yaml")
    rows = [{"id": f"r{at}", "group": "g", "prompt": "p", "completion": one} for at, one in enumerate(said)]
    assert len(set(told)) == 4
    assert told == [score.score for score in here.score(rows)]
    here.close()
