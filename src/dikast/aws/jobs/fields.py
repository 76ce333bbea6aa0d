"""What the requests of several kinds of job have in common, made of a run's settings."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dikast.aws.jobs.asked import VOLUME_GB
from dikast.aws.jobs.recipe import Recipe
from dikast.errors import ConfigError
from dikast.spec.aws import AwsSpec

_LAMBDA = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:(?P<name>[a-zA-Z0-9-_]+)(?P<qualifier>:[^:]+)?"
)


def job_fields(spec: AwsSpec, name: str, where: str) -> dict[str, Any]:
    """What every SageMaker job says."""
    output: dict[str, Any] = {"S3OutputPath": required(spec, "output", where)}
    if spec.kms_key:
        output["KmsKeyId"] = spec.kms_key
    job: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": required(spec, "role", where),
        "OutputDataConfig": output,
        "StoppingCondition": {"MaxRuntimeInSeconds": round(spec.max_hours * 3600)},
    }
    if spec.subnets or spec.security_groups:
        job["VpcConfig"] = {"SecurityGroupIds": list(spec.security_groups), "Subnets": list(spec.subnets)}
    return job


def machines(spec: AwsSpec, count: int) -> dict[str, Any]:
    return {"InstanceType": spec.instance_type, "InstanceCount": count, "VolumeSizeInGB": VOLUME_GB}


def channel(name: str, source: str) -> dict[str, Any]:
    if source.startswith("arn:"):
        return {"ChannelName": name, "DataSource": {"DatasetSource": {"DatasetArn": source}}}
    place = {"S3DataType": "S3Prefix", "S3Uri": source, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": place}}


def recipe_text(recipe: Recipe) -> str:
    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)


def required(spec: AwsSpec, field: str, where: str) -> str:
    value = getattr(spec, field)
    if not value:
        raise ConfigError(f"{where}.{field}: is missing, and this target needs it; add it")
    return value


def licence_accepted(spec: AwsSpec, where: str) -> bool:
    if not spec.accept_eula:
        raise ConfigError(
            f"{where}.accept_eula: a serverless job accepts the base model's licence; read it and say true"
        )
    return True


def reward_lambda(spec: AwsSpec, where: str) -> str:
    arn = required(spec, "reward_lambda", where)
    if not _LAMBDA.fullmatch(arn):
        raise ConfigError(f"{where}.reward_lambda: '{arn}' is no ARN of a function; 'dikast aws deploy' prints it")
    return arn


def function_name(arn: str) -> str:
    found = _LAMBDA.fullmatch(arn)
    return found["name"] if found else arn


def notes_on_arn(arn: str) -> list[str]:
    """Whether the trainer's container takes a version or an alias is written nowhere."""
    found = _LAMBDA.fullmatch(arn)
    if found and found["qualifier"]:
        return [
            f"the ARN ends in '{found['qualifier']}': provisioned concurrency needs that, the SageMaker SDK refuses it and "
            "whether the trainer takes it is not documented; try a run of few steps first"
        ]
    return []
