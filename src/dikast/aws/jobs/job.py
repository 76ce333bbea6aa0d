"""A job that was started: what it is called, where it runs and what it writes. Kept as job.json in the job's folder."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from dikast.aws.jobs.published import Target
from dikast.errors import DataError, UsageError
from dikast.rollouts import appearing

FILE = "job.json"
_ARN = re.compile(
    r"arn:aws[\w-]*:(?P<service>sagemaker|bedrock):(?P<region>[\w-]+):\d*:(?P<kind>training-job|model-customization-job)/(?P<name>.+)"
)

_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}")
"""What SageMaker takes as a training job's name."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job."""

    target: Target
    name: str
    """Its name, or for Bedrock its ARN."""
    region: str
    output: str | None = None
    """s3:// below which it writes."""
    log_group: str | None = None
    """Of a HyperPod cluster."""

    @property
    def on_bedrock(self) -> bool:
        return self.target == "bedrock"


def keep(job: Job, folder: Path) -> None:
    """Keeps a job in its folder."""
    with appearing(folder / FILE) as out:
        out.write(msgspec.json.format(msgspec.json.encode(job)) + b"\n")


def require_name(name: str) -> str:
    """Raises `UsageError` for a name that SageMaker would refuse, or that a recipe's file cannot have."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name {name}: a job's name has letters, digits and '-' between them, 63 at the most")
    return name


def require_no_job(folder: Path) -> None:
    """Raises `UsageError` where a job stands in the folder already: another would take its place there, and its money."""
    if (folder / FILE).exists():
        raise UsageError(
            f"{folder}: holds the job '{_kept(folder).name}' already; follow it with 'dikast aws watch {folder}', or name "
            "another folder with -o"
        )


def job_named(text: str, *, region: str | None = None, log_group: str | None = None) -> Job:
    """Finds a job by its folder, its ARN or the name of a SageMaker job. Raises `UsageError` where none is meant."""
    path = Path(text)
    if path.is_dir():
        return _kept(path)
    if found := _ARN.fullmatch(text):
        if found["kind"] == "model-customization-job":
            return Job(target="bedrock", name=text, region=found["region"])
        return Job(target="smtj", name=found["name"], region=found["region"])
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{text}: neither a job's folder, nor the ARN or the name of a job; give what 'dikast aws train' printed"
        )
    return Job(target="hyperpod" if log_group else "smtj", name=text, region=region or "us-east-1", log_group=log_group)


def job_in(folder: Path) -> Job:
    """Gives the job of a folder. Raises `UsageError` where there is none."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one that 'dikast aws train' made")
    return _kept(folder)


def _kept(folder: Path) -> Job:
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Job)
    except FileNotFoundError:
        raise UsageError(
            f"{folder}: holds no {FILE}; give the folder that 'dikast aws train' made, or a job's ARN"
        ) from None
    except (msgspec.DecodeError, OSError) as error:
        raise DataError(f"{folder / FILE}: cannot be read ({error}); give the job's ARN instead") from None
