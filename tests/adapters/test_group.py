"""Groups that are scored together: one open reward a process, a deadline, a log, and a stop where too much is missing."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from dikast.adapters.group import GroupScorer, group_scorer
from dikast.adapters.opening import RewardSettings
from dikast.conform.recorded import Recorded, lay_out
from dikast.errors import ConfigError, NotGoodEnoughError
from dikast.records import Rollout
from dikast.spec.run import Constant


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return lay_out(tmp_path / "suite")


def settings_of(recorded: Recorded, **more: Any) -> RewardSettings:
    return RewardSettings(reward=str(recorded.reward), **more)


def test_the_same_settings_open_a_reward_once(recorded: Recorded):
    assert group_scorer(settings_of(recorded)) is group_scorer(settings_of(recorded))
    assert group_scorer(settings_of(recorded)) is not group_scorer(settings_of(recorded, deadline=3.0))


def test_one_scorer_serves_event_loops_that_come_and_go(recorded: Recorded):
    scorer = GroupScorer(settings_of(recorded))
    expected = [score.score for score in recorded.expected()[:8]]
    groups = [recorded.rollouts()[:4], recorded.rollouts()[4:8]]

    scores = [score.score for group in groups for score in asyncio.run(scorer.score(group))]

    assert scores == expected


def test_a_constant_outside_the_range_is_refused_when_the_run_starts(recorded: Recorded):
    with pytest.raises(ConfigError, match=r"outside the reward's range \[-1\.0, 2\.0\]"):
        GroupScorer(settings_of(recorded, on_missing=Constant(constant=3.0)))


def test_a_deadline_that_nothing_could_be_judged_in_is_refused_when_the_run_starts(recorded: Recorded):
    with pytest.raises(ConfigError, match="deadline must be more than 0 seconds"):
        GroupScorer(settings_of(recorded, deadline=0.0))


async def test_what_is_open_at_the_deadline_is_missing(recorded: Recorded, monkeypatch: pytest.MonkeyPatch):
    scorer = GroupScorer(settings_of(recorded, deadline=0.2))

    async def never(*_: Any) -> None:
        await asyncio.sleep(30)

    [member] = scorer.reward.judges._members
    monkeypatch.setattr(member.model, "reply", never)
    started = time.monotonic()
    unasked = Rollout(id="x", group="x", prompt="p", completion="new text", columns={"contract": "c", "rule": "r"})

    [score] = await scorer.score([unasked])

    assert score.missing == "expired"
    assert time.monotonic() - started < 5


async def test_every_score_of_a_group_stands_in_the_log(recorded: Recorded, tmp_path: Path):
    scorer = GroupScorer(settings_of(recorded, log=str(tmp_path / "log")))

    await scorer.score(recorded.rollouts()[12:16], step=3)

    [file] = (tmp_path / "log").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["id"], line["step"], line["missing"]) for line in lines] == [
        ("r03-0", 3, "refused"), ("r03-1", 3, None), ("r03-2", 3, None), ("r03-3", 3, None),
    ]  # fmt: skip


async def test_the_run_stops_where_too_much_is_missing(recorded: Recorded):
    scorer = GroupScorer(settings_of(recorded))
    lost = [rollout for rollout in recorded.rollouts() if rollout.group == "g43"]

    for _ in range(4):
        await scorer.score(lost)
    with pytest.raises(NotGoodEnoughError, match="20 of the last 20 scores are missing"):
        await scorer.score(lost)
