"""What `dikast certify` tells: how far it is, what the certificate holds, and in the exit code what it is worth."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from dikast.certify import present, present_others
from dikast.certify.certificate import Certificate, CriterionCertificate
from dikast.certify.questions import Progress
from dikast.certify.telling import name_of
from dikast.certify.unheard import too_many_unheard, unheard_in_words
from dikast.certify.wanted import in_words
from dikast.errors import NotEnoughDataError, NotGoodEnoughError, UsageError
from dikast.report.words import visible


def require_own_place(certificate: Path, inputs: Iterable[Path | None]) -> None:
    """Raises `UsageError` where a certificate cannot stand, or would take the place of a file that is read for it."""
    if certificate.is_dir():
        raise UsageError(f"{certificate}: a folder; write -o {certificate / 'certificate.json'}")
    for place in (certificate, certificate.with_suffix(".html")):
        for given in inputs:
            if given is not None and place.resolve() == given.resolve():
                raise UsageError(f"{given}: it is read, and the certificate would take its place; name another with -o")


def show_certificate(certificate: Certificate, *, as_json: bool) -> None:
    """Prints it: as a table on a terminal, as lines elsewhere, or as JSON."""
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(certificate)).decode())
        return
    console = Console()
    if console.is_terminal:
        console.print(present.table(certificate))
    else:
        typer.echo(visible(present.plain(certificate)) + "\n")
    for note in present.notes(certificate):
        typer.echo(visible(note))
    if certificate.others is not None:
        typer.echo("\n" + visible(present_others.plain(certificate.others)))


def require_good_enough(certificate: Certificate, path: Path, *, reward: Path, labels: Path) -> None:
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
        short = {name: one for name, one in certificate.criteria.items() if one.level == "insufficient"}
        what = "labels" if any(one.wanted for one in short.values()) else "verdicts"
        told = "; ".join(f"{name} ({one.why}){_lacking(one, reward, labels)}" for name, one in short.items())
        raise NotEnoughDataError(f"{path}: too few {what} to say: {told}")


def _lacking(found: CriterionCertificate, reward: Path, labels: Path) -> str:
    lacking = [unheard_in_words(found)] if too_many_unheard(found) else []
    if found.wanted:
        lacking.append(in_words(found.wanted, None if found.preference else _to_review(reward, labels)))
    return "".join(f": {one}" for one in lacking)


def _to_review(reward: Path, labels: Path) -> str:
    """What `dikast review` is given; it finds a reward.yaml beside the labels by itself."""
    beside = (labels.parent / "reward.yaml").resolve() == reward.resolve()
    return str(labels) if beside else f"{labels} --reward {reward}"


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
