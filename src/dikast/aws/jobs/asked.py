"""One job before it is started: plain data, valid by the service's own model."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dikast.aws.jobs.published import Target
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


def finished(asked: Asked, spec: AwsSpec, where: str) -> Asked:
    """The job with notes on what stands in another region. Raises `ConfigError` for what the service would refuse."""
    if asked.request:
        try:
            require_valid(asked.service, asked.operation, asked.request)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
    return msgspec.structs.replace(asked, notes=(*asked.notes, *_elsewhere(asked.target, spec)))


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
