"""`dikast aws release`: imports and deploys the model that a job trained, and asks it a smoke set."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import msgspec
import typer

from dikast.aws.calling import client
from dikast.aws.jobs.job import job_in
from dikast.aws.jobs.releasing import deployed, imported, trained
from dikast.cli.aws.asking import agreed
from dikast.cli.tell import ConsoleTeller
from dikast.errors import ConfigError, DataError, NotGoodEnoughError
from dikast.loading import open_reward
from dikast.models.base import Request
from dikast.models.bedrock import BedrockModel
from dikast.records import Message, Rollout
from dikast.report.record import Report
from dikast.reward.reward import Reward
from dikast.rollouts import read_rows, rollout_of, write_rows
from dikast.spec.models import ModelConnection
from dikast.tasks import side_by_side
from dikast.train.folder import RunFolder


def command(
    folder: Annotated[Path, typer.Argument(metavar="JOB", help="The folder that 'dikast aws train' made.")],
    *,
    smoke: Annotated[
        Path | None, typer.Option(metavar="ROWS", help="Prompts to ask, with the columns that the reward reads.")
    ] = None,
    arm: Annotated[str, typer.Option(help="The report's arm to compare with.")] = "rft",
    name: Annotated[str | None, typer.Option(help="Of the model and its deployment. Default: the folder's.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer.")] = 2048,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the deployed model answers, if not at Bedrock's own.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Import and deploy without asking.")] = False,
) -> None:
    """Import and deploy the model that a job trained, ask it a smoke set, and compare with the report.

    What was imported and deployed before is not again. With --smoke the answers are scored with the run's reward; a
    mean below the interval that the report gives the arm's reward ends with exit code 1.

    [bold]Examples[/bold]

      dikast aws release runs/review --smoke data/smoke.jsonl
    """
    job = job_in(folder)
    run = RunFolder(folder)
    chosen = name or re.sub(r"[^A-Za-z0-9-]+", "-", folder.resolve().name).strip("-")[:63]

    def clients(service: str) -> Any:
        return client(service, job.region)

    if smoke is not None:
        _prompts(smoke)  # what is wrong with it is told before anything is deployed, which costs
    if run.done("release") is None:
        made = trained(job, clients)
        if not (yes or agreed(f"import and deploy {made} as {chosen}? Answers are then billed by tokens")):
            typer.echo("nothing was imported; --yes asks nobody")
            return
        aws = run.spec().file.aws
        bedrock = clients("bedrock")
        arn = imported(made, name=chosen, role=aws.role if aws else None, bedrock=bedrock)
        run.finish("release", {"model": arn, "deployment": deployed(arn, name=chosen, bedrock=bedrock)})
    place = (run.done("release") or {})["deployment"]
    typer.echo(place)
    if smoke is not None:
        connection = ModelConnection(provider="bedrock", model=place, region=job.region, endpoint=endpoint)
        ask_and_compare(run, smoke, BedrockModel(f"bedrock:{place}", connection), arm=arm, max_tokens=max_tokens)


def _prompts(smoke: Path) -> list[Rollout]:
    rows = [rollout_of(row, path=smoke, line=line, completion="") for line, row in read_rows(smoke)]
    if not rows:
        raise DataError(f"{smoke}: holds no prompt to ask; name a file that does")
    return rows


def ask_and_compare(run: RunFolder, smoke: Path, model: Any, *, arm: str, max_tokens: int) -> None:
    """Asks a model the smoke set, scores the answers, and holds their mean to the report's interval."""
    rows = _prompts(smoke)
    spec = run.spec()
    certificate = run.certificate if run.certificate.is_file() else spec.certificate
    reward = open_reward(spec.reward, certificate if certificate.is_file() else None, run.journal)
    try:
        answered = asyncio.run(_answer_and_score(rows, model, reward, max_tokens=max_tokens))
    finally:
        reward.close()
    write_rows(run.path / "smoke.jsonl", [msgspec.structs.asdict(rollout) for rollout, _ in answered])
    values = [value for _, value in answered if value is not None]
    if not values:
        raise NotGoodEnoughError(
            f"{smoke}: none of {len(rows)} answers has a score; look at {run.path / 'smoke.jsonl'}"
        )
    _compare(fmean(values), len(values), len(rows), run, arm)


async def _answer_and_score(
    rows: list[Rollout], model: Any, reward: Reward, *, max_tokens: int
) -> list[tuple[Rollout, float | None]]:
    async def answer(row: Rollout) -> Rollout:
        turns = (Message(role="user", content=row.prompt),) if isinstance(row.prompt, str) else row.prompt
        reply = await model.reply(Request(messages=turns, max_tokens=max_tokens))
        return msgspec.structs.replace(row, completion=reply.text)

    try:
        rollouts = await side_by_side(answer(row) for row in rows)
    finally:
        await model.close()
    scores = await reward.ascore(rollouts)
    return [(rollout, score.score) for rollout, score in zip(rollouts, scores, strict=True)]


def _compare(mean: float, scored: int, asked: int, run: RunFolder, arm: str) -> None:
    teller = ConsoleTeller()
    teller.say(f"smoke set: mean reward {mean:.3f} of {scored} scored answers, {asked} asked")
    if not run.report.is_file():
        teller.say(f"no report in {run.path} to compare with; make one with 'dikast aws eval {run.path} --read FILE'")
        return
    figure = msgspec.json.decode(run.report.read_bytes(), type=Report).arms.get(arm, {}).get("reward")
    if figure is None or figure.low is None or figure.high is None:
        raise ConfigError(f"{run.report}: has no interval for the reward of '{arm}'; name another arm with --arm")
    told = f"{arm} in the report: {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}], n {figure.n}"
    if mean < figure.low:
        raise NotGoodEnoughError(
            f"the deployed model's mean reward {mean:.3f} is below {told}; look at {run.path / 'smoke.jsonl'}"
        )
    teller.say(f"not below {told}")
