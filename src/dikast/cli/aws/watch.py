"""`dikast aws watch`: follows a training job."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dikast.aws.calling import client
from dikast.aws.jobs.coverage import Coverage, coverage_of
from dikast.aws.jobs.following import State, rows_of, state_of
from dikast.aws.jobs.job import FILE, Job, job_named
from dikast.aws.jobs.starting import Clients
from dikast.cli.tell import ConsoleTeller
from dikast.errors import DikastError, NotGoodEnoughError
from dikast.report.sources import read_steps
from dikast.report.steps import Alarms, step_line
from dikast.spec.reward import RewardFile, read_reward
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
    namespace: Annotated[
        str,
        typer.Option(help="The CloudWatch namespace of the reward Lambda's metrics, where it was built with another."),
    ] = "dikast",
) -> None:
    """Follow a training job: its status, and a line a step with the warnings that a local run gives.

    Given a job's folder the steps are kept there, where the report reads them, and the share of missing scores is
    told, as the reward Lambda told CloudWatch since the job was made. Exit code 1 where the job failed or was stopped.

    [bold]Examples[/bold]

      dikast aws watch runs/review

      dikast aws watch arn:aws:bedrock:us-east-1:123456789012:model-customization-job/… --once
    """
    found = job_named(job, region=region, log_group=log_group)
    if log_group:
        found = msgspec.structs.replace(found, log_group=log_group)
    folder = RunFolder(Path(job)) if Path(job).is_dir() else None
    if folder is None and not job.startswith("arn:"):
        typer.echo(f"no folder '{job}' is here: looking for a job of that name in {found.region}", err=True)
    follow(
        found, lambda service: client(service, found.region), folder=folder, once=once, every=every, namespace=namespace
    )


def follow(
    job: Job, clients: Clients, *, folder: RunFolder | None, once: bool, every: float, namespace: str = "dikast"
) -> None:
    """Tells of a job until it ends. Raises `NotGoodEnoughError` where it did not end well."""
    teller = ConsoleTeller()
    reward = _reward(folder)
    alarms = Alarms(reward.range if reward else (0.0, 1.0))
    seen = _kept(folder, alarms)
    latest: State | None = None
    while True:
        state = state_of(job, clients)
        new = [row for row in rows_of(job, clients) if row["step"] not in seen]
        for row in new:
            seen.add(row["step"])
            _tell(row, alarms, teller, folder)
        if state != latest:
            teller.say(f"{job.name}: {state.status}{f' ({state.detail})' if state.detail else ''}")
        if reward and folder and (new or state != latest):
            found = _coverage(reward.name, state.since or _made(folder), clients, namespace)
            _tell_coverage(found, max(seen, default=0), alarms, teller)
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
    _warn(row, alarms, teller)


def _warn(row: dict[str, Any], alarms: Alarms, teller: ConsoleTeller) -> None:
    for alarm in alarms.of(row):
        teller.say(f"warning: {alarm}")


def _tell_coverage(found: Coverage | str, step: int, alarms: Alarms, teller: ConsoleTeller) -> None:
    if isinstance(found, str):
        teller.say(found)
        return
    teller.say(found.in_words())
    _warn({"step": step, "share/missing": found.share}, alarms, teller)


def _coverage(reward: str, since: datetime.datetime, clients: Clients, namespace: str) -> Coverage | str:
    """The share of missing scores, or why nobody knows it: to follow a job needs no right to read metrics."""
    try:
        found = coverage_of(reward, since, clients, namespace=namespace)
    except DikastError as error:
        return f"missing scores: not known ({error})"
    return found or f"missing scores: not known, no Lambda of the reward '{reward}' told of any yet"


def _made(folder: RunFolder) -> datetime.datetime:
    """When the job was started from here, where no service says when it began."""
    return datetime.datetime.fromtimestamp((folder.path / FILE).stat().st_mtime, datetime.UTC)


def _kept(folder: RunFolder | None, alarms: Alarms) -> set[int]:
    """The steps that were told of before; their warnings were too."""
    rows = read_steps(folder.log("rl")) if folder else ()
    for row in rows:
        alarms.of({**row, "step": int(row["step"])})
    return {int(row["step"]) for row in rows}


def _reward(folder: RunFolder | None) -> RewardFile | None:
    """The reward, where the job's folder tells it."""
    if folder is None or not folder.run_copy.is_file():
        return None
    return read_reward(folder.reward()).file
