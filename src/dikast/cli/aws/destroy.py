"""`dikast aws destroy`: removes what `dikast aws deploy` made."""

from __future__ import annotations

from typing import Annotated

import typer

from dikast.cli.aws.asking import agreed


def command(
    stack: Annotated[str, typer.Argument(metavar="STACK", help="The stack's name: the function's, where not chosen.")],
    *,
    region: Annotated[str | None, typer.Option(help="The region. Default: as boto3 finds it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove it without asking.")] = False,
) -> None:
    """Remove what was deployed: the stack with its function, roles, logs and alarms, and its zips in the bucket.

    Only a stack that dikast made is removed. The bucket itself stays.

    [bold]Examples[/bold]

      dikast aws destroy SageMaker-contract-review

      dikast aws destroy SageMaker-contract-review --region us-east-1 --yes
    """
    from dikast.aws.deploy import Cloud, propose_removal

    removal = propose_removal(Cloud(region), stack)
    typer.echo(f"stack {stack} in {removal.cloud.region}, and its zips in s3://{removal.bucket}/{stack}/:")
    for name, kind in removal.resources:
        typer.echo(f"  remove {kind:<38} {name}")
    if not (yes or agreed("remove all of it?")):
        typer.echo("nothing was removed; --yes asks nobody")
        return
    removal.apply()
    typer.echo(f"removed {stack}")
