"""`dikast journal`: says what a journal holds and what it has cost, and removes what is old."""

from __future__ import annotations

import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from typer.core import TyperGroup

from dikast.cli.journals import BESIDE, folder_of, journal_in
from dikast.cli.tell import print_figures
from dikast.errors import UsageError
from dikast.journal import Journal, ModelAnswers, size_on_disk
from dikast.models.prices import cost_of_tokens, price_in_words, price_of
from dikast.models.store import in_words
from dikast.spec.models import ModelConnection, Price, read_connections

if TYPE_CHECKING:
    from typer._click import Context


class _Commands(TyperGroup):
    """Takes what is no command for the journal to show, and nothing at all for the one that 'score' makes."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Commands,
    rich_markup_mode="rich",
    help="Show what a journal holds and what it has cost, and remove what is old. Without a command: show.",
)

JournalArgument = Annotated[
    Path, typer.Argument(metavar="JOURNAL|RUN_DIR", help="A journal's file, or the folder of a run.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]

_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}


class ModelShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds of one model."""

    model: str
    answers: int
    bytes: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cached_share: float | None
    """Of the prompt's tokens; None where nothing says how many there were."""
    usd: float | None
    """At today's price; None where it is not known."""
    price: Price | None
    oldest: datetime
    newest: datetime


class JournalShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds."""

    path: str
    bytes: int
    """On disk, with what SQLite keeps beside it."""
    answers: int
    usd: float | None
    models: tuple[ModelShown, ...]


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What became of old answers."""

    path: str
    removed: int
    left: int
    bytes_before: int
    bytes_after: int


@app.command("show")
def show_journal(journal: JournalArgument = BESIDE, *, as_json: JsonOption = False) -> None:
    """Show what a journal holds: its size, and for each model the answers, their tokens and what they cost.

    Money is counted at the prices known today, each with its date: from the models.yaml beside the journal or in the
    working folder, else from the table that comes with dikast. Nothing is written.

    [bold]Examples[/bold]

      dikast journal

      dikast journal show .dikast/journal.db

      dikast journal show runs/first --json
    """
    shown = _shown(journal_in(journal))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return
    typer.echo(f"{shown.path}: {in_words(shown.bytes)} on disk, {shown.answers:,} answers")
    if shown.models:
        print_figures(_COLUMNS, [_row(one) for one in shown.models])
    for one in shown.models:
        typer.echo(_price_line(one))


@app.command("prune")
def prune_journal(
    journal: JournalArgument,
    *,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Remove what was answered longer ago: 12h, 30d or 8w.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before removing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove old answers from a journal and give their room back. What is removed would be asked, and paid for, again.

    Says first how many answers and how much room, and asks; where nobody can be asked, --yes is needed. The scores
    that a run has logged stay.

    [bold]Examples[/bold]

      dikast journal prune .dikast/journal.db --older-than 30d

      dikast journal prune runs/first --older-than 8w --yes --json
    """
    before = time.time() - _seconds(older_than)
    path = journal_in(journal)
    # Looking first, so that a file that is no journal stays as it is.
    looked = Journal.look(path)
    try:
        (old, room), answers = looked.older(before), looked.count()
    finally:
        looked.close()
    what = f"{old:,} of {answers:,} answers in {path} are older than {older_than}, about {in_words(room)}"
    if old and not yes and not _agreed(what):
        typer.echo("nothing was removed", err=True)
        return
    pruned = _prune(path, before)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(pruned)).decode())
        return
    given_back = max(0, pruned.bytes_before - pruned.bytes_after)
    typer.echo(
        f"{pruned.removed:,} answers removed, {pruned.left:,} left; {in_words(given_back)} given back, "
        f"{in_words(pruned.bytes_after)} on disk"
    )


def _agreed(what: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"{what}, and nobody can be asked; add --yes to remove them")
    try:
        return typer.confirm(f"{what}. Remove them?", err=True)
    except typer.Abort:
        # Ctrl-C, or the end of the input: both mean that nobody answers.
        raise KeyboardInterrupt from None


def _prune(path: Path, before: float) -> Pruned:
    size = size_on_disk(path)
    journal = Journal.open(path)
    try:
        removed, left = journal.prune(before), journal.count()
    finally:
        journal.close()
    return Pruned(path=str(path), removed=removed, left=left, bytes_before=size, bytes_after=size_on_disk(path))


def _shown(path: Path) -> JournalShown:
    # Before it is opened, which puts files beside it.
    size = size_on_disk(path)
    journal = Journal.look(path)
    try:
        models, answers = journal.models(), journal.count()
    finally:
        journal.close()
    connections = read_connections(folder_of(path))
    rows = tuple(_model_shown(one, _price(one.model, connections)) for one in models)
    usd = [one.usd for one in rows]
    return JournalShown(
        path=str(path),
        bytes=size,
        answers=answers,
        usd=None if None in usd else sum(one for one in usd if one is not None),
        models=rows,
    )


def _model_shown(kept: ModelAnswers, price: Price | None) -> ModelShown:
    prompt, cached, completion = kept.prompt_tokens, kept.cached_tokens, kept.completion_tokens
    return ModelShown(
        model=kept.model,
        answers=kept.answers,
        bytes=kept.bytes,
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cached_share=cached / prompt if prompt else None,
        usd=None if price is None else cost_of_tokens(price, prompt=prompt, cached=cached, completion=completion),
        price=price,
        oldest=datetime.fromtimestamp(kept.oldest, UTC),
        newest=datetime.fromtimestamp(kept.newest, UTC),
    )


def _price(model: str, connections: dict[str, ModelConnection]) -> Price | None:
    """A journal may name models that models.yaml has under another provider by now, or not any more."""
    provider, _, name = model.partition(":")
    connection = connections.get(name)
    if connection is None or connection.provider != provider:
        connection = ModelConnection(provider=provider)
    return price_of(model, connection)


def _seconds(age: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", age.strip())
    if found is None:
        raise UsageError(f"--older-than '{age}': write a number and its unit, for instance 12h, 30d or 8w")
    return float(found[1]) * _SECONDS[found[2]]


_COLUMNS = ("model", "answers", "tokens in", "cached", "tokens out", "USD", "oldest", "newest")


def _row(one: ModelShown) -> tuple[str, ...]:
    return (
        one.model,
        f"{one.answers:,}",
        f"{one.prompt_tokens:,}",
        "?" if one.cached_share is None else f"{one.cached_share:.0%}",
        f"{one.completion_tokens:,}",
        "?" if one.usd is None else f"{one.usd:.4f}",
        f"{one.oldest:%Y-%m-%d}",
        f"{one.newest:%Y-%m-%d}",
    )


def _price_line(one: ModelShown) -> str:
    if one.price is None:
        return f"{one.model}: nobody knows its price; write its 'price' into models.yaml in the working folder"
    return f"{one.model}: {price_in_words(one.price)}"
