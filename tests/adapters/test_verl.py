"""What verl's reward workers load, and what they get, without verl: a trajectory with the fields that it has there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dikast.adapters import verl
from dikast.adapters.single import SingleScorer
from dikast.adapters.verl import DikastRewardManager, answer_of, compute_score, rollout_of
from dikast.errors import ConfigError, DataError, ModelError
from dikast.records import Message

REWARD = """
name: plain
objective: Judge the answer.
range: [-1, 1]
inputs: {Document: contract}
checks:
  - {check: length, max_words: 5, gate: true}
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: good, ask: "Is it good?"}
    - {id: sure, ask: "Is it sure?", na: true}
"""
VERDICTS = """\
{"id": "u-0", "verdicts": {"good": 0.25, "sure": "n/a"}}
{"id": "u-1", "verdicts": {"good": null, "sure": true}}
{"id": "u-2", "verdicts": {"good": true, "sure": true}}
"""


class Tokens(np.ndarray):
    """Token ids that are their own text."""


class Words:
    """A tokenizer of whole words."""

    words = ("<pad>", "yes", "no", "and", "so", "on")

    def decode(self, tokens: Any, *, skip_special_tokens: bool) -> str:
        assert skip_special_tokens
        return " ".join(self.words[token] for token in tokens)


class Trajectory:
    """One row of verl's data, as a batch of one and as its item."""

    def __init__(self, tokens: list[int], **fields: Any) -> None:
        padded = np.array([*tokens, *[0] * (8 - len(tokens))])
        self.batch = {
            "responses": padded,
            "attention_mask": np.array([1] * (3 + len(tokens)) + [0] * (8 - len(tokens))),
        }
        self.non_tensor_batch = {
            "raw_prompt": np.array([{"role": "user", "content": "Comment."}], dtype=object),
            "data_source": "contracts",
            "reward_model": {"ground_truth": "known", "style": "rule"},
            "extra_info": {"contract": "text", "index": np.int64(3)},
            "uid": "u",
            "session_id": 0,
            **fields,
        }

    def __getitem__(self, at: Any) -> Any:
        return self


class Config(dict[str, Any]):
    """A mapping whose keys are attributes too, as OmegaConf's are."""

    __getattr__ = dict.__getitem__


@pytest.fixture
def settings(reward_file: Any) -> dict[str, Any]:
    return {"reward": str(reward_file(REWARD, {"verdicts.jsonl": VERDICTS}))}


def manager(settings: dict[str, Any], **trainer: Any) -> DikastRewardManager:
    config = Config(reward=Config(reward_kwargs=settings), trainer=trainer)
    return DikastRewardManager(config, Words(), compute_score=None, reward_router_address=None)


async def test_a_trajectory_gets_its_reward_and_what_verl_may_log(settings: dict[str, Any]):
    told = await manager(settings).run_single(Trajectory([1, 2]))

    assert told["reward_score"] == -0.5
    assert told["reward_extra_info"] == {
        "score": -0.5, "gated": 0.0, "missing": 0.0, "part/length": 1.0, "part/good": 0.25, "part/sure": None,
    }  # fmt: skip


async def test_a_missing_score_is_raised_so_that_the_v1_trainer_drops_the_rollout(settings: dict[str, Any]):
    with pytest.raises(ModelError, match="rejected: rollout 'u-1': good"):
        await manager(settings).run_single(Trajectory([1], session_id=1))


async def test_every_answer_has_the_same_keys_and_none_that_validation_would_count_as_zero(settings: dict[str, Any]):
    ours = manager(settings | {"on_missing": {"constant": 0}})

    answers = [
        (await ours.run_single(Trajectory(tokens, session_id=session)))["reward_extra_info"]
        for tokens, session in (([1], 0), ([1], 1), ([1, 2, 3, 4, 5, 3, 4, 5], 2))
    ]

    assert [(one["score"], one["gated"], one["missing"]) for one in answers] == [(-0.5, 0, 0), (0, 0, 1), (-1, 1, 0)]
    assert {tuple(one) for one in answers} == {tuple(answers[0])}
    assert "acc" not in answers[0]


def test_the_v0_trainer_is_refused_where_it_would_stop_at_the_first_missing_score(settings: dict[str, Any]):
    with pytest.raises(ConfigError, match=r"trainer.use_v1: the v0 trainer stops at the first missing score"):
        manager(settings, use_v1=False)

    manager(settings | {"on_missing": {"constant": 0}}, use_v1=False)
    manager(settings, use_v1=True)


def test_a_setting_that_is_not_ours_is_told_with_its_place(settings: dict[str, Any]):
    with pytest.raises(ConfigError, match=r"^reward.reward_kwargs: .*unknown field `rewrd`"):
        manager(settings | {"rewrd": 1})


def test_a_row_of_verls_data_becomes_a_rollout():
    row = {
        "raw_prompt": [{"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image"}]}],
        "data_source": "contracts",
        "reward_model": {"ground_truth": "known"},
        "extra_info": {"contract": "text", "issues": [{"rule": 1}]},
        "playbook": "rules",
        "uid": "u7",
        "session_id": 2,
        "index": 5,
        "__num_turns__": 2,
    }

    rollout = rollout_of(row, "done")

    assert (rollout.id, rollout.group, rollout.reference, rollout.completion) == ("u7-2", "u7", "known", "done")
    assert rollout.prompt == (Message(role="user", content="Look"),)
    assert rollout.columns == {
        "ground_truth": "known", "contract": "text", "issues": [{"rule": 1}], "playbook": "rules",
        "data_source": "contracts",
    }  # fmt: skip


def test_a_ground_truth_that_is_no_text_is_a_column_and_no_reference():
    rollout = rollout_of({"raw_prompt": "p", "reward_model": {"ground_truth": {"a": 1}}}, "done")

    assert (rollout.reference, rollout.columns) == (None, {"ground_truth": {"a": 1}})


class TestFunction:
    """`reward.custom_reward_function`: keyword arguments, no prompt."""

    def test_verl_awaits_it(self):
        import inspect

        assert inspect.iscoroutinefunction(compute_score)

    async def test_it_scores_what_verl_passes_where_the_data_holds_the_prompt(self, settings: dict[str, Any]):
        told = await compute_score(
            data_source="contracts",
            solution_str="no and",
            ground_truth="known",
            extra_info={"prompt": "Comment.", "contract": "text", "group": "u", "num_turns": None},
            reward_router_address="127.0.0.1:1",
            **settings,
        )

        assert told == {
            "score": -0.5, "gated": 0.0, "missing": 0.0, "part/length": 1.0, "part/good": 0.25, "part/sure": None,
        }  # fmt: skip

    async def test_a_prompt_that_is_not_there_is_told(self, settings: dict[str, Any]):
        with pytest.raises(DataError, match=r"verl passes no prompt to a reward function; .*extra_info.prompt"):
            await compute_score("contracts", "no", "known", {"contract": "text"}, **settings)

    async def test_one_reward_is_opened_for_all_calls(self, settings: dict[str, Any], monkeypatch: Any):
        opened: list[Any] = []
        really = SingleScorer.of.__func__

        def counted(cls: Any, given: Any, *, trainer: str) -> SingleScorer:
            opened.append(given)
            return really(cls, given, trainer=trainer)

        monkeypatch.setattr(SingleScorer, "of", classmethod(counted))
        info = {"prompt": "Comment.", "contract": "text", "group": "u"}
        for _ in range(3):
            await compute_score("contracts", "no and", "known", dict(info), **settings)

        assert len(opened) == 1


def test_nothing_of_verl_is_loaded_before_it_is_used():
    import sys

    assert verl.DikastRewardManager
    assert "verl" not in sys.modules


async def test_a_missing_score_has_no_answer(settings: dict[str, Any]):
    scorer = manager(settings).scorer
    score = await scorer.score(
        rollout_of({"raw_prompt": "p", "uid": "u", "session_id": 1, "extra_info": {"contract": "t"}}, "yes")
    )

    with pytest.raises(ModelError):
        answer_of(scorer, score)


def test_where_scores_are_kept_is_a_setting(settings: dict[str, Any], tmp_path: Path):
    ours = manager(settings | {"log": str(tmp_path / "scores")})

    assert ours.scorer.log is not None
    assert ours.scorer.log.path.parent == tmp_path / "scores"
