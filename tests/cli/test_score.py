"""dikast score: what a user's mistake says, in one line, and what a scored file holds."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.cli.main import run
from dikast.errors import ModelError
from dikast.models.base import Request

REWARD = """\
name: review
objective: Judge the comment.
range: [-1, 1]
inputs: {Contract: contract}
checks:
  - {check: length, max_words: 3, gate: true}
judge:
  model: openai:big
  criteria:
    - id: good
      ask: Is it good?
"""
MODELS = (
    "big: {provider: openai, endpoint: 'http://127.0.0.1:9/v1', key_variable: NO_SUCH_KEY, attempts: 1, logprobs: true}"
)
ROW = {"id": "a", "prompt": "p", "completion": "yes 0.75", "contract": "text"}


@pytest.fixture
def score(tmp_path: Path, reward_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    """Runs `dikast score` on a reward and lines of rollouts; gives the exit code."""
    monkeypatch.chdir(tmp_path)

    def go(reward: str, *lines: dict[str, Any] | str, options: tuple[str, ...] = (), models: str = MODELS) -> int:
        reward_file(reward, {"models.yaml": models})
        rollouts = Path("rollouts.jsonl")
        rollouts.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return run(["score", "reward/reward.yaml", str(rollouts), "-o", "scores.jsonl", *options])

    return go


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("objective:", "objektive:"), "reward/reward.yaml: unknown key 'objektive'; did you mean 'objective'?"),
        (("      ask: Is it good?\n", ""), "reward/reward.yaml: judge.criteria[0]: 'ask' is missing; add it"),
        (
            ("ask: Is it good?", 'ask: ""'),
            "reward/reward.yaml: judge.criteria[0] (good): 'ask' is empty; write one question",
        ),
        (
            ("ask: Is it good?", "ask: Is it good?\n      evidence: Contract"),
            "reward/reward.yaml: judge.criteria (good): evidence needs a model that can quote, and openai:big cannot; "
            "remove it, and let a 'quote' check test the candidate's own quotes",
        ),
        (
            ("range: [-1, 1]", "range: [-1, 1"),
            "reward/reward.yaml: line 4: not valid YAML (did not find expected ',' or ']')",
        ),
        (
            ("openai:big", "big"),
            "reward/reward.yaml: judge.model: 'big' must be written as provider:model, for instance openai:gpt-oss-120b",
        ),
        (
            ("openai:big", "closedai:big"),
            "reward/reward.yaml: the model 'closedai:big': no provider 'closedai'; known are openai, bedrock, decisions, local, recorded",
        ),
    ],
)
def test_a_mistake_in_the_reward_is_one_line_with_its_place_and_mend(
    score: Any, capsys: pytest.CaptureFixture[str], change: tuple[str, str], said: str
):
    code = score(REWARD.replace(*change), ROW)

    told = capsys.readouterr().err
    assert code == 2
    assert told.count("\n") == 1
    assert told.startswith(f"error: {said.partition(' (did not')[0]}")


def test_the_scores_go_into_a_file(score: Any, capsys: pytest.CaptureFixture[str]):
    code = score(REWARD, ROW, options=("-o", "."))

    assert (code, capsys.readouterr().err) == (2, "error: --output: . is a folder; name a file in it\n")


@pytest.mark.parametrize("read", ["rollouts.jsonl", "./rollouts.jsonl", "reward/reward.yaml"])
def test_the_scores_never_take_the_place_of_what_is_read(score: Any, capsys: pytest.CaptureFixture[str], read: str):
    code = score(REWARD, ROW, options=("-o", read))

    assert code == 2
    assert "is what is read; name another file for the scores" in capsys.readouterr().err
    assert json.loads(Path("rollouts.jsonl").read_text()) == ROW


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"prompt": "p"',
            "rollouts.jsonl:2: not valid JSON (Expecting ',' delimiter); each line must be one JSON object",
        ),
        ('["p"]', "rollouts.jsonl:2: must be a JSON object, not list"),
        ({"prompt": "p"}, "rollouts.jsonl:2: 'completion' must be a text; add it, or score a file of rollouts"),
        (
            {"prompt": "p", "completion": "yes"},
            "rollouts.jsonl:2: rollout 'line-2': no column 'contract', which inputs of reward/reward.yaml name; add it, or name one that is there: completion, prompt",
        ),
    ],
)
def test_a_mistake_in_the_rollouts_is_one_line_with_its_place_and_mend(
    score: Any, capsys: pytest.CaptureFixture[str], line: Any, said: str
):
    code = score(REWARD, ROW, line)

    assert (code, capsys.readouterr().err) == (2, f"error: {said}\n")
    assert not Path("scores.jsonl").exists()


def test_a_file_without_rollouts_is_told(score: Any, capsys: pytest.CaptureFixture[str]):
    assert score(REWARD) == 2
    assert capsys.readouterr().err == "error: rollouts.jsonl: it holds no rollouts\n"


class Judge:
    """Believes in the number that ends a candidate; it fails where the candidate says so."""

    def __call__(self, request: Request) -> float | Exception:
        word = request.messages[-1].content.partition("# Candidate\n")[2].splitlines()[1].split()[-1]
        return ModelError("timeout", "late") if word == "fail" else float(word)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, scripted_model: Any):
    """Puts a scripted judge in the place of the one that the reward names; gives it."""
    model = scripted_model(Judge())
    monkeypatch.setattr("dikast.reward.assembly.open_model", lambda _name, _folder: model)
    return model


ROWS = [
    {**ROW, "id": "a", "completion": "yes 0.75"},
    {**ROW, "id": "b", "completion": "far too many words"},
    {**ROW, "id": "c", "completion": "no fail"},
    {**ROW, "id": "d", "completion": "yes 0.75"},
]


def scores() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("scores.jsonl").read_text().splitlines()]


def test_a_scored_file_holds_one_line_a_rollout_in_the_order_of_the_input(score: Any, judged: Any):
    code = score(REWARD, *ROWS, options=("--min-coverage", "0.5"))

    assert code == 0
    assert [(row["id"], row["score"], row["status"], row["missing"]) for row in scores()] == [
        ("a", 0.5, "scored", None),
        ("b", -1.0, "gated", None),
        ("c", None, "missing", "timeout"),
        ("d", 0.5, "scored", None),
    ]
    assert set(scores()[0]) >= {"id", "group", "score", "status", "missing", "parts", "usage"}
    assert set(scores()[0]["parts"][0]) >= {"name", "kind", "item", "value", "weight", "reason", "evidence"}


def test_a_second_run_asks_only_what_failed(score: Any, judged: Any):
    score(REWARD, *ROWS)
    first = len(judged.asked)

    score(REWARD, *ROWS)

    assert (first, len(judged.asked)) == (2, 3)


def test_too_little_coverage_is_not_good_enough_but_the_scores_are_written(
    score: Any, judged: Any, capsys: pytest.CaptureFixture[str]
):
    code = score(REWARD, *ROWS)

    assert code == 1
    assert "75.0% of the scores could be had (--min-coverage 90%); missing: {'timeout': 1}" in capsys.readouterr().err
    assert len(scores()) == 4


def test_a_server_that_is_not_there_is_the_environment_and_no_want_of_coverage(
    score: Any, capsys: pytest.CaptureFixture[str]
):
    nobody = MODELS.replace("key_variable: NO_SUCH_KEY, ", "")

    code = score(REWARD, ROW, ROW | {"completion": "no"}, models=nobody, options=("--min-coverage", "0"))

    assert code == 4
    told = capsys.readouterr().err
    assert "error: nobody answered: good: http://127.0.0.1:9/v1: " in told
    assert told.endswith("(one attempt); mend that and run the same command again\n")
    assert [one["missing"] for one in scores()] == ["transport", "transport"]


def test_the_summary_is_json_where_asked_for(score: Any, judged: Any, capsys: pytest.CaptureFixture[str]):
    score(REWARD, *ROWS, options=("--json", "--min-coverage", "0"))

    summary = json.loads(capsys.readouterr().out)
    assert summary["rollouts"] == 4
    assert summary["coverage"] == 0.75
    assert math.isclose(summary["mean"], (0.5 - 1.0 + 0.5) / 3)
    assert summary["missing"] == {"timeout": 1}
