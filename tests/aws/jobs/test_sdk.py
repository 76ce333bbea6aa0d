"""A job through the SageMaker SDK: the names that the SDK takes, what it would lose, and the order of what is sent."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sagemaker_sdk import RoleValidationError, Sdk

from dikast.aws.jobs.asked import Data
from dikast.aws.jobs.published import Target
from dikast.aws.jobs.requests import training_request
from dikast.aws.jobs.sdk import Called, ready, require_target, trainer_call
from dikast.aws.jobs.starting import start_through_sdk
from dikast.errors import ConfigError, UsageError
from dikast.spec.aws import AwsSpec

pytest.importorskip("boto3")

DATA = Data(train="s3://my-bucket/train.jsonl", valid="s3://my-bucket/valid.jsonl")
RLAIF = {"technique": "RLAIF", "model": "some-open-model", "judge_model": "openai.gpt-oss-120b-1:0"}


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Sdk:
    sdk = Sdk()
    sdk.install(monkeypatch)
    return sdk


@pytest.fixture
def called(aws: AwsSpec):
    def make(target: Target = "smtj", data: Data = DATA, **changes: Any) -> Called:
        spec = msgspec.structs.replace(aws, **changes)
        asked = training_request(target, spec, name="review-1", data=data)
        return trainer_call(asked, spec, data=data)

    return make


@pytest.mark.parametrize(
    ("target", "trainer", "changes"),
    [
        ("smtj", "RLVRTrainer", {"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"}),
        ("serverless", "RLVRTrainer", {"kms_key": "alias/mine"}),
        ("serverless", "RLAIFTrainer", {"kms_key": "alias/mine", **RLAIF}),
    ],
)
def test_every_argument_is_one_that_the_installed_sdk_takes(
    called: Any, sdk: Sdk, target: Target, trainer: str, changes: dict[str, Any]
):
    call = called(
        target,
        subnets=("subnet-12345678",),
        security_groups=("sg-12345678",),
        mlflow="arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/mine",
        recipe={"max_steps": 20},
        **changes,
    )

    made = ready(call)

    assert type(made).__name__ == trainer
    assert made.given["networking"].subnets == ["subnet-12345678"]
    assert made.given["stopping_condition"].max_runtime_in_seconds == 24 * 3600
    assert made.given["sagemaker_session"].boto_session.region_name == "us-east-1"


def test_a_setting_goes_by_the_name_that_the_hub_gives_it(called: Any, sdk: Sdk):
    trainer = ready(called(recipe={"lr": 2e-5, "training_config.trainer.max_steps": 20}))

    assert trainer.given["hyperparameters"] == {"learning_rate": 2e-5, "max_steps": 20}


def test_a_training_job_has_the_machines_that_its_recipe_speaks_of(called: Any, sdk: Sdk):
    trainer = ready(called(recipe={"replicas": 8}))

    assert trainer.given["compute"].instance_count == trainer.hyperparameters.replicas == 8


def test_a_serverless_job_has_no_machines_and_names_the_registered_reward(called: Any, sdk: Sdk):
    given = ready(called("serverless")).given

    assert "compute" not in given
    assert ":hub-content/dikast/JsonDoc/" in given["custom_reward_function"]


def test_full_training_is_told_by_its_type(called: Any):
    assert called(recipe={"peft_scheme": None}).trainer.arguments["training_type"] == "FULL"
    assert called().trainer.arguments["training_type"] == "LORA"


@pytest.mark.parametrize(
    ("target", "changes", "said"),
    [
        ("smtj", {"recipe": {"reasoning_effort": None}}, "aws.recipe.reasoning_effort: the SageMaker SDK drops null"),
        ("smtj", {"kms_key": "alias/mine"}, "aws.kms_key: the SageMaker SDK drops it"),
        (
            "serverless",
            {"reward_lambda": "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-review:live"},
            "aws.reward_lambda: the SageMaker SDK refuses the ARN of a version or an alias",
        ),
    ],
)
def test_what_the_sdk_would_lose_is_an_error(called: Any, target: Target, changes: dict[str, Any], said: str):
    with pytest.raises(ConfigError, match=said):
        called(target, **changes)


def test_a_registered_data_set_is_no_training_job_s_data(called: Any):
    data = Data(train="arn:aws:sagemaker:us-east-1:123456789012:hub-content/mine/DataSet/rows/1.0.0")

    with pytest.raises(ConfigError, match=r"aws.train: the SageMaker SDK takes s3:// addresses"):
        called(data=data)


@pytest.mark.parametrize("target", ["hyperpod", "bedrock"])
def test_other_targets_are_not_the_sdk_s(target: Target):
    require_target(target, "boto3")
    with pytest.raises(UsageError, match=f"starts smtj and serverless, not {target}"):
        require_target(target, "sdk")


def test_a_setting_that_the_hub_s_recipe_lacks_stops_before_anything_is_sent(called: Any, sdk: Sdk, tmp_path: Path):
    def clients(service: str) -> Any:
        raise AssertionError(f"{service} was asked")

    call = called(recipe={"top_k": 5})

    with pytest.raises(UsageError, match="review-1: the SageMaker SDK refuses it: 'top_k' is not a valid") as refused:
        start_through_sdk(call, clients, uploads={DATA.train: tmp_path / "train.jsonl"})
    assert "\n" not in str(refused.value)
    assert any("top_k" in note for note in call.notes)


def test_data_and_prompt_are_there_before_the_job_is_and_its_name_is_the_sdk_s(
    called: Any, sdk: Sdk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    moto = pytest.importorskip("moto")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n")
    seen: list[str] = []
    prompt = "s3://my-bucket/review/review-1/judge.jinja"
    call = msgspec.structs.replace(called("serverless", **RLAIF), files={prompt: b"{{ prompt }}"})
    with moto.mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="my-bucket")
        sdk.before_job = lambda: seen.extend(one["Key"] for one in s3.list_objects_v2(Bucket="my-bucket")["Contents"])

        name = start_through_sdk(call, lambda _: s3, uploads={DATA.train: path})

    assert seen == ["review/review-1/judge.jinja", "train.jsonl"]
    assert name == "review-1-20261130041345"


@pytest.mark.parametrize("error", [ValueError("no such\nmodel"), RoleValidationError("no such\nmodel")])
def test_what_the_sdk_refuses_is_one_line(called: Any, sdk: Sdk, error: Exception):
    sdk.refuses_job = error

    with pytest.raises(UsageError, match=r"^review-1: the SageMaker SDK refuses it: no such model$"):
        start_through_sdk(called(), lambda _: None, uploads={})
