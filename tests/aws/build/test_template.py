"""The SAM template: linted, translated as SAM does, and its policies held to the least."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging_reward import PROFILE
from sam import translated

from dikast.aws.build.runtime import Runtime
from dikast.aws.build.template import Stack, function_name, template_of
from dikast.aws.template_reading import parameters_of
from dikast.errors import UsageError
from dikast.spec.models import ModelConnection

BEDROCK = {"bedrock:openai.gpt-oss-120b-1:0": ModelConnection(provider="bedrock")}
SERVER = {
    "openai:big": ModelConnection(provider="openai", endpoint="https://judge.example/v1", key_variable="JUDGE_KEY")
}
JUDGES = {
    "model": BEDROCK,
    "profile": {f"bedrock:{PROFILE}": ModelConnection(provider="bedrock")},
    "elsewhere": {"bedrock:openai.gpt-oss-120b-1:0": ModelConnection(provider="bedrock", region="us-west-2")},
    "server": SERVER,
    "panel": BEDROCK | SERVER,
}


def template(connections: dict[str, ModelConnection], **changes: Any) -> str:
    usual: dict[str, Any] = {
        "reward": 'the "plain" review',
        "reward_hash": "ab" * 32,
        "function": "SageMaker-plain",
        "code": "SageMaker-plain.zip",
        "release": "cd" * 32,
        "runtime": Runtime(python="3.12", architecture="arm64"),
        "namespace": "dikast",
    }
    return template_of(Stack(**(usual | {"connections": connections} | changes)))


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Every policy inside a resource; who may take a role is another matter."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "PolicyDocument":
                yield inner
            elif key != "AssumeRolePolicyDocument":
                yield from documents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from documents(inner)


def policies(resources: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of a translated template with the resource that it stands in, whatever its condition."""
    for name, resource in resources.items():
        for document in documents(resource):
            for statement in document["Statement"]:
                yield name, statement


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def arn_of(resource: Any) -> str:
    return resource["Fn::Sub"] if isinstance(resource, dict) and "Fn::Sub" in resource else json.dumps(resource)


def test_every_policy_names_its_actions_and_its_resources():
    # What stands for the names that are not known before they are: an object in a bucket of ours, a stream of a log of ours.
    within_ours = re.compile(r"arn:[^*]+:s3:::\$\{\w+\}/\*|arn:[^*]+:log-group:[^*]+:log-stream:\*")
    seen = 0
    for judge in JUDGES.values():
        for name, statement in policies(translated(template(judge))["Resources"]):
            if statement["Effect"] == "Deny":
                continue
            seen += 1
            assert not [action for action in as_list(statement["Action"]) if "*" in action], name
            for resource in as_list(statement["Resource"]):
                arn = arn_of(resource)
                assert "*" not in arn or within_ours.fullmatch(arn), f"{name}: {arn}"
            assert "NotAction" not in statement
            assert "NotResource" not in statement
    assert seen > 20


def test_the_policy_check_sees_what_is_too_wide():
    wide = translated(template(BEDROCK).replace("Action: s3:ListBucket", "Action: s3:*"))["Resources"]

    assert [name for name, one in policies(wide) if "s3:*" in as_list(one["Action"])] == ["TrainingDataPolicy"]


def judge_statements_of(text: str) -> list[dict[str, Any]]:
    return [
        one
        for name, one in policies(translated(text)["Resources"])
        if name == "FunctionRole" and "Judge" in one.get("Sid", "")
    ]


def test_the_function_may_ask_its_judge_and_nothing_else_of_bedrock():
    (statement,) = judge_statements_of(template(JUDGES["elsewhere"]))

    assert statement["Action"] == ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    assert [arn_of(one) for one in statement["Resource"]] == [
        "arn:${AWS::Partition}:bedrock:us-west-2::foundation-model/openai.gpt-oss-120b-1:0"
    ]


@pytest.mark.parametrize("judge", ["model", "profile", "elsewhere", "panel"])
def test_what_may_be_asked_plainly_may_be_asked_as_a_stream(judge: str):
    statements = [
        one
        for _, one in policies(translated(template(JUDGES[judge]))["Resources"])
        if any(action.startswith("bedrock:Invoke") for action in as_list(one["Action"]))
    ]

    assert statements
    for one in statements:
        assert set(as_list(one["Action"])) == {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}


def test_behind_an_inference_profile_each_regions_model_is_allowed_through_the_profile_only():
    profile, models = judge_statements_of(template(JUDGES["profile"]))

    through = f"arn:${{AWS::Partition}}:bedrock:${{AWS::Region}}:${{AWS::AccountId}}:inference-profile/{PROFILE}"
    assert [arn_of(one) for one in profile["Resource"]] == [through]
    assert [arn_of(one).split(":")[5] for one in models["Resource"]] == ["us-east-1", "us-east-2", "us-west-2"]
    assert arn_of(models["Condition"]["StringEquals"]["bedrock:InferenceProfileArn"]) == through


@pytest.mark.parametrize(
    "name",
    ["ca.amazon.nova-lite-v1:0", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"],
)
def test_a_profile_whose_models_nobody_knows_is_asked_for(name: str):
    judge = {"bedrock:judge": ModelConnection(provider="bedrock", model=name)}
    model = "arn:aws:bedrock:ca-central-1::foundation-model/amazon.nova-lite-v1:0"

    with pytest.raises(UsageError, match="get-inference-profile"):
        template(judge)

    _, models = judge_statements_of(template(judge, profile_models=[model]))
    assert models["Resource"] == [model]


def test_trainers_may_call_the_function_and_its_alias():
    resources = translated(template(BEDROCK))["Resources"]
    allowed = [one for name, one in policies(resources) if name == "InvokePolicy"]

    assert [one["Action"] for one in allowed] == ["lambda:InvokeFunction"]
    plain, alias = map(arn_of, allowed[0]["Resource"])
    assert plain.endswith(":function:${FunctionName}")
    assert alias == f"{plain}:live"
    for role in ("SageMakerRole", "BedrockRole"):
        assert {"Ref": "InvokePolicy"} in resources[role]["Properties"]["ManagedPolicyArns"]


def test_the_function_is_as_trainers_want_it():
    text = template(BEDROCK)
    resources = translated(text)["Resources"]
    function = resources["Function"]["Properties"]
    defaults = {name: one.default for name, one in parameters_of(text).items()}

    assert defaults["FunctionName"].startswith("SageMaker-")
    assert (defaults["Timeout"], defaults["MemorySize"], defaults["ProvisionedConcurrency"]) == ("900", "1024", "0")
    assert (function["Runtime"], function["Architectures"]) == ("python3.12", ["arm64"])
    assert function["Handler"] == "dikast.aws.handler.handler"
    assert {one["Type"] for one in resources.values()} >= {
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
        "AWS::CloudWatch::Dashboard",
        "AWS::Logs::LogGroup",
    }
    alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == 3


def test_another_release_is_another_version():
    def version(**given: str) -> str:
        resources = translated(template(BEDROCK), **given)["Resources"]
        return next(name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version")

    assert version() != version(Release="ef" * 32)
    assert version(AlarmTopicArn="arn:aws:sns:us-east-1:123456789012:topic") == version()


def test_the_metrics_of_alarms_and_dashboard_are_those_that_the_handler_writes():
    from dikast.aws import telemetry

    resources = translated(template(BEDROCK))["Resources"]
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    shown = {
        metric[1] for widget in body["widgets"] for metric in widget["properties"]["metrics"] if metric[0] == "dikast"
    }
    alarmed = {
        one["MetricStat"]["Metric"]["MetricName"]
        for one in resources["MissingAlarm"]["Properties"]["Metrics"]
        if "MetricStat" in one
    }

    written = {value for name, value in vars(telemetry).items() if name.isupper() and isinstance(value, str)}
    reasons = {name for name in shown if name.startswith("missing_") and name not in written}
    assert len(reasons) > 5
    assert shown - reasons <= written
    assert alarmed == {"missing", "rollouts"}
    dimensions = resources["MissingAlarm"]["Properties"]["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"]
    assert {one["Name"]: one["Value"] for one in dimensions} == {
        telemetry.DIMENSION: 'the "plain" review',
        "service": telemetry.SERVICE,
    }


def test_a_key_comes_from_secrets_manager_and_is_no_parameter():
    resources = translated(template(SERVER), JudgeKeySecret="judge")["Resources"]

    variables = resources["Function"]["Properties"]["Environment"]["Variables"]
    assert variables["JUDGE_KEY"] == {"Fn::Sub": "{{resolve:secretsmanager:${JudgeKeySecret}}}"}


def test_a_name_of_a_reward_becomes_one_that_trainers_take():
    assert function_name("contract review (v2)") == "SageMaker-contract-review-v2"
    assert len(function_name("x" * 80)) == 64


def test_the_template_is_small_enough_to_be_handed_over():
    assert len(template(JUDGES["panel"]).encode()) < 51_200


@pytest.mark.parametrize("judge", JUDGES)
def test_cfn_lint_has_nothing_to_say(judge: str, tmp_path: Path):
    path = tmp_path / "template.yaml"
    path.write_text(template(JUDGES[judge]))

    done = subprocess.run(
        [sys.executable, "-c", "from cfnlint.runner import main; main()", "--include-checks", "I", "--", str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
    )

    assert (done.returncode, done.stdout) == (0, "")
