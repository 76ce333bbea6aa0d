"""`dikast plan` as a user sees it: figures before a key is there, and mistakes in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.cli.main import run
from dikast.cli.plan import in_time

REWARD = """\
name: review
objective: Judge the comment.
inputs: {Contract: contract}
checks:
  - {check: length, max_words: 3, gate: true}
judge:
  model: openai:big
  criteria:
    - id: good
      ask: Is it good?
    - id: short
      ask: Is it short?
"""
PRICE = "price: {input: 2, cached: 0.2, output: 8, date: 2026-11-01}"
MODELS = "big: {provider: openai, endpoint: 'http://127.0.0.1:9/v1', key_variable: NO_SUCH_KEY, concurrency: 2, PRICE}"
ROWS = [
    {"id": "a", "group": "g", "prompt": "p", "completion": "one", "contract": "text"},
    {"id": "b", "group": "g", "prompt": "p", "completion": "two", "contract": "text"},
    {"id": "c", "group": "g", "prompt": "p", "completion": "two", "contract": "text"},
    {"id": "d", "group": "g", "prompt": "p", "completion": "far too many words", "contract": "text"},
]
ROOM = 2 * 160 + 64


@pytest.fixture
def plan(tmp_path: Path, reward_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    """Runs `dikast plan` on a reward and rollouts; gives the exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")

    def go(*options: str, reward: str = REWARD, price: str = PRICE, rows: list[dict[str, Any]] = ROWS) -> int:
        reward_file(reward, {"models.yaml": MODELS.replace("PRICE", price or "attempts: 1")})
        Path("rollouts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return run(["plan", "reward/reward.yaml", "rollouts.jsonl", *options])

    return go


def test_a_plan_as_json_says_calls_tokens_money_and_time_without_a_key(plan: Any, capsys: pytest.CaptureFixture[str]):
    assert plan("--json", "--steps", "10", "--per-step", "8", "--latency", "1.5") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["reward"], told["gated"], told["questions"], told["repeated"], told["in_journal"]) == (
        ("review", 1, 3, 1, 0)
    )
    [model] = told["models"]
    assert (model["model"], model["calls"]) == ("openai:big", 2)
    assert (model["answer_share"], model["answer_share_from"]) == (0.5, "assumed")
    assert (model["latency"], model["latency_from"], model["concurrency"]) == (1.5, "option", 2)
    assert model["price"] == {"input": 2.0, "cached": 0.2, "output": 8.0, "date": "2026-11-01"}
    file, step, whole = told["file"], told["step"], told["run"]
    assert (file["rollouts"], file["calls"], file["completion_tokens"]) == (4, 2, ROOM)
    assert file["usd"] == pytest.approx((2 * file["prompt_tokens"] + 8 * ROOM) / 1e6, rel=1e-2)
    assert file["seconds"] == 1.5
    assert (step["rollouts"], step["calls"], whole["rollouts"], whole["calls"]) == (8, 4, 80, 40)
    assert (step["seconds"], whole["seconds"]) == (3.0, 30.0)
    assert any("characters / 4" in note for note in told["notes"])


def test_a_plan_for_people_shows_the_price_with_its_date_and_what_it_rests_on(
    plan: Any, capsys: pytest.CaptureFixture[str]
):
    assert plan("--latency", "2") == 0

    told = capsys.readouterr().out
    assert "review: 4 rollouts (1 stopped by a gate); 3 questions (1 repeat another); 2 calls to make" in told
    [row] = [line for line in told.splitlines() if "openai:big" in line and "│" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert (cells[1], cells[4], cells[6]) == ("2", str(ROOM), "2.0 s")
    assert "openai:big: 2 in, 0.2 cached, 8 out USD a million tokens (2026-11-01)" in told
    assert "answers are taken to fill 50% of what is allowed (assumed)" in told
    assert "a call takes 2 s (option), 2 at once" in told
    assert "tokens are characters / 4" in told
    assert "step" not in told.partition("openai:big: ")[0]


def test_what_nobody_knows_is_null_with_what_to_do(plan: Any, capsys: pytest.CaptureFixture[str]):
    assert plan("--json", price="") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"]["usd"], told["file"]["seconds"], told["step"], told["run"]) == (None, None, None, None)
    assert told["models"][0]["hint"] == "nobody knows the price of openai:big; write its 'price' into models.yaml"

    assert plan(price="") == 0
    shown = capsys.readouterr().out
    assert "openai:big: nobody knows the price of openai:big; write its 'price' into models.yaml" in shown
    assert "nobody knows how long a call takes; say it with --latency" in shown


def test_a_second_plan_leaves_out_what_a_run_has_asked(
    plan: Any, scripted_model: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    model = scripted_model(0.75, concurrency=4)
    model.name = "openai:big"
    monkeypatch.setattr("dikast.reward.assembly.open_model", lambda _name, _folder: model)
    monkeypatch.setattr("dikast.reward.planning.describe_model", lambda _name, _folder: model)

    assert plan("--json", "--journal", ".dikast/journal.db") == 0
    first = capsys.readouterr()
    assert first.err == ".dikast/journal.db: there is no journal yet, so it answers nothing\n"
    assert json.loads(first.out)["file"]["calls"] == 4
    assert not Path(".dikast").exists()

    assert run(["score", "reward/reward.yaml", "rollouts.jsonl", "-o", "scores.jsonl"]) == 0
    assert len(model.asked) == 4
    capsys.readouterr()

    assert plan("--json", "--journal", ".dikast/journal.db") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["in_journal"], told["file"]["calls"], told["file"]["usd"]) == (4, 0, 0.0)

    assert run(["plan", "reward/reward.yaml", "rollouts.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"]["calls"] == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--steps", "3"), "--steps and --per-step belong together; give both, or neither"),
        (("--per-step", "3"), "--steps and --per-step belong together; give both, or neither"),
        (("--certificate", "nowhere.json"), "nowhere.json: "),
        (
            ("--journal", "rollouts.jsonl"),
            "rollouts.jsonl: is no journal; name the file that --journal named, or a run's folder",
        ),
        (("--concurrency", "0"), "Invalid value for '--concurrency'"),
    ],
)
def test_a_mistake_in_the_options_is_one_line(
    plan: Any, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
):
    code = plan(*options)

    told = capsys.readouterr().err
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith(f"error: {said}")


def test_a_mistake_in_the_files_is_the_one_that_scoring_tells(plan: Any, capsys: pytest.CaptureFixture[str]):
    assert plan(reward=REWARD.replace("objective:", "objektive:")) == 2
    assert "unknown key 'objektive'; did you mean 'objective'?" in capsys.readouterr().err

    assert plan(rows=[{"prompt": "p", "completion": "yes"}]) == 2
    assert "no column 'contract'" in capsys.readouterr().err

    assert plan(rows=[]) == 2
    assert capsys.readouterr().err == "error: rollouts.jsonl: it holds no rollouts\n"


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]):
    assert run(["plan", "--help"]) == 0

    assert "dikast plan reward.yaml rollouts.jsonl --steps 200" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (1.54, "1.5 s"), (59, "59 s"), (90, "1.5 min"), (7200, "2.0 h")]
)
def test_a_length_of_time_has_the_unit_that_suits_it(seconds: float, told: str):
    assert in_time(seconds) == told
