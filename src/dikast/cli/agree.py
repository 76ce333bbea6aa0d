"""`dikast agree`: the agreement statistics of verdicts that were recorded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from dikast.cli.tell import print_figures
from dikast.errors import NotEnoughDataError, UsageError
from dikast.report.words import visible
from dikast.rollouts import appearing

if TYPE_CHECKING:
    from dikast.agree.records import Agreement, CriterionAgreement


def command(
    ratings: Annotated[
        Path, typer.Argument(metavar="RATINGS", help="Verdicts, a row each, JSONL or CSV: item, rater, label.")
    ],
    *,
    gold: Annotated[
        str | None,
        typer.Option(metavar="RATER", help="Whose labels are the truth; 'majority' is what most of the people said."),
    ] = None,
    humans: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Who is a person; all but the gold and the judges.")
    ] = None,
    judges: Annotated[
        str | None, typer.Option(metavar="X,Y", help="Who is a judge; where people are named, all others but the gold.")
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="The label that is a yes, where labels are not true and false or 0 and 1."),
    ] = None,
    nominal: Annotated[bool, typer.Option("--nominal", help="Numbers are names of classes, without an order.")] = False,
    drop_null: Annotated[
        bool, typer.Option("--drop-null", help="Leave out verdicts without a label, where they would count as errors.")
    ] = False,
    epsilon: Annotated[
        float,
        typer.Option(min=0, max=1, help="Of the alternative annotator test: 0.2 experts, 0.15 skilled, 0.1 crowd."),
    ] = 0.2,  # as in stats.alternative, which loads numpy
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals that draw samples.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the figures there as JSON too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Say how far raters agree, from verdicts recorded elsewhere: no judge is asked.

    A row is item, rater, label and where they apply criterion, repeat and order (of the candidates: 'ab', or the one
    shown first). Labels are numbers, true and false, or texts; null, or an empty cell, is a verdict that could not
    be had. Not everybody has to have rated everything. Criteria are never pooled.

    [bold]Examples[/bold]

      dikast agree ratings.csv

      dikast agree ratings.jsonl --judges gpt --gold majority --positive yes

      dikast agree ratings.jsonl --gold expert --humans ann,bob,cy --epsilon 0.15 -o agreement.json --json
    """
    if output is not None and output.resolve() == ratings.resolve():
        raise UsageError(f"{ratings}: it is read, and the figures would take its place; name another file with -o")
    from dikast.agree.measure import Options, measure
    from dikast.agree.roles import Roles

    roles = Roles(gold=gold, humans=_names("--humans", humans), judges=_names("--judges", judges))
    options = Options(positive=positive, nominal=nominal, drop_null=drop_null, epsilon=epsilon, seed=seed)
    agreement = measure(ratings, roles, options)
    text = msgspec.json.format(msgspec.json.encode(agreement))
    if output is not None:
        with appearing(output) as out:
            out.write(text + b"\n")
    if as_json:
        typer.echo(text.decode())
    else:
        _show(agreement)
    if output is not None:
        typer.echo(f"written: {output}", err=True)
    _judge_amount(ratings, agreement)


def _names(option: str, given: str | None) -> tuple[str, ...]:
    if given is None:
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if not names:
        raise UsageError(f"{option}: no name; write it as {option} ann,bob")
    return names


def _show(agreement: Agreement) -> None:
    from dikast.agree.present import present

    for shown in present(agreement):
        typer.echo(visible(shown.line))
        if shown.rows:
            print_figures(shown.names, shown.rows)


def _judge_amount(path: Path, agreement: Agreement) -> None:
    """Leaves with the exit code for too little data where no rater can be compared with another, or with itself."""
    parts: list[Agreement | CriterionAgreement] = list((agreement.criteria or {}).values()) or [agreement]
    if not any(part.overall.n or part.gold or part.position or part.repeats for part in parts):
        raise NotEnoughDataError(
            f"{path}: no item has labels by two raters, so nothing can be compared; add a rater's verdicts"
        )
