"""The callable that TRL's trainers call: what it makes of a batch, and what it gives back, logs and keeps."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from dikast.adapters.trl import StepCost, TrlReward, metrics_of, rollouts_of, values_of
from dikast.errors import ConfigError, DataError, ModelError, NotGoodEnoughError, UnavailableError
from dikast.models.base import Request
from dikast.records import Message, Part, Rollout, Score
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


def test_means_are_over_what_was_had_and_shares_over_all():
    def score(status: Any, *parts: Part) -> Score:
        return Score(id="r", group="g", score=None, status=status, parts=parts)

    had = Part(name="good", kind="criterion", value=0.5, weight=1.0)
    missing = Part(name="good", kind="criterion", value=None, weight=1.0, missing="timeout")

    assert metrics_of([score("scored", had), score("missing", missing)]) == {
        "part/good": 0.5,
        "share/gated": 0.0,
        "share/missing": 0.5,
    }
    assert metrics_of([]) == {"share/gated": 0.0, "share/missing": 0.0}


def test_a_line_for_a_log_says_what_each_part_was():
    parts = (
        Part(name="good", kind="criterion", value=0.5, weight=1.0),
        Part(name="open", kind="criterion", value=None, weight=1.0, na=True),
    )

    assert values_of(Score(id="r", group="g", score=0.5, status="scored", parts=parts)) == "good=0.50, open=n/a"
