"""What is verified: deployed functions through boto3, packages in the emulator, handlers in this process."""

import base64
import io
import json
import os
import sys
import zipfile
from contextlib import ExitStack

import pytest
from packaging_reward import built_of, example_reward, example_rows

from dikast.aws.verify import targets
from dikast.aws.verify.emulator import is_installed
from dikast.aws.verify.samples import BUILT_IN
from dikast.aws.verify.targets import DeployedTarget, InProcessTarget, open_target, package_of
from dikast.cli.main import run
from dikast.errors import DataError, UnavailableError, UsageError
from dikast.rollouts import write_rows

boto3 = pytest.importorskip("boto3")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-review:live"
needs_emulator = pytest.mark.skipif(not is_installed(), reason="the Lambda runtime emulator is not installed")


@pytest.fixture
def lambda_service():
    """A client that gives what it is told, in shapes that botocore has checked."""
    from botocore.response import StreamingBody
    from botocore.stub import Stubber

    client = boto3.client("lambda", region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x")
    with Stubber(client) as stub:

        def answers(payload, **more) -> None:
            raw = json.dumps(payload).encode()
            stub.add_response(
                "invoke", {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(raw), len(raw)), **more}
            )

        client.answers = answers
        client.fails = lambda code, status: stub.add_client_error("invoke", code, "no", http_status_code=status)
        yield client


def test_a_deployed_function_is_asked_as_a_trainer_asks(lambda_service):
    log = base64.b64encode(b"REPORT RequestId: 1 Duration: 7.00 ms Init Duration: 312.50 ms").decode()
    lambda_service.answers([{"id": "1", "aggregate_reward_score": 1.0}], LogResult=log)

    reply = DeployedTarget(ARN, seconds=30, client=lambda_service).invoke(list(BUILT_IN))

    assert reply.error is None
    assert reply.answer == [{"id": "1", "aggregate_reward_score": 1.0}]
    assert reply.init_seconds == 0.3125


def test_half_a_surrogate_of_the_users_data_is_sent_as_its_escape(lambda_service):
    lambda_service.answers([{"id": "1", "aggregate_reward_score": 1.0}])

    reply = DeployedTarget(ARN, seconds=30, client=lambda_service).invoke([{"id": "half \ud83d"}])

    assert reply.error is None


def test_a_function_error_is_an_error_of_the_event(lambda_service):
    told = {"errorMessage": "2026-11-30 Task timed out after 3.00 seconds", "errorType": "Sandbox.Timedout"}
    lambda_service.answers(told, FunctionError="Unhandled")

    reply = DeployedTarget(ARN, seconds=30, client=lambda_service).invoke([])

    assert reply.answer is None
    assert reply.error == "Sandbox.Timedout: 2026-11-30 Task timed out after 3.00 seconds"


def test_an_event_that_lambda_refuses_is_told_and_a_missing_function_stops_the_command(lambda_service):
    target = DeployedTarget(ARN, seconds=30, client=lambda_service)
    lambda_service.fails("RequestTooLargeException", 413)
    lambda_service.fails("ResourceNotFoundException", 404)

    assert "RequestTooLargeException" in str(target.invoke([]).error)
    with pytest.raises(UnavailableError, match="ResourceNotFoundException"):
        target.invoke([])


def test_a_handler_in_this_process_gets_and_gives_what_travels():
    def handler(event, context):
        assert context.get_remaining_time_in_millis() > 1000
        return {"got": event, "tuple": (1, 2)}

    reply = InProcessTarget(handler, seconds=30).invoke({"a": (1,)})

    assert reply.answer == {"got": {"a": [1]}, "tuple": [1, 2]}


def test_an_arn_with_an_alias_is_a_deployed_function(aws_credentials):
    with ExitStack() as stack:
        target = open_target(ARN, handler=None, seconds=30, environments=1, stack=stack)

    assert target.name == ARN


def test_a_package_of_somebody_elses_needs_its_handler_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "theirs.zip", "w") as packed:
        packed.writestr("app.py", "def handler(event, context): return []")

    with ExitStack() as stack:
        with pytest.raises(UsageError, match="--handler"):
            package_of(tmp_path / "theirs.zip", None, stack)
        package = package_of(tmp_path / "theirs.zip", "app.handler", stack)

    assert (package.handler, package.alone) == ("app.handler", True)


def test_a_folder_with_a_package_says_to_give_the_package(tmp_path):
    (tmp_path / "SageMaker-review.zip").touch()

    with ExitStack() as stack, pytest.raises(UsageError, match=r"give the package, .*SageMaker-review\.zip"):
        package_of(tmp_path, None, stack)


def test_a_file_that_is_no_zip_is_told(tmp_path):
    (tmp_path / "half.zip").write_bytes(b"PK")

    with ExitStack() as stack, pytest.raises(DataError, match=r"half\.zip: cannot be unpacked"):
        package_of(tmp_path / "half.zip", None, stack)


def test_a_package_for_another_python_is_not_tried(tmp_path):
    with zipfile.ZipFile(tmp_path / "arm.zip", "w") as packed:
        packed.writestr("msgspec/_core.cpython-39-riscv64-linux-gnu.so", "")

    with ExitStack() as stack, pytest.raises(UsageError, match=r"is built for Python 3\.9 on riscv64"):
        package_of(tmp_path / "arm.zip", "app.handler", stack)


@pytest.mark.parametrize("limits", [("1", "0"), ("nan", "1"), ("1", "1")])
def test_a_range_is_the_lowest_and_the_highest(tmp_path, capsys, limits):
    (tmp_path / "theirs.py").write_text("def lambda_handler(event, context):\n    return []\n")

    assert run(["aws", "verify", str(tmp_path / "theirs.py"), "--range", *limits]) == 2

    assert "give the lowest score, then the highest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ValueError('boom')", "ValueError: boom"),
        ("def lambda_handler(event context): ...", "SyntaxError"),
        ("def another(event, context): ...", "AttributeError"),
    ],
)
def test_a_module_that_does_not_load_fails_the_first_event_without_an_emulator_too(
    tmp_path, monkeypatch, capsys, source, said
):
    monkeypatch.setattr(targets, "is_installed", lambda: False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(os, "environ", {**os.environ})
    name = f"broken_{said.partition(':')[0].lower()}"
    (tmp_path / f"{name}.py").write_text(source)

    code = run(["aws", "verify", str(tmp_path / f"{name}.py"), "--handler", "lambda_handler"])

    assert code == 1
    assert said in " ".join(capsys.readouterr().out.split())


ENVELOPED = """
import json
def handler(event, context):
    rows = [{"id": one.get("id"), "aggregate_reward_score": 0.5} for one in event]
    return {"statusCode": 200, "body": json.dumps(rows)}
"""


def test_a_package_is_held_to_its_own_settings_without_an_emulator_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(targets, "is_installed", lambda: False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(os, "environ", {**os.environ})
    with zipfile.ZipFile(tmp_path / "theirs.zip", "w") as packed:
        packed.writestr("enveloped.py", ENVELOPED)
        packed.writestr("dikast-handler.json", '{"reward": "none.yaml", "envelope": true}')

    run(["aws", "verify", str(tmp_path / "theirs.zip"), "--handler", "enveloped.handler", "--json"])

    found = {one["check"]: one["outcome"] for one in json.loads(capsys.readouterr().out)}
    assert found["form"] == "passed"


@needs_emulator
@pytest.mark.parametrize("named", [None, "lambda_handler", "theirs.lambda_handler"])
def test_a_files_handler_is_named_with_its_module_or_without(tmp_path, named):
    path = tmp_path / "theirs.py"
    path.write_text("def lambda_handler(event, context):\n    return []\n")

    with ExitStack() as stack:
        assert package_of(path, named, stack).handler == "theirs.lambda_handler"


def test_a_package_that_lacks_a_module_fails_here_as_it_would_there(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "theirs.zip", "w") as packed:
        packed.writestr("app.py", "import msgspec\ndef handler(event, context): return []")

    code = run(["aws", "verify", str(tmp_path / "theirs.zip"), "--handler", "app.handler", "--timeout", "5"])

    assert code == 1
    assert "No module named 'msgspec'" in " ".join(capsys.readouterr().out.split())


@needs_emulator
def test_what_build_makes_passes_verify(tmp_path, judge_server, aws_credentials, monkeypatch, capsys):
    built = built_of(example_reward(tmp_path, "bedrock:judge"))
    (tmp_path / "built").mkdir()
    built.write(tmp_path / "built")
    rows = [{**row, "completion": row["reference"]} for row in example_rows()]
    write_rows(tmp_path / "rollouts.jsonl", rows)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", judge_server().url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    code = run(
        ["aws", "verify", str(tmp_path / "built" / built.name), str(tmp_path / "rollouts.jsonl"), "--timeout", "30"]
    )

    assert code == 0, capsys.readouterr()
