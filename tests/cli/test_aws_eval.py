"""`dikast aws eval`: an evaluation's request, and a finished job's rows read back for report and review."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from dikast.aws.jobs.shapes import require_valid
from dikast.cli.main import run
from dikast.evaluate.logged import phases_of
from dikast.evaluate.store import read_evaluation
from dikast.journal import Journal
from dikast.rollouts import read_rows, write_rows
from dikast.spec.reward import read_reward
from dikast.web.review.units import units_of_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "contract_review"
AWS = {
    "reward_lambda": "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-contract-review",
    "role": "arn:aws:iam::123456789012:role/dikast",
    "output": "s3://my-bucket/review",
    "test": "s3://my-bucket/test.jsonl",
}


@pytest.fixture
def run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "reward": str(EXAMPLE / "reward.yaml"),
                "certificate": str(EXAMPLE / "certificate.json"),
                "policy": "tiny",
                "data": {side: str(EXAMPLE / "data" / f"{side}.jsonl") for side in ("train", "valid", "test")},
                "aws": AWS,
            }
        )
    )
    return path


def row_of(number: int, test: dict[str, Any], **metrics: float) -> dict[str, Any]:
    """A row of an evaluation: the container's own id, parts of content, the Lambda's row passed through as a text."""
    answer = {
        "id": f"container-{number}",
        "aggregate_reward_score": 0.75,
        "metrics_list": [{"name": name, "value": value, "type": "Metric"} for name, value in metrics.items()],
    }
    turns = [*test["prompt"], {"role": "nova_assistant", "content": test["reference"]}]
    messages = [{"role": turn["role"], "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]
    return {"id": f"container-{number}", "messages": messages, "reward": json.dumps([answer])}


def test_an_evaluation_is_printed_as_a_request_that_the_service_s_model_takes(
    run_file: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["aws", "eval", str(run_file), "--model", "s3://escrow/checkpoint", "--dry-run"]) == 0

    require_valid("sagemaker", "CreateTrainingJob", json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("target", "model", "said"),
    [
        ("smtj", "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1", "the s3:// address of its checkpoint"),
        ("smtj", "my-model", "the s3:// address of its checkpoint"),
        ("serverless", "s3://escrow/checkpoint", "the ARN of its model package"),
    ],
)
def test_a_model_that_the_target_would_pass_over_is_refused(
    run_file: Path, capsys: pytest.CaptureFixture[str], target: str, model: str, said: str
):
    """The base model was evaluated in its place."""
    assert run(["aws", "eval", str(run_file), "--target", target, "--model", model, "--dry-run"]) == 2

    assert said in capsys.readouterr().err


def test_rows_can_be_read_back_into_one_folder_twice(run_file: Path):
    test = next(row for _, row in read_rows(EXAMPLE / "data" / "test.jsonl"))
    write_rows(Path("left.jsonl"), [row_of(0, test)])

    for _ in range(2):
        assert run(["aws", "eval", str(run_file), "--read", "left.jsonl", "-o", "job"]) == 0


def test_rows_of_a_finished_job_become_a_journal_a_report_and_units_to_review(run_file: Path):
    tests = [row for _, row in read_rows(EXAMPLE / "data" / "test.jsonl")][:4]
    good = {"same_point": 1.0, "quotes_contract": 1.0, "gate:json": 1.0, "missing": 0.0, "gated": 0.0}
    rows = [row_of(number, test, **good) for number, test in enumerate(tests[:2])]
    rows.append(row_of(2, tests[2], **{"missing": 1.0, "missing:timeout": 1.0, "gated": 0.0}))
    rows.append(row_of(3, tests[3], **{"gate:json": 0.0, "missing": 0.0, "gated": 1.0}))
    write_rows(Path("left.jsonl"), [*rows, {"something": "else"}])
    with tarfile.open("output.tar.gz", "w:gz") as archive:
        archive.add("left.jsonl")

    assert run(["aws", "eval", str(run_file), "--read", "output.tar.gz", "-o", "job"]) == 0

    scores = Journal.open(Path("job/journal.db"))
    kept = [json.loads(one.score) for one in scores.scores("aws")]
    scores.close()
    assert [one["status"] for one in kept] == ["scored", "scored", "missing", "gated"]
    assert [one["score"] for one in kept] == [0.75, 0.75, None, 0.75]
    assert [one["missing"] for one in kept] == [None, None, "timeout", None]
    report = json.loads(Path("job/report.json").read_text())
    assert report["arms"]["rft"]["reward"]["n"] == 3
    assert report["arms"]["rft"]["json_validity"]["value"] == 1.0
    assert Path("job/report.html").is_file()
    units, _ = units_of_run(read_reward(EXAMPLE / "reward.yaml"), Path("job"), read_evaluation(Path("job")))
    assert units


def test_the_log_of_a_lambda_gives_the_rollouts_of_a_training_with_all_parts(run_file: Path):
    test = next(row for _, row in read_rows(EXAMPLE / "data" / "test.jsonl"))
    part = {"name": "same_point", "kind": "criterion", "value": None, "weight": 1.0, "missing": "timeout"}
    sample = {
        "id": "a",
        "score": None,
        "status": "missing",
        "detail": "too slow",
        "parts": [part],
        "prompt": test["prompt"],
        "completion": test["reference"],
    }
    line = {"message": json.dumps({"message": "event scored", "samples": [sample]}), "timestamp": 1}
    write_rows(Path("log.jsonl"), [line, {"message": "START RequestId"}])

    assert run(["aws", "eval", str(run_file), "--read", "log.jsonl", "-o", "job"]) == 0

    [answer] = read_evaluation(Path("job")).answers
    assert (answer.score.missing, answer.score.parts[0].missing) == ("timeout", "timeout")


def sample_of(number: int, test: dict[str, Any], score: float) -> dict[str, Any]:
    """A sample of the Lambda's log."""
    part = {"name": "same_point", "kind": "criterion", "value": score, "weight": 1.0, "reason": f"seen {number}"}
    texts = {"prompt": test["prompt"], "completion": test["reference"]}
    return {"id": f"sample-{number}", "score": score, "status": "scored", "parts": [part], **texts}


def logged(*samples: dict[str, Any]) -> dict[str, Any]:
    return {"message": json.dumps({"message": "event scored", "samples": list(samples)}), "timestamp": 1}


def test_what_is_read_back_again_leaves_nothing_of_what_was_read_before(run_file: Path):
    tests = [row for _, row in read_rows(EXAMPLE / "data" / "test.jsonl")][:3]
    write_rows(Path("first.jsonl"), [logged(*(sample_of(at, test, 0.5) for at, test in enumerate(tests)))])
    write_rows(Path("second.jsonl"), [logged(sample_of(9, tests[0], 0.25))])

    assert run(["aws", "eval", str(run_file), "--read", "first.jsonl", "-o", "job"]) == 0
    assert run(["aws", "eval", "job", "--read", "second.jsonl"]) == 0

    journal = Journal.look(Path("job/journal.db"))
    kept = [json.loads(one.score) for one in journal.scores("aws")]
    journal.close()
    assert [(one["id"], one["score"]) for one in kept] == [("sample-9", 0.25)]


def test_the_journal_names_the_reward_that_the_lambda_says_it_had(run_file: Path, capsys: pytest.CaptureFixture[str]):
    test = next(row for _, row in read_rows(EXAMPLE / "data" / "test.jsonl"))
    event = {"message": "event scored", "reward_hash": "f00d" * 16, "samples": [sample_of(0, test, 0.5)]}
    write_rows(Path("log.jsonl"), [{"message": json.dumps(event)}])

    assert run(["aws", "eval", str(run_file), "--read", "log.jsonl", "-o", "job"]) == 0

    assert "scored by another reward (f00df00d)" in capsys.readouterr().err
    journal = Journal.look(Path("job/journal.db"))
    [phase] = phases_of(journal)
    journal.close()
    assert [one.reward_hash for one in phase.scored_by] == ["f00d" * 16]


def test_half_a_surrogate_in_what_a_policy_wrote_is_read_back_as_a_question_mark(run_file: Path):
    test = next(row for _, row in read_rows(EXAMPLE / "data" / "test.jsonl"))
    sample = sample_of(0, test, 0.5) | {"completion": "half \ud800 of it"}
    Path("log.jsonl").write_text(json.dumps(logged(sample)) + "\n")

    assert run(["aws", "eval", str(run_file), "--read", "log.jsonl", "-o", "job"]) == 0

    [answer] = read_evaluation(Path("job")).answers
    assert answer.completion == "half ? of it"


OTHER = """
name: other
objective: Judge the comments.
range: [0, 1]
inputs: {TargetDocument: contract, ExpertReview: expert_review}
items: comments
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: same_point, ask: "Does the comment make the same point as the review?"}
"""


def test_a_finished_job_is_replayed_with_another_reward_and_reviewed_and_evaluated_all_the_same(
    run_file: Path, capsys: pytest.CaptureFixture[str]
):
    tests = [row for _, row in read_rows(EXAMPLE / "data" / "test.jsonl")][:3]
    samples = [sample_of(at, tests[at // 2], at / 10) for at in range(6)]
    write_rows(Path("log.jsonl"), [logged(*samples[:4]), {"message": "START RequestId"}, logged(*samples[4:])])
    Path("other.yaml").write_text(OTHER)
    verdicts = [{"id": one["id"], "item": 0, "verdicts": {"same_point": 1 - one["score"]}} for one in samples]
    write_rows(Path("verdicts.jsonl"), verdicts)
    assert run(["aws", "eval", str(run_file), "--read", "log.jsonl", "-o", "job"]) == 0
    report = Path("job/report.json").read_bytes()
    capsys.readouterr()

    assert run(["replay", "job", "other.yaml", "--json", "-o", "scores.jsonl"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["phase"], found["rollouts"], found["groups"], found["steps"]) == ("aws", 6, 3, 1)
    assert [one["reward"] for one in found["then"]] == ["contract-review"]
    assert found["order"]["swapped"]["value"] == 1.0
    assert found["mean"]["difference"]["value"] == pytest.approx(0.75 - 0.25)
    assert found["rise"] is None
    assert "all rollouts are logged as of one step" in found["verdict"][-1]
    assert found["changes"][0]["id"] == "sample-0"
    assert found["changes"][0]["part"] == {"name": "same_point", "then": 0.0, "now": 1.0, "reason": "seen 0"}
    assert [row["id"] for _, row in read_rows(Path("scores.jsonl"))] == [one["id"] for one in samples]
    units, _ = units_of_run(read_reward(EXAMPLE / "reward.yaml"), Path("job"), read_evaluation(Path("job")))
    assert units
    assert run(["eval", "job"]) == 0
    assert json.loads(Path("job/report.json").read_bytes())["arms"] == json.loads(report)["arms"]


def test_a_file_without_answers_is_told_in_a_line(run_file: Path, capsys: pytest.CaptureFixture[str]):
    write_rows(Path("left.jsonl"), [{"something": "else"}])

    assert run(["aws", "eval", str(run_file), "--read", "left.jsonl", "-o", "job"]) == 2

    assert "no row with an answer and its score" in capsys.readouterr().err
