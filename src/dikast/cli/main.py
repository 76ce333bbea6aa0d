"""The command line: finds the command, and turns what went wrong into one line and an exit code.

    dikast COMMAND ...

The module of a command is imported when the command is used, so that `dikast --help` loads no
numpy and no torch. `_COMMANDS` lists them all.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.metadata
import io
import os
import platform
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command

from dikast.cli.lazily import lazy_application
from dikast.errors import DikastError
from dikast.report.words import visible

if TYPE_CHECKING:
    from typer._click import Context

_COMMANDS = {
    "lint": "Read a reward's rubric as a critic would, without asking a model.",
    "plan": "Say what scoring a file would ask, cost and take, before anything is spent.",
    "score": "Score a file of rollouts with a reward.",
    "certify": "Measure what a reward's judge is worth against people's labels.",
    "agree": "Say how far raters agree, from verdicts recorded elsewhere.",
    "review": "Label rollouts on a local web page, blind to the judge.",
    "train": "Train a policy against a reward: baseline, warm start, RL, evaluation, report.",
    "eval": "Compare models or files of completions, with a report.",
    "replay": "Score a run's logged rollouts with another reward: what would have changed.",
    "serve": "Serve rewards over HTTP, in the shapes that trainers speak.",
    "export": "Write a run's configuration and reward entry point for another trainer.",
    "conform": "Say whether the trainers installed here get what the engine gives.",
    "aws": "Build, deploy and verify the reward Lambda; start and follow jobs of Nova and Bedrock.",
    "models": "List, pull and check local models.",
    "journal": "Show what a journal holds and has cost, and remove what is old.",
}
_WITH_COMMANDS_OF_THEIR_OWN = frozenset({"aws", "journal", "models"})

_USAGE, _ENVIRONMENT, _BUG, _INTERRUPTED, _CLOSED_PIPE = 2, 4, 70, 130, 141

_EXTRAS = {
    "accelerate": "train",
    "aws_lambda_powertools": "aws",
    "boto3": "aws",
    "botocore": "aws",
    "datasets": "train",
    "gguf": "train",
    "jinja2": "stats",
    "numpy": "stats",
    "sagemaker": "sagemaker",
    "scipy": "stats",
    "torch": "train",
    "transformers": "train",
    "trl": "train",
    "xllamacpp": "local",
}
"""Module → the extra that installs it."""

_DISK_REFUSES = frozenset({errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS})


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dikast {importlib.metadata.version('dikast')}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Fine-tune language models against the judgment of another one, and make that judgment worth trusting."""


def _application() -> typer.Typer:
    return lazy_application("dikast.cli", _COMMANDS, with_their_own=_WITH_COMMANDS_OF_THEIR_OWN, callback=_options)


def main() -> None:
    """Runs the command line and exits with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Texts and names come from anywhere: what a locale has no sign for is no error.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # A scheduler that takes the machine back says so with this signal: what was done is kept, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command and gives its exit code. The one place that catches everything."""
    try:
        code = get_command(_application()).main(arguments, prog_name="dikast", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as left:
        # How Typer and Rich leave when nobody reads the output any more.
        if isinstance(left.__context__, BrokenPipeError):
            return _closed_pipe()
        raise
    except BaseException as error:  # noqa: BLE001  whatever it was, the user gets a line and a code
        return _explained(error)
    if code == _INTERRUPTED:
        # Typer's answer to Ctrl-C.
        return _interrupted()
    return code or 0


def _explained(error: BaseException) -> int:
    """Says on standard error what went wrong; gives the exit code."""
    if isinstance(error, BaseExceptionGroup):
        # Tasks that run side by side fail as a group; one reason is enough to act on.
        error = _first_of(error)
    match error:
        case DikastError():
            return _fail(str(error), error.exit_code)
        case typer.TyperException():
            return _misused(error)
        case KeyboardInterrupt() | asyncio.CancelledError():
            return _interrupted()
        case BrokenPipeError():
            return _closed_pipe()
        case ModuleNotFoundError(name=str(name)) if extra := _EXTRAS.get(name.partition(".")[0]):
            return _fail(f"this needs the extra '{extra}'; install it: pip install 'dikast[{extra}]'", _ENVIRONMENT)
        case OSError(errno=code) if code in _DISK_REFUSES:
            where = f"{error.filename}: " if error.filename else ""
            return _fail(f"{where}{error.strerror}; mend that and run the same command again", _ENVIRONMENT)
        case _:
            return _bug(error)


def _first_of(group: BaseExceptionGroup) -> BaseException:
    """The first error in a group that dikast raised on purpose, or else the first."""
    known = group.subgroup(DikastError) or group
    first = known.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def _misused(error: typer.TyperException) -> int:
    message = error.format_message()
    if not message:
        # A group without any argument: its help is printed already.
        return _USAGE
    context: Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "dikast"
    return _fail(f"{message} ('{command} --help' shows what it takes)", _USAGE)


def _interrupted() -> int:
    typer.echo("interrupted; what was done is kept, run the same command again to go on", err=True)
    return _INTERRUPTED


def _closed_pipe() -> int:
    # What is still buffered has no reader: without this the interpreter would complain at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _CLOSED_PIPE


def _bug(error: BaseException) -> int:
    told = "".join(traceback.format_exception(error))
    kept = None if os.environ.get("DIKAST_DEBUG") else _keep(told)
    if kept is None:
        typer.echo(told, err=True, nl=False)
    where = f"the traceback in {kept}" if kept else "the traceback above"
    return _fail(f"a bug in dikast ({type(error).__name__}: {error}); please report it with {where}", _BUG)


def _keep(told: str) -> Path | None:
    """Writes a traceback to a file of its own; None where the disk refuses."""
    head = f"{sys.argv}\nPython {platform.python_version()}, {platform.platform()}\n\n"
    try:
        handle, name = tempfile.mkstemp(prefix="dikast-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(head + told)
    except OSError:
        return None
    return Path(name)


def _fail(message: str, code: int) -> int:
    typer.echo(f"error: {visible(' '.join(message.splitlines()))}", err=True)
    return code
