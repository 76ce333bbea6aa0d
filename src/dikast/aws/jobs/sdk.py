"""The same job through the SageMaker SDK: which trainer is called with what, and what the SDK cannot carry.

    called = trainer_call(asked, spec, data=Data(...))    # asked: the request, already checked
    trainer = ready(called)                               # reads the hub; starts nothing
    name = started(trainer, called)

The SDK makes its recipe of the hub's. A setting goes in as `hyperparameters`, by the name that the hub's recipe gives
it: there an unknown one is an error. Its `overrides` drop what they do not know, and a value by the name of a
recipe's field does not reach the recipe of a training job.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from dikast.aws.calling import told
from dikast.aws.jobs.asked import NOVA_2_LITE, VOLUME_GB, Asked, Data
from dikast.aws.jobs.hub import NOVA_IN_HUB, prompt_place
from dikast.aws.jobs.published import SERVERLESS, Target
from dikast.aws.jobs.recipe import settled
from dikast.errors import ConfigError, UsageError
from dikast.spec.aws import AwsSpec

Through = Literal["boto3", "sdk"]

_TRAIN, _CORE = "sagemaker.train", "sagemaker.core"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A class by its whole name, and its arguments; one of these may be a call itself."""

    made: str = msgspec.field(name="class")
    arguments: dict[str, Any]


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the SDK is asked for it."""

    name: str
    trainer: Call
    train: dict[str, Any] = msgspec.field(default_factory=lambda: {"wait": False})
    """The arguments of the trainer's `train`."""
    replicas: int | None = None
    """Machines of a training job: the recipe must say as many as are asked for."""
    files: dict[str, bytes] = {}
    """What is uploaded first: s3 address → bytes."""
    notes: tuple[str, ...] = ()


def require_target(target: Target, through: Through) -> None:
    """Raises `UsageError` for a target that the SDK does not start from here."""
    if through == "sdk" and target not in ("smtj", "serverless"):
        raise UsageError(f"--through sdk: the SageMaker SDK starts smtj and serverless, not {target}; leave it out")


def trainer_call(asked: Asked, spec: AwsSpec, *, data: Data, where: str = "aws") -> Called:
    """Makes the call of a job whose request is valid. Raises `ConfigError` for what the SDK would lose."""
    chosen = _chosen(asked.target, spec, where)
    chosen.pop("replicas", None)  # told as machines, below
    replicas = None
    given: dict[str, Any] = {
        **_job(spec, asked.name),
        "training_type": "FULL" if chosen.pop("peft_scheme", "lora") is None else "LORA",
        "training_dataset": data.train,
        "accept_eula": spec.accept_eula,
        "hyperparameters": _hyperparameters(chosen, where),
    }
    if data.valid:
        given["validation_dataset"] = data.valid
    if asked.target == "smtj":
        _smtj_only(spec, data, where)
        replicas = asked.request["ResourceConfig"]["InstanceCount"]
        given |= _smtj(spec, replicas)
    else:
        given |= _serverless(asked, spec, where)
    rlaif = spec.technique == "RLAIF"
    module, name = ("rlaif_trainer", "RLAIFTrainer") if rlaif else ("rlvr_trainer", "RLVRTrainer")
    return Called(
        name=asked.name,
        trainer=Call(made=f"{_TRAIN}.{module}.{name}", arguments=given),
        replicas=replicas,
        files={place: content for place, content in asked.files.items() if place == prompt_place(spec, asked.name)},
        notes=(*_notes(asked.target, spec, chosen), *asked.notes),
    )


def made(call: Call) -> Any:
    """Makes what a call says. The trainer reads the hub when it is made; `ModuleNotFoundError` where the SDK is missing."""
    arguments = {name: made(value) if isinstance(value, Call) else value for name, value in call.arguments.items()}
    return _named(call.made)(**arguments)


def ready(called: Called) -> Any:
    """Makes the trainer. Raises `UsageError` for what the hub's recipe does not take; nothing is sent before."""
    with _said(called.name):
        trainer = made(called.trainer)
        if called.replicas is not None and hasattr(trainer.hyperparameters, "replicas"):
            trainer.hyperparameters.replicas = called.replicas
    return trainer


def started(trainer: Any, called: Called) -> str:
    """Starts the job and gives the name that the SDK gave it."""
    with _said(called.name):
        return trainer.train(**called.train).training_job_name


def _chosen(target: Target, spec: AwsSpec, where: str) -> dict[str, Any]:
    """The settings that the user gave, by leaf: the others are the hub's recipe's own."""
    found = settled(target, spec.recipe, unpublished=spec.unpublished, where=f"{where}.recipe")
    leaves = {name.rpartition(".")[2] for name in spec.recipe}
    chosen = {path.rpartition(".")[2]: value for path, value in found.values.items()}
    return {leaf: value for leaf, value in chosen.items() if leaf in leaves}


def _hyperparameters(chosen: dict[str, Any], where: str) -> dict[str, Any]:
    for leaf, value in chosen.items():
        if value is None:
            raise ConfigError(
                f"{where}.recipe.{leaf}: the SageMaker SDK drops null and takes its default; leave out --through sdk"
            )
    return {SERVERLESS.get(leaf, leaf): value for leaf, value in chosen.items()}


def _job(spec: AwsSpec, name: str) -> dict[str, Any]:
    boto = Call(made="boto3.session.Session", arguments={"region_name": spec.region})
    place = urlsplit(spec.output or "")
    # What the SDK uploads of its own goes below the output too: else it makes a bucket for it.
    below = {"default_bucket": place.netloc, "default_bucket_prefix": place.path.strip("/") or None}
    job: dict[str, Any] = {
        "sagemaker_session": Call(
            made=f"{_CORE}.helper.session_helper.Session", arguments={"boto_session": boto, **below}
        ),
        "model": NOVA_IN_HUB if spec.model == NOVA_2_LITE else spec.model,
        "role": spec.role,
        "base_job_name": name,
        "s3_output_path": spec.output,
        "stopping_condition": Call(
            made=f"{_CORE}.shapes.StoppingCondition",
            arguments={"max_runtime_in_seconds": round(spec.max_hours * 3600)},
        ),
    }
    if spec.subnets or spec.security_groups:
        job["networking"] = Call(
            made=f"{_CORE}.shapes.VpcConfig",
            arguments={"security_group_ids": list(spec.security_groups), "subnets": list(spec.subnets)},
        )
    if spec.mlflow:
        job |= {"mlflow_resource_arn": spec.mlflow, "mlflow_run_name": name}
    return job


def _smtj_only(spec: AwsSpec, data: Data, where: str) -> None:
    """What the SDK's way of a training job loses without a word."""
    if spec.kms_key:
        raise ConfigError(
            f"{where}.kms_key: the SageMaker SDK drops it for a training job, so the output would not be encrypted with "
            "it; leave out --through sdk"
        )
    for field, place in (("train", data.train), ("valid", data.valid)):
        if place and not place.startswith("s3://"):
            raise ConfigError(
                f"{where}.{field}: the SageMaker SDK takes s3:// addresses for a training job, not '{place}'"
            )


def _smtj(spec: AwsSpec, replicas: int) -> dict[str, Any]:
    machines = {"instance_type": spec.instance_type, "instance_count": replicas, "volume_size_in_gb": VOLUME_GB}
    given: dict[str, Any] = {
        "custom_reward_function": spec.reward_lambda,
        "compute": Call(made=f"{_CORE}.training.configs.TrainingJobCompute", arguments=machines),
    }
    if spec.image:
        given["training_image"] = spec.image
    return given


def _serverless(asked: Asked, spec: AwsSpec, where: str) -> dict[str, Any]:
    evaluator = asked.request["ServerlessJobConfig"]["EvaluatorArn"]
    given: dict[str, Any] = {"model_package_group": spec.model_package_group}
    if spec.kms_key:
        given["kms_key_id"] = spec.kms_key
    if spec.technique == "RLAIF":
        return {**given, "reward_model_id": spec.judge_model, "reward_prompt": evaluator}
    if spec.reward_lambda and spec.reward_lambda.count(":") > 6:
        raise ConfigError(
            f"{where}.reward_lambda: the SageMaker SDK refuses the ARN of a version or an alias; give the plain one, or "
            "leave out --through sdk"
        )
    return {**given, "custom_reward_function": evaluator}


def _notes(target: Target, spec: AwsSpec, chosen: dict[str, Any]) -> Iterator[str]:
    yield "the SageMaker SDK takes its recipe and the defaults of it from the hub, and ends the job's name with the time"
    if unsure := [leaf for leaf in chosen if leaf not in SERVERLESS]:
        yield f"whether the hub's recipe takes these is seen when the job is started, before it is sent: {', '.join(unsure)}"
    if target == "smtj":
        yield "the SageMaker SDK writes no TensorBoard output"
        return
    yield "aws.base_model is not sent: the SageMaker SDK takes the newest version in the hub"
    if spec.technique == "RLVR":
        yield "the SageMaker SDK calls the reward Lambda with three rows of the data before it starts the job"
    if not spec.mlflow:
        yield "without aws.mlflow the SageMaker SDK takes an MLflow app of the account, and makes one where there is none"


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Turns what the SDK refuses into an error of ours."""
    # An error of a role is told by a class of the SDK's own, which is an Exception and nothing more.
    role = _named(f"{_CORE}.helper.iam_role_resolver.RoleValidationError")
    try:
        with told(what):
            yield
    except (AttributeError, RuntimeError, TypeError, ValueError, role) as error:
        raise UsageError(f"{what}: the SageMaker SDK refuses it: {' '.join(str(error).split())}") from error


def _named(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
