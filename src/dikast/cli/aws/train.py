"""`dikast aws train`: starts a training job of Nova or Bedrock on a reward Lambda."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dikast.aws.build.trust import certificate_for
from dikast.aws.calling import client
from dikast.aws.data.files import convert_file
from dikast.aws.jobs.asked import Asked, Data
from dikast.aws.jobs.hub import prompt_place, registration
from dikast.aws.jobs.job import Job, keep, require_name, require_no_job
from dikast.aws.jobs.prompt import judge_template
from dikast.aws.jobs.published import Target
from dikast.aws.jobs.requests import is_nova, training_request
from dikast.aws.jobs.sdk import Called, Through, require_target, trainer_call
from dikast.aws.jobs.starting import start, start_through_sdk
from dikast.errors import ConfigError
from dikast.rollouts import appearing
from dikast.spec.aws import AwsSpec
from dikast.spec.reward import read_reward
from dikast.spec.run import RunSpec, read_run
from dikast.train.folder import RunFolder


def command(
    run_file: Annotated[Path, typer.Argument(metavar="RUN_FILE", help="run.yaml with a section 'aws'.")],
    *,
    target: Annotated[
        Target,
        typer.Option(
            help="smtj: a SageMaker training job. serverless: the same on machines of AWS's. hyperpod: a recipe and the "
            "command that starts it. bedrock: a Bedrock customization job."
        ),
    ],
    through: Annotated[
        Through,
        typer.Option(
            help="boto3: dikast sends the request itself. sdk: the SageMaker SDK makes it of the hub's recipe; smtj and "
            "serverless only, with the extra 'sagemaker'."
        ),
    ] = "boto3",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print the exact request, or what the SDK would be called with; start and upload nothing."
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="The job's folder. Default: runs/NAME.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The job's name. Default: the reward's, and the time.")] = None,
    uncertified: Annotated[
        bool, typer.Option("--uncertified", help="Train on a judge without a certificate, or a red one.")
    ] = False,
) -> None:
    """Start a training job of Nova or Bedrock on a reward Lambda, or print what would be started.

    The request is held to the service's own model, and every setting of the recipe to what is published, before
    anything is sent. Data that run.yaml names is converted, checked and uploaded below aws.output. The job's folder
    is what 'dikast aws watch', 'eval' and 'release' take.

    [bold]Examples[/bold]

      dikast aws train run.yaml --target smtj --dry-run

      dikast aws train run.yaml --target bedrock -o runs/review

      dikast aws train run.yaml --target smtj --through sdk --dry-run
    """
    require_target(target, through)
    spec = read_run(run_file)
    aws = section(spec)
    reward = read_reward(spec.reward)
    certificate_for(reward, spec.certificate, uncertified=uncertified)
    if name and target != "bedrock":
        require_name(name)  # Bedrock's own are wider, and held to its model
    chosen = name or f"{_in_letters(reward.file.name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    with tempfile.TemporaryDirectory() as scratch:
        uploads, data = _data(spec, aws, target, chosen, Path(scratch))
        where = f"{run_file}: aws"
        asked = training_request(target, aws, name=chosen, data=data, where=where)
        template = _template(spec, aws) if aws.technique == "RLAIF" else None
        if template is not None:
            files = {**asked.files, prompt_place(aws, chosen): template.encode()}
            asked = msgspec.structs.replace(asked, files=files)
        called = trainer_call(asked, aws, data=data, where=where) if through == "sdk" else None
        if dry_run:
            _print_call(called, uploads) if called else print_request(asked, uploads)
            return
        folder = output or Path("runs") / chosen
        with job_folder(folder, spec):
            _keep_sent(called or asked, folder, template)
            for note in (called or asked).notes:
                typer.echo(f"note: {note}", err=True)
            started = _started(called or asked, aws, target, uploads)
    keep(Job(target=target, name=started, region=aws.region, output=aws.output), folder)
    typer.echo(asked.command or started)
    if asked.command:
        typer.echo(f"the recipe is {folder / 'recipe.yaml'}; the command above starts the job", err=True)
        return
    typer.echo(f"follow it: dikast aws watch {folder}", err=True)


def _started(sent: Asked | Called, aws: AwsSpec, target: Target, uploads: Mapping[str, Path]) -> str:
    def clients(service: str) -> Any:
        return client(service, aws.region)

    evaluator = registration(aws, sent.name) if target == "serverless" else None
    if isinstance(sent, Called):
        return start_through_sdk(sent, clients, uploads=uploads, evaluator=evaluator)
    return start(sent, clients, uploads=uploads, evaluator=evaluator)


@contextmanager
def job_folder(folder: Path, spec: RunSpec) -> Generator[None]:
    """Begins a job's folder; where the start is refused, a folder that was not there is not there again."""
    require_no_job(folder)
    was_there = folder.exists()
    RunFolder(folder).begin(spec)
    try:
        yield
    except BaseException as error:
        if not (was_there or _may_have_started(error)):
            shutil.rmtree(folder)
        raise


def _may_have_started(error: BaseException) -> bool:
    """Whether nobody knows what the service has taken, as when somebody stops it or its answer is lost."""
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

    return isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, ConnectionClosedError | ReadTimeoutError)


def section(spec: RunSpec) -> AwsSpec:
    """Gives the run's section on AWS. Raises `ConfigError` where it has none."""
    if spec.file.aws is None:
        raise ConfigError(f"{spec.path}: it has no section 'aws'; add role, output and reward_lambda under it")
    return spec.file.aws


def print_request(asked: Asked, uploads: Mapping[str, Path]) -> None:
    """Prints a job as it would be started: JSON on standard output, what it is about on standard error."""
    _print_about(asked, uploads)
    if asked.request:
        typer.echo(f"{asked.service} {asked.operation}", err=True)
        typer.echo(as_json(asked.request))
        if asked.recipe:
            typer.echo(f"recipe.yaml:\n{asked.recipe}", err=True)
    else:
        typer.echo(asked.recipe)
        typer.echo(asked.command, err=True)


def _print_call(called: Called, uploads: Mapping[str, Path]) -> None:
    _print_about(called, uploads)
    typer.echo(_call(called))


def _print_about(sent: Asked | Called, uploads: Mapping[str, Path]) -> None:
    for place in (*uploads, *sent.files):
        typer.echo(f"would be uploaded: {place}", err=True)
    for note in sent.notes:
        typer.echo(f"note: {note}", err=True)


def _call(called: Called) -> str:
    return as_json({"trainer": called.trainer, "train": called.train})


def as_json(value: Any) -> str:
    """A value as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def _data(spec: RunSpec, aws: AwsSpec, target: Target, name: str, scratch: Path) -> tuple[dict[str, Path], Data]:
    """Says where the data stands, or converts it for an upload to where it will. HyperPod's recipe names one file alone."""
    if aws.train:
        return {}, Data(train=aws.train, valid=aws.valid)
    if not aws.output:
        raise ConfigError(f"{spec.path}: aws.output: is missing; add the s3:// address below which a job may write")
    below = f"{aws.output.rstrip('/')}/{name}/data"
    train, valid = f"{below}/train.jsonl", aws.valid
    uploads = {train: _converted(spec, aws, spec.file.data.train, scratch / "train.jsonl")}
    if valid is None and target != "hyperpod":
        valid = f"{below}/valid.jsonl"
        uploads[valid] = _converted(spec, aws, spec.file.data.valid, scratch / "valid.jsonl")
    return uploads, Data(train=train, valid=valid)


def _converted(spec: RunSpec, aws: AwsSpec, rows: str, path: Path) -> Path:
    form = "rft" if is_nova(aws.model) else "verl"
    source = spec.resolve(rows)
    checked = convert_file(source, path, form, reward=read_reward(spec.reward))
    checked.require_good()
    for note in checked.notes:
        typer.echo(f"note: {source}: {note}", err=True)
    return path


def _template(spec: RunSpec, aws: AwsSpec) -> str:
    if aws.judge_prompt is None:
        return judge_template(read_reward(spec.reward))
    path = spec.resolve(aws.judge_prompt)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{spec.path}: aws.judge_prompt: {path} cannot be read ({error})") from None


def _keep_sent(sent: Asked | Called, folder: Path, template: str | None) -> None:
    """Keeps what was sent: the request or the call, the recipe where it is ours, the judge's prompt."""
    if isinstance(sent, Called):
        kept = {"request.json": _call(sent), "judge.jinja": template}
    else:
        kept = {"request.json": as_json(sent.request), "recipe.yaml": sent.recipe, "judge.jinja": template}
    for name, text in kept.items():
        if text:
            with appearing(folder / name) as out:
                out.write(text.encode())


def _in_letters(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "reward"
