"""The commands of the README that need no account do what it says."""

import json
import re
import shlex
from pathlib import Path

import pytest

from dikast.aws.verify.emulator import is_installed
from dikast.cli.main import run

PROJECT = Path(__file__).parents[2]


@pytest.mark.skipif(not is_installed(), reason="the Lambda runtime emulator is not installed")
def test_one_command_builds_one_verifies_and_one_prints_a_valid_request(tmp_path, monkeypatch, capsys):
    validate = pytest.importorskip("botocore.validate")
    (tmp_path / "examples").symlink_to(PROJECT / "examples")
    monkeypatch.chdir(tmp_path)
    section = (PROJECT / "README.md").read_text("utf-8").partition("## On Amazon Nova")[2]
    build, verify, train = re.findall(r"^dikast (aws .+)$", section, re.MULTILINE)

    assert run(shlex.split(build)) == 0
    assert run(shlex.split(verify)) == 0
    capsys.readouterr()
    assert run(shlex.split(train)) == 0

    request = json.loads(capsys.readouterr().out)
    assert validate.ParamValidator().validate(request, create_training_job()).generate_report() == ""


def create_training_job():
    import botocore.session

    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("CreateTrainingJob").input_shape
