"""`dikast aws eval`: evaluates a model of Nova with the reward Lambda, and reads what a job left back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.aws.calling import client, told
from dikast.aws.jobs.asked import NOVA_2_LITE
from dikast.aws.jobs.evaluations import evaluation_request
from dikast.aws.jobs.job import Job, keep, require_name
from dikast.aws.jobs.published import Target
from dikast.aws.jobs.reading import Logged, read_outputs
from dikast.aws.jobs.starting import bucket_and_key, start
from dikast.certify.certificate import certificate_hash, read_certificate
from dikast.cli.aws.train import job_folder, print_request, section
from dikast.errors import ConfigError, UsageError
from dikast.evaluate.gold import load_gold
from dikast.evaluate.recorded import recorded_evaluation
from dikast.evaluate.records import Judge
from dikast.evaluate.store import save
from dikast.journal import Journal, LoggedScore
from dikast.records import Rollout
from dikast.report.table import print_table
from dikast.report.write import write_report
from dikast.reward.planning import Planner
from dikast.rollouts import read_rows, rollout_of, write_rows
from dikast.spec.reward import RewardSpec, read_reward
from dikast.spec.run import RunSpec, read_run
from dikast.train.folder import RunFolder

PHASE = "aws"
"""Under which the journal keeps the scores that were read back."""


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FILE|DIR", help="run.yaml, or a job's folder.")],
    *,
    read: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Read this back instead of starting a job: an evaluation's output, or the Lambda's log; s3:// too.",
        ),
    ] = None,
    target: Annotated[Target, typer.Option(help="smtj or serverless.")] = "smtj",
    model: Annotated[
        str, typer.Option(metavar="CHECKPOINT", help="s3:// of a checkpoint, or the ARN of a model package.")
    ] = NOVA_2_LITE,
    arm: Annotated[str, typer.Option(help="What the report calls the model whose answers are read.")] = "rft",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="The folder of what is read or started.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The job's name.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the exact request, and start nothing.")] = False,
) -> None:
    """Evaluate a model of Nova with the reward Lambda, or read what a job left back into a run's folder.

    With --read the answers and their scores go into the folder's journal and evaluation, so that report and review
    work on them. A training's own rollouts are in the log of a Lambda that was built with log_texts.

    [bold]Examples[/bold]

      dikast aws eval run.yaml --model s3://escrow/checkpoint --dry-run

      dikast aws eval runs/review --read s3://bucket/review/eval-1/output/output.tar.gz

      dikast review runs/review
    """
    folder = RunFolder(run) if run.is_dir() else None
    spec = folder.spec() if folder else read_run(run)
    if read:
        place = folder or RunFolder(_required(output))
        if folder is None:
            place.begin(spec)
        read_back(read, place, spec, arm=arm)
        return
    aws = section(spec)
    if not aws.test:
        raise ConfigError(f"{spec.path}: aws.test: is missing; add the s3:// address of the converted test data")
    if name:
        require_name(name)
    chosen = name or f"eval-{time.strftime('%Y%m%d-%H%M%S')}"
    asked = evaluation_request(target, aws, name=chosen, model=model, data=aws.test, where=f"{spec.path}: aws")
    if dry_run:
        print_request(asked, {})
        return
    kept = output or Path("runs") / chosen
    with job_folder(kept, spec):
        started = start(asked, lambda service: client(service, aws.region), uploads={})
    keep(Job(target=target, name=started, region=aws.region, output=aws.output), kept)
    typer.echo(started)
    typer.echo(f"follow it: dikast aws watch {kept}", err=True)


def read_back(places: Sequence[str], folder: RunFolder, spec: RunSpec, *, arm: str) -> None:
    """Reads a job's rows into a folder's journal and evaluation, and makes its report."""
    reward = read_reward(spec.reward)
    region = spec.file.aws.region if spec.file.aws else None
    paths = [_fetched(place, folder, region) for place in places]
    found = read_outputs(paths, reward, _known(spec))
    if found.unread:
        typer.echo(f"{found.unread} rows held no answer with a score; they are left out", err=True)
    trust = read_certificate(spec.certificate) if spec.certificate.is_file() else None
    fingerprint = certificate_hash(trust) if trust and trust.reward_hash == reward.hash else None
    others = sorted(found.scored_by - {reward.hash})
    if others:
        typer.echo(
            f"scored by another reward ({others[0][:8]}) than {reward.path} is now ({reward.hash[:8]}): "
            "parts of that one alone are not read",
            err=True,
        )
    scored_by = others[0] if others and reward.hash not in found.scored_by else reward.hash
    _log(found.answers, folder, scored_by, fingerprint if scored_by == reward.hash else None)
    gold = load_gold(spec.file.eval.gold, spec.path.parent) if spec.file.eval.gold else None
    evaluation = recorded_evaluation(
        arm,
        found.answers,
        reward,
        judge=_judge(reward),
        certificate_hash=fingerprint,
        gold=gold,
        seed=spec.file.seed,
    )
    write_rows(folder.answers(arm, "greedy"), [_row(one.rollout) for one in found.answers])
    save(evaluation, folder.path)
    write_report(evaluation, folder.path)
    print_table(folder.report)
    typer.echo(f"{len(found.answers)} answers; report: {folder.page}", err=True)


def _log(answers: Sequence[Logged], folder: RunFolder, reward: str, certificate: str | None) -> None:
    """`reward` and `certificate` are the hashes of what scored."""
    entries = [
        LoggedScore(step=0, position=at, rollout=msgspec.json.encode(one.rollout), score=msgspec.json.encode(one.score))
        for at, one in enumerate(answers)
    ]
    journal = Journal.open(folder.journal)
    try:
        journal.log_scores(entries, reward=reward, certificate=certificate or "", phase=PHASE, whole=True)
    finally:
        journal.close()


def _known(spec: RunSpec) -> dict[str, Rollout]:
    """The rows of run.yaml by their prompts: what a job's rows lack of columns stands there."""
    files = [spec.resolve(name) for name in (spec.file.data.train, spec.file.data.valid, spec.file.data.test)]
    rows = (rollout_of(row, path=path, line=line, completion="") for path in files for line, row in read_rows(path))
    return {rollout.group: rollout for rollout in rows}


def _judge(reward: RewardSpec) -> Judge:
    planner = Planner.open(reward, None)
    try:
        return Judge(name=planner.judges.name, fingerprint=planner.judges.fingerprint)
    finally:
        planner.close()


def _fetched(place: str, folder: RunFolder, region: str | None) -> Path:
    """Gives a local file; what stands in S3 is brought into the folder."""
    if not place.startswith("s3://"):
        path = Path(place)
        if not path.exists():
            raise UsageError(f"{place}: no such file; give what a job left")
        return path
    bucket, key = bucket_and_key(place)
    target = folder.path / "fetched" / Path(key).name
    target.parent.mkdir(parents=True, exist_ok=True)
    with told(place):
        client("s3", region).download_file(bucket, key, str(target))
    return target


def _row(rollout: Rollout) -> dict[str, object]:
    row = msgspec.to_builtins(rollout)
    return {**row.pop("columns"), **row}


def _required(output: Path | None) -> Path:
    if output is None:
        raise UsageError("--read needs a folder for what it reads; name it with -o DIR, or give a job's folder")
    return output
