"""`dikast aws build` as a user sees it: two files, what to do next, and refusals in one line."""

import hashlib
import json
import platform
import sys
import zipfile
from pathlib import Path

import pytest
from packaging_reward import EXAMPLE, example_reward, plain_reward

from dikast.aws.build.runtime import runtime_of
from dikast.cli.main import run


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run(["aws", "build", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_build_writes_zip_and_template_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "out"

    code, out, _ = told(capsys, plain_reward(tmp_path), "--alone", "fail", "--uncertified", "-o", output)

    assert code == 0
    package = output / "SageMaker-plain-review.zip"
    assert {path.name for path in output.iterdir()} == {package.name, "template.yaml"}
    assert hashlib.sha256(package.read_bytes()).hexdigest() in out
    assert f"dikast aws verify {package}" in out
    assert f"dikast aws deploy {output}" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "hyperpod", "--uncertified"], "alone: hyperpod sends one sample an event"),
        (["--uncertified"], "alone: a group may be alone in its event"),
        (["--alone", "2", "--uncertified"], "constant 2.0 is outside the reward's range [0.0, 1.0]"),
        (["--alone", "never", "--uncertified"], "--alone never: write a number, or fail"),
        (["--alone", "fail", "--uncertified", "--name", "review"], "for instance SageMaker-review"),
        (["--alone", "fail", "--uncertified", "--set", "alone=0.5"], "a setting that has no option of its own"),
        (["--alone", "fail", "--uncertified", "--set", "log_text=true"], "log_texts"),
        (["--alone", "fail", "--uncertified", "--python", "3.8"], "no Lambda runtime has Python 3.8"),
    ],
)
def test_what_a_trainer_would_stumble_over_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
):
    code, _, err = told(capsys, plain_reward(tmp_path), "-o", tmp_path / "out", *options)

    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--certificate", "c.json"], "--certificate c.json: goes along or --uncertified is said"),
        (["--set", "namespace="], "--set namespace=: CloudWatch takes 1 to 255"),
        (["--set", "namespace=AWS/mine"], "--set namespace=AWS/mine: CloudWatch"),
        (["--set", "journal=/var/j.db"], "--set journal=/var/j.db: a function may write below /tmp only"),
        (
            ["--profile-model", "arn:aws:bedrock:us-east-1::foundation-model/m"],
            "no judge of this reward is an inference",
        ),
    ],
)
def test_what_would_be_passed_over_or_fail_in_the_cloud_alone_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
):
    always = ["--alone", "fail", "--uncertified", "-o", str(tmp_path / "out")]

    code, _, err = told(capsys, plain_reward(tmp_path), *always, *options)

    assert code == 2
    assert said in err
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "out").touch()

    code, _, err = told(capsys, plain_reward(tmp_path), "--alone", "fail", "--uncertified", "-o", tmp_path / "out")

    assert code == 4
    assert "SageMaker-plain-review.zip: cannot be written" in err


@pytest.mark.skipif(sys.platform != "linux", reason="a function's libraries run on Linux only")
def test_a_package_runs_here_where_python_and_processor_are_the_same():
    here, other = ("arm64", "x86_64") if platform.machine() == "aarch64" else ("x86_64", "arm64")
    another = "3.12" if sys.version_info[:2] != (3, 12) else "3.13"

    assert runtime_of(None, here).is_here
    assert not runtime_of(None, other).is_here
    assert not runtime_of(another, here).is_here


def test_a_further_setting_reaches_the_handler(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = ["--alone", "fail", "--uncertified", "--set", "log_texts=true", "--set", "parts_as=Reward"]

    code, _, _ = told(capsys, plain_reward(tmp_path), "-o", tmp_path / "out", *options)

    assert code == 0
    with zipfile.ZipFile(tmp_path / "out" / "SageMaker-plain-review.zip") as package:
        held = json.loads(package.read("dikast-handler.json"))
    assert (held["log_texts"], held["parts_as"], held["alone"]) == (True, "Reward", "fail")


def test_without_a_certificate_nothing_is_built_unless_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, _, err = told(capsys, plain_reward(tmp_path), "--alone", "fail", "-o", tmp_path / "out")

    assert code == 1
    assert "no certificate, so nobody knows what the judge is worth" in err
    assert "--uncertified" in err


def test_a_certificate_for_another_judge_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    reward = example_reward(tmp_path, "bedrock:judge")

    code, _, err = told(
        capsys, reward, "--alone", "fail", "--certificate", EXAMPLE / "certificate.json", "-o", tmp_path / "out"
    )

    assert code == 2
    assert "made for another reward than" in err
    assert "or say --uncertified" in err
