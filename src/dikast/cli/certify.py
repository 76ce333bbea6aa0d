"""`dikast certify`: measures what a reward's judge is worth against people's labels."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from dikast.certify import present
from dikast.certify.attacks import Attack, read_attacks
from dikast.certify.attempts import ATTACK_UNITS
from dikast.certify.certificate import Certificate, write_certificate
from dikast.certify.duels.labels import PairLabels, read_pairs
from dikast.certify.duels.measure import certify_preference
from dikast.certify.labels import Labels, read_labels
from dikast.certify.measure import REPEATS, certify
from dikast.certify.questions import Progress
from dikast.errors import NotEnoughDataError, NotGoodEnoughError
from dikast.journal import Journal
from dikast.reward.assembly import Judges
from dikast.spec.judge import PREFERENCE
from dikast.spec.reward import RewardSpec, read_reward


def command(
    reward: Annotated[Path, typer.Argument(metavar="REWARD", help="The reward file.")],
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="Rollouts, or pairs of completions, with people's answers, JSONL.")
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="CERTIFICATE", help="Where it goes; certificate.json beside the reward."
        ),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Keeps the judge's answers; .dikast/journal.db beside the reward.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Times a question is asked in all, of a judge without log-probabilities.")
    ] = REPEATS,
    attacks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Attacks of your own, YAML; they add to those of dikast.")
    ] = None,
    attack_units: Annotated[
        int, typer.Option(min=0, help="Candidates of a criterion that each way of an attack is tried on; 0 for none.")
    ] = ATTACK_UNITS,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals that draw samples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate on standard output.")] = False,
) -> None:
    """Measure what a reward's judge is worth: agreement with people's labels, and with itself, criterion by criterion.

    Two fifths of the labelled prompts choose how P(yes) is read, the rest is left untouched for the figures.
    A preference judge is measured on pairs that people compared, each asked in both orders.
    Then it is attacked, by empty openers, planted instructions, padding and the like: how often that earns
    credit that nobody deserves is written down, and decides no level. An answer is kept in the journal: a second run asks nothing again.

    Exits with 0 when the level is green or amber, 1 when it is red, 3 when there are too few labels. The
    certificate is written in any case.

    [bold]Examples[/bold]

      dikast certify reward.yaml labels.jsonl

      dikast certify reward.yaml labels.jsonl -o judge-b.json --repeats 5 --json

      dikast certify reward.yaml labels.jsonl --attacks my_attacks.yaml --attack-units 50
    """
    spec = read_reward(reward)
    compares = spec.file.judge.mode == "preference"
    read = read_pairs(labels) if compares else read_labels(labels)
    known = read_attacks(attacks, [PREFERENCE] if compares else [c.id for c in spec.file.judge.criteria])
    kept = Journal.open(journal or reward.parent / ".dikast" / "journal.db")
    try:
        with _shown_progress() as progress:
            certificate = asyncio.run(
                _measure(
                    spec,
                    read,
                    kept,
                    attacks=known,
                    attack_units=attack_units,
                    repeats=repeats,
                    seed=seed,
                    progress=progress,
                )
            )
    finally:
        kept.close()
    written = output or reward.parent / "certificate.json"
    write_certificate(certificate, written)
    _show(certificate, as_json=as_json)
    typer.echo(f"written: {written}", err=True)
    _judge_level(certificate, written)


async def _measure(
    spec: RewardSpec,
    labels: Labels | PairLabels,
    journal: Journal,
    *,
    attacks: dict[str, Attack],
    attack_units: int,
    repeats: int,
    seed: int,
    progress: Progress,
) -> Certificate:
    judges = Judges.open(spec, journal)
    measure = (
        partial(certify_preference, spec, labels, judge=judges.comparison())
        if isinstance(labels, PairLabels)
        else partial(certify, spec, labels, judge=judges.rubric())
    )
    try:
        return await measure(attacks=attacks, attack_units=attack_units, repeats=repeats, seed=seed, progress=progress)
    finally:
        await judges.close()


def _show(certificate: Certificate, *, as_json: bool) -> None:
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


def _judge_level(certificate: Certificate, path: Path) -> None:
    """Leaves with the exit code of the level; the certificate is written by now."""
    if certificate.level == "red":
        raise NotGoodEnoughError(
            f"{path}: red, the judge is not good enough on criteria that carry half of its weight; reword what it is asked"
        )
    if certificate.level == "insufficient":
        short = [f"{name} ({one.why})" for name, one in certificate.criteria.items() if one.level == "insufficient"]
        raise NotEnoughDataError(f"{path}: too few labels to say: {', '.join(short)}; label more prompts")


@contextlib.contextmanager
def _shown_progress() -> Generator[Progress]:
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
