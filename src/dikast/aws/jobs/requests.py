"""The request of a training or evaluation job, as plain data, whole and valid before anything is sent.

    asked = training_request("smtj", spec, name="review-1", data=Data(...))
    asked.service, asked.operation, asked.request      # what boto3 is called with
    asked.files                                        # what is uploaded first: s3 address → bytes

A HyperPod job has no request: its recipe is a file, and the vendor's own command starts it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import yaml

from dikast.aws.jobs.hub import base_model_of, evaluator_of
from dikast.aws.jobs.published import JUDGES_OF_RLAIF, SERVERLESS, Target
from dikast.aws.jobs.recipe import Recipe, Settled, settled
from dikast.aws.jobs.shapes import require_valid
from dikast.errors import ConfigError
from dikast.spec.aws import AwsSpec

NOVA_2_LITE = "nova-2-lite"
MODEL_TYPE = "amazon.nova-2-lite-v1:0:256k"
"""The vendor's name of Nova 2 Lite, on Bedrock and in a recipe."""
MODEL_PATH = "nova-lite-2/prod"

IMAGES_REGION = "us-east-1"
_REPOSITORY = f"708977205387.dkr.ecr.{IMAGES_REGION}.amazonaws.com"
IMAGES = {
    "smtj": f"{_REPOSITORY}/nova-fine-tune-repo:SM-TJ-RFT-V2-latest",
    "hyperpod": f"{_REPOSITORY}/nova-fine-tune-repo:SM-HP-RFT-TRAIN-V2-latest",
    "eval": f"{_REPOSITORY}/nova-evaluation-repo:SM-TJ-Eval-V2-latest",
}
"""The published images; `aws.image` names another, for another region for instance."""
RECIPE_IN_CONTAINER = "/opt/ml/input/data/recipe/recipe.yaml"
HYPERPOD_RECIPES = "fine-tuning/nova/nova_2_0/nova_lite/RFT"
VOLUME_GB = 100

_CHECKPOINTS: dict[Target, str] = {"smtj": "s3://", "serverless": "arn:"}
"""How the address of a trained model begins; another would be read as a base model's name, or passed over."""
_CHECKPOINTS_SAID = {"s3://": "the s3:// address of its checkpoint", "arn:": "the ARN of its model package"}

_LAMBDA = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:(?P<name>[a-zA-Z0-9-_]+)(?P<qualifier>:[^:]+)?"
)


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Where the converted data stands: s3 addresses, or ARNs of registered data sets."""

    train: str
    valid: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One job, before it is started."""

    target: Target
    name: str
    operation: Literal["CreateTrainingJob", "CreateModelCustomizationJob", "hyperpod"]
    request: dict[str, Any]
    """Empty where a command starts the job."""
    recipe: str | None = None
    files: dict[str, bytes] = {}
    command: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def service(self) -> Literal["sagemaker", "bedrock"]:
        return "bedrock" if self.operation == "CreateModelCustomizationJob" else "sagemaker"


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
    _require_valid(asked, where)
    notes = (*asked.notes, *_elsewhere(target, spec), *_not_sent(target, spec, where))
    return msgspec.structs.replace(asked, notes=notes)


def _require_valid(asked: Asked, where: str) -> None:
    """Raises `ConfigError` with the place of the settings and the request's field that the service would refuse."""
    if not asked.request:
        return
    try:
        require_valid(asked.service, asked.operation, asked.request)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _elsewhere(target: Target, spec: AwsSpec) -> list[str]:
    """Says what stands in another region than the job."""
    notes: list[str] = []
    if spec.reward_lambda and (found := spec.reward_lambda.split(":"))[3:4] != [spec.region]:
        notes.append(
            f"the reward Lambda stands in {found[3]} and the job in {spec.region}: that a trainer calls a function of "
            "another region is not documented"
        )
    if target in IMAGES and not spec.image and spec.region != IMAGES_REGION:
        notes.append(f"the published image stands in {IMAGES_REGION}; name the one of {spec.region} as aws.image")
    return notes


def _not_sent(target: Target, spec: AwsSpec, where: str) -> list[str]:
    """Says which settings are the other service's: one run.yaml may have both."""
    if target == "bedrock":
        section, whose, held = "recipe", "SageMaker", spec.recipe
    else:
        section, whose, held = "hyperparameters", "Bedrock", spec.hyperparameters
    return [f"{where}.{section} is for {whose} and is not sent to this target: {', '.join(held)}"] if held else []


def evaluation_request(target: Target, spec: AwsSpec, *, name: str, model: str, data: str, where: str = "aws") -> Asked:
    """Makes the request of an evaluation with the reward Lambda. `model` is a checkpoint, or the base model's name."""
    arn = _lambda(spec, where)
    if (scheme := _CHECKPOINTS.get(target)) and model != NOVA_2_LITE and not model.startswith(scheme):
        raise ConfigError(
            f"--model {model}: with --target {target} a trained model is {_CHECKPOINTS_SAID[scheme]}; leave it out for {NOVA_2_LITE}"
        )
    if target == "smtj":
        asked = _smtj_evaluation(spec, name, model, data, arn, where)
    elif target == "serverless":
        asked = _serverless_evaluation(spec, name, model, data, arn, where)
    else:
        raise ConfigError(
            f"--target {target}: the reward Lambda evaluates in a SageMaker job; say --target smtj or serverless"
        )
    _require_valid(asked, where)
    return msgspec.structs.replace(asked, notes=(*asked.notes, *_elsewhere(target, spec)))


def _smtj(spec: AwsSpec, name: str, data: Data, where: str) -> Asked:
    _nova_only(spec, "smtj", where)
    arn = _lambda(spec, where)
    found = settled("smtj", spec.recipe, unpublished=spec.unpublished, where=f"{where}.recipe")
    recipe = _recipe(found, spec, name, data, arn)
    text = _yaml(recipe)
    output = _required(spec, "output", where).rstrip("/")
    place = f"{output}/{name}/recipe"
    channels = [_channel("train", data.train)]
    channels += [_channel("validation", data.valid)] if data.valid else []
    request = {
        **_job(spec, name, where),
        "AlgorithmSpecification": {"TrainingImage": spec.image or IMAGES["smtj"], "TrainingInputMode": "File"},
        "HyperParameters": {
            "base_model": MODEL_PATH,
            "reward_lambda_arn": arn,
            "sagemaker_recipe_local_path": RECIPE_IN_CONTAINER,
        },
        "InputDataConfig": [*channels, _channel("recipe", place)],
        "ResourceConfig": _machines(spec, found.leaf("replicas")),
        "TensorBoardOutputConfig": {"S3OutputPath": f"{output}/{name}/tensorboard"},
    }
    return Asked(
        target="smtj",
        name=name,
        operation="CreateTrainingJob",
        request=request,
        recipe=text,
        files={f"{place}/recipe.yaml": text.encode()},
        notes=(*_qualified(arn), *found.beyond),
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
        "AcceptEula": _accepted(spec, where),
    }
    channels = [_channel("train", data.train)]
    channels += [_channel("validation", data.valid)] if data.valid else []
    request: dict[str, Any] = {
        **_job(spec, name, where),
        "HyperParameters": values,
        "InputDataConfig": channels,
        "ServerlessJobConfig": config,
        "ModelPackageConfig": {"ModelPackageGroupArn": _required(spec, "model_package_group", where)},
    }
    if spec.mlflow:
        request["MlflowConfig"] = {"MlflowResourceArn": spec.mlflow, "MlflowRunName": name}
    notes = [
        *(_qualified(spec.reward_lambda) if spec.reward_lambda and spec.technique == "RLVR" else ()),
        *found.beyond,
    ]
    return Asked(target="serverless", name=name, operation="CreateTrainingJob", request=request, notes=tuple(notes))


def _hyperpod(spec: AwsSpec, name: str, data: Data, where: str) -> Asked:
    _nova_only(spec, "hyperpod", where)
    arn = _lambda(spec, where)
    if "sagemaker" not in _function(arn).lower():
        raise ConfigError(
            f"{where}.reward_lambda: HyperPod calls only functions with SageMaker in their name; "
            "build and deploy it again, dikast names it SageMaker-..."
        )
    found = settled("hyperpod", spec.recipe, unpublished=spec.unpublished, where=f"{where}.recipe")
    text = _yaml(_recipe(found, spec, name, data, arn))
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
            *_qualified(arn),
            *found.beyond,
        ),
    )


def _bedrock(spec: AwsSpec, name: str, data: Data, where: str) -> Asked:
    found = settled("bedrock", spec.hyperparameters, where=f"{where}.hyperparameters")
    arn = _lambda(spec, where)
    output: dict[str, Any] = {"s3Uri": _required(spec, "output", where)}
    model = f"arn:aws:bedrock:{spec.region}::foundation-model/{MODEL_TYPE}" if spec.model == NOVA_2_LITE else spec.model
    reinforcement: dict[str, Any] = {"graderConfig": {"lambdaGrader": {"lambdaArn": arn}}}
    if found.values:
        reinforcement["hyperParameters"] = found.values
    request: dict[str, Any] = {
        "jobName": name,
        "customModelName": name,
        "roleArn": _required(spec, "role", where),
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


def _smtj_evaluation(spec: AwsSpec, name: str, model: str, data: str, arn: str, where: str) -> Asked:
    output = _required(spec, "output", where).rstrip("/")
    checkpoint = MODEL_PATH if model == NOVA_2_LITE else model
    text = _yaml(
        {
            "run": {
                "name": name,
                "model_type": MODEL_TYPE,
                "model_name_or_path": checkpoint,
                "replicas": 1,
                "data_s3_path": "",
                "output_s3_path": output,
            },
            "evaluation": {"task": "rft_eval", "strategy": "rft_eval", "metric": "all"},
            "inference": {
                "max_new_tokens": 32_768,
                "top_k": -1,
                "top_p": 1.0,
                "temperature": 0,
                "top_logprobs": 0,
                "reasoning_effort": None,
            },
            "rl_env": {"reward_lambda_arn": arn},
        }
    )
    place = f"{output}/{name}/recipe"
    base = "base_model_location" if checkpoint.startswith("s3://") else "base_model"
    request = {
        **_job(spec, name, where),
        "AlgorithmSpecification": {"TrainingImage": spec.image or IMAGES["eval"], "TrainingInputMode": "File"},
        "HyperParameters": {base: checkpoint, "sagemaker_recipe_local_path": RECIPE_IN_CONTAINER},
        "InputDataConfig": [_channel("train", data), _channel("recipe", place)],
        "ResourceConfig": _machines(spec, 1),
    }
    return Asked(
        target="smtj",
        name=name,
        operation="CreateTrainingJob",
        request=request,
        recipe=text,
        files={f"{place}/recipe.yaml": text.encode()},
        notes=tuple(_qualified(arn)),
    )


def _serverless_evaluation(spec: AwsSpec, name: str, model: str, data: str, arn: str, where: str) -> Asked:
    request: dict[str, Any] = {
        **_job(spec, name, where),
        "HyperParameters": {"lambda_arn": arn, "lambda_type": "rft"},
        "InputDataConfig": [_channel("train", data)],
        "ServerlessJobConfig": {
            "JobType": "Evaluation",
            "EvaluationType": "CustomScorerEvaluation",
            "BaseModelArn": base_model_of(spec, where),
            "AcceptEula": _accepted(spec, where),
        },
    }
    if model.startswith("arn:"):
        request["ModelPackageConfig"] = {
            "ModelPackageGroupArn": _required(spec, "model_package_group", where),
            "SourceModelPackageArn": model,
        }
    return Asked(
        target="serverless",
        name=name,
        operation="CreateTrainingJob",
        request=request,
        notes=tuple(_qualified(arn)),
    )


def _job(spec: AwsSpec, name: str, where: str) -> dict[str, Any]:
    """What every SageMaker job says."""
    output: dict[str, Any] = {"S3OutputPath": _required(spec, "output", where)}
    if spec.kms_key:
        output["KmsKeyId"] = spec.kms_key
    job: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": _required(spec, "role", where),
        "OutputDataConfig": output,
        "StoppingCondition": {"MaxRuntimeInSeconds": round(spec.max_hours * 3600)},
    }
    if spec.subnets or spec.security_groups:
        job["VpcConfig"] = {"SecurityGroupIds": list(spec.security_groups), "Subnets": list(spec.subnets)}
    return job


def _machines(spec: AwsSpec, count: int) -> dict[str, Any]:
    return {"InstanceType": spec.instance_type, "InstanceCount": count, "VolumeSizeInGB": VOLUME_GB}


def _channel(name: str, source: str) -> dict[str, Any]:
    if source.startswith("arn:"):
        return {"ChannelName": name, "DataSource": {"DatasetSource": {"DatasetArn": source}}}
    place = {"S3DataType": "S3Prefix", "S3Uri": source, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": place}}


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


def _yaml(recipe: Recipe) -> str:
    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)


def _required(spec: AwsSpec, field: str, where: str) -> str:
    value = getattr(spec, field)
    if not value:
        raise ConfigError(f"{where}.{field}: is missing, and this target needs it; add it")
    return value


def _accepted(spec: AwsSpec, where: str) -> bool:
    if not spec.accept_eula:
        raise ConfigError(
            f"{where}.accept_eula: a serverless job accepts the base model's licence; read it and say true"
        )
    return True


def _lambda(spec: AwsSpec, where: str) -> str:
    arn = _required(spec, "reward_lambda", where)
    if not _LAMBDA.fullmatch(arn):
        raise ConfigError(f"{where}.reward_lambda: '{arn}' is no ARN of a function; 'dikast aws deploy' prints it")
    return arn


def _function(arn: str) -> str:
    found = _LAMBDA.fullmatch(arn)
    return found["name"] if found else arn


def _qualified(arn: str) -> list[str]:
    """Whether the trainer's container takes a version or an alias is written nowhere."""
    found = _LAMBDA.fullmatch(arn)
    if found and found["qualifier"]:
        return [
            f"the ARN ends in '{found['qualifier']}': provisioned concurrency needs that, the SageMaker SDK refuses it and "
            "whether the trainer takes it is not documented; try a run of few steps first"
        ]
    return []


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
    judge = _required(spec, "judge_model", where)
    regions = JUDGES_OF_RLAIF.get(judge)
    if regions is None:
        raise ConfigError(f"{where}.judge_model: RLAIF asks one of {', '.join(JUDGES_OF_RLAIF)}, not {judge}")
    if spec.region not in regions:
        raise ConfigError(f"{where}.judge_model: {judge} judges in {', '.join(regions)}, not in {spec.region}")
    return judge
