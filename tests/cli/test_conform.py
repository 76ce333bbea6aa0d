"""`dikast conform` as a user sees it: a table, and an exit code that a script can act on."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.cli.main import run
from dikast.conform import running
from dikast.conform.running import Trainer

SOUND = """
from dikast.conform.drivers.telling import drive
from dikast.conform.finding import Finding

def findings(recorded):
    print("chatter of the trainer")
    rewards = {score.id: score.score for score in recorded.expected()}
    CHANGE
    yield Finding(trainer="Fake", version="9.1", rewards=rewards)

drive(findings)
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a driver of the test's own in the place of all others; its trainer is msgspec, which is installed."""

    def put(change: str, distribution: str = "msgspec") -> None:
        script = tmp_path / "driver.py"
        script.write_text(SOUND.replace("CHANGE", change))
        monkeypatch.setattr(running, "TRAINERS", {"fake": Trainer(distribution=distribution, driver="fake")})
        started = subprocess.run

        def start(command: list[str], **options: Any) -> Any:
            return started([sys.executable, str(script), command[-1]], **options)

        monkeypatch.setattr(running.subprocess, "run", start)

    return put


def test_what_conforms_is_in_the_table_and_the_command_succeeds(driver: Any, capsys: pytest.CaptureFixture[str]):
    driver("")

    assert run(["conform"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "Fake" in line)
    assert line.strip("│").split("│") == [" Fake    ", "     9.1 ", "      200 ", "      17 ", "      yes "]


def test_what_does_not_conform_is_told_and_fails_the_command(driver: Any, capsys: pytest.CaptureFixture[str]):
    driver("rewards['r03-0'] = 0.0; rewards['r00-0'] = None")

    assert run(["conform", "fake"]) == 1
    out = capsys.readouterr().out
    assert "Fake: r03-0: the adapter gave 0.0, the engine None" in out
    assert " no " in out


def test_of_many_problems_some_are_told_and_the_others_counted(driver: Any, capsys: pytest.CaptureFixture[str]):
    driver("rewards = {name: 0.123 for name in rewards}")

    assert run(["conform", "--json"]) == 1
    [result] = json.loads(capsys.readouterr().out)
    assert len(result["problems"]) == 4
    assert result["problems"][-1] == "and 197 more"


def test_a_trainer_whose_code_fails_does_not_conform_and_says_why(driver: Any, capsys: pytest.CaptureFixture[str]):
    driver("raise RuntimeError('no such attribute in this version')")

    assert run(["conform"]) == 1
    assert "fake: RuntimeError: no such attribute in this version" in capsys.readouterr().out


def test_where_no_trainer_is_installed_the_command_says_which_there_could_be(
    driver: Any, capsys: pytest.CaptureFixture[str]
):
    driver("", distribution="no-such-distribution")

    assert run(["conform"]) == 4
    assert "none of the trainers is installed here; install one beside dikast: fake" in capsys.readouterr().err


def test_a_trainer_that_is_not_here_or_not_known_is_named(driver: Any, capsys: pytest.CaptureFixture[str]):
    driver("", distribution="no-such-distribution")

    assert run(["conform", "fake"]) == 4
    assert "fake is not installed here" in capsys.readouterr().err
    assert run(["conform", "fakes"]) == 2
    assert "there is no conformance suite for 'fakes'; there is for fake" in capsys.readouterr().err
