"""`dikast aws watch`: follows a training job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dikast.aws.calling import client
from dikast.aws.jobs.following import State, rows_of, state_of
from dikast.aws.jobs.job import Job, job_named
from dikast.aws.jobs.starting import Clients
from dikast.cli.tell import ConsoleTeller
from dikast.errors import NotGoodEnoughError
from dikast.report.sources import read_steps
from dikast.report.steps import Alarms, step_line
from dikast.train.folder import RunFolder

UNHAPPY = frozenset({"Failed", "Stopped"})


def command(
    job: Annotated[
        str, typer.Argument(metavar="JOB", help="The folder that 'dikast aws train' made, a job's ARN, or its name.")
    ],
    *,
    once: Annotated[bool, typer.Option("--once", help="Say how it stands and leave.")] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 30.0,
    region: Annotated[str | None, typer.Option(help="Where a job runs that is given by its name.")] = None,
    log_group: Annotated[
        str | None, typer.Option(metavar="GROUP", help="The CloudWatch log group of a HyperPod cluster.")
    ] = None,
) -> None:
    """Follow a training job: its status, and a line a step with the warnings that a local run gives.

    Given a job's folder the steps are kept there, where the report reads them. Exit code 1 where the job failed or
    was stopped.

    [bold]Examples[/bold]

      dikast aws watch runs/review

      dikast aws watch arn:aws:bedrock:us-east-1:123456789012:model-customization-job/… --once
    """
    found = job_named(job, region=region, log_group=log_group)
    if log_group:
        found = msgspec.structs.replace(found, log_group=log_group)
    folder = RunFolder(Path(job)) if Path(job).is_dir() else None
    follow(found, lambda service: client(service, found.region), folder=folder, once=once, every=every)


def follow(job: Job, clients: Clients, *, folder: RunFolder | None, once: bool, every: float) -> None:
    """Tells of a job until it ends. Raises `NotGoodEnoughError` where it did not end well."""
    teller = ConsoleTeller()
    alarms = Alarms(_limits(folder))
    seen = _kept(folder, alarms)
    latest: State | None = None
    while True:
        state = state_of(job, clients)
        for row in rows_of(job, clients):
            if row["step"] not in seen:
                seen.add(row["step"])
                _tell(row, alarms, teller, folder)
        if state != latest:
            teller.say(f"{job.name}: {state.status}{f' ({state.detail})' if state.detail else ''}")
        latest = state
        if once or state.ended:
            break
        time.sleep(every)
    if state.status in UNHAPPY:
        raise NotGoodEnoughError(f"{job.name}: {state.status}: {state.detail or 'the service gives no reason'}")


def _tell(row: dict[str, Any], alarms: Alarms, teller: ConsoleTeller, folder: RunFolder | None) -> None:
    typer.echo(step_line(row))
    if folder is not None:
        folder.append("rl", row)
    for alarm in alarms.of(row):
        teller.say(f"warning: {alarm}")


def _kept(folder: RunFolder | None, alarms: Alarms) -> set[int]:
    """The steps that were told of before; their warnings were too."""
    rows = read_steps(folder.log("rl")) if folder else ()
    for row in rows:
        alarms.of({**row, "step": int(row["step"])})
    return {int(row["step"]) for row in rows}


def _limits(folder: RunFolder | None) -> tuple[float, float]:
    """The reward's range, where the job's folder tells the reward."""
    if folder is None or not folder.run_copy.is_file():
        return (0.0, 1.0)
    from dikast.spec.reward import read_reward

    return read_reward(folder.reward()).file.range
