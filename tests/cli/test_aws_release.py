"""`dikast aws release`: the smoke set is asked, scored, and held to the report."""

import asyncio
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from plain_reward import ONE

from dikast.aws.jobs.job import Job, keep
from dikast.cli.aws.release import _answer_and_score, _compare
from dikast.cli.main import run as dikast
from dikast.errors import ConfigError, NotGoodEnoughError
from dikast.evaluate.recorded import recorded_evaluation
from dikast.evaluate.records import Judge
from dikast.records import Rollout, Score
from dikast.report.write import write_report
from dikast.rollouts import read_rows, write_rows
from dikast.spec.run import read_run
from dikast.train.folder import RunFolder


def rollout(number: int) -> Rollout:
    return Rollout(
        id=f"r{number}", group=f"g{number}", prompt=f"Ask {number}", completion="", columns={"contract": "c"}
    )


@pytest.fixture
def run(tmp_path: Path, judged_by: Callable[..., Any], scripted_model: Any) -> RunFolder:
    """A run's folder whose report gives the arm rft a mean reward of 0.6, from 0.5 and 0.7 in turn."""
    reward = judged_by(ONE, scripted_model(0.9))
    pairs = [
        (rollout(at), Score(id=f"r{at}", group=f"g{at}", score=0.5 + 0.2 * (at % 2), status="scored"))
        for at in range(40)
    ]
    judge = Judge(name="scripted:judge", fingerprint="f00d")
    write_report(recorded_evaluation("rft", pairs, reward.spec, judge=judge, certificate_hash=None), tmp_path)
    return RunFolder(tmp_path)


def test_the_deployed_model_answers_and_the_reward_scores_what_it_said(
    judged_by: Callable[..., Any], scripted_model: Any
):
    deployed = scripted_model(lambda request: f"answer to {request.messages[-1].content}")
    reward = judged_by(ONE, scripted_model(0.75))

    answered = asyncio.run(_answer_and_score([rollout(1), rollout(2)], deployed, reward, max_tokens=64))

    assert [one.completion for one, _ in answered] == ["answer to Ask 1", "answer to Ask 2"]
    assert [score for _, score in answered] == [pytest.approx(0.75)] * 2
    assert deployed.closed
    assert deployed.asked[0].max_tokens == 64


def test_a_mean_below_the_report_s_interval_is_not_good_enough(run: RunFolder):
    low = json.loads(run.report.read_text())["arms"]["rft"]["reward"]["low"]

    with pytest.raises(NotGoodEnoughError, match=r"mean reward 0\.\d+ is below rft in the report: 0\.600"):
        _compare(low - 0.01, 8, 8, run, "rft")


def test_a_mean_inside_the_interval_is_told_and_is_no_error(run: RunFolder, capsys: pytest.CaptureFixture[str]):
    _compare(0.6, 8, 8, run, "rft")

    assert "not below rft in the report: 0.600" in capsys.readouterr().err


def test_an_arm_that_the_report_does_not_have_is_told(run: RunFolder):
    with pytest.raises(ConfigError, match="name another arm with --arm"):
        _compare(0.6, 8, 8, run, "other")


def test_without_a_report_the_figure_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    _compare(0.6, 8, 8, RunFolder(tmp_path), "rft")

    assert "no report in" in capsys.readouterr().err


MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/imported/abcdefghijkl"
PLACE = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijkl"


class Bedrock(BaseHTTPRequestHandler):
    """As much of Bedrock as a release needs: a model is imported, deployed, and answers."""

    asked: list[tuple[str, Any]]
    looks: int

    def do_POST(self) -> None:
        path, body = unquote(self.path), json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((path, body))
        if path.endswith("/converse"):
            said = f"answer to {body['messages'][-1]['content'][0]['text']}"
            message = {"role": "assistant", "content": [{"text": said}]}
            usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
            self._send({"output": {"message": message}, "stopReason": "end_turn", "usage": usage})
        elif path.endswith("/create-custom-model"):
            self._send({"modelArn": MODEL}, 202)
        else:
            self._send({"customModelDeploymentArn": PLACE}, 202)

    def do_GET(self) -> None:
        path = unquote(self.path)
        self.asked.append((path, None))
        type(self).looks += 1
        status = "Creating" if self.looks % 2 else "Active"
        if "deployments" in path:
            about = {"customModelDeploymentArn": PLACE, "modelDeploymentName": "job", "modelArn": MODEL}
            self._send(about | {"createdAt": "2026-11-30T00:00:00Z", "status": status})
        else:
            about = {"modelArn": MODEL, "modelName": "job", "creationTime": "2026-11-30T00:00:00Z"}
            self._send(about | {"modelStatus": status})

    def _send(self, answer: Any, status: int = 200) -> None:
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def bedrock() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A Bedrock on loopback: its address, and what it was asked."""
    asked: list[tuple[str, Any]] = []
    handler = type("Handler", (Bedrock,), {"asked": asked, "looks": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bedrock: tuple[str, Any]) -> Iterator[Path]:
    """The folder of a completed SageMaker job with its checkpoint, and verdicts on what the released model will say."""
    moto = pytest.importorskip("moto")
    import boto3

    from dikast.aws.jobs import releasing

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(releasing, "EVERY_S", 0.01)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL_BEDROCK": bedrock[0],
    }.items():
        monkeypatch.setenv(name, value)
    write_rows("smoke.jsonl", [{"id": f"s{at}", "prompt": f"Ask {at}", "contract": "c"} for at in range(4)])
    write_rows("verdicts.jsonl", [{"id": f"s{at}", "verdicts": {"good": 0.25 * at}} for at in range(4)])
    Path("reward.yaml").write_text(ONE.replace("scripted:judge", "recorded:verdicts.jsonl"))
    aws = {"role": "arn:aws:iam::123456789012:role/dikast", "output": "s3://my-bucket/out"}
    data = dict.fromkeys(("train", "valid", "test"), "smoke.jsonl")
    Path("run.yaml").write_text(json.dumps({"reward": "reward.yaml", "policy": "tiny", "data": data, "aws": aws}))
    RunFolder(Path("job")).begin(read_run(Path("run.yaml")))
    keep(Job(target="smtj", name="review-1", region="us-east-1", output="s3://my-bucket/out"), Path("job"))
    with moto.mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="my-bucket")
        manifest = json.dumps({"checkpoint_s3_bucket": "s3://escrow/checkpoint"}).encode()
        s3.put_object(Bucket="my-bucket", Key="out/review-1/manifest.json", Body=manifest)
        boto3.client("sagemaker", region_name="us-east-1").create_training_job(
            TrainingJobName="review-1",
            RoleArn=aws["role"],
            AlgorithmSpecification={"TrainingImage": "i", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": aws["output"]},
            ResourceConfig={"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )
        yield Path("job")


def test_a_completed_job_is_imported_deployed_asked_and_scored_and_each_is_done_once(
    job: Path, bedrock: tuple[str, list[tuple[str, Any]]], capsys: pytest.CaptureFixture[str]
):
    address, asked = bedrock
    command = ["aws", "release", str(job), "--smoke", "smoke.jsonl", "--endpoint", address, "--yes"]

    assert dikast(command) == 0
    first = capsys.readouterr()
    assert dikast(command) == 0

    [made] = [body for path, body in asked if path.endswith("/create-custom-model")]
    assert made["modelSourceConfig"] == {"s3DataSource": {"s3Uri": "s3://escrow/checkpoint"}}
    assert (made["modelName"], made["roleArn"]) == ("job", "arn:aws:iam::123456789012:role/dikast")
    [deployment] = [body for path, body in asked if path.endswith("/custom-model-deployments")]
    assert deployment["modelArn"] == MODEL
    assert {path for path, _ in asked if path.endswith("/converse")} == {f"/model/{PLACE}/converse"}
    assert first.out == f"{PLACE}\n"
    assert "smoke set: mean reward 0.375 of 4 scored answers, 4 asked" in first.err
    assert {row["completion"] for _, row in read_rows(job / "smoke.jsonl")} == {
        f"answer to Ask {at}" for at in range(4)
    }


def test_where_nobody_answers_nothing_is_imported(
    job: Path,
    bedrock: tuple[str, list[tuple[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert dikast(["aws", "release", str(job)]) == 0

    assert "nothing was imported; --yes asks nobody" in capsys.readouterr().out
    assert not any(path.endswith("/create-custom-model") for path, _ in bedrock[1])


def test_a_smoke_set_that_cannot_be_asked_is_told_before_anything_is_deployed(
    job: Path, bedrock: tuple[str, list[tuple[str, Any]]], capsys: pytest.CaptureFixture[str]
):
    assert dikast(["aws", "release", str(job), "--smoke", "none.jsonl", "--yes"]) == 2

    assert "none.jsonl: no such file" in capsys.readouterr().err
    assert not any(path.endswith("/create-custom-model") for path, _ in bedrock[1])


def test_a_released_model_below_the_report_s_interval_ends_with_1(
    job: Path, bedrock: tuple[str, Any], run: RunFolder, capsys: pytest.CaptureFixture[str]
):
    (job / "report.json").write_bytes(run.report.read_bytes())

    assert dikast(["aws", "release", str(job), "--smoke", "smoke.jsonl", "--endpoint", bedrock[0], "--yes"]) == 1

    assert "the deployed model's mean reward 0.375 is below rft in the report: 0.600" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["release", "nofolder"], "nofolder: no such folder"),
        (["release", "."], "holds no job.json"),
        (["watch", "no_such_job"], "no_such_job: neither a job's folder"),
        (["watch", "runs/none"], "runs/none: neither a job's folder"),
    ],
)
def test_a_wrong_folder_or_name_is_told_before_credentials_are_asked_for(
    command: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)

    assert dikast(["aws", *command]) == 2

    assert said in capsys.readouterr().err
