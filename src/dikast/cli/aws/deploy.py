"""`dikast aws deploy`: what was built, through a change set of CloudFormation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dikast.cli.aws.asking import agreed
from dikast.cli.aws.build import OUTPUT
from dikast.errors import UsageError

if TYPE_CHECKING:
    from dikast.aws.deploy import Change


def command(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="What 'dikast aws build' wrote.")] = OUTPUT,
    *,
    stack: Annotated[str | None, typer.Option(help="The stack's name. Default: the function's.")] = None,
    region: Annotated[str | None, typer.Option(help="The region. Default: as boto3 finds it.")] = None,
    bucket: Annotated[
        str | None,
        typer.Option(help="The bucket for the zip. Default: dikast-ACCOUNT-REGION, made where it is not there."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter of the template, MemorySize=2048. May be repeated."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply the changes without asking.")] = False,
) -> None:
    """Deploy what was built: show what would change, ask, apply, wait, print the ARN.

    A parameter that is not given keeps the value that the stack has. The template's own text says what each is for.

    [bold]Examples[/bold]

      dikast aws deploy

      dikast aws deploy build --region us-east-1 --parameter MemorySize=1769 --parameter AlarmTopicArn=arn:aws:sns:...

      dikast aws deploy build --parameter ProvisionedConcurrency=12 --yes
    """
    from dikast.aws.deploy import Cloud, propose

    parameters = _pairs(parameter or [])
    change = propose(Cloud(region), folder, stack=stack, bucket=bucket, parameters=parameters)
    if change is None:
        typer.echo("nothing to change: the stack is as it was built")
        return
    _show(change)
    if not (yes or agreed("apply it?")):
        change.drop()
        typer.echo("nothing was changed; --yes asks nobody")
        return
    typer.echo(f"{'making' if change.new else 'changing'} the stack {change.stack}; this takes some minutes", err=True)
    _show_outputs(change.apply())


def _pairs(given: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise UsageError(f"--parameter {one}: write NAME=VALUE, for instance MemorySize=2048")
        pairs[name] = value
    return pairs


def _show(change: Change) -> None:
    megabytes = change.package.stat().st_size / 1e6
    made = ", which is made" if change.new_bucket else ""
    typer.echo(f"upload {change.package} ({megabytes:.1f} MB) to s3://{change.bucket}/{change.key}{made}")
    typer.echo(f"{'new stack' if change.new else 'stack'} {change.stack} in {change.cloud.region}:")
    for action, name, kind in change.resources:
        typer.echo(f"  {action:<18} {kind:<38} {name}")


def _show_outputs(outputs: dict[str, str]) -> None:
    for name, value in outputs.items():
        typer.echo(f"{name}: {value}")
    arn, alias = outputs.get("FunctionArn", ""), outputs.get("AliasArn", "")
    typer.echo("next:")
    typer.echo(f"  dikast aws verify {alias}          # calls it as a trainer does")
    typer.echo(f"  reward_lambda_arn: {arn}          # in a recipe: the vendor's SDKs refuse a qualified ARN")
    typer.echo(f"  {alias}          # in a request of your own: what provisioned concurrency serves")
