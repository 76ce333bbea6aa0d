"""`dikast conform`: says whether the trainers that are installed here get what the engine gives."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.cli.tell import ConsoleTeller, print_figures
from dikast.errors import UnavailableError, UsageError


def command(
    trainers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TRAINER]...", help="All that are installed here where none is named."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON on standard output.")] = False,
) -> None:
    """Say whether the trainers installed here get exactly what the engine gives.

    200 recorded rollouts go through each trainer's own calling code, without a network or a GPU. Rewards must be equal
    to the last digit, a missing one must move nothing, and its siblings stay as they are. Exits with 1 where not.

    [bold]Examples[/bold]

      dikast conform

      dikast conform trl verifiers --json
    """
    from dikast.conform.recorded import lay_out
    from dikast.conform.running import TRAINERS, Result, conform, installed

    names = _names(trainers or [], list(TRAINERS), installed())
    results: list[Result] = []
    teller = ConsoleTeller()
    with tempfile.TemporaryDirectory() as folder:
        recorded = lay_out(Path(folder))
        expected = {score.id: score for score in recorded.expected()}
        for name in names:
            teller.say(f"{name}: 200 rollouts")
            results += conform(name, recorded, expected)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(results)).decode())
    else:
        _show(results)
    if not all(result.conforms for result in results):
        raise typer.Exit(1)


def _names(wanted: list[str], known: list[str], here: list[str]) -> list[str]:
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(f"there is no conformance suite for '{unknown[0]}'; there is for {', '.join(known)}")
    if absent := [name for name in wanted if name not in here]:
        raise UnavailableError(f"{absent[0]} is not installed here, or in another version; install it beside dikast")
    if not here:
        raise UnavailableError(f"none of the trainers is installed here; install one beside dikast: {', '.join(known)}")
    return wanted or here


def _show(results: list) -> None:
    print_figures(
        ["trainer", "version", "rollouts", "missing", "conforms"],
        [
            [one.trainer, one.version, str(one.rollouts), str(one.missing), "yes" if one.conforms else "no"]
            for one in results
        ],
    )
    for one in results:
        for problem in one.problems:
            typer.echo(f"{one.trainer}: {problem}")
