"""Starts a job: uploads what it reads, registers its reward where the hub must know it, and asks the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dikast.aws.calling import told
from dikast.aws.jobs.asked import Asked
from dikast.aws.jobs.hub import HUB, Registration
from dikast.aws.jobs.sdk import Called, ready, started

Clients = Callable[[str], Any]
"""Service → its client."""


def start(asked: Asked, clients: Clients, *, uploads: Mapping[str, Path], evaluator: Registration | None = None) -> str:
    """Starts a job and gives its name, or for Bedrock its ARN. Whatever is uploaded is there before.

    A HyperPod job is only made ready: its own command starts it.
    """
    _place(clients, uploads, asked.files)
    if asked.command:
        return asked.name
    if asked.operation == "CreateModelCustomizationJob":
        with told(asked.name):
            return clients("bedrock").create_model_customization_job(**asked.request)["jobArn"]
    if evaluator is not None:
        register(evaluator, clients("sagemaker"))
    with told(asked.name):
        clients("sagemaker").create_training_job(**asked.request)
    return asked.name


def start_through_sdk(
    called: Called, clients: Clients, *, uploads: Mapping[str, Path], evaluator: Registration | None = None
) -> str:
    """Starts a job through the SageMaker SDK and gives the name that it got; the hub is asked before anything is sent."""
    trainer = ready(called)
    _place(clients, uploads, called.files)
    if evaluator is not None:
        register(evaluator, clients("sagemaker"))
    return started(trainer, called)


def _place(clients: Clients, uploads: Mapping[str, Path], files: Mapping[str, bytes]) -> None:
    for place, path in uploads.items():
        with told(f"upload of {path}"):
            clients("s3").upload_file(str(path), *bucket_and_key(place))
    for place, content in files.items():
        bucket, key = bucket_and_key(place)
        with told(f"upload to {place}"):
            clients("s3").put_object(Bucket=bucket, Key=key, Body=content)


def register(evaluator: Registration, sagemaker: Any) -> None:
    """Makes the hub's document, and the hub, where they are not there yet."""
    with told(f"hub {HUB}"):
        there = sagemaker.exceptions.ResourceInUse
        with suppress(there):
            sagemaker.create_hub(HubName=HUB, HubDescription="Rewards of dikast")
        # The name holds a hash of what it refers to, so what is there is the same.
        with suppress(there):
            sagemaker.import_hub_content(**evaluator.request())


def bucket_and_key(place: str) -> tuple[str, str]:
    """Parts an s3:// address."""
    parts = urlsplit(place)
    return parts.netloc, parts.path.lstrip("/")
