"""SageMaker's hub, through which serverless jobs know a reward: its Lambda, or its judge's prompt, as a document.

The name of the document holds a hash of what it refers to, so another function is another document, and the ARN
is known before it is there.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import msgspec

from dikast.errors import ConfigError
from dikast.spec.aws import AwsSpec

HUB = "dikast"
PUBLIC_HUB = "SageMakerPublicHub"
NOVA_IN_HUB = "nova-textgeneration-lite-v2"
VERSION = "1.0.0"
PROMPT_FILE = "judge.jinja"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A document of the hub that must be there before a job that names it."""

    name: str
    reference: str
    """The Lambda's ARN, or the s3 address of the prompt."""
    kind: str

    def request(self) -> dict[str, Any]:
        """Gives the arguments of ImportHubContent."""
        held = json.dumps({"Reference": self.reference, "EvaluatorType": self.kind})
        return {
            "HubName": HUB,
            "HubContentName": self.name,
            "HubContentType": "JsonDoc",
            "HubContentVersion": VERSION,
            "DocumentSchemaVersion": "2.0.0",
            "HubContentDocument": json.dumps({"SubType": "AWS/Evaluator", "JsonContent": held}),
        }


def prompt_place(spec: AwsSpec, job: str) -> str:
    """Where a job's judge prompt stands: a place of its own, so that the next job does not change it."""
    return f"{(spec.output or '').rstrip('/')}/{job}/{PROMPT_FILE}"


def registration(spec: AwsSpec, job: str) -> Registration | None:
    """Gives what is to be registered for a job; None where the user names an evaluator."""
    if spec.evaluator:
        return None
    if spec.technique == "RLAIF":
        reference = prompt_place(spec, job)
        return Registration(name=_name("judge", reference), reference=reference, kind="RewardPrompt")
    reference = spec.reward_lambda or ""
    function = re.sub(r"[^A-Za-z0-9-]", "-", reference.partition(":function:")[2].partition(":")[0])
    return Registration(name=_name(function, reference), reference=reference, kind="RewardFunction")


def evaluator_of(spec: AwsSpec, job: str, where: str) -> str:
    """Gives the evaluator's ARN: the user's, or that of the document to be registered."""
    if spec.evaluator:
        return spec.evaluator
    if spec.technique == "RLVR" and not spec.reward_lambda:
        raise ConfigError(f"{where}.reward_lambda: is missing, and this target needs it; add it")
    account = re.fullmatch(r"arn:aws[\w-]*:iam::(\d{12}):role/.+", spec.role or "")
    if account is None:
        raise ConfigError(f"{where}.role: '{spec.role}' is no ARN of a role; give the one that the job runs as")
    told = registration(spec, job)
    name = told.name if told else ""
    return f"arn:aws:sagemaker:{spec.region}:{account[1]}:hub-content/{HUB}/JsonDoc/{name}/{VERSION}"


def base_model_of(spec: AwsSpec, where: str) -> str:
    """Gives the base model's ARN in the public hub. Its version is not published: the user asks for it once."""
    if spec.base_model:
        return spec.base_model
    name = NOVA_IN_HUB if spec.model == "nova-2-lite" else spec.model
    raise ConfigError(
        f"{where}.base_model: is missing; add the HubContentArn that 'aws sagemaker describe-hub-content --hub-name "
        f"{PUBLIC_HUB} --hub-content-type Model --hub-content-name {name} --region {spec.region}' prints"
    )


def _name(stem: str, reference: str) -> str:
    return f"{stem[:50].strip('-') or 'reward'}-{hashlib.sha256(reference.encode()).hexdigest()[:8]}"
