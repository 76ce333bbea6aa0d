"""The traps of verifiers, in the package itself."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

TRACE = """
import verifiers.v1 as vf
from verifiers.v1.errors import TaskError
from verifiers.v1.graph import MessageNode
from dikast.conform.recorded import Recorded
from pathlib import Path

class Clause(vf.TaskData):
    contract: str
    rule: str

class Review(vf.Task[Clause]):
    pass

rollouts = {rollout.id: rollout for rollout in Recorded(folder=Path(folder)).rollouts()}
reward = folder + "/reward.yaml"

def trace_of(name, config, completion=None, **more):
    one = rollouts[name]
    data = Clause(prompt=one.prompt[0].content, contract=one.columns["contract"], rule=one.columns["rule"], **more)
    trace = vf.Trace(task=vf.TraceTask(type="Review", data=data),
                     agent=vf.AgentInfo(name="agent", config=vf.AgentConfig()))
    answer = vf.AssistantMessage(content=one.completion if completion is None else completion)
    trace.nodes.append(MessageNode(message=answer, sampled=True))
    return Review(data, config), trace

def judged_by(**more):
    return vf.TaskConfig(judges=[{"id": "dikast-judge", "reward": reward, **more}])
"""


def test_the_plugin_is_found_by_its_id_and_takes_the_reward_from_the_configuration(asked_in: Any):
    told = asked_in(
        "verifiers",
        TRACE
        + """
task, trace = trace_of("r00-0", judged_by(weight=0.5))
asyncio.run(task.score(trace))
call = trace.info["judge_calls"][0]
print(json.dumps({
    "rewards": {name: [r.score, r.weight] for name, r in trace.rewards.items()},
    "metrics": sorted(trace.metrics), "judge": call["name"], "model": call["request"]["model"],
    "said": json.loads(call["response"]["message"]["content"])["status"], "usage": len(trace.extra_usage),
}))
""",
    )

    assert list(told["rewards"]) == ["dikast"]
    assert told["rewards"]["dikast"][1] == 0.5
    assert told["metrics"] == [
        "dikast/artifacts", "dikast/clear", "dikast/filler", "dikast/founded", "dikast/gated", "dikast/length",
        "dikast/missing", "dikast/on_the_clause", "dikast/short",
    ]  # fmt: skip
    assert (told["judge"], told["model"], told["said"], told["usage"]) == ("dikast", "recorded:replies.db", "scored", 1)


def test_what_is_missing_is_an_error_of_the_task_and_never_a_nan_which_would_pass_silently(asked_in: Any):
    told = asked_in(
        "verifiers",
        TRACE
        + """
task, trace = trace_of("r03-0", judged_by())
try:
    asyncio.run(task.score(trace))
    told = "passed"
except TaskError as error:
    told = str(error)
print(json.dumps([told, trace.rewards["dikast"], trace.info["judge_calls"][0]["name"], trace.metrics["dikast/missing"]]))
""",
    )

    assert "ModelError: refused: rollout" in told[0]
    assert told[1:] == [None, "dikast", 1.0]


def test_a_constant_stands_for_missing_where_it_was_asked_for_and_a_group_mean_cannot_be_had(asked_in: Any):
    told = asked_in(
        "verifiers",
        TRACE
        + """
task, trace = trace_of("r03-0", judged_by(on_missing={"constant": -1.0}))
asyncio.run(task.score(trace))
task, other = trace_of("r03-0", judged_by(on_missing="group_mean"))
try:
    asyncio.run(task.score(other))
except TaskError as error:
    print(json.dumps([trace.reward, str(error)]))
""",
    )

    assert told[0] == -1.0
    assert "on_missing: verifiers asks about one rollout at a time" in told[1]


def test_the_deadline_comes_before_the_tasks_own_time_out_which_would_train_on_a_part(asked_in: Any):
    told = asked_in(
        "verifiers",
        TRACE
        + """
from dikast.adapters import verifiers as adapter
from dikast.adapters.opening import RewardSettings

settings = RewardSettings(reward=reward, deadline=120.0)
task, _ = trace_of("r00-0", judged_by(), timeout=vf.TaskTimeout(scoring=10.0))
loose, _ = trace_of("r00-0", judged_by())
print(json.dumps([adapter._within(settings, task.data).deadline, adapter._within(settings, loose.data).deadline]))
""",
    )

    assert told == [9.0, 120.0]


def test_the_reply_is_judged_as_it_was_written(asked_in: Any):
    told = asked_in(
        "verifiers",
        TRACE
        + """
from dikast.adapters.verifiers import rollout_of

task, trace = trace_of("r00-0", judged_by(), completion="  padded \\n", id="p7", system_prompt="Be brief.")
made = rollout_of(task.data, trace)
print(json.dumps([made.completion, trace.last_reply, made.group, [turn.role for turn in made.prompt], sorted(made.columns)]))
""",
    )

    assert told == ["  padded \n", "padded", "p7", ["system", "user"], ["contract", "rule"]]
