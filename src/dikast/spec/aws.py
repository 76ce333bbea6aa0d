"""The section `aws` of run.yaml: where a job of Nova or Bedrock runs, on what, and the settings of its recipe.

Nothing of it enters a reward's hash or a local run.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Technique = Literal["RLVR", "RLAIF"]


class AwsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a job on AWS needs beside the reward and the data. Each target asks for its own part of it."""

    model: str = "nova-2-lite"
    """What is trained. Another name than this one goes to the service as it is."""
    reward_lambda: str | None = None
    """The ARN that `dikast aws deploy` printed; a version's or an alias's too, where the target takes it."""
    role: str | None = None
    """The role that the job runs as."""
    region: str = "us-east-1"
    output: str | None = None
    """s3://bucket/prefix: what a job writes, and below it what is uploaded for it."""
    train: str | None = None
    """s3:// of the converted data, or a data set's ARN. Where not given, run.yaml's data is converted and uploaded."""
    valid: str | None = None
    test: str | None = None
    """For `dikast aws eval`."""
    recipe: dict[str, Any] = {}
    """Settings of the SageMaker recipe: leaf names or dotted paths. They are checked against what is published."""
    unpublished: tuple[str, ...] = ()
    """Settings of `recipe` that may go beyond what is published: for recipes that are not public."""
    hyperparameters: dict[str, Any] = {}
    """Settings of a Bedrock job, by the names of its API."""
    instance_type: str = "ml.p5.48xlarge"
    max_hours: Annotated[float, msgspec.Meta(gt=0, le=8760)] = 24
    image: str | None = None
    """The training image, where another than the published one is to run."""
    kms_key: str | None = None
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    technique: Technique = "RLVR"
    """RLAIF is for open-weight models: SageMaker's own judge with the reward's criteria as a prompt, without a Lambda."""
    accept_eula: bool = False
    """A serverless job accepts the base model's licence in your name: only where you say so."""
    base_model: str | None = None
    """ARN of the base model in SageMaker's hub, for serverless jobs."""
    evaluator: str | None = None
    """ARN of the reward Lambda or judge prompt as it is registered in the hub, for serverless jobs."""
    judge_model: str | None = None
    """Bedrock's name of the judge that RLAIF asks."""
    judge_prompt: str | None = None
    """A template of the user's for RLAIF, beside the run file, in place of the one that is made of the criteria."""
    model_package_group: str | None = None
    mlflow: str | None = None
    """ARN of an MLflow server."""
    namespace: str = "kubeflow"
    """Of the HyperPod cluster."""
