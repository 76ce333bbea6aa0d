"""`dikast aws verify`: checks a reward Lambda, deployed or local, for what breaks a training job."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from dikast.aws.settings import FILE_NAME, read_settings
from dikast.aws.verify import scripted
from dikast.aws.verify.checks import Finding, Wanted, verify
from dikast.aws.verify.emulator import INSTALL
from dikast.aws.verify.samples import read_samples
from dikast.aws.verify.targets import DeployedTarget, InProcessTarget, LocalTarget, Target, open_target
from dikast.errors import NotGoodEnoughError, UsageError

_MARKS = {"passed": "pass", "failed": "FAIL", "noted": "note", "skipped": "skip"}


def command(
    target: Annotated[
        str,
        typer.Argument(metavar="ARN_OR_LOCAL", help="A function's ARN; or a zip, a folder or a handler's .py file."),
    ],
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA", help="Rollouts or a trainer's rows, JSONL. Without it, a few sentences are sent."
        ),
    ] = None,
    *,
    handler: Annotated[
        str | None, typer.Option(help="module.function of a local handler; dikast's own where not given.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Samples that the trainer sends at once.")] = 64,
    samples: Annotated[int, typer.Option(min=2, help="Rows of DATA that are sent.")] = 8,
    timeout: Annotated[float, typer.Option(min=1, help="The function's time-out, in seconds.")] = 900.0,
    together: Annotated[int, typer.Option(min=1, help="Calls side by side.")] = 4,
    limits: Annotated[
        tuple[float, float] | None, typer.Option("--range", help="The range of the scores; else the reward's, or 0 1.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="By how much a sample's score may differ from call to call.")
    ] = 0.0,
    envelope: Annotated[
        bool, typer.Option("--envelope", help="Rows come in statusCode and body, as open-weight models want them.")
    ] = False,
    scripted_judge: Annotated[
        bool,
        typer.Option(
            "--scripted-judge",
            help="Let a scripted Bedrock on this machine judge for a local target: no account is needed.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON on standard output.")] = False,
) -> None:
    """Check a reward Lambda for what breaks a training job and the vendor's own verifier lets pass.

    Ids, order, count, NaN, booleans, texts as numbers, range, rows without an answer, every form of an event, a
    poisoned sample beside good ones, the same scores twice, calls side by side, cold start, latency and size.

    A local target runs in the vendor's Lambda runtime emulator, which comes with aws-sam-cli. The judge is really
    asked unless you say --scripted-judge: about each sample once, if the function remembers, else some ten times.

    Exits with 1 where a check fails.

    [bold]Examples[/bold]

      dikast aws verify build/SageMaker-review.zip rollouts.jsonl --scripted-judge

      dikast aws verify arn:aws:lambda:us-east-1:123456789012:function:SageMaker-review train.jsonl --batch 20

      dikast aws verify my_handler.py train.jsonl --handler my_handler.lambda_handler --range -1 1 --json
    """
    if limits and not limits[0] < limits[1]:
        raise UsageError(f"--range {limits[0]:g} {limits[1]:g}: give the lowest score, then the highest")
    rows = read_samples(data, samples)
    with ExitStack() as stack:
        variables = stack.enter_context(scripted.scripted_judge()) if scripted_judge else {}
        opened = open_target(
            target, handler=handler, seconds=timeout, environments=together, stack=stack, variables=variables
        )
        if scripted_judge and isinstance(opened, DeployedTarget):
            raise UsageError(
                "--scripted-judge: a deployed function cannot reach this machine; verify the package with it"
            )
        wanted = _held_to(opened, limits)
        wanted = msgspec.structs.replace(
            wanted,
            seconds=timeout,
            batch=batch,
            together=together,
            tolerance=tolerance,
            envelope=envelope or wanted.envelope,
        )
        if isinstance(opened, InProcessTarget):
            typer.echo(f"the Lambda runtime emulator is not installed, so less is like there; {INSTALL}", err=True)
        if not as_json:
            typer.echo(f"{target}: {opened.name}, {len(rows)} samples of {data or 'dikast itself'}")
        findings = list(verify(opened, rows, wanted))
    _show(findings, as_json=as_json)
    if failed := [finding.check for finding in findings if finding.outcome == "failed"]:
        raise NotGoodEnoughError(f"{target}: {len(failed)} of {len(findings)} checks failed: {', '.join(failed)}")


def _held_to(target: Target, limits: tuple[float, float] | None) -> Wanted:
    """What a package that dikast built says of itself; whatever else is verified says nothing."""
    folder = target.folder if isinstance(target, LocalTarget | InProcessTarget) else None
    if folder is None or not (folder / FILE_NAME).is_file():
        return Wanted(limits=limits or (0.0, 1.0))
    from dikast.spec.reward import read_reward

    settings = read_settings(folder, {})
    try:
        own = read_reward(folder / settings.reward).file.range
    except UsageError:
        own = (0.0, 1.0)  # the function says itself what is wrong with its reward
    return Wanted(limits=limits or own, envelope=settings.envelope, fails_alone=settings.alone == "fail")


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(findings)).decode())
        return
    table = Table("check", "", "found", show_edge=False)
    for finding in findings:
        style = "bold red" if finding.outcome == "failed" else None
        table.add_row(finding.check, _MARKS[finding.outcome], finding.said.replace("[", "\\["), style=style)
    Console(highlight=False).print(table)
