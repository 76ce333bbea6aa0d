"""Brings a trained model to where it answers: finds what a job made, imports it into Bedrock, deploys it on demand."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from typing import Any

from dikast.aws.calling import told
from dikast.aws.jobs.following import state_of
from dikast.aws.jobs.job import Job
from dikast.aws.jobs.starting import Clients, bucket_and_key
from dikast.errors import ConfigError, DataError, NotGoodEnoughError

MANIFESTS = ("manifest.json", "output/output/manifest.json", "output/output.tar.gz")
"""Where a SageMaker job says which checkpoint is its last, below its output; the last one holds it in an archive."""
EVERY_S = 30.0


def trained(job: Job, clients: Clients) -> str:
    """Gives what a job made: a Bedrock model's ARN, a model package's ARN, or a checkpoint's s3 address.

    Raises `NotGoodEnoughError` where the job is not completed.
    """
    state = state_of(job, clients)
    if job.target != "hyperpod" and state.status != "Completed":
        raise NotGoodEnoughError(f"{job.name}: {state.status}; release it when it is completed: dikast aws watch")
    if state.model:
        return state.model
    if job.output is None:
        raise ConfigError(f"{job.name}: nobody says where it writes; give the folder that 'dikast aws train' made")
    return _checkpoint(job, clients("s3"))


def _checkpoint(job: Job, s3: Any) -> str:
    place = f"{(job.output or '').rstrip('/')}/{job.name}"
    for name in MANIFESTS:
        bucket, key = bucket_and_key(f"{place}/{name}")
        with told(f"output of {job.name}"):
            if not s3.list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"):
                continue
            held = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return _in_manifest(held, f"{place}/{name}", archive=name.endswith(".tar.gz"))
    raise DataError(f"{place}: holds no manifest.json, which names the checkpoint; is the job completed?")


def _in_manifest(held: bytes, place: str, *, archive: bool) -> str:
    try:
        if archive:
            with tarfile.open(fileobj=io.BytesIO(held)) as files:
                inner = files.extractfile("manifest.json")
                held = inner.read() if inner else b""
        return json.loads(held)["checkpoint_s3_bucket"]
    except (tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{place}: no manifest that names a checkpoint ({error})") from None


def imported(
    made: str, *, name: str, role: str | None, bedrock: Any, pause: Callable[[float], None] = time.sleep
) -> str:
    """Gives the ARN of the model on Bedrock, imported where it is not there yet, and waits until it can be deployed."""
    if ":custom-model/" in made:
        return made
    request: dict[str, Any] = {"modelName": name, "clientRequestToken": name}
    if role:
        request["roleArn"] = role
    if made.startswith("s3://"):
        request["modelSourceConfig"] = {"s3DataSource": {"s3Uri": made}}
    else:
        request["customModelDataSource"] = {"modelPackageArnDataSource": {"modelPackageArn": made}}
    with told(f"import of {name}"):
        arn = bedrock.create_custom_model(**request)["modelArn"]
        _wait(lambda: bedrock.get_custom_model(modelIdentifier=arn), "modelStatus", arn, pause)
    return arn


def deployed(arn: str, *, name: str, bedrock: Any, pause: Callable[[float], None] = time.sleep) -> str:
    """Deploys a model on demand and gives the deployment's ARN, which is what answers."""
    with told(f"deployment of {name}"):
        made = bedrock.create_custom_model_deployment(modelDeploymentName=name, modelArn=arn, clientRequestToken=name)
        place = made["customModelDeploymentArn"]
        _wait(
            lambda: bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=place), "status", place, pause
        )
    return place


def _wait(look: Callable[[], dict[str, Any]], key: str, what: str, pause: Callable[[float], None]) -> None:
    while (answer := look())[key] == "Creating":
        pause(EVERY_S)
    if answer[key] != "Active":
        raise NotGoodEnoughError(
            f"{what}: {answer[key]}: {answer.get('failureMessage') or 'the service gives no reason'}"
        )
