"""The command line's contract with its user: what is listed, what is loaded, what a failure says and exits with."""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "from dikast.cli.main import main; main()"

FAKE_SCORE = """
import sys, types
from typing import Annotated
import typer

def command(rollouts: Annotated[str, typer.Argument()] = "") -> None:
    {body}

module = types.ModuleType("dikast.cli.score")
module.command = command
sys.modules["dikast.cli.score"] = module
"""

WAIT = """
    import asyncio
    async def wait() -> None:
        print("ready", flush=True)
        await asyncio.sleep(60)
    asyncio.run(wait())
"""


def run(*arguments: str, program: str = MAIN, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "120", **environment},
    )


def run_score(body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `dikast score` with a command of the test's own in its place."""
    return run("score", program=FAKE_SCORE.format(body=body) + MAIN, **environment)


def test_help_lists_every_command():
    done = run("--help")

    assert done.returncode == 0
    _, _, commands = done.stdout.partition("Commands")
    assert re.findall(r"^\W*(\w+)  ", commands, flags=re.MULTILINE) == [
        "lint",
        "plan",
        "score",
        "certify",
        "agree",
        "review",
        "train",
        "eval",
        "replay",
        "serve",
        "export",
        "conform",
        "aws",
        "models",
        "journal",
    ]


def test_help_loads_no_heavy_module():
    program = "import atexit, sys; atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr));" + MAIN

    done = run("--help", program=program)

    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    assert not loaded & {"torch", "transformers", "trl", "numpy", "scipy", "sklearn", "aiohttp", "xllamacpp", "jinja2"}


def test_no_locale_makes_a_text_an_error(tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_text("item,rater,label\n1,é,✓\n1,b,✓\n")

    told = run("agree", str(path), PYTHONIOENCODING="ascii")
    wrong = run("agree", str(path), "--gold", "ü", PYTHONIOENCODING="ascii")

    assert told.returncode == 0
    assert "b | é" in told.stdout
    assert wrong.stderr == "error: --gold: no rater is named 'ü'; the file has b, é\n"


def test_the_version_is_the_installed_one():
    assert run("--version").stdout == f"dikast {importlib.metadata.version('dikast')}\n"


def test_no_command_shows_the_help_and_is_a_usage_error():
    done = run()

    assert done.returncode == 2
    assert "Usage: dikast" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scor"], "error: No such command 'scor'. Did you mean 'score'? ('dikast --help' shows what it takes)\n"),
        (["--nonsense"], "error: No such option: --nonsense ('dikast --help' shows what it takes)\n"),
    ],
)
def test_a_wrong_word_is_a_usage_error_in_one_line(arguments: list[str], said: str):
    done = run(*arguments)

    assert (done.returncode, done.stderr) == (2, said)


def test_a_wrong_option_points_to_the_help_of_its_command():
    done = run("score", "--nonsense", program=FAKE_SCORE.format(body="pass") + MAIN)

    assert done.returncode == 2
    assert done.stderr == "error: No such option: --nonsense ('dikast score --help' shows what it takes)\n"


def test_a_file_that_is_not_there_is_a_usage_error_in_one_line(tmp_path: Path):
    done = run("score", str(tmp_path / "reward.yaml"), str(tmp_path / "rollouts.jsonl"), "-o", str(tmp_path / "scores"))

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert ": no such file" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ConfigError", 2),
        ("DataError", 2),
        ("NotGoodEnoughError", 1),
        ("NotEnoughDataError", 3),
        ("UnavailableError", 4),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_code(error: str, code: int):
    done = run_score(f"from dikast.errors import {error}; raise {error}('here\\nand so')")

    assert (done.returncode, done.stderr) == (code, "error: here and so\n")


def test_an_error_among_tasks_side_by_side_is_told_like_one_alone():
    body = (
        "from dikast.errors import UnavailableError; "
        "raise ExceptionGroup('', [ValueError(), ExceptionGroup('', [UnavailableError('no key')])])"
    )

    done = run_score(body)

    assert (done.returncode, done.stderr) == (4, "error: no key\n")


def test_a_missing_extra_says_what_to_install():
    done = run_score("raise ModuleNotFoundError('No module named torch.nn', name='torch.nn')")

    assert done.returncode == 4
    assert done.stderr == "error: this needs the extra 'train'; install it: pip install 'dikast[train]'\n"


def test_a_full_disk_is_the_environment_not_a_bug():
    done = run_score("import errno; raise OSError(errno.ENOSPC, 'No space left on device', 'run/step-3')")

    assert done.returncode == 4
    assert done.stderr == ("error: run/step-3: No space left on device; mend that and run the same command again\n")


def test_a_bug_is_one_line_and_a_file_to_report(tmp_path: Path):
    done = run_score("1 / 0", TMPDIR=str(tmp_path))

    [kept] = tmp_path.glob("dikast-*.txt")
    assert done.returncode == 70
    assert done.stderr == (
        f"error: a bug in dikast (ZeroDivisionError: division by zero); please report it with the traceback in {kept}\n"
    )
    assert "Traceback (most recent call last)" in kept.read_text()


def test_a_bug_is_shown_whole_when_asked_for(tmp_path: Path):
    done = run_score("1 / 0", TMPDIR=str(tmp_path), DIKAST_DEBUG="1")

    assert done.returncode == 70
    assert done.stderr.startswith("Traceback (most recent call last)")
    assert done.stderr.endswith("please report it with the traceback above\n")
    assert not list(tmp_path.iterdir())


def test_the_end_of_an_input_is_a_bug_not_an_interruption():
    done = run_score("raise EOFError('checkpoint cut short')", DIKAST_DEBUG="1")

    assert done.returncode == 70
    assert "EOFError: checkpoint cut short" in done.stderr


def test_a_cancelled_task_is_an_interruption():
    done = run_score("import asyncio; raise asyncio.CancelledError")

    assert done.returncode == 130


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_is_told_that_what_was_done_is_kept(sent):
    # The word comes from inside the loop, which answers the signal from then on.
    # A shell in the background ignores the signal, and its children inherit that.
    waiting = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + FAKE_SCORE.format(body=WAIT)
    process = subprocess.Popen(
        [sys.executable, "-c", waiting + MAIN, "score"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(sent)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert said == "interrupted; what was done is kept, run the same command again to go on\n"


def test_a_reader_that_goes_away_is_no_error_message():
    flood = FAKE_SCORE.format(body="print('line\\n' * 1_000_000)")
    process = subprocess.Popen(
        [sys.executable, "-c", flood + MAIN, "score"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()

    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()

    assert process.wait(timeout=30) == 141
    assert not said
