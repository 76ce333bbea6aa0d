"""What the stacks do with a failed judge that is plugged in by hand: the last column of the table in docs/trainers.md.

Where one of these fails, that stack has changed, and the table with it.
"""

import math
from typing import Any

import pytest

pytestmark = pytest.mark.slow


TRL = """
from pathlib import Path
from trl.trainer.grpo_config import GRPOConfig
from dikast.conform.drivers.trl import Kept, KeptSync, RecitingGRPO, train
from dikast.conform.recorded import Recorded

def well_formed(completions, **_):
    return [0.1] * len(completions)

recorded = Recorded(folder=Path(folder))
judge = JUDGE.load(recorded.reward)
judge.on_missing = "native"
advantages = train(RecitingGRPO, GRPOConfig, FUNCTIONS, recorded.rollouts())
print(json.dumps([at for at, score in zip(advantages, recorded.expected()) if score.score is None]))
"""


@pytest.mark.parametrize(
    ("environment", "judge", "functions"),
    [(None, "Kept", "[judge, well_formed]"), ("trl-older", "KeptSync", "judge")],
    ids=["beside a format reward", "before 1.6"],
)
def test_trl_makes_zero_of_a_missing_judgment(asked_in: Any, environment: str | None, judge: str, functions: str):
    failed = asked_in(environment, TRL.replace("JUDGE", judge).replace("FUNCTIONS", functions))

    moved = [advantage for advantage in failed if abs(advantage) > 0.01]
    assert (len(failed), len(moved)) == (17, 13)
    assert (min(moved), max(moved)) == (pytest.approx(-1.44, abs=0.01), pytest.approx(0.39, abs=0.01))


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
