"""The request of a training job, as plain data, whole and valid before anything is sent.

    asked = training_request("smtj", spec, name="review-1", data=Data(...))
    asked.service, asked.operation, asked.request      # what boto3 is called with
    asked.files                                        # what is uploaded first: s3 address → bytes

A HyperPod job has no request: its recipe is a file, and the vendor's own command starts it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import msgspec

from dikast.aws.jobs.asked import (
    HYPERPOD_RECIPES,
    IMAGES,
    MODEL_PATH,
    MODEL_TYPE,
    NOVA_2_LITE,
    RECIPE_IN_CONTAINER,
    Asked,
    Data,
    finished,
)
from dikast.aws.jobs.fields import (
    channel,
    function_name,
    job_fields,
    licence_accepted,
    machines,
    notes_on_arn,
    recipe_text,
    required,
    reward_lambda,
)
from dikast.aws.jobs.hub import base_model_of, evaluator_of
from dikast.aws.jobs.published import JUDGES_OF_RLAIF, SERVERLESS, Target
from dikast.aws.jobs.recipe import Recipe, Settled, settled
from dikast.errors import ConfigError
from dikast.spec.aws import AwsSpec


def is_nova(model: str) -> bool:
    """Whether a model is one of Nova's, as the vendor's SDK decides it: the others want other data and another judge."""
    return "nova" in model.lower()


def training_request(target: Target, spec: AwsSpec, *, name: str, data: Data, where: str = "aws") -> Asked:
    """Makes a training job's request. Raises `ConfigError` for a setting that is missing, unknown or out of bounds."""
    make: dict[Target, Callable[[AwsSpec, str, Data, str], Asked]] = {
        "smtj": _smtj,
        "serverless": _serverless,
        "hyperpod": _hyperpod,
        "bedrock": _bedrock,
    }
    if spec.technique == "RLAIF" and target != "serverless":
        raise ConfigError(
            f"{where}.technique: SageMaker's own RLAIF is a serverless job's; use --target serverless, or leave it at RLVR"
        )
    asked = make[target](spec, name, data, where)
    asked = finished(asked, spec, where)
    return msgspec.structs.replace(asked, notes=(*asked.notes, *_not_sent(target, spec, where)))


def _not_sent(target: Target, spec: AwsSpec, where: str) -> list[str]:
    """Says which settings are the other service's: one run.yaml may have both."""
    if target == "bedrock":
        section, whose, held = "recipe", "SageMaker", spec.recipe
    else:
        section, whose, held = "hyperparameters", "Bedrock", spec.hyperparameters
    return [f"{where}.{section} is for {whose} and is not sent to this target: {', '.join(held)}"] if held else []


def _smtj(spec: AwsSpec, name: str, data: Data, where: str) -> Asked:
    _nova_only(spec, "smtj", where)
    arn = reward_lambda(spec, where)
    found = settled("smtj", spec.recipe, unpublished=spec.unpublished, where=f"{where}.recipe")
    recipe = _recipe(found, spec, name, data, arn)
    text = recipe_text(recipe)
    output = required(spec, "output", where).rstrip("/")
    place = f"{output}/{name}/recipe"
    channels = [channel("train", data.train)]
    channels += [channel("validation", data.valid)] if data.valid else []
    request = {
        **job_fields(spec, name, where),
        "AlgorithmSpecification": {"TrainingImage": spec.image or IMAGES["smtj"], "TrainingInputMode": "File"},
        "HyperParameters": {
            "base_model": MODEL_PATH,
            "reward_lambda_arn": arn,
            "sagemaker_recipe_local_path": RECIPE_IN_CONTAINER,
        },
        "InputDataConfig": [*channels, channel("recipe", place)],
        "ResourceConfig": machines(spec, found.leaf("replicas")),
        "TensorBoardOutputConfig": {"S3OutputPath": f"{output}/{name}/tensorboard"},
    }
    return Asked(
        target="smtj",
        name=name,
        operation="CreateTrainingJob",
        request=request,
        recipe=text,
        files={f"{place}/recipe.yaml": text.encode()},
        notes=(*notes_on_arn(arn), *found.beyond),
    )


def _serverless(spec: AwsSpec, name: str, data: Data, where: str) -> Asked:
    if spec.technique == "RLAIF" and is_nova(spec.model):
        raise ConfigError(
            f"{where}.technique: SageMaker's own RLAIF trains open-weight models only; with Nova the reward Lambda "
            "asks the judge: leave it at RLVR"
        )
    found = settled("serverless", spec.recipe, unpublished=spec.unpublished, where=f"{where}.recipe")
    # A recipe's defaults are the service's own here: only what the user sets is sent.
    chosen = {path: value for path, value in found.values.items() if _is_given(path, spec.recipe)}
    values = {SERVERLESS.get(path.rpartition(".")[2], path): _text(value) for path, value in chosen.items()}
    if spec.technique == "RLAIF":
        values["judge_model_id"] = f"bedrock/{_judge(spec, where)}"
    config = {
        "JobType": "FineTuning",
        "CustomizationTechnique": spec.technique,
        "Peft": "LORA",
        "BaseModelArn": base_model_of(spec, where),
        "EvaluatorArn": evaluator_of(spec, name, where),
        "AcceptEula": licence_accepted(spec, where),
    }
    channels = [channel("train", data.train)]
    channels += [channel("validation", data.valid)] if data.valid else []
    request: dict[str, Any] = {
        **job_fields(spec, name, where),
        "HyperParameters": values,
        "InputDataConfig": channels,
        "ServerlessJobConfig": config,
        "ModelPackageConfig": {"ModelPackageGroupArn": required(spec, "model_package_group", where)},
    }
    if spec.mlflow:
        request["MlflowConfig"] = {"MlflowResourceArn": spec.mlflow, "MlflowRunName": name}
    notes = [
        *(notes_on_arn(spec.reward_lambda) if spec.reward_lambda and spec.technique == "RLVR" else ()),
        *found.beyond,
    ]
    return Asked(target="serverless", name=name, operation="CreateTrainingJob", request=request, notes=tuple(notes))


def _hyperpod(spec: AwsSpec, name: str, data: Data, where: str) -> Asked:
    _nova_only(spec, "hyperpod", where)
    arn = reward_lambda(spec, where)
    if "sagemaker" not in function_name(arn).lower():
        raise ConfigError(
            f"{where}.reward_lambda: HyperPod calls only functions with SageMaker in their name; "
            "build and deploy it again, dikast names it SageMaker-..."
        )
    found = settled("hyperpod", spec.recipe, unpublished=spec.unpublished, where=f"{where}.recipe")
    text = recipe_text(_recipe(found, spec, name, data, arn))
    overrides = {"instance_type": spec.instance_type, "container": spec.image or IMAGES["hyperpod"]}
    command = [
        "hyperpod", "start-job", "--namespace", spec.namespace, "--recipe", f"{HYPERPOD_RECIPES}/{name}",
        "--override-parameters", json.dumps(overrides),
    ]  # fmt: skip
    return Asked(
        target="hyperpod",
        name=name,
        operation="hyperpod",
        request={},
        recipe=text,
        command=shlex.join(command),
        notes=(
            f"put the recipe into the HyperPod command's recipes_collection/recipes/{HYPERPOD_RECIPES}/{name}.yaml first",
            f"the Lambda must bear {found.leaf('rollout_worker_replicas', 1) * 64} calls at once, one sample each",
            *notes_on_arn(arn),
            *found.beyond,
        ),
    )


def _bedrock(spec: AwsSpec, name: str, data: Data, where: str) -> Asked:
    found = settled("bedrock", spec.hyperparameters, where=f"{where}.hyperparameters")
    arn = reward_lambda(spec, where)
    output: dict[str, Any] = {"s3Uri": required(spec, "output", where)}
    model = f"arn:aws:bedrock:{spec.region}::foundation-model/{MODEL_TYPE}" if spec.model == NOVA_2_LITE else spec.model
    reinforcement: dict[str, Any] = {"graderConfig": {"lambdaGrader": {"lambdaArn": arn}}}
    if found.values:
        reinforcement["hyperParameters"] = found.values
    request: dict[str, Any] = {
        "jobName": name,
        "customModelName": name,
        "roleArn": required(spec, "role", where),
        "baseModelIdentifier": model,
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "trainingDataConfig": {"s3Uri": _s3(data.train, "train", where)},
        "outputDataConfig": output,
        "customizationConfig": {"rftConfig": reinforcement},
    }
    if data.valid:
        request["validationDataConfig"] = {"validators": [{"s3Uri": _s3(data.valid, "valid", where)}]}
    if spec.kms_key:
        request["customModelKmsKeyId"] = spec.kms_key
    if spec.subnets or spec.security_groups:
        request["vpcConfig"] = {"subnetIds": list(spec.subnets), "securityGroupIds": list(spec.security_groups)}
    return Asked(target="bedrock", name=name, operation="CreateModelCustomizationJob", request=request)


def _recipe(found: Settled, spec: AwsSpec, name: str, data: Data, arn: str) -> Recipe:
    """The whole recipe: the settings, and what the job is about."""
    settings = found.nested()
    run = {
        "name": name,
        "model_type": MODEL_TYPE,
        "model_name_or_path": MODEL_PATH,
        "data_s3_path": data.train,
        "output_s3_path": spec.output or "",
        **settings.pop("run"),
        "reward_lambda_arn": arn,
    }
    if spec.mlflow:
        run |= {"mlflow_tracking_uri": spec.mlflow, "mlflow_experiment_name": "dikast", "mlflow_run_name": name}
    training = settings["training_config"]
    training["rollout"]["rewards"]["api_endpoint"]["lambda_arn"] = arn
    training["trainer"].setdefault("save_steps", training["trainer"]["max_steps"])
    if training["trainer"]["peft"]["peft_scheme"] is None:
        training["trainer"]["peft"].pop("lora_tuning")
    return {"run": run, **settings}


def _nova_only(spec: AwsSpec, target: Target, where: str) -> None:
    if spec.model != NOVA_2_LITE:
        raise ConfigError(f"{where}.model: {target} trains {NOVA_2_LITE}, not {spec.model}; use --target serverless")


def _s3(place: str, field: str, where: str) -> str:
    if not place.startswith("s3://"):
        raise ConfigError(f"{where}.{field}: Bedrock takes s3:// addresses, not '{place}'")
    return place


def _is_given(path: str, given: dict[str, Any]) -> bool:
    return path in given or path.rpartition(".")[2] in given


def _text(value: Any) -> str:
    """A hyperparameter is a text."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _judge(spec: AwsSpec, where: str) -> str:
    judge = required(spec, "judge_model", where)
    regions = JUDGES_OF_RLAIF.get(judge)
    if regions is None:
        raise ConfigError(f"{where}.judge_model: RLAIF asks one of {', '.join(JUDGES_OF_RLAIF)}, not {judge}")
    if spec.region not in regions:
        raise ConfigError(f"{where}.judge_model: {judge} judges in {', '.join(regions)}, not in {spec.region}")
    return judge
