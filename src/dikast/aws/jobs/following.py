"""Follows a job: its state, and the rows of its steps so far."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import msgspec

from dikast.aws.calling import told
from dikast.aws.jobs.job import Job
from dikast.aws.jobs.metrics import rows_in_log, rows_in_table
from dikast.aws.jobs.starting import Clients, bucket_and_key
from dikast.errors import UsageError

TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
TABLE = "step_wise_training_metrics.csv"
"""The file below a Bedrock job's output that holds its steps."""
_ENDED = frozenset({"Completed", "Failed", "Stopped"})


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a service says of a job."""

    status: str
    """Unknown where only the cluster knows."""
    detail: str | None = None
    """What it is at, or why it failed."""
    model: str | None = None
    """The ARN of what came of it."""
    since: datetime.datetime | None = None
    """When it was made."""

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


def state_of(job: Job, clients: Clients) -> State:
    """Asks the service. A HyperPod job is known to its cluster only."""
    if job.target == "hyperpod":
        return State(status="Unknown", detail=f"kubectl describes it: hyperpod get-job --job-name {job.name}")
    with told(job.name):
        if job.on_bedrock:
            answer = clients("bedrock").get_model_customization_job(jobIdentifier=job.name)
            return State(
                status=answer["status"],
                detail=answer.get("failureMessage") or _at(answer.get("statusDetails") or {}),
                model=answer.get("outputModelArn"),
                since=answer.get("creationTime"),
            )
        answer = clients("sagemaker").describe_training_job(TrainingJobName=job.name)
    return State(
        status=answer["TrainingJobStatus"],
        detail=answer.get("FailureReason") or answer.get("SecondaryStatus"),
        model=answer.get("OutputModelPackageArn"),
        since=answer.get("CreationTime"),
    )


def _at(details: dict[str, Any]) -> str | None:
    """What a Bedrock job is at."""
    parts = [f"{name.removesuffix('Details')} {part['status']}" for name, part in details.items() if part.get("status")]
    return ", ".join(parts) or None


def rows_of(job: Job, clients: Clients) -> list[dict[str, Any]]:
    """Gives the rows of all steps that the job told of, in their order; a step told twice counts as told last."""
    if job.on_bedrock:
        found = (row for table in _tables(job, clients) for row in rows_in_table(table))
    else:
        found = rows_in_log(_messages(job, clients))
    rows: dict[int, dict[str, Any]] = {}
    for row in found:
        rows[row["step"]] = {**rows.get(row["step"], {}), **row}
    return [rows[step] for step in sorted(rows)]


def _messages(job: Job, clients: Clients) -> Iterator[str]:
    where: dict[str, Any] = {"logGroupName": TRAINING_LOGS, "logStreamNamePrefix": job.name}
    if job.target == "hyperpod":
        if job.log_group is None:
            raise UsageError(
                f"{job.name}: a cluster's log group is known to you only; name it with --log-group, "
                "/aws/sagemaker/Clusters/NAME/ID"
            )
        where = {"logGroupName": job.log_group}
    client = clients("logs")
    with told(f"log of {job.name}"):
        try:
            for page in client.get_paginator("filter_log_events").paginate(**where):
                yield from (event["message"] for event in page.get("events", ()))
        except client.exceptions.ResourceNotFoundException:
            # The group is made by the first job that writes.
            return


def _tables(job: Job, clients: Clients) -> Iterator[str]:
    """The tables below the job's output. A job that has not written one yet has none."""
    place = job.output or _output(job, clients)
    identifier = job.name.rpartition("/")[2]
    bucket, prefix = bucket_and_key(place)
    client = clients("s3")
    with told(f"output of {job.name}"):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", ()):
                if one["Key"].endswith(TABLE) and identifier in one["Key"]:
                    yield client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode("utf-8", "replace")


def _output(job: Job, clients: Clients) -> str:
    with told(job.name):
        answer = clients("bedrock").get_model_customization_job(jobIdentifier=job.name)
    return answer["outputDataConfig"]["s3Uri"]
