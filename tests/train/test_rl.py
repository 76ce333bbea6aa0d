"""Reinforcement learning: its settings, its log, and that it goes on where it was stopped."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from plain_reward import ONE

from dikast.errors import ConfigError, ModelError
from dikast.models.base import Request
from dikast.spec.run import RunSpec, read_run
from dikast.train.rl import DEFAULTS, FIXED, newest_checkpoint, rl_settings, run_rl

# TRL asks transformers for it by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

SMALL = {
    "max_steps": 2,
    "num_generations": 2,
    "per_device_train_batch_size": 4,
    "max_completion_length": 6,
    "save_steps": 1,
}


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., RunSpec]:
    for name in ("reward.yaml", "train.jsonl", "valid.jsonl", "test.jsonl"):
        (tmp_path / name).touch()

    def make(**rl: Any) -> RunSpec:
        path = tmp_path / "run.yaml"
        data = {"train": "train.jsonl", "valid": "valid.jsonl", "test": "test.jsonl"}
        path.write_text(yaml.safe_dump({"reward": "reward.yaml", "policy": "tiny", "data": data, "rl": rl}))
        return read_run(path)

    return make


class TestSettings:
    def test_the_users_settings_override_the_defaults(self, spec_of: Callable[..., RunSpec]):
        settings = rl_settings(spec_of(learning_rate=3e-6, num_iterations=2))

        assert settings == DEFAULTS | {"learning_rate": 3e-6, "num_iterations": 2} | FIXED

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("learning_rat", "rl.learning_rat: TRL has no such setting; did you mean 'learning_rate'?"),
            ("zzzzzz", "rl.zzzzzz: TRL has no such setting; see TRL's GRPOConfig for the names"),
            ("output_dir", "rl.output_dir: dikast sets this itself; remove it"),
            ("report_to", "rl.report_to: dikast sets this itself; remove it"),
            ("seed", "rl.seed: dikast sets this itself; remove it"),
        ],
    )
    def test_a_setting_that_trl_does_not_know_or_dikast_makes_is_refused(
        self, spec_of: Callable[..., RunSpec], name: str, said: str
    ):
        spec = spec_of(**{name: 1})

        with pytest.raises(ConfigError) as error:
            rl_settings(spec)

        assert str(error.value) == f"{spec.path}: {said}"

    def test_what_is_always_set_is_known_to_trl(self, spec_of: Callable[..., RunSpec], tmp_path: Path):
        from trl.trainer.grpo_config import GRPOConfig

        config = GRPOConfig(output_dir=str(tmp_path / "work"), use_cpu=True, **rl_settings(spec_of()))

        assert config.report_to == []
        assert config.bf16 is False
        assert config.activation_checkpointing is False
        assert config.gradient_checkpointing is False


class FailsOnce:
    """Believes in a completion by its length; the first one of all cannot be judged."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: Request) -> float | Exception:
        self.asked += 1
        return ModelError("timeout", "late") if self.asked == 1 else 1 / (1 + len(request.messages[-1].content) % 7)


@pytest.fixture
def train(model: Any, tokenizer: Any, rows: Any, spec_of: Callable[..., RunSpec], tmp_path: Path):
    """Trains with small settings in the test's own folder, and logs into the list."""

    def run(
        reward: Any,
        logged: list[dict[str, Any]],
        *,
        warned: list[str] | None = None,
        seconds: float | None = None,
        **rl: Any,
    ) -> Any:
        return run_rl(
            model,
            tokenizer,
            rows,
            reward,
            spec_of(**SMALL | rl),
            work=tmp_path / "work",
            log=logged.append,
            warn=([] if warned is None else warned).append,
            seconds=seconds,
        )

    return run


def test_every_step_is_logged_with_its_parts_its_times_and_what_was_asked(
    train: Any, judged_by: Any, scripted_model: Any
):
    logged: list[dict[str, Any]] = []
    model = scripted_model(FailsOnce())

    outcome = train(judged_by(ONE, model), logged)

    assert outcome.steps == 2
    assert [row["step"] for row in logged] == [1, 2]
    for row in logged:
        assert row["rollouts"] == 4
        assert row["rollouts_distinct"] <= 4
        parts = row["seconds_generation"] + row["seconds_reward"] + row["seconds_update"]
        assert parts == pytest.approx(row["seconds_step"])
        assert 0 <= row["part/good"] <= 1
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
    assert [row["share/missing"] for row in logged] == [0.25, 0.0]
    assert sum(row["questions_asked"] for row in logged) == len(model.asked)
    assert outcome.seconds == pytest.approx(logged[-1]["seconds_total"])


@pytest.mark.parametrize(("judge", "flat"), [(0.5, True), (FailsOnce(), False)])
def test_groups_that_teach_nothing_are_told_of(train: Any, judged_by: Any, scripted_model: Any, judge: Any, flat: bool):
    warned: list[str] = []

    outcome = train(judged_by(ONE, scripted_model(judge)), [], warned=warned)

    assert (outcome.flat_groups == 1.0) is flat
    assert any("in 100% of the groups all scores were equal" in line for line in warned) is flat


def test_every_rollout_is_in_the_journal_under_its_step(train: Any, judged_by: Any, scripted_model: Any):
    reward = judged_by(ONE, scripted_model(0.5))

    train(reward, [])

    kept = reward.journal.scores("rl")
    assert [(entry.step, entry.position) for entry in kept] == [(step, at) for step in (0, 1) for at in range(4)]
    assert {json.loads(entry.score)["status"] for entry in kept} == {"scored"}


def test_a_step_in_which_every_judgment_is_missing_is_logged_and_passed(
    train: Any, judged_by: Any, scripted_model: Any
):
    from dikast.report.steps import step_line

    logged: list[dict[str, Any]] = []

    outcome = train(judged_by(ONE, scripted_model(ModelError("timeout", "late"))), logged)

    assert outcome.steps == 2
    assert [row["share/missing"] for row in logged] == [1.0, 1.0]
    assert all(step_line(row).startswith(f"step {row['step']} loss 0.000") for row in logged)


def test_it_ends_with_the_step_in_which_its_time_is_up_and_goes_on_from_there(
    train: Any, judged_by: Any, scripted_model: Any, tmp_path: Path
):
    first_log: list[dict[str, Any]] = []
    second_log: list[dict[str, Any]] = []
    reward = judged_by(ONE, scripted_model(0.5))

    stopped = train(reward, first_log, seconds=0.0, save_steps=100)
    finished = train(reward, second_log)

    assert (stopped.steps, finished.steps) == (1, 2)
    assert [row["step"] for row in first_log + second_log] == [1, 2]
    assert finished.seconds > stopped.seconds
    assert second_log[0]["seconds_total"] == pytest.approx(stopped.seconds + second_log[0]["seconds_step"], rel=0.2)


def test_a_run_that_is_finished_is_not_done_again(train: Any, judged_by: Any, scripted_model: Any):
    model = scripted_model(0.5)
    reward = judged_by(ONE, model)
    train(reward, [])
    asked = len(model.asked)
    again: list[dict[str, Any]] = []

    outcome = train(reward, again)

    assert outcome.steps == 2
    assert again == []
    assert len(model.asked) == asked


class TestCheckpoints:
    @staticmethod
    def write(work: Path, step: int, state: str | None) -> Path:
        folder = work / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
        return folder

    def test_without_any_there_is_none(self, tmp_path: Path):
        assert newest_checkpoint(tmp_path / "none") is None

    def test_the_newest_is_the_one_with_the_most_steps(self, tmp_path: Path):
        for step in (4, 12, 8):
            self.write(tmp_path, step, json.dumps({"global_step": step}))

        assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-12"

    @pytest.mark.parametrize("state", [None, "", '{"global_st', "[" * 10])
    def test_one_that_a_kill_left_half_written_is_removed_and_the_one_before_taken(
        self, tmp_path: Path, state: str | None
    ):
        self.write(tmp_path, 4, json.dumps({"global_step": 4}))
        half = self.write(tmp_path, 8, state)

        assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
        assert not half.exists()
