"""Handlers with the mistakes of the vendor's samples are each caught and named; a good one passes."""

import json
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dikast.aws.verify.checks import Wanted, verify
from dikast.aws.verify.emulator import Emulator, is_installed
from dikast.aws.verify.samples import BUILT_IN
from dikast.aws.verify.targets import InProcessTarget, LocalTarget, package_of
from dikast.cli.main import run

BROKEN = Path(__file__).parents[1] / "broken"
needs_emulator = pytest.mark.skipif(not is_installed(), reason="the Lambda runtime emulator is not installed")


def outcomes(findings) -> dict[str, str]:
    return {finding.check: finding.outcome for finding in findings}


def said_of(findings, check: str) -> str:
    return next(finding.said for finding in findings if finding.check == check and finding.outcome == "failed")


def text_of(turn) -> str:
    content = turn.get("content")
    return content if isinstance(content, str) else "".join(part["text"] for part in content or [])


def good(event, _context):
    """A handler that makes no mistake: its reward is the length of the answer."""
    held = event if isinstance(event, list) else event.get("trajectories", [event])
    rows = []
    for at, sample in enumerate(held):
        turns = sample.get("messages") or [{"role": "user"}]
        answered = turns[-1]["role"] in ("assistant", "nova_assistant")
        score = min(1.0, len(text_of(turns[-1])) / 100) if answered else 0.0
        rows.append({"id": sample.get("id", str(at)), "aggregate_reward_score": score})
    return rows


def verified(handler, **wanted) -> list:
    return list(verify(InProcessTarget(handler, seconds=30), BUILT_IN, Wanted(seconds=30, batch=8, **wanted)))


def test_a_good_handler_passes_every_check():
    found = outcomes(verified(good))

    assert {check for check, outcome in found.items() if outcome != "passed"} == {"cold start"}
    assert len(found) == 16


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("loses_ids", "ids", "carry an id that no sample has, the first '0'"),
        ("dies_with_one", "poisoned sample", "takes the whole batch down"),
        ("scores_failures", "scores", "the boolean True"),
        ("scores_the_first_turn", "form", "the statusCode/body envelope"),
    ],
)
def test_each_mistake_of_the_vendors_samples_is_caught_and_named(name, check, said):
    found = verified(handler_of(name))

    assert said in said_of(found, check)


def test_the_first_turn_in_place_of_the_last_is_caught_once_its_envelope_is_taken():
    found = verified(handler_of("scores_the_first_turn"), envelope=True)

    assert "in place of the last one" in said_of(found, "last turn")


@needs_emulator
def test_a_handler_that_never_gives_up_runs_into_its_time_in_the_emulator(tmp_path):
    package = package_of(BROKEN / "never_gives_up.py", None, None)
    with LocalTarget(package, seconds=1) as target:
        found = list(verify(target, BUILT_IN, Wanted(seconds=1, batch=8, together=2)))

    assert "the judge is asked one by one, or tried again" in said_of(found, "in time")


def test_another_score_for_the_same_event_is_told_unless_tolerated():
    def drifts(event, context):
        rows = good(event, context)
        for row in rows:
            row["aggregate_reward_score"] += time.monotonic() % 0.01
        return rows

    strict, tolerant = (outcomes(verified(drifts, tolerance=allowed))["determinism"] for allowed in (0.0, 0.02))

    assert (strict, tolerant) == ("failed", "passed")


def test_a_sample_that_changes_its_neighbours_is_told():
    def leans(event, context):
        rows = good(event, context)
        for row in rows:
            row["aggregate_reward_score"] /= len(rows)
        return rows

    assert "changes the scores of the samples beside it" in said_of(verified(leans), "poisoned sample")


def test_a_function_that_fails_at_once_is_left_after_the_first_call():
    def broken(_event, _context):
        raise ImportError("no module named boto4")

    [only] = verified(broken)

    assert (only.check, only.outcome) == ("cold start", "failed")
    assert "no module named boto4" in only.said


def test_a_batch_over_the_limit_fails_with_the_number_that_fits():
    heavy = [{**sample, "metadata": {"contract": "x" * 400_000}} for sample in BUILT_IN]
    target = InProcessTarget(good, seconds=30)

    found = list(verify(target, heavy, Wanted(batch=64)))

    assert "15 such samples fit" in said_of(found, "payload")


@needs_emulator
def test_the_emulator_runs_a_handler_with_lambdas_own_client(tmp_path):
    (tmp_path / "app.py").write_text(
        "def handler(event, context):\n"
        "    if event == 'fail':\n"
        "        raise ValueError('no')\n"
        "    return [event, context.function_name, context.get_remaining_time_in_millis() <= 2000]\n"
    )
    with Emulator(package_of(tmp_path / "app.py", None, None), seconds=2) as running:
        answered, failed = running.invoke({"a": 1}), running.invoke("fail")

    assert answered.answer == [{"a": 1}, "SageMaker-local", True]
    assert failed.error == "ValueError: no"


@needs_emulator
def test_the_command_tells_what_failed_and_exits_with_1(capsys):
    code = run(["aws", "verify", str(BROKEN / "loses_ids.py"), "--timeout", "3", "--batch", "8", "--json"])

    told = capsys.readouterr()
    found = {finding["check"]: finding["outcome"] for finding in json.loads(told.out)}
    assert code == 1
    assert found["ids"] == "failed"
    assert "checks failed: ids" in told.err


@pytest.mark.parametrize("target", ["nowhere.zip", "README.md", "arn:aws:s3:::bucket"])
def test_what_is_no_target_is_a_usage_error(target, capsys):
    assert run(["aws", "verify", target]) == 2
    assert "dikast aws build" in capsys.readouterr().err


def test_help_loads_neither_boto3_nor_the_engine():
    code = (
        "import sys; from dikast.cli.main import run; run(['aws', 'verify', '--help']); "
        "print([name for name in ('boto3', 'numpy', 'dikast.reward.engine') if name in sys.modules])"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.splitlines()[-1] == "[]"


def handler_of(name: str):
    return runpy.run_path(str(BROKEN / f"{name}.py"))["lambda_handler"]
