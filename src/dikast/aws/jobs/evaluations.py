"""The request of an evaluation with the reward Lambda.

asked = evaluation_request("smtj", spec, name="eval-1", model="s3://…", data="s3://…")
"""

from __future__ import annotations

from typing import Any

from dikast.aws.jobs.asked import IMAGES, MODEL_PATH, MODEL_TYPE, NOVA_2_LITE, RECIPE_IN_CONTAINER, Asked, finished
from dikast.aws.jobs.fields import (
    channel,
    job_fields,
    licence_accepted,
    machines,
    notes_on_arn,
    recipe_text,
    required,
    reward_lambda,
)
from dikast.aws.jobs.hub import base_model_of
from dikast.aws.jobs.published import Target
from dikast.errors import ConfigError
from dikast.spec.aws import AwsSpec

_CHECKPOINTS: dict[Target, str] = {"smtj": "s3://", "serverless": "arn:"}
"""How the address of a trained model begins; another would be read as a base model's name, or passed over."""
_CHECKPOINTS_SAID = {"s3://": "the s3:// address of its checkpoint", "arn:": "the ARN of its model package"}


def evaluation_request(target: Target, spec: AwsSpec, *, name: str, model: str, data: str, where: str = "aws") -> Asked:
    """Makes the request of an evaluation with the reward Lambda. `model` is a checkpoint, or the base model's name."""
    arn = reward_lambda(spec, where)
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
    return finished(asked, spec, where)


def _smtj_evaluation(spec: AwsSpec, name: str, model: str, data: str, arn: str, where: str) -> Asked:
    output = required(spec, "output", where).rstrip("/")
    checkpoint = MODEL_PATH if model == NOVA_2_LITE else model
    text = recipe_text(
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
        **job_fields(spec, name, where),
        "AlgorithmSpecification": {"TrainingImage": spec.image or IMAGES["eval"], "TrainingInputMode": "File"},
        "HyperParameters": {base: checkpoint, "sagemaker_recipe_local_path": RECIPE_IN_CONTAINER},
        "InputDataConfig": [channel("train", data), channel("recipe", place)],
        "ResourceConfig": machines(spec, 1),
    }
    return Asked(
        target="smtj",
        name=name,
        operation="CreateTrainingJob",
        request=request,
        recipe=text,
        files={f"{place}/recipe.yaml": text.encode()},
        notes=tuple(notes_on_arn(arn)),
    )


def _serverless_evaluation(spec: AwsSpec, name: str, model: str, data: str, arn: str, where: str) -> Asked:
    request: dict[str, Any] = {
        **job_fields(spec, name, where),
        "HyperParameters": {"lambda_arn": arn, "lambda_type": "rft"},
        "InputDataConfig": [channel("train", data)],
        "ServerlessJobConfig": {
            "JobType": "Evaluation",
            "EvaluationType": "CustomScorerEvaluation",
            "BaseModelArn": base_model_of(spec, where),
            "AcceptEula": licence_accepted(spec, where),
        },
    }
    if model.startswith("arn:"):
        request["ModelPackageConfig"] = {
            "ModelPackageGroupArn": required(spec, "model_package_group", where),
            "SourceModelPackageArn": model,
        }
    return Asked(
        target="serverless",
        name=name,
        operation="CreateTrainingJob",
        request=request,
        notes=tuple(notes_on_arn(arn)),
    )
