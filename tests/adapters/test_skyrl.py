"""SkyRL gym's environment, with a stand-in for the base class that it is built on. The gym itself is in tests/conformance."""

import importlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from dikast.conform.recorded import Recorded, lay_out
from dikast.errors import ConfigError, ModelError


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return lay_out(tmp_path_factory.mktemp("suite"))


@pytest.fixture
def skyrl(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The adapter over an empty base class."""
    base: Any = ModuleType("skyrl_gym.envs.base_text_env")
    base.BaseTextEnv = type("BaseTextEnv", (), {"__init__": lambda self: None})
    base.BaseTextEnvStepOutput = dict
    for name, module in (("skyrl_gym", ModuleType("skyrl_gym")), ("skyrl_gym.envs", ModuleType("skyrl_gym.envs"))):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "skyrl_gym.envs.base_text_env", base)
    monkeypatch.delitem(sys.modules, "dikast.adapters.skyrl", raising=False)
    yield importlib.import_module("dikast.adapters.skyrl")
    sys.modules.pop("dikast.adapters.skyrl", None)


def env_of(skyrl: Any, recorded: Recorded, name: str, **settings: Any) -> tuple[Any, str]:
    """The environment of one rollout, with its prompt, and what was said."""
    [rollout] = [one for one in recorded.rollouts() if one.id == name]
    extras = {
        "reward_spec": {"ground_truth": rollout.reference},
        "extra_info": {"id": rollout.id, "group": rollout.group},
        "contract": rollout.columns["contract"],
        "rule": rollout.columns["rule"],
    }
    env = skyrl.JudgedEnv(env_config={"reward": str(recorded.reward), **settings}, extras=extras)
    env.init([{"role": turn.role, "content": turn.content} for turn in rollout.prompt])
    return env, rollout.completion


def test_a_step_gives_the_engines_number_and_ends_and_its_parts_are_metrics(skyrl: Any, recorded: Recorded):
    env, said = env_of(skyrl, recorded, "r00-1")

    told = env.step(said)

    scores = {score.id: score.score for score in recorded.expected()}
    assert (told["reward"], told["done"], told["observations"]) == (scores["r00-1"], True, [])
    metrics = env.get_metrics()
    assert (metrics["share/missing"], metrics["share/gated"]) == (0.0, 0.0)
    assert all(isinstance(value, float) for value in metrics.values())
    assert "part/founded" in metrics


@pytest.mark.parametrize("on_missing", ["native", "group_mean"])
def test_a_missing_score_waits_for_its_siblings_and_is_their_mean(skyrl: Any, recorded: Recorded, on_missing: str):
    settings = {"siblings": 3, "deadline": 20, "on_missing": on_missing}
    envs = [env_of(skyrl, recorded, f"r03-{at}", **settings) for at in range(4)]

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(envs[0][0].step, envs[0][1])
        others = [threads.submit(env.step, said) for env, said in envs[1:]]
        rewards = [step.result(timeout=10)["reward"] for step in (first, *others)]

    scores = {score.id: score.score for score in recorded.expected()}
    assert rewards[1:] == [scores[f"r03-{at}"] for at in (1, 2, 3)]
    assert rewards[0] == pytest.approx(sum(rewards[1:]) / 3, rel=1e-12)
    assert envs[0][0].get_metrics()["share/missing"] == 1.0


def test_environments_that_are_made_at_once_share_one_scorer(skyrl: Any, recorded: Recorded):
    with ThreadPoolExecutor(16) as threads:
        made = threads.map(lambda _: env_of(skyrl, recorded, "r00-1", deadline=22)[0], range(32))

    assert len({id(env._scorer) for env in made}) == 1


def test_two_siblings_are_enough_where_nobody_says_how_many_there_are(skyrl: Any, recorded: Recorded):
    # Other settings than those of any other test, so that nobody else's rollouts are remembered.
    envs = [env_of(skyrl, recorded, f"r03-{at}", deadline=21) for at in (1, 2, 0)]

    rewards = [env.step(said)["reward"] for env, said in envs]

    assert rewards[2] == pytest.approx((rewards[0] + rewards[1]) / 2)


def test_a_missing_score_without_siblings_is_raised_when_the_deadline_comes(skyrl: Any, recorded: Recorded):
    env, said = env_of(skyrl, recorded, "r43-0", deadline=0.3)
    started = time.monotonic()

    with pytest.raises(ModelError, match="rejected: rollout 'r43-0'"):
        env.step(said)

    assert 0.2 < time.monotonic() - started < 5


def test_where_it_is_to_be_raised_nobody_is_waited_for(skyrl: Any, recorded: Recorded):
    env, said = env_of(skyrl, recorded, "r03-0", on_missing="raise")

    with pytest.raises(ModelError, match="refused: rollout 'r03-0'"):
        env.step(said)

    assert env.get_metrics()["share/missing"] == 1.0


def test_a_constant_stands_for_it_where_it_was_asked_for(skyrl: Any, recorded: Recorded):
    env, said = env_of(skyrl, recorded, "r03-0", on_missing={"constant": 0.5})

    assert env.step(said)["reward"] == 0.5


def test_no_metrics_are_told_before_the_step(skyrl: Any, recorded: Recorded):
    env, _ = env_of(skyrl, recorded, "r00-1")

    assert env.get_metrics() == {}


def test_a_setting_that_skyrl_cannot_follow_is_refused_when_the_environment_is_made(skyrl: Any, recorded: Recorded):
    with pytest.raises(ConfigError, match=r"skyrl_gym\.dikast: on_missing: drop: SkyRL drops no rollout"):
        env_of(skyrl, recorded, "r00-1", on_missing="drop")


@pytest.mark.parametrize("siblings", [0, 256, "7", 2.0])
def test_a_number_of_siblings_that_is_none_is_told_when_the_environment_is_made(
    skyrl: Any, recorded: Recorded, siblings: Any
):
    with pytest.raises(ConfigError, match=r"skyrl_gym\.dikast: siblings must be a number from 1 to 255"):
        env_of(skyrl, recorded, "r00-1", siblings=siblings)


def test_settings_that_are_not_there_are_told_with_their_place(skyrl: Any):
    with pytest.raises(ConfigError, match=r"skyrl_gym\.dikast: Object missing required field `reward`"):
        skyrl.JudgedEnv(env_config=None, extras={})
