"""Requests of jobs: whole, and such that the service's own model as botocore ships it takes them."""

from typing import Any

import boto3
import pytest
import yaml
from botocore.stub import Stubber

from dikast.aws.jobs.asked import Data
from dikast.aws.jobs.evaluations import evaluation_request
from dikast.aws.jobs.published import BEDROCK, Between, OneOf
from dikast.aws.jobs.requests import training_request
from dikast.aws.jobs.shapes import _model, require_valid
from dikast.errors import ConfigError
from dikast.spec.aws import AwsSpec

DATA = Data(train="s3://my-bucket/train.jsonl", valid="s3://my-bucket/valid.jsonl")


@pytest.mark.parametrize("target", ["smtj", "serverless", "bedrock"])
def test_the_request_of_each_target_is_one_that_botocore_sends(aws: AwsSpec, target: Any):
    asked = training_request(target, aws, name="review-1", data=DATA)
    client = boto3.client(asked.service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")

    with Stubber(client) as stub:
        stub.add_response(
            "create_model_customization_job" if target == "bedrock" else "create_training_job",
            {"jobArn": f"arn:aws:bedrock:us-east-1:123456789012:model-customization-job/{'a' * 12}"}
            if target == "bedrock"
            else {"TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/review-1"},
            asked.request,
        )
        call = client.create_model_customization_job if target == "bedrock" else client.create_training_job
        call(**asked.request)

    stub.assert_no_pending_responses()


def test_a_training_job_brings_its_recipe_as_a_channel_and_runs_on_as_many_machines_as_it_says(
    aws: AwsSpec, changed: Any
):
    asked = training_request("smtj", changed(aws, recipe={"replicas": 2, "max_steps": 50}), name="review-1", data=DATA)

    [(place, content)] = asked.files.items()
    [*_, channel] = asked.request["InputDataConfig"]
    assert place == channel["DataSource"]["S3DataSource"]["S3Uri"] + "/recipe.yaml"
    recipe = yaml.safe_load(content)
    assert recipe["run"]["reward_lambda_arn"] == aws.reward_lambda
    assert recipe["training_config"]["rollout"]["rewards"]["api_endpoint"]["lambda_arn"] == aws.reward_lambda
    assert recipe["training_config"]["trainer"]["save_steps"] == 50
    assert asked.request["ResourceConfig"]["InstanceCount"] == recipe["run"]["replicas"] == 2


@pytest.mark.parametrize(
    ("target", "held"), [("bedrock", {"recipe": {"max_steps": 5}}), ("smtj", {"hyperparameters": {"epochCount": 1}})]
)
def test_settings_of_the_other_service_are_told_not_to_be_sent(aws: AwsSpec, changed: Any, target: Any, held: Any):
    [(section, settings)] = held.items()

    asked = training_request(target, changed(aws, **held), name="r", data=DATA)

    assert [note for note in asked.notes if f"aws.{section}" in note and next(iter(settings)) in note]


def test_full_rank_leaves_the_adapter_s_settings_out(aws: AwsSpec, changed: Any):
    asked = training_request("smtj", changed(aws, recipe={"peft_scheme": None}), name="r", data=DATA)

    assert yaml.safe_load(asked.recipe or "")["training_config"]["trainer"]["peft"] == {"peft_scheme": None}


def test_a_hyperpod_job_is_a_recipe_and_the_command_that_starts_it(aws: AwsSpec, changed: Any):
    asked = training_request(
        "hyperpod", changed(aws, recipe={"rollout_worker_replicas": 2}), name="review-1", data=DATA
    )

    assert asked.request == {}
    assert (asked.command or "").startswith("hyperpod start-job --namespace kubeflow --recipe fine-tuning/nova/")
    assert yaml.safe_load(asked.recipe or "")["training_config"]["global_batch_size"] == 256
    assert any("must bear 128 calls at once" in note for note in asked.notes)


def test_hyperpod_refuses_a_function_without_sagemaker_in_its_name(aws: AwsSpec, changed: Any):
    other = changed(aws, reward_lambda="arn:aws:lambda:us-east-1:123456789012:function:review:SageMaker")

    with pytest.raises(ConfigError, match="only functions with SageMaker in their name"):
        training_request("hyperpod", other, name="r", data=DATA)


@pytest.mark.parametrize("target", ["smtj", "hyperpod"])
def test_an_alias_in_the_arn_is_passed_on_and_said_to_be_undocumented(aws: AwsSpec, changed: Any, target: Any):
    qualified = changed(aws, reward_lambda=f"{aws.reward_lambda}:live")

    asked = training_request(target, qualified, name="r", data=DATA)

    assert f"{aws.reward_lambda}:live" in (asked.recipe or "")
    assert any("not documented" in note for note in asked.notes)


def test_a_serverless_job_sends_only_the_settings_that_were_set_under_the_api_s_names(aws: AwsSpec, changed: Any):
    asked = training_request("serverless", changed(aws, recipe={"lr": 1e-5, "alpha": 16}), name="r", data=DATA)

    assert asked.request["HyperParameters"] == {"learning_rate": "1e-05", "lora_alpha": "16"}
    assert "/JsonDoc/SageMaker-review-" in asked.request["ServerlessJobConfig"]["EvaluatorArn"]


def test_a_registered_data_set_is_named_by_its_arn(aws: AwsSpec):
    arn = "arn:aws:sagemaker:us-east-1:123456789012:hub-content/my-hub/DataSet/review/1.0.0"

    asked = training_request("serverless", aws, name="r", data=Data(train=arn))

    assert asked.request["InputDataConfig"][0]["DataSource"] == {"DatasetSource": {"DatasetArn": arn}}


def test_open_weights_are_trained_by_sagemaker_s_own_judge_without_a_lambda(aws: AwsSpec, changed: Any):
    spec = changed(aws, model="qwen-x", technique="RLAIF", reward_lambda=None, judge_model="openai.gpt-oss-120b-1:0")

    request = training_request("serverless", spec, name="r", data=DATA).request

    assert request["ServerlessJobConfig"]["CustomizationTechnique"] == "RLAIF"
    assert request["HyperParameters"] == {"judge_model_id": "bedrock/openai.gpt-oss-120b-1:0"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"role": None}, "aws.role"),
        ({"output": None}, "aws.output: is missing"),
        ({"reward_lambda": None}, "aws.reward_lambda: is missing"),
        ({"base_model": None}, "describe-hub-content"),
        ({"model_package_group": None}, "aws.model_package_group: is missing"),
        ({"accept_eula": False}, "aws.accept_eula"),
        ({"technique": "RLAIF"}, "open-weight models only"),
        ({"technique": "RLAIF", "model": "amazon.nova-2-lite-v1:0:256k"}, "open-weight models only"),
        ({"technique": "RLAIF", "model": "q", "judge_model": "gpt-5"}, "RLAIF asks one of openai.gpt-oss-120b-1:0"),
        (
            {"technique": "RLAIF", "model": "q", "judge_model": "qwen.qwen3-235b-a22b-2507-v1:0"},
            "judges in us-west-2, ap-northeast-1, not in us-east-1",
        ),
        ({"role": "arn:aws:iam::123456789012:user/me"}, "no ARN of a role"),
        ({"model_package_group": "my-group"}, "does not have the form"),
        ({"max_hours": 0}, "MaxRuntimeInSeconds"),
    ],
)
def test_what_a_serverless_job_lacks_is_told(aws: AwsSpec, changed: Any, changes: dict[str, Any], said: str):
    with pytest.raises(ConfigError, match=said):
        training_request("serverless", changed(aws, **changes), name="r", data=DATA)


@pytest.mark.parametrize("target", ["smtj", "hyperpod", "bedrock"])
def test_rlaif_is_not_taken_for_a_job_that_would_ask_the_lambda(aws: AwsSpec, changed: Any, target: Any):
    with pytest.raises(ConfigError, match=r"aws\.technique: .* use --target serverless"):
        training_request(target, changed(aws, technique="RLAIF"), name="r", data=DATA)


@pytest.mark.parametrize("target", ["smtj", "hyperpod"])
def test_these_targets_train_nova_only(aws: AwsSpec, changed: Any, target: Any):
    with pytest.raises(ConfigError, match="trains nova-2-lite, not qwen"):
        training_request(target, changed(aws, model="qwen"), name="r", data=DATA)


def test_bedrock_s_settings_go_under_the_reinforcement_configuration(aws: AwsSpec, changed: Any):
    spec = changed(aws, hyperparameters={"epochCount": 3, "reasoningEffort": "low"}, kms_key=None)

    request = training_request("bedrock", spec, name="r", data=DATA).request

    assert request["customizationConfig"]["rftConfig"] == {
        "graderConfig": {"lambdaGrader": {"lambdaArn": aws.reward_lambda}},
        "hyperParameters": {"epochCount": 3, "reasoningEffort": "low"},
    }
    assert request["customizationType"] == "REINFORCEMENT_FINE_TUNING"


def test_the_bounds_we_hold_bedrock_s_settings_to_are_those_of_its_model():
    shape = _model("bedrock").operation_model("CreateModelCustomizationJob").input_shape
    reinforcement = shape.members["customizationConfig"].members["rftConfig"].members["hyperParameters"].members

    assert {setting.path for setting in BEDROCK} == set(reinforcement)
    for setting in BEDROCK:
        told = reinforcement[setting.path].metadata
        match setting.takes:
            case Between(low=low, high=high):
                assert (told.get("min", 1), told.get("max")) == (low, high)
            case OneOf(values=values):
                assert set(told["enum"]) == set(values)
            case other:
                pytest.fail(f"{setting.path}: {other}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"jobName": "a b"}, "does not have the form"),
        ({"jobName": "a" * 64}, "has a length of 64, and 63 is the most"),
        ({"customizationType": "RFT"}, "'RFT' is none of FINE_TUNING"),
        ({"jobNam": "a"}, "Unknown parameter"),
        ({"trainingDataConfig": {"s3Uri": "https://x"}}, "does not have the form"),
    ],
)
def test_what_the_service_would_refuse_is_refused_here(aws: AwsSpec, changes: dict[str, Any], said: str):
    request = training_request("bedrock", aws, name="r", data=DATA).request

    with pytest.raises(ConfigError, match=said):
        require_valid("bedrock", "CreateModelCustomizationJob", request | changes)


def test_an_evaluation_asks_the_reward_lambda_about_a_checkpoint(aws: AwsSpec):
    asked = evaluation_request("smtj", aws, name="e", model="s3://escrow/checkpoint", data="s3://my-bucket/test.jsonl")

    recipe = yaml.safe_load(asked.recipe or "")
    assert recipe["evaluation"]["task"] == "rft_eval"
    assert recipe["rl_env"] == {"reward_lambda_arn": aws.reward_lambda}
    assert recipe["run"]["model_name_or_path"] == "s3://escrow/checkpoint"
    assert asked.request["HyperParameters"]["base_model_location"] == "s3://escrow/checkpoint"


def test_a_serverless_evaluation_names_the_model_package(aws: AwsSpec):
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/review/1"

    request = evaluation_request("serverless", aws, name="e", model=package, data="s3://my-bucket/t.jsonl").request

    assert request["HyperParameters"] == {"lambda_arn": aws.reward_lambda, "lambda_type": "rft"}
    assert request["ModelPackageConfig"]["SourceModelPackageArn"] == package


def test_bedrock_and_hyperpod_evaluate_elsewhere(aws: AwsSpec):
    with pytest.raises(ConfigError, match="say --target smtj or serverless"):
        evaluation_request("bedrock", aws, name="e", model="nova-2-lite", data="s3://my-bucket/t.jsonl")
