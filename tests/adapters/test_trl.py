"""The callable that TRL's trainers call: what it makes of a batch, and what it gives back, logs and keeps."""

import asyncio
import importlib.metadata
import inspect
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from dikast.adapters.trl import StepCost, SyncTrlReward, TrlReward, rollouts_of
from dikast.conform.recorded import lay_out
from dikast.errors import ConfigError, DataError, ModelError, NotGoodEnoughError, UnavailableError
from dikast.models.base import Request
from dikast.records import Message, Rollout, Score
from dikast.rollouts import group_of
from dikast.spec.run import Constant

PLAIN = """
name: plain
objective: Judge the answer.
inputs: {Document: contract}
checks:
  - {check: length, max_words: 5, gate: true}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""


class Logs:
    """What the trainer offers to a reward function for its logs."""

    def __init__(self) -> None:
        self.extra: dict[str, list[Any]] = {}
        self.metrics: dict[str, float] = {}

    def log_extra(self, name: str, values: list[Any]) -> None:
        self.extra[name] = values

    def log_metric(self, name: str, value: float) -> None:
        self.metrics[name] = value


def believed(request: Request) -> float | Exception:
    """What the candidate says: "fail", or P(yes) as its last word."""
    word = request.messages[-1].content.partition("# Candidate\n")[2].splitlines()[1].split()[-1]
    return ModelError("timeout", "late") if word == "fail" else float(word)


def call(adapter: TrlReward, *completions: Any, step: int = 0, **more: Any) -> Any:
    """Calls it as the trainer does: four generations of one prompt, every column repeated."""
    n = len(completions)
    columns = {
        "contract": ["text"] * n,
        "completion_ids": [[1]] * n,
        "trainer_state": SimpleNamespace(global_step=step),
    }
    return adapter(["p"] * n, list(completions), **columns | more)


class TestRollouts:
    def test_texts_and_every_other_column_become_rollouts(self):
        columns = {"contract": ["a", "b"], "reference": ["r", None], "id": [7, 8], "completion_ids": [[1], [2]]}

        rollouts = rollouts_of(["p", "q"], ["x", "y"], columns, 3)

        assert rollouts == [
            Rollout(
                id="step-3-0", group=group_of("p"), prompt="p", completion="x", reference="r", columns={"contract": "a"}
            ),
            Rollout(id="step-3-1", group=group_of("q"), prompt="q", completion="y", columns={"contract": "b"}),
        ]

    def test_chats_are_read_and_only_what_the_assistant_said_is_the_completion(self):
        prompt = [{"role": "user", "content": "u"}]
        completion = [
            {"role": "assistant", "content": "a"},
            {"role": "tool", "content": "t"},
            {"role": "assistant", "content": None},
        ]

        [rollout] = rollouts_of([prompt], [completion], {}, 0)

        assert rollout.prompt == (Message(role="user", content="u"),)
        assert rollout.completion == "a"
        assert rollout.group == group_of(rollout.prompt)

    def test_rollouts_of_one_prompt_share_their_group_and_a_column_may_name_it(self):
        by_prompt = rollouts_of(["p", "p", "q"], ["x", "y", "z"], {}, 0)
        by_column = rollouts_of(["p", "p"], ["x", "y"], {"group": ["a", "b"]}, 0)

        assert by_prompt[0].group == by_prompt[1].group != by_prompt[2].group
        assert [rollout.group for rollout in by_column] == ["a", "b"]


async def test_it_gives_one_number_a_completion_in_order_and_none_for_missing(judged_by: Any, scripted_model: Any):
    adapter = TrlReward(judged_by(PLAIN, scripted_model(believed)))

    rewards = await call(adapter, "a 0.25", "b fail", "far too many words for it 1.0", "c 0.75")

    assert rewards == pytest.approx([0.25, None, 0.0, 0.75])


async def test_equal_completions_are_judged_once(judged_by: Any, scripted_model: Any):
    model = scripted_model(believed, concurrency=16)

    rewards = await call(TrlReward(judged_by(PLAIN, model)), "a 0.25", "a 0.25", "b 0.5", "a 0.25")

    assert rewards == pytest.approx([0.25, 0.25, 0.5, 0.25])
    assert len(model.asked) == 2


@pytest.mark.parametrize(
    ("setting", "expected"), [("group_mean", [0.25, 0.5, 0.75]), (Constant(constant=0.0), [0.25, 0.0, 0.75])]
)
async def test_the_setting_says_what_the_trainer_gets_for_missing(
    judged_by: Any, scripted_model: Any, setting: Any, expected: list[float]
):
    adapter = TrlReward(judged_by(PLAIN, scripted_model(believed)), on_missing=setting)

    assert await call(adapter, "a 0.25", "b fail", "c 0.75") == pytest.approx(expected)


def test_a_constant_outside_the_range_is_refused_before_anything_is_generated(judged_by: Any, scripted_model: Any):
    with pytest.raises(ConfigError, match="outside the reward's range"):
        TrlReward(judged_by(PLAIN, scripted_model(0.5)), on_missing=Constant(constant=2.0))


async def test_raise_stops_the_step(judged_by: Any, scripted_model: Any):
    adapter = TrlReward(judged_by(PLAIN, scripted_model(believed)), on_missing="raise")

    with pytest.raises(ModelError, match="timeout: rollout 'step-4-1'"):
        await call(adapter, "a 0.25", "b fail", step=4)


async def test_parts_statuses_and_shares_go_to_the_trainers_logs(judged_by: Any, scripted_model: Any):
    logs = Logs()

    await call(
        TrlReward(judged_by(PLAIN, scripted_model(believed))),
        "a 0.25", "b fail", "far too many words for it 1.0", "c 0.75",
        log_extra=logs.log_extra, log_metric=logs.log_metric,
    )  # fmt: skip

    assert logs.metrics == pytest.approx(
        {"part/good": 0.5, "part/length": (3 + 0.4) / 4, "share/gated": 1 / 4, "share/missing": 1 / 4}
    )
    assert logs.extra["score_status"] == ["scored", "missing", "gated", "scored"]
    assert logs.extra["score_parts"][:2] == ["length=1.00, good=0.25", "length=1.00, good=timeout (good: late)"]


async def test_every_score_of_a_step_is_kept_for_replay(judged_by: Any, scripted_model: Any):
    reward = judged_by(PLAIN, scripted_model(believed))

    await call(TrlReward(reward, phase="rl"), "a 0.25", "b fail", step=7)

    kept = reward.journal.scores("rl")
    scores = [msgspec.json.decode(entry.score, type=Score) for entry in kept]
    rollouts = [msgspec.json.decode(entry.rollout, type=Rollout) for entry in kept]
    assert [(entry.step, entry.position) for entry in kept] == [(7, 0), (7, 1)]
    assert [(score.score, score.missing) for score in scores] == [(0.25, None), (None, "timeout")]
    assert [rollout.completion for rollout in rollouts] == ["a 0.25", "b fail"]


async def test_the_cost_of_a_step_is_noted(judged_by: Any, scripted_model: Any):
    noted: list[StepCost] = []
    adapter = TrlReward(judged_by(PLAIN, scripted_model(believed)), note=noted.append)

    await call(adapter, "a 0.25", "a 0.25", "b fail", "far too many words for it 1.0", step=2)

    [cost] = noted
    assert (cost.step, cost.rollouts, cost.distinct, cost.gated, cost.missing) == (2, 4, 3, 1, 1)
    assert (cost.usage.questions, cost.usage.asked) == (3, 2)
    assert cost.seconds >= 0


async def test_it_warns_at_five_percent_missing_and_not_below(judged_by: Any, scripted_model: Any):
    warned: list[str] = []
    adapter = TrlReward(judged_by(PLAIN, scripted_model(believed)), warn=warned.append)

    await call(adapter, *["b fail"] * 4, *["a 0.5"] * 96, step=0)
    quiet = list(warned)
    await call(adapter, *["b fail"] * 6, *["a 0.5"] * 94, step=1)

    assert quiet == []
    assert warned == ["step 1: 5.0% of the latest scores are missing"]


async def test_where_nobody_says_where_to_the_log_is_warned(
    judged_by: Any, scripted_model: Any, caplog: pytest.LogCaptureFixture
):
    await call(TrlReward(judged_by(PLAIN, scripted_model(believed))), "b fail", *["a 0.5"] * 9, step=0)

    assert caplog.messages == ["step 0: 10.0% of the latest scores are missing"]


async def test_it_stops_the_run_when_too_much_is_missing_and_keeps_what_was_scored(judged_by: Any, scripted_model: Any):
    reward = judged_by(PLAIN, scripted_model(believed))
    adapter = TrlReward(reward)
    for step in range(3):
        await call(adapter, *["b fail"] * 25, *["a 0.5"] * 25, step=step)

    with pytest.raises(NotGoodEnoughError, match="100 of the last 200 scores are missing"):
        await call(adapter, *["b fail"] * 25, *["a 0.5"] * 25, step=3)

    assert len(reward.journal.scores("rl")) == 200


async def test_wrong_credentials_stop_the_run_as_they_are(judged_by: Any, scripted_model: Any):
    adapter = TrlReward(judged_by(PLAIN, scripted_model(UnavailableError("no such key"), concurrency=16)))

    with pytest.raises(UnavailableError, match=r"^no such key$"):
        await call(adapter, "a", "b", "c")


async def test_a_column_that_the_data_lacks_is_told(judged_by: Any, scripted_model: Any):
    adapter = TrlReward(judged_by(PLAIN, scripted_model(0.5)))

    with pytest.raises(DataError, match="rollout 'step-0-1': no column 'contract'"):
        await call(adapter, "a", "b", contract=["text", None])


class Slow:
    """A judge that never answers in time."""

    name = "scripted:slow"
    fingerprint = "1"

    def __init__(self, model: Any) -> None:
        self.capabilities = model.capabilities

    async def reply(self, request: Request) -> Any:
        await asyncio.sleep(30)


async def test_what_is_not_judged_when_the_deadline_comes_is_missing_and_the_trainer_goes_on(
    judged_by: Any, scripted_model: Any
):
    adapter = TrlReward(judged_by(PLAIN, Slow(scripted_model(0.5, concurrency=16))), deadline=0.2)

    started = time.monotonic()
    rewards = await call(adapter, "a", "b", "far too many words for it 1.0")

    assert rewards == [None, None, 0.0]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("deadline", [0.0, -1.0, float("nan")])
def test_a_deadline_in_which_nothing_could_be_judged_is_refused(judged_by: Any, scripted_model: Any, deadline: float):
    with pytest.raises(ConfigError, match="TRL: deadline must be more than 0 seconds"):
        TrlReward(judged_by(PLAIN, scripted_model(0.5)), deadline=deadline)


def test_the_form_that_waits_gives_the_same_without_an_event_loop(judged_by: Any, scripted_model: Any):
    adapter = SyncTrlReward(judged_by(PLAIN, scripted_model(believed)))

    assert call(adapter, "a 0.25", "b fail", "c 0.75") == pytest.approx([0.25, None, 0.75])


class TestAsyncGRPO:
    """It sends the reward to another process, calls once a group, and passes neither step nor logs."""

    @staticmethod
    def recorded(tmp_path: Path) -> Any:
        return lay_out(tmp_path / "suite")

    async def test_a_reward_of_files_survives_the_way_to_another_process(self, tmp_path: Path):
        recorded = self.recorded(tmp_path)
        rollouts = recorded.rollouts()[:4]
        columns = {name: [r.columns[name] for r in rollouts] for name in ("contract", "rule")}
        given = ([list(r.prompt) for r in rollouts], [r.completion for r in rollouts])
        prompts = [[{"role": turn.role, "content": turn.content} for turn in turns] for turns in given[0]]
        here = TrlReward.load(recorded.reward)

        there = pickle.loads(pickle.dumps(here))

        expected = [score.score for score in recorded.expected()[:4]]
        assert await there(prompts=prompts, completions=given[1], completion_ids=[[1]] * 4, **columns) == expected

    def test_an_open_reward_says_how_to_make_one_that_can_be_sent(self, judged_by: Any, scripted_model: Any):
        with pytest.raises(TypeError, match=r"make it with TrlReward\.load\('reward\.yaml'"):
            pickle.dumps(TrlReward(judged_by(PLAIN, scripted_model(0.5))))

    async def test_each_call_counts_as_a_step_and_none_overwrites_another(self, judged_by: Any, scripted_model: Any):
        reward = judged_by(PLAIN, scripted_model(believed))
        adapter = TrlReward(reward)

        for _ in range(3):
            await adapter(prompts=["p"], completions=["a 0.25"], completion_ids=[[1]], contract=["text"])

        assert [entry.step for entry in reward.journal.scores("rl")] == [0, 1, 2]


async def test_calls_of_one_step_and_of_several_ranks_stand_beside_each_other_in_the_log(
    judged_by: Any, scripted_model: Any, monkeypatch: pytest.MonkeyPatch
):
    reward = judged_by(PLAIN, scripted_model(believed))
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        adapter = TrlReward(reward)
        for _ in range(2):
            await call(adapter, "a 0.25", "b 0.5", step=3)

    kept = reward.journal.scores("rl")
    assert [(entry.step, entry.position) for entry in kept] == [
        (3, at) for first in (0, 1_000_000) for at in range(first, first + 4)
    ]


class TestWhatIsBuiltOnTrl:
    """What the trainers around TRL ask of a reward function before they call it."""

    @pytest.mark.parametrize("form", [TrlReward, SyncTrlReward])
    def test_axolotl_finds_two_named_parameters(self, judged_by: Any, scripted_model: Any, form: Any):
        named = [
            name
            for name, parameter in inspect.signature(form(judged_by(PLAIN, scripted_model(0.5)))).parameters.items()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]

        assert named[:2] == ["prompts", "completions"]

    @pytest.mark.parametrize("form", [TrlReward, SyncTrlReward])
    def test_unsloth_and_older_trl_find_a_name(self, judged_by: Any, scripted_model: Any, form: Any):
        assert form(judged_by(PLAIN, scripted_model(0.5))).__name__ == "dikast"


class TestOlderTrl:
    """What TRL could not do yet is made up for, or refused before a GPU-hour is spent."""

    @pytest.fixture
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        def install(version: str) -> None:
            monkeypatch.setattr(importlib.metadata, "version", lambda _: version)

        return install

    @pytest.mark.parametrize(("version", "expected"), [("1.5.0", [0.25, 0.5, 0.75]), ("1.6.0", [0.25, None, 0.75])])
    def test_before_it_masks_none_what_is_missing_gets_its_groups_mean(
        self, installed: Any, judged_by: Any, scripted_model: Any, version: str, expected: list[float | None]
    ):
        installed(version)

        adapter = SyncTrlReward(judged_by(PLAIN, scripted_model(believed)))

        assert call(adapter, "a 0.25", "b fail", "c 0.75") == pytest.approx(expected)

    def test_before_it_masks_none_nothing_can_be_dropped(self, installed: Any, judged_by: Any, scripted_model: Any):
        installed("1.5.0")

        with pytest.raises(ConfigError, match=r"on_missing: drop: TRL 1\.5 makes 0 of what is dropped; use group_mean"):
            SyncTrlReward(judged_by(PLAIN, scripted_model(0.5)), on_missing="drop")

    def test_before_it_awaits_objects_the_form_that_waits_is_asked_for(
        self, installed: Any, judged_by: Any, scripted_model: Any
    ):
        reward = judged_by(PLAIN, scripted_model(0.5))
        installed("1.13.0")

        with pytest.raises(ConfigError, match=r"TRL 1\.13 does not await an object; use SyncTrlReward"):
            TrlReward(reward)
        assert SyncTrlReward(reward).on_missing == "native"

    def test_where_no_trl_is_installed_its_newest_ways_are_taken(
        self, monkeypatch: pytest.MonkeyPatch, judged_by: Any, scripted_model: Any
    ):
        def absent(name: str) -> str:
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(importlib.metadata, "version", absent)

        assert TrlReward(judged_by(PLAIN, scripted_model(0.5)), on_missing="drop").on_missing == "drop"
