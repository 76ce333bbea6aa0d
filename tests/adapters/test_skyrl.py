"""SkyRL gym's environment, with a stand-in for the base class that it is built on. The gym itself is in tests/conformance."""

import importlib
import sys
from collections.abc import Iterator
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


def test_a_missing_score_is_raised_since_skyrl_has_no_word_for_it(skyrl: Any, recorded: Recorded):
    env, said = env_of(skyrl, recorded, "r03-0")

    with pytest.raises(ModelError, match="refused: rollout 'r03-0'"):
        env.step(said)

    assert env.get_metrics()["share/missing"] == 1.0


def test_a_constant_stands_for_it_where_it_was_asked_for(skyrl: Any, recorded: Recorded):
    env, said = env_of(skyrl, recorded, "r03-0", on_missing={"constant": 0.5})

    assert env.step(said)["reward"] == 0.5


def test_no_metrics_are_told_before_the_step(skyrl: Any, recorded: Recorded):
    env, _ = env_of(skyrl, recorded, "r00-1")

    assert env.get_metrics() == {}


def test_a_group_mean_is_refused_when_the_environment_is_made(skyrl: Any, recorded: Recorded):
    with pytest.raises(ConfigError, match="SkyRL asks about one rollout at a time"):
        env_of(skyrl, recorded, "r00-1", on_missing="group_mean")


def test_settings_that_are_not_there_are_told_with_their_place(skyrl: Any):
    with pytest.raises(ConfigError, match=r"skyrl_gym\.dikast: Object missing required field `reward`"):
        skyrl.JudgedEnv(env_config=None, extras={})
