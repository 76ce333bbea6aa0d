"""slime's contract, which is not on PyPI: its function for a group, its sample, its mask.

The sample has the fields of slime's own, as of 624b824; the driver beside the other trainers' runs the source itself.
"""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from dikast.adapters.slime import LOGGED, reward, rollout_of
from dikast.conform.recorded import Recorded, lay_out
from dikast.errors import ConfigError, ModelError
from dikast.records import Rollout


def sample_of(rollout: Rollout, **fields: Any) -> Any:
    """A sample as slime makes one of a row and an answer."""
    return SimpleNamespace(
        **{
            "prompt": [{"role": turn.role, "content": turn.content} for turn in rollout.prompt],
            "response": rollout.completion + "<|im_end|>",
            "label": rollout.reference,
            "metadata": {"contract": rollout.columns["contract"], "rule": rollout.columns["rule"]},
            "group_index": int(rollout.group[1:]),
            "index": int(rollout.id[-1]),
            "remove_sample": False,
            **fields,
        }
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return lay_out(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def group(recorded: Recorded) -> Callable[[str], list[Any]]:
    rollouts = recorded.rollouts()
    return lambda name: [sample_of(one) for one in rollouts if one.group == name]


def args_of(recorded: Recorded, **settings: Any) -> Any:
    return SimpleNamespace(group_rm=True, dikast={"reward": str(recorded.reward), **settings})


@pytest.fixture(scope="module")
def scores(recorded: Recorded) -> dict[str, float | None]:
    return {score.id: score.score for score in recorded.expected()}


async def test_a_group_gets_the_engines_numbers(recorded: Recorded, group: Any, scores: Any):
    samples = group("g01")

    assert await reward(args_of(recorded), samples) == [scores[f"r01-{at}"] for at in range(4)]
    assert not any(sample.remove_sample for sample in samples)
    assert samples[0].metadata[LOGGED]["status"] == "scored"


async def test_a_missing_one_is_taken_out_of_the_loss_and_does_not_move_its_groups_mean(
    recorded: Recorded, group: Any, scores: Any
):
    samples = group("g35")

    rewards = await reward(args_of(recorded), samples)

    valid = [scores["r35-2"], scores["r35-3"]]
    assert [sample.remove_sample for sample in samples] == [True, True, False, False]
    assert rewards == [sum(valid) / 2, sum(valid) / 2, *valid]
    assert sum(rewards) / 4 == pytest.approx(sum(valid) / 2)


async def test_a_group_without_any_score_is_taken_out_whole(recorded: Recorded, group: Any):
    samples = group("g43")

    rewards = await reward(args_of(recorded), samples)

    assert all(sample.remove_sample for sample in samples)
    assert rewards == [-1.0] * 4


async def test_what_slime_removed_before_stays_removed(recorded: Recorded, group: Any):
    samples = group("g01")
    samples[2].remove_sample = True

    await reward(args_of(recorded), samples)

    assert [sample.remove_sample for sample in samples] == [False, False, True, False]


async def test_a_constant_stands_for_missing_and_nothing_is_masked(recorded: Recorded, group: Any):
    samples = group("g35")

    rewards = await reward(args_of(recorded, on_missing={"constant": 0.5}), samples)

    assert rewards[:2] == [0.5, 0.5]
    assert not any(sample.remove_sample for sample in samples)


async def test_raise_stops_the_rollout(recorded: Recorded, group: Any):
    with pytest.raises(ModelError, match="rollout '35-0'"):
        await reward(args_of(recorded, on_missing="raise"), group("g35"))


async def test_an_evaluation_asks_one_by_one_and_a_missing_score_is_no_number(
    recorded: Recorded, group: Any, scores: Any
):
    missing, _, scored, _ = group("g35")

    assert math.isnan(await reward(args_of(recorded), missing))
    assert await reward(args_of(recorded), scored) == scores["r35-2"]


async def test_training_one_by_one_is_refused_since_no_mean_is_known(recorded: Recorded, group: Any):
    args = args_of(recorded)
    args.group_rm = False

    with pytest.raises(ConfigError, match="start it with --group-rm"):
        await reward(args, group("g01")[0])


async def test_settings_that_are_not_there_are_told_with_where_they_belong(group: Any):
    with pytest.raises(
        ConfigError, match=r"write dikast: \{reward: ...\} into a file and name it with --custom-config"
    ):
        await reward(SimpleNamespace(group_rm=True), group("g01"))


def test_a_sample_becomes_a_rollout_without_the_tokenizers_marks(recorded: Recorded):
    [first, *_] = recorded.rollouts()

    rollout = rollout_of(sample_of(first, metadata={"contract": "c", LOGGED: {"status": "scored"}}))

    assert (rollout.completion, rollout.prompt, rollout.reference) == (first.completion, first.prompt, first.reference)
    assert rollout.columns == {"label": first.reference, "contract": "c"}
    assert (rollout.group, rollout.id) == ("0", "0-0")
