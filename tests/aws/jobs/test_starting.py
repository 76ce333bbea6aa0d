"""Starting a job: what is uploaded and registered before the service is asked, and what its refusals become."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.stub import Stubber

from dikast.aws.calling import told
from dikast.aws.jobs.asked import Data
from dikast.aws.jobs.hub import registration
from dikast.aws.jobs.requests import training_request
from dikast.aws.jobs.starting import register, start
from dikast.errors import UnavailableError, UsageError
from dikast.spec.aws import AwsSpec

moto = pytest.importorskip("moto")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives clients of a cloud in memory, with one bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="my-bucket")
        yield lambda service: boto3.client(service, region_name="us-east-1")


def stored(cloud: Any, key: str) -> bytes:
    return cloud("s3").get_object(Bucket="my-bucket", Key=key)["Body"].read()


def test_data_and_recipe_are_there_before_a_training_job_is(cloud: Any, aws: AwsSpec, tmp_path: Path):
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n")
    place = "s3://my-bucket/review/review-1/data/train.jsonl"
    asked = training_request("smtj", aws, name="review-1", data=Data(train=place))

    name = start(asked, cloud, uploads={place: path})

    assert cloud("sagemaker").describe_training_job(TrainingJobName=name)["RoleArn"] == aws.role
    assert stored(cloud, "review/review-1/data/train.jsonl") == b"{}\n"
    assert stored(cloud, "review/review-1/recipe/recipe.yaml").decode() == asked.recipe


def test_a_bedrock_job_is_known_by_its_arn(cloud: Any, aws: AwsSpec):
    asked = training_request("bedrock", aws, name="review-1", data=Data(train="s3://my-bucket/train.jsonl"))

    arn = start(asked, cloud, uploads={})

    [job] = cloud("bedrock").list_model_customization_jobs()["modelCustomizationJobSummaries"]
    assert (job["jobArn"], job["jobName"]) == (arn, "review-1")


def test_a_hyperpod_job_is_only_made_ready(cloud: Any, aws: AwsSpec, tmp_path: Path):
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n")
    place = "s3://my-bucket/train.jsonl"

    start(training_request("hyperpod", aws, name="r", data=Data(train=place)), cloud, uploads={place: path})

    assert stored(cloud, "train.jsonl") == b"{}\n"
    assert cloud("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []


def test_a_name_that_is_taken_is_told_in_a_line(aws: AwsSpec):
    asked = training_request("smtj", aws, name="review-1", data=Data(train="s3://my-bucket/train.jsonl"))
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    nothing = msgspec.structs.replace(asked, files={})

    with Stubber(client) as stub:
        stub.add_client_error("create_training_job", "ResourceInUse", "taken")
        with pytest.raises(UsageError, match="review-1: AWS answered ResourceInUse: taken"):
            start(nothing, lambda _: client, uploads={})


def test_a_bucket_that_is_not_there_is_told_in_a_line(cloud: Any, aws: AwsSpec, tmp_path: Path):
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n")
    asked = training_request("smtj", aws, name="r", data=Data(train="s3://other-bucket/train.jsonl"))

    with pytest.raises((UsageError, UnavailableError), match=r"upload of .*train\.jsonl: "):
        start(asked, cloud, uploads={"s3://other-bucket/train.jsonl": path})


def test_a_reward_is_registered_in_the_hub_once(aws: AwsSpec):
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    document = registration(aws, "review-1")
    assert document is not None
    arn = "arn:aws:sagemaker:us-east-1:123456789012:hub-content/dikast/JsonDoc/x/1.0.0"

    with Stubber(client) as stub:
        stub.add_client_error("create_hub", "ResourceInUse")
        stub.add_response("import_hub_content", {"HubArn": arn, "HubContentArn": arn}, document.request())
        stub.add_client_error("create_hub", "ResourceInUse")
        stub.add_client_error("import_hub_content", "ResourceInUse")
        register(document, client)
        register(document, client)

    stub.assert_no_pending_responses()


def test_another_function_is_another_document_and_a_named_evaluator_none(aws: AwsSpec, changed: Any):
    other = changed(aws, reward_lambda=f"{aws.reward_lambda}:live")
    first, second = registration(aws, "review-1"), registration(other, "review-1")

    assert first
    assert second
    assert first.name != second.name
    assert registration(changed(aws, evaluator="arn:aws:sagemaker:…"), "review-1") is None


def test_expired_credentials_are_told_as_such():
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")

    with Stubber(client) as stub:
        stub.add_client_error("describe_training_job", "ExpiredTokenException")
        with pytest.raises(UnavailableError, match="renew the credentials"), told("job"):
            client.describe_training_job(TrainingJobName="x")
