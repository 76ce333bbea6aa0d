"""`dikast journal` as a user sees it: what is kept and has cost, and that nothing goes unasked."""

import io
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dikast.cli.main import run
from dikast.journal import Answered, Journal

REPLY = {"text": "", "prompt_tokens": 1000, "cached_tokens": 250, "completion_tokens": 100}
KNOWN, UNKNOWN = "openai:gpt-oss-120b", "openai:mine"


class Terminal(io.StringIO):
    """A person who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a journal with two answers of a model from 40 days ago and one from today."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")

    def write(name: str = "journal.db", *, model: str = KNOWN) -> Path:
        path = Path(name)
        kept = Journal.open(path)
        for number, days in enumerate((40, 40, 0)):
            with monkeypatch.context() as patch:
                patch.setattr("dikast.journal.time.time", lambda days=days: real_time() - days * 86_400)
                kept.keep([answered(number, model)])
        kept.close()
        return path

    return write


real_time = time.time


def answered(number: int, model: str) -> Answered:
    request = {"max_tokens": 200, "messages": ["x" * 50_000]}
    return Answered(
        key=f"{model}{number}".encode(),
        model=model,
        request=json.dumps(request).encode(),
        reply=json.dumps(REPLY).encode(),
    )


def left(path: Path) -> int:
    kept = Journal.look(path)
    try:
        return kept.count()
    finally:
        kept.close()


def test_what_a_journal_holds_is_shown_by_model_with_its_cost_and_the_prices_date(journal, capsys):
    path = journal()
    journal(model=UNKNOWN)

    assert run(["journal", "show", str(path)]) == 0

    told = capsys.readouterr().out
    assert told.startswith("journal.db: ")
    assert "on disk, 6 answers" in told
    row = next(line for line in told.splitlines() if KNOWN in line and "│" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][1:6] == ["3", "3,000", "25%", "300", "0.0006"]
    assert f"{KNOWN}: 0.15 in, 0.15 cached, 0.6 out USD a million tokens (2026-11)" in told
    assert f"{UNKNOWN}: nobody knows its price; write its 'price' into models.yaml" in told


def test_what_a_journal_holds_as_json_has_stable_keys(journal, capsys):
    path = journal()

    assert run(["journal", "show", str(path), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["path"], told["answers"], told["bytes"]) == ("journal.db", 3, path.stat().st_size)
    [model] = told["models"]
    assert (model["model"], model["answers"], model["cached_share"]) == (KNOWN, 3, 0.25)
    assert (model["prompt_tokens"], model["cached_tokens"], model["completion_tokens"]) == (3000, 750, 300)
    assert model["usd"] == told["usd"] == pytest.approx((3000 * 0.15 + 300 * 0.6) / 1e6)
    assert model["price"] == {"input": 0.15, "cached": None, "output": 0.6, "date": "2026-11"}
    oldest, newest = datetime.fromisoformat(model["oldest"]), datetime.fromisoformat(model["newest"])
    assert timedelta(days=39.9) < newest - oldest < timedelta(days=40.1)
    assert datetime.now(UTC) - newest < timedelta(hours=1)


def test_a_price_of_ones_own_stands_in_models_yaml_and_an_unknown_one_leaves_no_total(journal, capsys):
    path = journal(model=UNKNOWN)

    assert run(["journal", "show", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["usd"], told["models"][0]["usd"], told["models"][0]["price"]) == (None, None, None)

    Path("models.yaml").write_text("mine: {provider: openai, price: {input: 1, output: 0, date: 2026-11-02}}\n")
    assert run(["journal", "show", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["usd"] == pytest.approx(3000 * 1 / 1e6)
    assert told["models"][0]["price"]["date"] == "2026-11-02"


def test_a_model_that_models_yaml_has_under_another_provider_by_now_is_shown_all_the_same(journal, capsys):
    Path("models.yaml").write_text("mine: {provider: bedrock, price: {input: 1, output: 0, date: 2026-11-02}}\n")

    assert run(["journal", "show", str(journal(model=UNKNOWN)), "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["models"][0]["usd"] is None


@pytest.mark.parametrize("name", ["runs/first/journal.db", "project/.dikast/journal.db"])
def test_a_folder_stands_for_the_journal_in_it(journal, capsys, name: str):
    journal(name)
    folder = name.partition("/.dikast")[0].removesuffix("/journal.db")

    assert run(["journal", "show", folder, "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["path"] == name


def test_an_empty_journal_is_shown_as_empty(journal, capsys):
    Journal.open(Path("empty.db")).close()

    assert run(["journal", "show", "empty.db", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["answers"], told["models"], told["usd"]) == (0, [], 0)


def test_pruning_with_yes_removes_what_is_old_and_says_what_is_left(journal, capsys):
    path = journal()

    assert run(["journal", "prune", str(path), "--older-than", "30d", "--yes"]) == 0

    told = capsys.readouterr().out
    assert told.startswith("2 answers removed, 1 left; ")
    assert "given back" in told
    assert left(path) == 1


def test_pruning_as_json_says_how_many_and_how_much_room(journal, capsys):
    path = journal()
    before = path.stat().st_size

    assert run(["journal", "prune", str(path), "--older-than", "4w", "--yes", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["path"], told["removed"], told["left"]) == ("journal.db", 2, 1)
    assert (told["bytes_before"], told["bytes_after"]) == (before, path.stat().st_size)
    assert before - path.stat().st_size > 90_000


def test_where_nobody_can_be_asked_nothing_is_removed_without_yes(journal, capsys, monkeypatch):
    path = journal()
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    assert run(["journal", "prune", str(path), "--older-than", "30d"]) == 2

    told = capsys.readouterr().err
    assert told == (
        "error: 2 of 3 answers in journal.db are older than 30d, about 100 kB, and nobody can be asked; "
        "add --yes to remove them\n"
    )
    assert left(path) == 3


@pytest.mark.parametrize(("typed", "code", "remain"), [("y\n", 0, 1), ("n\n", 0, 3), ("\n", 0, 3), ("", 130, 3)])
def test_on_a_terminal_it_asks_and_only_a_yes_removes(journal, capsys, monkeypatch, typed: str, code: int, remain: int):
    path = journal()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))

    assert run(["journal", "prune", str(path), "--older-than", "30d"]) == code

    told = capsys.readouterr()
    assert "2 of 3 answers in journal.db are older than 30d, about 100 kB. Remove them?" in told.err
    assert ("nothing was removed" in told.err) is (typed in ("n\n", "\n"))
    assert left(path) == remain


def test_where_nothing_is_old_nobody_is_asked(journal, capsys):
    path = journal()

    assert run(["journal", "prune", str(path), "--older-than", "8w"]) == 0

    assert capsys.readouterr().out.startswith("0 answers removed, 3 left")
    assert left(path) == 3


@pytest.mark.parametrize("age", ["30", "d", "-3d", "30 days", "1e3d", ""])
def test_an_age_that_is_none_is_told_with_the_form_it_has(journal, capsys, age: str):
    path = journal()

    assert run(["journal", "prune", str(path), f"--older-than={age}", "--yes"]) == 2

    assert capsys.readouterr().err == (
        f"error: --older-than '{age}': write a number and its unit, for instance 12h, 30d or 8w\n"
    )
    assert left(path) == 3


@pytest.mark.parametrize("command", [["show"], ["prune", "--older-than", "1d", "--yes"]])
def test_what_is_no_journal_is_told_and_left_as_it_is(tmp_path: Path, monkeypatch, capsys, command: list[str]):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with sqlite3.connect("other.db") as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    before = Path("other.db").read_bytes()

    for named, said in (
        ("nowhere.db", "nowhere.db: there is no journal; name the file that --journal named, or a run's folder"),
        ("empty", "empty: there is no journal in this folder; name the file, or the folder of a run"),
        ("other.db", "other.db: is no journal; name the file that --journal named, or a run's folder"),
    ):
        assert run(["journal", command[0], named, *command[1:]]) == 2
        assert capsys.readouterr().err == f"error: {said}\n"

    assert Path("other.db").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty", "other.db"]


def test_the_help_of_each_has_examples(capsys):
    for command, example in (("show", "dikast journal show runs/first --json"), ("prune", "--older-than 8w --yes")):
        assert run(["journal", command, "--help"]) == 0
        assert example in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["journal.db"], ["journal.db", "--json"], ["show", "journal.db"]])
def test_what_is_no_command_is_the_journal_to_show(
    arguments: list[str], journal: Callable[..., Path], capsys: pytest.CaptureFixture[str]
):
    journal()

    assert run(["journal", *arguments]) == 0
    assert "journal.db" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_without_a_name_it_is_the_one_that_score_makes(
    arguments: list[str], journal: Callable[..., Path], capsys: pytest.CaptureFixture[str]
):
    Path(".dikast").mkdir(exist_ok=True)
    journal(".dikast/journal.db")

    assert run(["journal", *arguments]) == 0
    assert ".dikast/journal.db" in capsys.readouterr().out


def test_its_help_lists_its_commands(capsys: pytest.CaptureFixture[str]):
    assert run(["journal", "--help"]) == 0
    assert "prune" in capsys.readouterr().out
