"""`dikast aws train` as a user sees it, on the example, without a cloud."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from dikast.aws.jobs.job import Job, keep
from dikast.aws.jobs.shapes import require_valid
from dikast.cli.main import run
from dikast.rollouts import write_rows

pytest.importorskip("boto3")

EXAMPLE = Path(__file__).parents[2] / "examples" / "contract_review"
AWS: dict[str, Any] = {
    "reward_lambda": "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-contract-review",
    "role": "arn:aws:iam::123456789012:role/dikast",
    "output": "s3://my-bucket/review",
}


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `dikast aws train` on a run file that names the example's own reward and data."""
    monkeypatch.chdir(tmp_path)

    def go(*options: str, aws: dict[str, Any] | None = AWS, **changes: Any) -> int:
        file = {
            "reward": str(EXAMPLE / "reward.yaml"),
            "certificate": str(EXAMPLE / "certificate.json"),
            "policy": "tiny",
            "data": {side: str(EXAMPLE / "data" / f"{side}.jsonl") for side in ("train", "valid", "test")},
            **({"aws": aws} if aws is not None else {}),
            **changes,
        }
        Path("run.yaml").write_text(yaml.safe_dump(file))
        return run(["aws", "train", "run.yaml", *options])

    return go


@pytest.mark.parametrize(
    ("target", "service", "operation"),
    [
        ("smtj", "sagemaker", "CreateTrainingJob"),
        ("bedrock", "bedrock", "CreateModelCustomizationJob"),
    ],
)
def test_the_printed_request_is_one_that_the_service_s_model_takes(
    train: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, target: str, service: str, operation: str
):
    assert train("--target", target, "--dry-run", "--uncertified") == 0

    require_valid(service, operation, json.loads(capsys.readouterr().out))
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_the_validation_rows_are_converted_and_sent_where_a_request_has_a_place_for_them(
    train: Any, capsys: pytest.CaptureFixture[str]
):
    assert train("--target", "smtj", "--name", "a", "--dry-run", "--uncertified") == 0
    smtj = capsys.readouterr()
    assert train("--target", "bedrock", "--name", "b", "--dry-run", "--uncertified") == 0
    bedrock = capsys.readouterr()
    assert train("--target", "hyperpod", "--name", "c", "--dry-run", "--uncertified") == 0
    hyperpod = capsys.readouterr()

    channels = {
        one["ChannelName"]: one["DataSource"]["S3DataSource"] for one in json.loads(smtj.out)["InputDataConfig"]
    }
    assert channels["validation"]["S3Uri"] == "s3://my-bucket/review/a/data/valid.jsonl"
    assert json.loads(bedrock.out)["validationDataConfig"] == {
        "validators": [{"s3Uri": "s3://my-bucket/review/b/data/valid.jsonl"}]
    }
    for told in (smtj, bedrock):
        assert "/data/valid.jsonl" in told.err
        assert "valid.jsonl: 84 rows; Bedrock takes 100 and more" in told.err
    assert "valid.jsonl" not in hyperpod.err


def test_validation_rows_of_the_user_s_own_are_sent_as_they_stand(train: Any, capsys: pytest.CaptureFixture[str]):
    aws = AWS | {"valid": "s3://my-bucket/valid.jsonl"}

    assert train("--target", "bedrock", "--dry-run", "--uncertified", aws=aws) == 0

    told = capsys.readouterr()
    assert json.loads(told.out)["validationDataConfig"]["validators"] == [{"s3Uri": "s3://my-bucket/valid.jsonl"}]
    assert "valid.jsonl" not in told.err


def test_a_dry_run_for_hyperpod_prints_the_recipe_and_the_command(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "hyperpod", "--dry-run", "--uncertified") == 0

    told = capsys.readouterr()
    assert yaml.safe_load(told.out)["run"]["reward_lambda_arn"] == AWS["reward_lambda"]
    assert "hyperpod start-job" in told.err


def test_a_setting_that_is_misspelt_stops_before_anything_is_sent(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "smtj", "--uncertified", aws=AWS | {"recipe": {"max_stepz": 9}}) == 2

    assert "run.yaml: aws.recipe.max_stepz: " in (said := capsys.readouterr().err)
    assert "did you mean 'max_steps'?" in said


def test_a_run_file_without_the_section_says_what_to_add(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "smtj", "--dry-run", "--uncertified", aws=None) == 2

    assert "no section 'aws'; add role, output and reward_lambda" in capsys.readouterr().err


def test_a_judge_without_a_certificate_trains_nothing(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "smtj", "--dry-run", certificate="none.json") == 1

    assert "nobody knows what the judge is worth" in capsys.readouterr().err


def test_a_certificate_of_another_reward_trains_nothing(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "smtj", "--dry-run", reward=str(EXAMPLE / "reward_bedrock.yaml")) == 2

    assert "made for another reward" in capsys.readouterr().err


@pytest.mark.parametrize(("model", "code"), [("nova-2-lite", 2), ("amazon.nova-2-lite-v1:0", 2), ("open-model", 0)])
def test_the_data_has_novas_form_by_whichever_name_nova_is_called(train: Any, model: str, code: int):
    """A column `metadata` means something in Nova's form only."""
    columns = dict.fromkeys(("contract", "playbook", "expert_review"), "text")
    rows = [{"prompt": "Review.", "reference": "ok", **columns, "metadata": 1}]
    write_rows("rows.jsonl", rows)

    data = dict.fromkeys(("train", "valid", "test"), "rows.jsonl")
    assert train("--target", "bedrock", "--dry-run", "--uncertified", aws=AWS | {"model": model}, data=data) == code


def test_an_unknown_key_of_the_section_is_told_with_the_nearest(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "smtj", "--dry-run", "--uncertified", aws=AWS | {"reward_lamda": "x"}) == 2

    assert "did you mean 'reward_lambda'?" in capsys.readouterr().err


def test_rlaif_prints_its_request_and_uploads_the_criteria_as_a_template(
    train: Any, capsys: pytest.CaptureFixture[str]
):
    aws = AWS | {
        "model": "some-open-model",
        "technique": "RLAIF",
        "judge_model": "openai.gpt-oss-120b-1:0",
        "accept_eula": True,
        "base_model": "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/some-model/1.0.0",
        "model_package_group": "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/review",
    }

    evaluators: list[str] = []
    for name in ("first", "second"):
        assert train("--target", "serverless", "--dry-run", "--uncertified", "--name", name, aws=aws) == 0
        told = capsys.readouterr()
        asked = json.loads(told.out)
        require_valid("sagemaker", "CreateTrainingJob", asked)
        assert f"would be uploaded: s3://my-bucket/review/{name}/judge.jinja" in told.err
        evaluators.append(asked["ServerlessJobConfig"]["EvaluatorArn"])
    assert len(set(evaluators)) == 2  # the second job's criteria are not laid over the first's


def test_a_dry_run_through_the_sdk_prints_the_call_without_the_sdk(
    train: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "sagemaker", None)
    aws = AWS | {"recipe": {"lr": 2e-5}}

    assert train("--target", "smtj", "--through", "sdk", "--dry-run", "--uncertified", "--name", "a", aws=aws) == 0

    told = capsys.readouterr()
    asked = json.loads(told.out)
    assert asked["trainer"]["class"] == "sagemaker.train.rlvr_trainer.RLVRTrainer"
    assert asked["trainer"]["arguments"]["hyperparameters"] == {"learning_rate": 2e-5}
    assert asked["train"] == {"wait": False}
    assert "would be uploaded: s3://my-bucket/review/a/data/train.jsonl" in told.err
    assert "recipe.yaml" not in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_missing_sdk_is_one_line(train: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sagemaker.core", None)

    assert train("--target", "smtj", "--through", "sdk", "--uncertified") == 4

    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "error: this needs the extra 'sagemaker'; install it: pip install 'dikast[sagemaker]'"


def test_a_target_that_the_sdk_does_not_start_is_refused(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "hyperpod", "--through", "sdk", "--dry-run", "--uncertified") == 2

    assert capsys.readouterr().err == (
        "error: --through sdk: the SageMaker SDK starts smtj and serverless, not hyperpod; leave it out\n"
    )


def test_a_job_that_is_started_leaves_a_folder_that_the_other_commands_take(
    train: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    moto = pytest.importorskip("moto")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="my-bucket")

        assert train("--target", "smtj", "--uncertified", "--name", "review-1", "-o", "job") == 0

        keys = [one["Key"] for one in s3.list_objects_v2(Bucket="my-bucket")["Contents"]]
    assert capsys.readouterr().out == "review-1\n"
    below = "review/review-1"
    assert keys == [f"{below}/data/train.jsonl", f"{below}/data/valid.jsonl", f"{below}/recipe/recipe.yaml"]
    assert json.loads(Path("job/job.json").read_text())["name"] == "review-1"
    assert {"request.json", "recipe.yaml", "run.json"} <= {path.name for path in Path("job").iterdir()}


def test_a_start_that_is_refused_leaves_no_folder_and_one_that_was_there(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    Path("there").mkdir()

    assert train("--target", "smtj", "--uncertified", "-o", "job") == 4
    assert train("--target", "smtj", "--uncertified", "--name", "a", "-o", "there") == 4
    assert train("--target", "smtj", "--uncertified", "--name", "a", "-o", "there") == 4

    assert capsys.readouterr().err.count("Unable to locate credentials; mend that and run the same command again") == 3
    assert not Path("job").exists()
    assert Path("there", "request.json").is_file()


def test_a_start_whose_answer_is_lost_keeps_what_was_sent(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The service may have taken it: the folder alone tells by which name."""

    class HangsUp(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), HangsUp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        code = train(
            *("--target", "bedrock", "--uncertified", "--name", "review-1", "-o", "job"),
            aws=AWS | {"train": "s3://my-bucket/train.jsonl"},
        )
        server.shutdown()
        thread.join()

    assert code == 4
    assert "Connection was closed" in capsys.readouterr().err
    assert json.loads(Path("job/request.json").read_text())["jobName"] == "review-1"


def test_a_folder_with_a_job_takes_no_second_one(train: Any, capsys: pytest.CaptureFixture[str]):
    keep(Job(target="smtj", name="first", region="us-east-1"), Path("job"))

    assert train("--target", "hyperpod", "--uncertified", "-o", "job") == 2

    assert "job: holds the job 'first' already; follow it with 'dikast aws watch job'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["two words", "../up", "-a", "a" * 64])
def test_a_name_that_is_none_is_told_as_the_option(train: Any, capsys: pytest.CaptureFixture[str], name: str):
    assert train("--target", "hyperpod", "--dry-run", "--uncertified", f"--name={name}") == 2

    assert f"--name {name}: a job's name has letters, digits" in capsys.readouterr().err


def test_what_the_service_would_refuse_is_told_with_the_file_that_says_it(
    train: Any, capsys: pytest.CaptureFixture[str]
):
    assert train("--target", "smtj", "--dry-run", "--uncertified", aws=AWS | {"output": "my-bucket"}) == 2

    assert (
        "error: run.yaml: aws: CreateTrainingJob.OutputDataConfig.S3OutputPath: 'my-bucket'" in capsys.readouterr().err
    )


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf")])
def test_hours_that_are_none_are_told(train: Any, capsys: pytest.CaptureFixture[str], hours: float):
    assert train("--target", "smtj", "--dry-run", "--uncertified", aws=AWS | {"max_hours": hours}) == 2

    assert "run.yaml: aws.max_hours: " in capsys.readouterr().err


def test_what_stands_in_another_region_than_the_job_is_noted(train: Any, capsys: pytest.CaptureFixture[str]):
    assert train("--target", "smtj", "--dry-run", "--uncertified", aws=AWS | {"region": "eu-west-1"}) == 0

    told = capsys.readouterr().err
    assert "note: the reward Lambda stands in us-east-1 and the job in eu-west-1" in told
    assert "note: the published image stands in us-east-1; name the one of eu-west-1 as aws.image" in told
