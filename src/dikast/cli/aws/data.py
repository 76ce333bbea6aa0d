"""`dikast aws data`: converts and checks training data of Nova."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dikast.aws.data.files import Checked, Form, check_file, convert_file, told
from dikast.errors import UsageError
from dikast.spec.reward import read_reward

SHOWN = 20
"""Problems that are listed one by one."""


def command(
    rows: Annotated[Path, typer.Argument(metavar="ROWS", help="Rows with a prompt, or training data as it stands.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Convert the rows into this file.")
    ] = None,
    form: Annotated[
        Form, typer.Option(help="rft for Nova's reinforcement fine-tuning, sft for Converse, verl for open weights.")
    ] = "rft",
    reward: Annotated[
        Path | None, typer.Option(help="Require the columns that this reward reads in every row.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Leave a column out: a Lambda takes 6 MB at once.")
    ] = None,
) -> None:
    """Convert and check training data of Nova: roles, sizes, reserved words, and what the SDK's detector sees.

    With -o rows of ours are converted and the result is checked; without, the file is checked as it stands. Each
    problem is a line with file and line number; exit code 2 where there is one.

    [bold]Examples[/bold]

      dikast aws data data/train.jsonl -o train.rft.jsonl --reward reward.yaml

      dikast aws data data/train.jsonl -o train.sft.jsonl --form sft

      dikast aws data train.rft.jsonl
    """
    if output is None and (reward is not None or drop):
        raise UsageError("--reward and --drop belong to a conversion; name its file with -o FILE")
    if output is None:
        checked = check_file(rows, form)
    else:
        if output.resolve() == rows.resolve():
            raise UsageError(f"-o {output}: is the input; name another file")
        checked = convert_file(rows, output, form, reward=read_reward(reward) if reward else None, drop=drop or ())
    _show(checked, form)


def _show(checked: Checked, form: Form) -> None:
    for problem in checked.problems[:SHOWN]:
        typer.echo(told(checked, problem), err=True)
    for note in checked.notes:
        typer.echo(f"{checked.path}: warning: {note}", err=True)
    checked.require_good()
    typer.echo(f"{checked.path}: {checked.rows} rows of {form}, {checked.bytes / 1e6:.1f} MB, nothing wrong")
