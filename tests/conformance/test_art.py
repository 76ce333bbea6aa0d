"""The traps of ART, in the package itself."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

GATHER = """
import art
from pathlib import Path
from dikast.adapters.art import ArtReward, rollouts_of
from dikast.adapters.opening import RewardSettings
from dikast.conform.drivers.art import written
from dikast.conform.recorded import Recorded
from dikast.errors import ModelError
from dikast.spec.run import Constant

rollouts = Recorded(folder=Path(folder)).rollouts()

def gather(*names, **settings):
    judge = ArtReward(RewardSettings(reward=folder + "/reward.yaml", **settings))
    groups = [written([one for one in rollouts if one.group == name]) for name in names]
    return asyncio.run(art.gather_trajectory_groups(groups, after_each=judge.score_group, pbar_desc=None))
"""


def test_nothing_that_a_judge_does_ends_the_gathering(asked_in: Any):
    """What is raised in `after_each` would, whatever `max_exceptions` says: here every kind of failure occurs."""
    told = asked_in(
        "art",
        GATHER
        + """
names = sorted({one.group for one in rollouts})
print(json.dumps([len(names), sum(len(group) for group in gather(*names))]))
""",
    )

    groups, left = told
    # 17 missing, and the one valid sibling of three of them.
    assert (groups, left) == (50, 200 - 17 - 1)


def test_what_is_missing_is_dropped_and_the_group_says_so(asked_in: Any):
    told = asked_in(
        "art",
        GATHER
        + """
[group] = gather("g03")
print(json.dumps([
    [one.metadata["rollout"] for one in group], group.logs,
    sorted(group.trajectories[0].metrics), group.trajectories[0].logs,
]))
""",
    )

    assert told[0] == ["r03-1", "r03-2", "r03-3"]
    assert told[1][0].startswith("dropped, refused: length=1.00")
    assert {"part/clear", "share/gated", "share/missing"} <= set(told[2])
    assert any("on_the_clause: read" in line for line in told[3])


def test_what_was_gathered_stays_as_it_was(asked_in: Any):
    told = asked_in(
        "art",
        GATHER
        + """
of = [one for one in rollouts if one.group == "g03"]
before = asyncio.run(written(of))
judge = ArtReward(RewardSettings(reward=folder + "/reward.yaml"))
after = asyncio.run(judge.score_group(before))
print(json.dumps([len(before), before.trajectories[1].reward, before.trajectories[1].metrics, len(after)]))
""",
    )

    assert told == [4, 0.0, {}, 3]


def test_the_other_settings_keep_the_group_whole(asked_in: Any):
    told = asked_in(
        "art",
        GATHER
        + """
[constant] = gather("g03", on_missing=Constant(constant=-1.0))
[mean] = gather("g03", on_missing="group_mean")
try:
    gather("g03", on_missing="raise")
except ModelError as error:
    print(json.dumps([constant.trajectories[0].reward, [one.reward for one in mean], str(error)]))
""",
    )

    assert told[0] == -1.0
    assert told[1][0] == pytest.approx(sum(told[1][1:]) / 3)
    assert told[2].startswith("refused: rollout")


def test_what_stands_before_the_policys_first_turn_is_the_prompt(asked_in: Any):
    told = asked_in(
        "art",
        GATHER
        + """
from openai.types.chat.chat_completion import Choice
from openai.types.chat import ChatCompletionMessage

said = lambda text: Choice(finish_reason="stop", index=0, message=ChatCompletionMessage(role="assistant", content=text))
turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "shown"},
         {"role": "user", "content": "v"}, said("first "), {"role": "tool", "tool_call_id": "t", "content": "tool"}, said("last")]
group = art.TrajectoryGroup([art.Trajectory(messages_and_choices=turns, metadata={"rule": "r", "reference": "ref"})],
                            metadata={"contract": "c", "group": "g9"})
[made] = rollouts_of(group)
print(json.dumps([[turn.content for turn in made.prompt], made.completion, made.group, made.reference, made.columns]))
""",
    )

    assert told == [["s", "u", "shown", "v"], "first last", "g9", "ref", {"contract": "c", "rule": "r"}]
