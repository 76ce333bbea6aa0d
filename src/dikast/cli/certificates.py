"""What `dikast certify` tells: how far it is, what the certificate holds, and in the exit code what it is worth."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from dikast.certify import present, present_others
from dikast.certify.certificate import Certificate
from dikast.certify.questions import Progress
from dikast.certify.telling import name_of
from dikast.certify.wanted import in_words
from dikast.errors import NotEnoughDataError, NotGoodEnoughError


def show_certificate(certificate: Certificate, *, as_json: bool) -> None:
    """Prints it: as a table on a terminal, as lines elsewhere, or as JSON."""
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(certificate)).decode())
        return
    console = Console()
    if console.is_terminal:
        console.print(present.table(certificate))
    else:
        typer.echo(present.plain(certificate) + "\n")
    for note in present.notes(certificate):
        typer.echo(note)
    if certificate.others is not None:
        typer.echo("\n" + present_others.plain(certificate.others))


def require_good_enough(certificate: Certificate, path: Path, labels: Path) -> None:
    """Leaves with the exit code of the level; the certificate is written by now."""
    if certificate.level == "red":
        raise NotGoodEnoughError(
            f"{path}: red, the judge is not good enough on criteria that carry half of its weight; reword what it is asked"
        )
    if certificate.regression is not None and certificate.regression.broken:
        broken = certificate.regression.broken
        raise NotGoodEnoughError(
            f"{path}: {len(broken)} of the known answers were as expected once and are not now: "
            f"{'; '.join(map(name_of, broken[:3]))}{' ...' if len(broken) > 3 else ''}; "
            "reword what is asked, or change what the labels expect"
        )
    if certificate.level == "insufficient":
        short = [
            f"{name} ({one.why})"
            + (f": {in_words(one.wanted, None if one.preference else str(labels))}" if one.wanted else "")
            for name, one in certificate.criteria.items()
            if one.level == "insufficient"
        ]
        raise NotEnoughDataError(f"{path}: too few labels to say: {'; '.join(short)}")


@contextlib.contextmanager
def shown_progress() -> Generator[Progress]:
    """A bar on a terminal, a line for each tenth elsewhere; on standard error."""
    if not sys.stderr.isatty():
        yield _tell_tenths
        return
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("judging", total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)


def _tell_tenths(done: int, of: int) -> None:
    if done * 10 // of > (done - 1) * 10 // of:
        typer.echo(f"judged {done} of {of}", err=True)
