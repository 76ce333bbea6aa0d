"""A file is scored in the order of its lines, groups together, whatever order the groups stand in."""

import itertools
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_reward import ONE

from dikast.errors import UnavailableError
from dikast.models.base import Request
from dikast.records import Score
from dikast.reward.reward import Reward
from dikast.reward.streaming import scored_file
from dikast.rollouts import Scan, read_rollouts, scan_rollouts

Write = Callable[..., Path]


def believed(request: Request) -> float:
    """P(yes) is what the candidate says it is."""
    return float(request.messages[-1].content.split("\n</")[0].split()[-1])


def rows(count: int, *, groups: int, apart: bool) -> list[dict[str, Any]]:
    made = [
        {
            "id": f"r{at}",
            "group": f"g{at * groups // count}",
            "prompt": "p",
            "completion": f"a {at / count}",
            "contract": "c",
        }
        for at in range(count)
    ]
    if apart:
        random.Random(1).shuffle(made)
    return made


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[list[dict[str, Any]]], Path]:
    def write(made: list[dict[str, Any]]) -> Path:
        path = tmp_path / "rollouts.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in made))
        return path

    return write


async def scored(reward: Reward, scan: Scan, **how: Any) -> list[Score]:
    return [score async for scores in scored_file(reward.engine, scan, reward.journal, **how) for score in scores]


@pytest.mark.parametrize("concurrency", [1, 4, 64])
@pytest.mark.parametrize("apart", [False, True])
async def test_the_scores_stand_in_the_order_of_the_lines(
    judged_by: Any, scripted_model: Any, file_of: Any, concurrency: int, apart: bool
):
    path = file_of(rows(300, groups=40, apart=apart))
    reward = judged_by(ONE, scripted_model(believed, concurrency=concurrency))
    scan = scan_rollouts(path, require=reward.engine.require)

    scores = await scored(reward, scan)

    assert scan.together is not apart
    rollouts = read_rollouts(path)
    assert [score.id for score in scores] == [rollout.id for rollout in rollouts]
    assert [score.score for score in scores] == pytest.approx([float(r.completion.split()[1]) for r in rollouts])


async def test_a_group_that_stands_apart_is_asked_together(judged_by: Any, scripted_model: Any, file_of: Any):
    made = [row | {"contract": f"contract {row['group']}"} for row in rows(30, groups=3, apart=True)]
    model = scripted_model(believed, concurrency=1)
    reward = judged_by(ONE, model)

    await scored(reward, scan_rollouts(file_of(made)))

    groups = [request.messages[-1].content.split("contract ")[1].split("\n")[0] for request in model.asked]
    assert sum(before != after for before, after in itertools.pairwise(groups)) == 2


async def test_a_group_that_stands_apart_may_hold_what_json_cannot(judged_by: Any, scripted_model: Any, file_of: Any):
    made = [
        row | {"completion": "\ud800 " + row["completion"], "big": 2**70, "contract": math.inf}
        for row in rows(9, groups=3, apart=True)
    ]
    scan = scan_rollouts(file_of(made))

    scores = await scored(judged_by(ONE, scripted_model(believed)), scan)

    assert [score.id for score in scores] == [row["id"] for row in made]
    assert [score.score for score in scores] == pytest.approx([float(row["completion"].split()[-1]) for row in made])


async def test_what_was_spilled_is_gone_and_the_next_file_can_be_scored(
    judged_by: Any, scripted_model: Any, file_of: Any
):
    reward = judged_by(ONE, scripted_model(believed, concurrency=8))
    scan = scan_rollouts(file_of(rows(40, groups=4, apart=True)))

    first, second = await scored(reward, scan), await scored(reward, scan)

    assert [score.score for score in first] == [score.score for score in second]


@pytest.mark.parametrize("apart", [False, True])
async def test_an_error_stops_the_file_and_leaves_nothing_running(
    judged_by: Any, scripted_model: Any, file_of: Any, apart: bool
):
    reward = judged_by(ONE, scripted_model(UnavailableError("no such key"), concurrency=16))

    with pytest.raises(UnavailableError, match=r"^no such key$"):
        await scored(reward, scan_rollouts(file_of(rows(40, groups=4, apart=apart))))


async def test_after_the_deadline_the_rest_of_the_file_is_missing(judged_by: Any, scripted_model: Any, file_of: Any):
    reward = judged_by(ONE, scripted_model(believed, concurrency=4))

    scores = await scored(reward, scan_rollouts(file_of(rows(40, groups=4, apart=False))), deadline=0.0)

    assert len(scores) == 40
    assert {score.missing for score in scores} == {"expired"}
