"""The handler as Lambda runs it: the vendor's emulator and runtime client, boto3, and a Bedrock on loopback."""

import importlib.util
import json
import sys
import threading
import types
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dikast.aws.verify.emulator import Emulator, Package, is_installed
from dikast.aws.verify.samples import raw, read_samples
from dikast.aws.verify.targets import HANDLER
from dikast.cli.main import run
from dikast.rollouts import write_rows

pytest.importorskip("boto3")
pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="the Lambda runtime emulator is not installed"),
    pytest.mark.usefixtures("aws_credentials"),
]


def package(folder: Path) -> Package:
    return Package(folder=folder, handler=HANDLER, python_path=tuple(filter(None, sys.path)))


@pytest.fixture
def rollouts(tmp_path, contract_rows) -> Path:
    """Twelve rollouts of four clauses."""
    path = tmp_path / "rollouts.jsonl"
    write_rows(path, contract_rows[:12])
    return path


def test_the_contract_review_example_is_scored_in_the_emulator(contract_package, rollouts):
    samples = read_samples(rollouts, 12)
    with Emulator(package(contract_package()), seconds=30) as running:
        reply = running.invoke(samples)
        log = running.log()

    assert reply.error is None, log
    assert [row["id"] for row in reply.answer] == [sample["id"] for sample in samples]
    scores = [row["aggregate_reward_score"] for row in reply.answer]
    assert all(0 <= score <= 1 for score in scores)
    assert len(set(scores)) > 2
    metrics = {entry["name"] for row in reply.answer for entry in row["metrics_list"]}
    assert {"same_point", "quotes_contract", "missing", "gated"} <= metrics
    told = [json.loads(line) for line in log.splitlines() if line.startswith('{"_aws"')]
    assert told[0]["rollouts"] == [12.0]
    assert told[0]["missing"] == [0.0]


def test_verify_passes_on_the_contract_review_example(contract_package, rollouts, capsys):
    code = run(
        ["aws", "verify", str(contract_package()), str(rollouts), "--timeout", "30", "--together", "2", "--json"]
    )

    told = capsys.readouterr()
    assert {one["check"]: one["said"] for one in json.loads(told.out) if one["outcome"] == "failed"} == {}
    assert code == 0


def test_every_row_comes_back_in_time_while_bedrock_throttles(contract_package, rollouts):
    samples = read_samples(rollouts, 12)
    with Emulator(package(contract_package("--throttled", "0.3", "--latency", "0.1")), seconds=20) as running:
        reply = running.invoke(samples)

    assert reply.error is None
    assert [row["id"] for row in reply.answer] == [sample["id"] for sample in samples]
    assert reply.seconds < 20


def test_a_judge_that_never_answers_leaves_whole_answers_in_time_again_and_again(contract_package, rollouts):
    samples = read_samples(rollouts, 12)
    with Emulator(package(contract_package("--latency", "60")), seconds=3) as running:
        replies = [running.invoke(samples) for _ in range(2)]

    for reply in replies:
        assert reply.error is None
        assert len(reply.answer) == 12
        assert reply.seconds < 3
        told = {entry["value"] for row in reply.answer for entry in row["metrics_list"] if entry["name"] == "missing"}
        assert 1.0 in told


def test_a_reward_that_cannot_be_opened_says_why_in_the_answer(contract_package, rollouts):
    folder = contract_package()
    (folder / "comments.schema.json").unlink()
    with Emulator(package(folder), seconds=30) as running:
        reply = running.invoke(read_samples(rollouts, 2))

    assert reply.error
    assert "comments.schema.json" in reply.error


def test_garbage_is_collected_again_after_the_first_event(contract_package):
    folder = contract_package()
    (folder / "app.py").write_text(
        "import gc\n"
        "from dikast.aws.handler import handler as scored\n"
        "def handler(event, context):\n"
        "    before = gc.isenabled()\n"
        "    scored(event, context)\n"
        "    return [before, gc.isenabled()]\n"
    )
    there = Package(folder=folder, handler="app.handler", python_path=tuple(filter(None, sys.path)))
    with Emulator(there, seconds=30) as running:
        reply = running.invoke([{"messages": []}])

    assert reply.answer == [False, True]


def test_the_vendors_own_verifier_passes(contract_package, rollouts, monkeypatch):
    verify = vendors_verifier(monkeypatch)
    samples = read_samples(rollouts, 4)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-review"
    with Emulator(package(contract_package()), seconds=30) as running, deployed(running) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        answered = verify.verify_reward_function(arn, samples)
        not_yet = verify.verify_reward_function(arn, [raw(sample) for sample in samples[:3]])

    assert (answered["success"], answered["successful_samples"]) == (True, 4)
    assert (not_yet["success"], not_yet["successful_samples"]) == (True, 3)


def test_the_vendors_own_verifier_takes_rows_that_say_why_their_score_is_missing(
    contract_package, rollouts, monkeypatch
):
    verify = vendors_verifier(monkeypatch)
    samples = read_samples(rollouts, 4)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-review"
    with (
        Emulator(package(contract_package("--latency", "60")), seconds=3) as running,
        deployed(running) as url,
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        answered = verify.verify_reward_function(arn, samples)
        rows = running.invoke(samples).answer

    assert (answered["success"], answered["successful_samples"]) == (True, 4)
    assert "missing:expired" in {entry["name"] for row in rows for entry in row["metrics_list"]}


def test_the_vendors_own_verifier_passes_for_an_open_weight_model(contract_package, rollouts, monkeypatch):
    verify = vendors_verifier(monkeypatch)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-review"
    folder = contract_package(envelope=True, target="open_weight")
    with Emulator(package(folder), seconds=30) as running, deployed(running) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        answered = verify.verify_reward_function(arn, read_samples(rollouts, 4), is_nova=False)

    assert (answered["success"], answered["successful_samples"]) == (True, 4)


@contextmanager
def deployed(running: Emulator):
    """Lambda's own address for an emulator, which knows no function by its ARN. One event at a time."""

    class Lambda(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = running.invoke(event)
            body = json.dumps(reply.answer if reply.error is None else {"errorMessage": reply.error}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Lambda) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def vendors_verifier(monkeypatch) -> types.ModuleType:
    """The verifier of SageMaker's SDK, out of its wheel: `pip install --no-deps sagemaker-train`.

    Its package pulls in what no test needs. The one import that the verifier has of it names two classes.
    """
    found = importlib.util.find_spec("sagemaker")
    places = found.submodule_search_locations if found else None
    path = next(
        (
            at
            for at in (Path(place, "train/common_utils/rlvr_reward_verifier.py") for place in places or ())
            if at.is_file()
        ),
        None,
    )
    if path is None or importlib.util.find_spec("pydantic") is None:
        pytest.skip("SageMaker's SDK is not installed: pip install --no-deps sagemaker-train")
    configs = types.ModuleType("sagemaker.core.training.configs")
    configs.TrainingJobCompute = configs.HyperPodCompute = type("Compute", (), {})  # type: ignore[attr-defined]
    for name in ("sagemaker", "sagemaker.core", "sagemaker.core.training"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, configs.__name__, configs)
    spec = importlib.util.spec_from_file_location("vendors_verifier", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
