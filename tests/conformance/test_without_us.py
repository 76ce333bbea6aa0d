"""What the stacks do with a failed judge that is plugged in by hand, where the table in docs/trainers.md has a word and no number.

Where one of these fails, that stack has changed, and the table with it.
"""

import math
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_verifiers_takes_a_nan_for_a_reward(asked_in: Any):
    told = asked_in(
        "verifiers",
        """
import verifiers.v1 as vf

class Review(vf.Task[vf.TaskData]):
    @vf.reward
    async def judged(self, trace) -> float:
        return float("nan")

data = vf.TaskData(prompt="p")
trace = vf.Trace(task=vf.TraceTask(type="Review", data=data), agent=vf.AgentInfo(name="a", config=vf.AgentConfig()))
asyncio.run(Review(data).score(trace))
print(json.dumps([str(trace.reward), len(trace.errors)]))
""",
    )

    assert told == ["nan", 0]


def test_tinker_cookbook_makes_a_groups_advantages_nan(asked_in: Any):
    told = asked_in(
        "tinker",
        """
from tinker_cookbook.rl.data_processing import compute_advantages
from tinker_cookbook.rl.types import Trajectory, TrajectoryGroup

group = TrajectoryGroup([Trajectory([], None)] * 3, [1.0, float("nan"), 0.0], [{}] * 3)
print(json.dumps(compute_advantages([group])[0].tolist()))
""",
    )

    assert all(map(math.isnan, told))


def test_art_ends_the_gathering_with_the_judges_error_and_takes_a_nan(asked_in: Any):
    told = asked_in(
        "art",
        """
import art

async def one():
    return art.TrajectoryGroup([art.Trajectory(reward=float("nan")), art.Trajectory(reward=1.0)])

async def judge(group):
    raise TimeoutError("the judge is late")

taken = asyncio.run(art.gather_trajectory_groups([one()], pbar_desc=None))
try:
    asyncio.run(art.gather_trajectory_groups([one()], after_each=judge, max_exceptions=10, pbar_desc=None))
except TimeoutError as error:
    print(json.dumps([str(taken[0].trajectories[0].reward), str(error)]))
""",
    )

    assert told == ["nan", "the judge is late"]
