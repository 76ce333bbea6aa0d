"""The class that ms-swift takes, without ms-swift: completions and columns in, numbers out."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dikast.adapters.ms_swift import reward_class, rollouts_of
from dikast.conform.recorded import Recorded, lay_out
from dikast.errors import ConfigError
from dikast.records import Message


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return lay_out(tmp_path_factory.mktemp("suite"))


def call(recorded: Recorded, group: str, **settings: Any) -> list[float]:
    """Calls it as ms-swift does: in an event loop that ends with the call."""
    rollouts = [one for one in recorded.rollouts() if one.group == group]
    made = reward_class({"reward": str(recorded.reward), **settings})(args=SimpleNamespace())
    columns = {
        "messages": [
            [*({"role": t.role, "content": t.content} for t in one.prompt), {"role": "assistant", "content": "x"}]
            for one in rollouts
        ],
        "prompt_id": [one.group for one in rollouts],
        "request_id": [one.id for one in rollouts],
        "contract": [one.columns["contract"] for one in rollouts],
        "rule": [one.columns["rule"] for one in rollouts],
        "trainer_state": SimpleNamespace(global_step=3),
    }
    return asyncio.run(made([one.completion for one in rollouts], **columns))


def test_every_step_gives_the_engines_numbers_in_a_loop_of_its_own(recorded: Recorded):
    scores = {score.id: score.score for score in recorded.expected()}

    assert call(recorded, "g01") == call(recorded, "g01") == [scores[f"r01-{at}"] for at in range(4)]


def test_a_missing_one_is_the_mean_of_its_siblings_since_zero_would_be_the_word_for_it(recorded: Recorded):
    scores = {score.id: score.score for score in recorded.expected()}

    rewards = call(recorded, "g03")

    valid = [scores[f"r03-{at}"] for at in (1, 2, 3)]
    assert rewards == [sum(valid) / 3, *valid]


def test_a_group_without_any_score_is_flat(recorded: Recorded):
    assert call(recorded, "g43") == [-1.0] * 4


def test_a_constant_is_given_where_it_was_asked_for(recorded: Recorded):
    assert call(recorded, "g03", on_missing={"constant": 0.25})[0] == 0.25


def test_the_class_has_a_name_and_waits_as_ms_swift_looks_for_it(recorded: Recorded):
    made = reward_class({"reward": str(recorded.reward)})()

    assert made.__name__ == "dikast"
    assert asyncio.iscoroutinefunction(type(made).__call__)


def test_settings_that_mean_nothing_are_told_before_the_training():
    with pytest.raises(ConfigError, match="dikast: Object missing required field `reward`"):
        reward_class({})


def test_columns_that_are_not_lists_of_the_batch_are_left_out_and_the_answer_is_no_part_of_the_prompt():
    columns = {
        "messages": [[{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}]] * 2,
        "solution": ["s", None],
        "rollout_infos": [{}, {}],
        "seed": 3,
    }

    first, second = rollouts_of(["a", "b"], columns)

    assert first.prompt == (Message(role="user", content="p"),)
    assert (first.group, first.reference, second.reference) == (second.group, "s", None)
    assert first.columns == {"solution": "s"}
    assert first.id != second.id


def test_a_log_is_kept_where_it_is_asked_for(recorded: Recorded, tmp_path: Path):
    call(recorded, "g01", log=str(tmp_path / "scores"))

    [file] = (tmp_path / "scores").iterdir()
    assert len(file.read_bytes().splitlines()) == 4


def test_a_setting_that_ms_swift_cannot_follow_is_refused_when_the_class_is_made(recorded: Recorded):
    with pytest.raises(ConfigError, match="on_missing: drop: ms-swift drops no rollout"):
        reward_class({"reward": str(recorded.reward), "on_missing": "drop"})
