"""A reward that `dikast serve` has, named by its address in a trainer's settings: the same numbers as one of a file.

The adapters that need no trainer to be imported; the others are driven over HTTP in tests/conformance.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import running_serve

from dikast.adapters import ms_swift, nemo_gym, slime, verl
from dikast.adapters.group import GroupScorer
from dikast.adapters.opening import RewardSettings, read_settings
from dikast.adapters.single import SingleScorer
from dikast.adapters.trl import SyncTrlReward, TrlReward
from dikast.conform.recorded import Recorded, lay_out
from dikast.errors import ConfigError, ModelError, UnavailableError
from dikast.records import Rollout

GROUPS = ("g00", "g03", "g05", "g17", "g31", "g35", "g40")
"""Scored, gated, missing by one and by two of four, with n/a, with Unicode."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return lay_out(Path(tmp_path_factory.mktemp("suite")))


@pytest.fixture(scope="module")
def address(recorded: Recorded) -> Iterator[str]:
    server = running_serve.RunningServe(recorded.reward, "--journal", str(recorded.folder / "served.db"))
    yield server.address
    server.stop()


@pytest.fixture
def rollouts(recorded: Recorded) -> list[Rollout]:
    return [one for one in recorded.rollouts() if one.group in GROUPS]


def turns(rollout: Rollout) -> list[dict[str, str]]:
    return msgspec.to_builtins(rollout.prompt)


def columns(rollout: Rollout) -> dict[str, Any]:
    return {name: rollout.columns[name] for name in ("contract", "rule")}


Ask = Callable[[str, list[Rollout]], list[Any]]


def by_trl(reward: str, rollouts: list[Rollout]) -> list[Any]:
    asked = TrlReward.load(reward)
    told = asyncio.run(
        asked([turns(one) for one in rollouts], [one.completion for one in rollouts], **listed(rollouts))
    )
    return [*told, *SyncTrlReward.load(reward)([turns(one) for one in rollouts], [one.completion for one in rollouts],
                                               **listed(rollouts))]  # fmt: skip


def listed(rollouts: list[Rollout]) -> dict[str, list[Any]]:
    return {name: [one.columns[name] for one in rollouts] for name in ("contract", "rule")}


def by_verl_function(reward: str, rollouts: list[Rollout]) -> list[Any]:
    async def one_by_one() -> list[Any]:
        return [
            await numbered(
                verl.compute_score(
                    "d", one.completion, one.reference, {"prompt": turns(one), **columns(one)}, reward=reward
                )
            )
            for one in rollouts
        ]

    return asyncio.run(one_by_one())


def by_verl_manager(reward: str, rollouts: list[Rollout]) -> list[Any]:
    class Config(dict[str, Any]):
        def __init__(self) -> None:
            super().__init__()
            self.reward = {"reward_kwargs": {"reward": reward}}

    said: dict[int, str] = {}
    tokenizer = SimpleNamespace(decode=lambda tokens, **_: said[int(tokens[0])])
    manager = verl.DikastRewardManager(Config(), tokenizer, None)

    class Item:
        def __init__(self, at: int, rollout: Rollout) -> None:
            said[at] = rollout.completion
            self.batch = {"responses": np.array([at]), "attention_mask": np.array([1])}
            self.non_tensor_batch = {"raw_prompt": turns(rollout), "extra_info": columns(rollout)}

        def __getitem__(self, at: object) -> Any:
            return self if isinstance(at, int) else [self]

    async def one_by_one() -> list[Any]:
        return [await numbered(manager.run_single(Item(at, one))) for at, one in enumerate(rollouts)]

    return asyncio.run(one_by_one())


async def numbered(asked: Any) -> Any:
    try:
        return await asked
    except ModelError as error:
        return error.reason


def by_ms_swift(reward: str, rollouts: list[Rollout]) -> list[Any]:
    kind = ms_swift.reward_class({"reward": reward})
    messages = [[*turns(one), {"role": "assistant", "content": one.completion}] for one in rollouts]
    return asyncio.run(kind()([one.completion for one in rollouts], messages=messages, **listed(rollouts)))


def by_slime(reward: str, rollouts: list[Rollout]) -> list[Any]:
    args = SimpleNamespace(dikast={"reward": reward}, group_rm=True)
    told: list[Any] = []
    for group in dict.fromkeys(one.group for one in rollouts):
        samples = [
            SimpleNamespace(
                prompt=turns(one), response=one.completion, label=one.reference, metadata=columns(one),
                group_index=group, index=at, remove_sample=False,
            )
            for at, one in enumerate(rollouts) if one.group == group
        ]  # fmt: skip
        told += asyncio.run(slime.reward(args, samples))
        told += [(one.remove_sample, one.metadata["dikast"]) for one in samples]
    return told


def by_nemo_gym(reward: str, rollouts: list[Rollout]) -> list[Any]:
    scorer = SingleScorer.of(RewardSettings(reward=reward), trainer="NeMo Gym")
    return [nemo_gym.verdict_of(scorer, scorer.score_now(one)) for one in rollouts]


def by_group(reward: str, rollouts: list[Rollout]) -> list[Any]:
    """What tinker-cookbook and ART are served by."""
    scores = asyncio.run(GroupScorer(RewardSettings(reward=reward)).score(rollouts))
    return [(score.id, score.score, score.missing, score.detail, score.parts) for score in scores]


def by_single(reward: str, rollouts: list[Rollout]) -> list[Any]:
    """What verifiers, SkyRL gym and AReaL are served by."""
    scorer = SingleScorer.of(RewardSettings(reward=reward), trainer="T")
    scores = [scorer.score_now(one) for one in rollouts]
    return [(score.score, score.missing, scorer.part_values(score)) for score in scores]


@pytest.mark.parametrize(
    "ask",
    [by_trl, by_verl_function, by_verl_manager, by_ms_swift, by_slime, by_nemo_gym, by_group, by_single],
    ids=lambda ask: ask.__name__.removeprefix("by_"),
)
def test_an_adapter_gives_the_same_over_http_as_of_a_file(
    ask: Ask, recorded: Recorded, address: str, rollouts: list[Rollout]
):
    here, there = ask(str(recorded.reward), rollouts), ask(address, rollouts)

    assert len(here) >= len(rollouts)
    assert there == here


def test_the_scores_of_the_slice_are_of_every_kind(recorded: Recorded, rollouts: list[Rollout]):
    names = {one.id for one in rollouts}
    scores = [score for score in recorded.expected() if score.id in names]

    assert {score.status for score in scores} == {"scored", "gated", "missing"}
    assert len({score.score for score in scores}) > 10


def test_the_name_may_stand_behind_the_address_and_a_wrong_one_is_told(address: str):
    assert RewardSettings(reward=f"{address}/conformance").open().about.name == "conformance"


@pytest.mark.parametrize("name", ["certificate", "journal"])
def test_what_is_the_servers_is_refused_beside_an_address(name: str):
    given = {"reward": "http://127.0.0.1:9", name: "file"}

    with pytest.raises(
        ConfigError, match=rf"^T: {name}: the server at http://127\.0\.0\.1:9 has its own; leave it out"
    ):
        read_settings(given, where="T")
    with pytest.raises(ConfigError, match=rf"^{name}: the server"):
        TrlReward.load("http://127.0.0.1:9", **{name: "file"})


def test_where_nothing_answers_the_run_does_not_start():
    with pytest.raises(UnavailableError, match="no reward server answers there"):
        GroupScorer(RewardSettings(reward="http://127.0.0.1:9"))


def test_the_token_is_taken_from_the_environment(recorded: Recorded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIKAST_SERVE_TOKEN", "s3cret")
    server = running_serve.RunningServe(recorded.reward, "--journal", str(recorded.folder / "guarded.db"))
    try:
        assert SingleScorer.of(RewardSettings(reward=server.address), trainer="T")
        monkeypatch.delenv("DIKAST_SERVE_TOKEN")
        with pytest.raises(UnavailableError, match="answered 401"):
            SingleScorer.of(RewardSettings(reward=server.address), trainer="T")
    finally:
        server.stop()
