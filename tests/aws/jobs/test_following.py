"""Following a job: the trainer's lines in our words, the service's states, and where a model is found in the end."""

import datetime
import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from plain_reward import ONE

from dikast.aws.jobs.following import TRAINING_LOGS, rows_of, state_of
from dikast.aws.jobs.job import Job, job_named, keep
from dikast.aws.jobs.metrics import rows_in_log, rows_in_table
from dikast.aws.jobs.releasing import deployed, imported, trained
from dikast.aws.telemetry import SERVICE
from dikast.cli.aws.watch import _coverage, follow
from dikast.errors import NotGoodEnoughError, UsageError
from dikast.spec.reward import read_reward
from dikast.spec.run import read_run
from dikast.train.folder import RunFolder

moto = pytest.importorskip("moto")
LINE = (
    "(TaskRunner pid=1) step:{step} - global_step:{step} - critic/rewards/mean:{reward} - critic/rewards/max:1.0 - "
    "actor/entropy:{entropy} - actor/pg_loss:-0.01 - response_length/mean:{length} - response_length/max:900.0 - "
    "response/aborted_ratio:0.0 - perf/time_per_step:61.5 - something/else:7"
)
BEDROCK_JOB = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-2-lite-v1:0.abc/j1"


def keys(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="my-bucket")
        yield lambda service: boto3.client(service, region_name="us-east-1")


def logged(cloud: Any, job: str, *lines: str) -> None:
    logs = cloud("logs")
    logs.create_log_group(logGroupName=TRAINING_LOGS)
    logs.create_log_stream(logGroupName=TRAINING_LOGS, logStreamName=f"{job}/algo-1")
    events = [{"timestamp": int(time.time() * 1000) + at, "message": line} for at, line in enumerate(lines)]
    logs.put_log_events(logGroupName=TRAINING_LOGS, logStreamName=f"{job}/algo-1", logEvents=events)


def create_job(cloud: Any) -> None:
    cloud("sagemaker").create_training_job(
        TrainingJobName="review-1",
        RoleArn="arn:aws:iam::123456789012:role/dikast",
        AlgorithmSpecification={"TrainingImage": "i", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://my-bucket/out"},
        ResourceConfig={"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )


def test_a_line_of_the_trainer_becomes_a_row_of_a_local_log():
    [row] = rows_in_log(["noise", LINE.format(step=3, reward=0.41, entropy=0.9, length=120.5), "no step: here"])

    assert row == {
        "step": 3,
        "reward": 0.41,
        "reward/max": 1.0,
        "entropy": 0.9,
        "loss": -0.01,
        "completions/mean_length": 120.5,
        "completions/max_length": 900.0,
        "aborted": 0.0,
        "seconds_step": 61.5,
    }


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("global_step=7 train_rm_score: 0.25", {"step": 7, "reward": 0.25}),
        ("global_step: 7, critic/rewards/mean=1.5e-2", {"step": 7, "reward": 0.015}),
    ],
)
def test_the_other_spellings_of_a_line_are_read_too(line: str, row: dict[str, Any]):
    assert list(rows_in_log([line])) == [row]


def test_a_figure_that_is_no_number_is_left_out():
    assert list(rows_in_log(["global_step:1 critic/rewards/mean:... actor/entropy:0.5"])) == [
        {"step": 1, "entropy": 0.5}
    ]


def test_bedrock_s_table_gives_the_same_rows():
    table = "step_number,critic_rewards_mean,actor_entropy,other\n1,0.2,0.9,x\n2,nan,0.8,x\n"

    assert list(rows_in_table(table)) == [{"step": 1, "reward": 0.2, "entropy": 0.9}, {"step": 2, "entropy": 0.8}]


def test_watching_prints_steps_warns_once_and_keeps_them_for_the_report(
    cloud: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    create_job(cloud)
    lengths = (100.0, 150.0, 240.0, 250.0)
    lines = [LINE.format(step=at, reward=0.4, entropy=0.9, length=long) for at, long in enumerate(lengths, 1)]
    logged(cloud, "review-1", *lines)
    job, folder = Job(target="smtj", name="review-1", region="us-east-1"), RunFolder(tmp_path)

    follow(job, cloud, folder=folder, once=True, every=1)
    follow(job, cloud, folder=folder, once=True, every=1)

    told = capsys.readouterr()
    assert told.out.splitlines() == [f"step {at} loss -0.010 reward 0.400 62 s" for at in (1, 2, 3, 4)]
    assert told.err.count("over twice as long as at first") == 1
    assert "review-1: Completed" in told.err
    assert len(folder.log("rl").read_bytes().splitlines()) == 4


def told_by_the_lambda(cloud: Any, reward: str, **sums: float) -> None:
    """What CloudWatch makes of the Lambda's embedded metrics."""
    dimensions = [{"Name": "service", "Value": SERVICE}, {"Name": "reward_file", "Value": reward}]
    metrics = [
        {"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": datetime.datetime.now(datetime.UTC)}
        for name, value in sums.items()
    ]
    cloud("cloudwatch").put_metric_data(Namespace="dikast", MetricData=metrics)


def test_watching_a_folder_tells_the_share_of_missing_scores_and_warns_once(
    cloud: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "reward.yaml").write_text(ONE)
    data = dict.fromkeys(("train", "valid", "test"), "rows.jsonl")
    (tmp_path / "rows.jsonl").write_text("{}\n")
    (tmp_path / "run.yaml").write_text(json.dumps({"reward": "reward.yaml", "policy": "tiny", "data": data}))
    job, folder = Job(target="smtj", name="review-1", region="us-east-1"), RunFolder(tmp_path / "job")
    folder.begin(read_run(tmp_path / "run.yaml"))
    keep(job, folder.path)
    create_job(cloud)

    follow(job, cloud, folder=folder, once=True, every=1)
    before = capsys.readouterr().err
    told_by_the_lambda(cloud, read_reward(tmp_path / "reward.yaml").file.name, rollouts=80, missing=10)
    told_by_the_lambda(cloud, "another", rollouts=1000, missing=0)
    follow(job, cloud, folder=folder, once=True, every=1)

    assert "missing scores: not known, no Lambda of the reward" in before
    told = capsys.readouterr().err
    assert "missing scores: 10 of 80 (12.5%), says the reward Lambda" in told
    assert told.count("12.5% of the scores are missing; look at the judge") == 1


def test_who_may_not_read_metrics_follows_the_job_all_the_same():
    cloudwatch = keys("cloudwatch")

    with Stubber(cloudwatch) as stub:
        stub.add_client_error("get_metric_statistics", "AccessDenied", "not allowed", 403)
        found = _coverage("review", datetime.datetime.now(datetime.UTC), lambda _: cloudwatch, "dikast")

    assert isinstance(found, str)
    assert found.startswith("missing scores: not known (metrics of review: AWS answered AccessDenied")


def test_a_job_without_a_log_yet_has_no_steps(cloud: Any):
    assert rows_of(Job(target="smtj", name="review-1", region="us-east-1"), cloud) == []


def test_the_steps_of_a_bedrock_job_come_from_the_table_below_its_output(cloud: Any):
    body = b"step_number,critic_rewards_mean\n1,0.2\n"
    cloud("s3").put_object(
        Bucket="my-bucket", Key="out/job-j1/training_artifacts/step_wise_training_metrics.csv", Body=body
    )
    cloud("s3").put_object(Bucket="my-bucket", Key="out/job-j2/step_wise_training_metrics.csv", Body=b"step\n1\n")

    rows = rows_of(Job(target="bedrock", name=BEDROCK_JOB, region="us-east-1", output="s3://my-bucket/out"), cloud)

    assert rows == [{"step": 1, "reward": 0.2}]


def test_a_failed_bedrock_job_ends_the_watch_with_its_reason():
    bedrock = keys("bedrock")
    answer = {
        "jobArn": BEDROCK_JOB,
        "jobName": "j1",
        "outputModelName": "m",
        "roleArn": "arn:aws:iam::123456789012:role/dikast",
        "creationTime": 0,
        "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0:256k",
        "trainingDataConfig": {"s3Uri": "s3://my-bucket/t.jsonl"},
        "validationDataConfig": {"validators": []},
        "outputDataConfig": {"s3Uri": "s3://my-bucket/out"},
        "status": "Failed",
        "failureMessage": "the Lambda timed out",
    }
    job = Job(target="bedrock", name=BEDROCK_JOB, region="us-east-1")

    with Stubber(bedrock) as stub:
        stub.add_response("get_model_customization_job", answer, {"jobIdentifier": BEDROCK_JOB})
        state = state_of(job, lambda _: bedrock)
        stub.add_response("get_model_customization_job", answer)
        with pytest.raises(NotGoodEnoughError, match="Failed"):
            trained(job, lambda _: bedrock)

    assert state.ended
    assert (state.status, state.detail) == ("Failed", "the Lambda timed out")


def test_a_hyperpod_job_needs_its_cluster_s_log_group():
    with pytest.raises(UsageError, match="--log-group"):
        rows_of(Job(target="hyperpod", name="r", region="us-east-1"), keys)


def test_a_job_is_found_by_its_folder_its_arn_or_its_name(tmp_path: Path):
    kept = Job(target="serverless", name="review-1", region="us-west-2", output="s3://my-bucket/out")
    keep(kept, tmp_path)

    assert job_named(str(tmp_path)) == kept
    assert job_named(BEDROCK_JOB) == Job(target="bedrock", name=BEDROCK_JOB, region="us-east-1")
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/review-1"
    assert job_named(arn) == Job(target="smtj", name="review-1", region="eu-west-1")
    assert job_named("review-1", region="us-west-2") == Job(target="smtj", name="review-1", region="us-west-2")


@pytest.mark.parametrize("text", ["runs/none", "arn:aws:s3:::bucket", "my_run", "run.yaml"])
def test_what_is_no_job_is_told(text: str):
    with pytest.raises(UsageError, match="neither a job's folder, nor the ARN or the name"):
        job_named(text)


@pytest.mark.parametrize("form", ["manifest.json", "output/output/manifest.json", "output/output.tar.gz"])
def test_the_checkpoint_is_found_wherever_the_platform_writes_its_manifest(cloud: Any, form: str):
    manifest = json.dumps({"checkpoint_s3_bucket": "s3://escrow/checkpoint"}).encode()
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        archive.addfile(entry, io.BytesIO(manifest))
    body = held.getvalue() if form.endswith("gz") else manifest
    cloud("s3").put_object(Bucket="my-bucket", Key=f"out/r/{form}", Body=body)

    made = trained(Job(target="hyperpod", name="r", region="us-east-1", output="s3://my-bucket/out"), cloud)

    assert made == "s3://escrow/checkpoint"


def test_a_checkpoint_is_imported_and_deployed_when_bedrock_is_done_with_each():
    bedrock = keys("bedrock")
    model = "arn:aws:bedrock:us-east-1:123456789012:custom-model/imported/abcdefghijkl"
    place = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijkl"
    role = "arn:aws:iam::123456789012:role/dikast"
    pauses: list[float] = []

    def is_model(status: str) -> dict[str, Any]:
        return {"modelArn": model, "modelName": "review", "creationTime": 0, "modelStatus": status}

    def is_deployment(status: str) -> dict[str, Any]:
        name = {"customModelDeploymentArn": place, "modelDeploymentName": "review", "modelArn": model}
        return {**name, "createdAt": 0, "status": status}

    with Stubber(bedrock) as stub:
        stub.add_response("create_custom_model", {"modelArn": model})
        stub.add_response("get_custom_model", is_model("Creating"))
        stub.add_response("get_custom_model", is_model("Active"))
        stub.add_response("create_custom_model_deployment", {"customModelDeploymentArn": place})
        stub.add_response("get_custom_model_deployment", is_deployment("Active"))
        arn = imported("s3://escrow/checkpoint", name="review", role=role, bedrock=bedrock, pause=pauses.append)
        assert deployed(arn, name="review", bedrock=bedrock, pause=pauses.append) == place

        stub.add_response("create_custom_model", {"modelArn": model})
        stub.add_response("get_custom_model", is_model("Failed"))
        with pytest.raises(NotGoodEnoughError, match="Failed"):
            imported("s3://escrow/checkpoint", name="review", role=role, bedrock=bedrock, pause=pauses.append)

    assert len(pauses) == 1
    assert imported(model, name="review", role=None, bedrock=None) == model
