"""Deploying and removing, against moto's CloudFormation, S3 and IAM; the template is translated as the service does it."""

import io
import json
import re
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from packaging_reward import built_of, plain_reward
from sam import translated

from dikast.aws.cloud import Cloud, told_in_a_line, wait_until
from dikast.aws.deploy import BUCKET_TAG, propose, propose_removal
from dikast.cli.main import run
from dikast.errors import UnavailableError, UsageError

# moto makes no alarms and no dashboards; that they are right is cfn-lint's to say.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")

REGION = "us-east-1"
NAME = "SageMaker-plain-review"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    built_of(plain_reward(folder)).write(folder / "build")
    return folder / "build"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch):
    """An account of moto's. What is sent as a SAM template arrives translated, which moto does not do."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with moto.mock_aws(config={"iam": {"load_aws_managed_policies": True}, "lambda": {"use_docker": False}}):
        session = boto3.session.Session(region_name=REGION)
        session.events.register("provide-client-params.cloudformation.CreateChangeSet", _as_the_service_does)
        yield Cloud(session=session)


def _as_the_service_does(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    given = {one["ParameterKey"]: one["ParameterValue"] for one in params["Parameters"]}
    assert "CAPABILITY_AUTO_EXPAND" in params["Capabilities"]
    return params | {"TemplateBody": json.dumps(translated(params["TemplateBody"], **given))}


def proposed(cloud: Cloud, built: Path, **parameters: str):
    return propose(cloud, built, stack=None, bucket=None, parameters=parameters)


def deployed(cloud: Cloud, built: Path, **parameters: str) -> None:
    change = proposed(cloud, built, **parameters)
    assert change is not None
    change.apply()


def test_a_first_change_shows_what_is_made_and_makes_nothing(cloud: Cloud, built: Path):
    change = proposed(cloud, built)

    assert change is not None
    assert change.new
    assert change.new_bucket
    assert ("Add", "FunctionRole", "AWS::IAM::Role") in change.resources
    assert cloud.store.list_buckets()["Buckets"] == []
    functions = boto3.client("lambda", region_name=REGION).list_functions()["Functions"]
    assert functions == []


def test_a_change_that_is_dropped_leaves_no_stack(cloud: Cloud, built: Path):
    change = proposed(cloud, built)
    assert change is not None

    change.drop()

    assert cloud.stacks.list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS", "CREATE_COMPLETE"])["StackSummaries"] == []


def test_a_deployed_function_is_as_the_template_says_and_its_code_in_a_closed_bucket(cloud: Cloud, built: Path):
    deployed(cloud, built)

    functions = boto3.client("lambda", region_name=REGION)
    function = functions.get_function(FunctionName=NAME)["Configuration"]
    assert (function["Timeout"], function["MemorySize"]) == (900, 1024)
    assert functions.get_function_concurrency(FunctionName=NAME)["ReservedConcurrentExecutions"] == 100
    assert len(functions.list_versions_by_function(FunctionName=NAME)["Versions"]) == 2
    bucket = cloud.default_bucket()
    (held,) = cloud.store.list_objects_v2(Bucket=bucket)["Contents"]
    assert re.fullmatch(rf"{NAME}/[0-9a-f]{{64}}\.zip", held["Key"])
    closed = cloud.store.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(closed.values())


def test_training_roles_come_with_a_bucket_and_are_for_this_account_alone(cloud: Cloud, built: Path):
    deployed(cloud, built, TrainingBucket="data-of-mine")

    trusted = {
        one["RoleName"].split("-")[3]: one["AssumeRolePolicyDocument"]["Statement"][0]
        for one in boto3.client("iam").list_roles()["Roles"]
    }
    assert trusted.keys() == {"FunctionRole", "SageMakerRole", "BedrockRole"}
    for role in ("SageMakerRole", "BedrockRole"):
        assert trusted[role]["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_in_a_vpc_the_function_reaches_its_judge_and_a_trainer_reaches_the_function(cloud: Cloud, built: Path):
    network = boto3.client("ec2", region_name=REGION)
    vpc = network.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = network.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    trainer = network.create_security_group(GroupName="trainer", Description="t", VpcId=vpc)["GroupId"]

    deployed(cloud, built, VpcId=vpc, SubnetIds=subnet, TrainerSecurityGroupId=trainer)

    placed = boto3.client("lambda", region_name=REGION).get_function(FunctionName=NAME)["Configuration"]["VpcConfig"]
    (group,) = placed["SecurityGroupIds"]
    assert placed["SubnetIds"] == [subnet]
    endpoints = network.describe_vpc_endpoints()["VpcEndpoints"]
    assert {one["ServiceName"].rpartition(".")[2] for one in endpoints} == {"bedrock-runtime", "lambda"}
    (reached,) = {one["GroupId"] for endpoint in endpoints for one in endpoint["Groups"]}
    rules = network.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [reached]}])[
        "SecurityGroupRules"
    ]
    callers = {one["ReferencedGroupInfo"]["GroupId"] for one in rules if not one["IsEgress"]}
    assert callers == {group, trainer}


def test_an_unknown_parameter_is_a_usage_error_that_lists_the_known(cloud: Cloud, built: Path):
    with pytest.raises(UsageError, match="no such parameter; it has FunctionName, MemorySize"):
        proposed(cloud, built, Memory="2048")


def test_a_folder_without_a_package_says_how_to_build(cloud: Cloud, tmp_path: Path):
    with pytest.raises(UsageError, match="dikast aws build REWARD"):
        proposed(cloud, tmp_path)


def test_a_stack_of_others_is_neither_changed_nor_removed(cloud: Cloud, built: Path):
    other = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloud.stacks.create_stack(StackName=NAME, TemplateBody=json.dumps(other))

    with pytest.raises(UsageError, match="was not made by dikast"):
        proposed(cloud, built)
    with pytest.raises(UsageError, match="was not made by dikast"):
        propose_removal(cloud, NAME)


def test_removing_takes_the_stack_and_its_packages_and_leaves_the_bucket(cloud: Cloud, built: Path):
    deployed(cloud, built)
    removal = propose_removal(cloud, NAME)
    assert removal.bucket == cloud.default_bucket()
    assert "AWS::Lambda::Function" in {kind for _, kind in removal.resources}

    removal.apply()

    assert boto3.client("lambda", region_name=REGION).list_functions()["Functions"] == []
    assert "Contents" not in cloud.store.list_objects_v2(Bucket=cloud.default_bucket())
    with pytest.raises(UsageError, match="there is no stack"):
        propose_removal(cloud, NAME)


def test_without_credentials_the_command_says_so_in_one_line(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    code = run(["aws", "deploy", str(built), "--region", REGION])

    assert code == 4
    assert capsys.readouterr().err == "error: Unable to locate credentials; set AWS credentials and a region\n"


def test_what_aws_refuses_is_told_in_a_line():
    from botocore.stub import Stubber

    client = boto3.client("cloudformation", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", "AccessDenied", "not for you", http_status_code=403)

        with (
            pytest.raises(UnavailableError, match="AWS refuses DescribeStacks: AccessDenied: not for you"),
            told_in_a_line(),
        ):
            client.describe_stacks(StackName="x")


class Stubbed(Cloud):
    """An account whose CloudFormation answers what a test says; botocore holds requests and answers to the service's shapes."""

    def __init__(self) -> None:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self.region, self.account = REGION, "123456789012"
        self.stacks = boto3.client("cloudformation", region_name=REGION, **keys)
        self.store = boto3.client("s3", region_name=REGION, **keys)


STACK = {"StackName": NAME, "StackId": "arn:stack", "CreationTime": "2026-11-01"}


def there(parameters: dict[str, str]) -> dict[str, Any]:
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    tags = [{"Key": BUCKET_TAG, "Value": "b"}]
    return {"Stacks": [STACK | {"StackStatus": "UPDATE_COMPLETE", "Parameters": given, "Tags": tags}]}


def sent_for(built: Path, before: dict[str, str], **parameters: str) -> dict[str, str]:
    """The parameters that are sent for a stack that has some; the service then says that nothing changes."""
    from botocore.stub import ANY, Stubber

    cloud, sent = Stubbed(), {}

    def look(params: dict[str, Any], **_: Any) -> None:
        sent.update({one["ParameterKey"]: one["ParameterValue"] for one in params["Parameters"]})

    cloud.stacks.meta.events.register("provide-client-params.cloudformation.CreateChangeSet", look)
    any_of = dict.fromkeys(("ChangeSetName", "TemplateBody", "Parameters", "Capabilities", "Tags"), ANY)
    told = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
    with Stubber(cloud.stacks) as stub:
        stub.add_response("describe_stacks", there(before), {"StackName": NAME})
        made = {"Id": "arn:set", "StackId": "arn:stack"}
        stub.add_response("create_change_set", made, {**any_of, "StackName": NAME, "ChangeSetType": "UPDATE"})
        stub.add_response("describe_change_set", told, {"ChangeSetName": "arn:set", "StackName": NAME})
        stub.add_response("delete_change_set", {}, {"ChangeSetName": "arn:set", "StackName": NAME})

        assert propose(cloud, built, stack=None, bucket="b", parameters=parameters) is None
    return sent


def test_what_is_not_given_stays_as_the_stack_has_it(built: Path):
    sent = sent_for(built, {"MemorySize": "2048", "LogRetentionDays": "7", "Gone": "1"}, Timeout="300")

    assert (sent["MemorySize"], sent["LogRetentionDays"], sent["Timeout"]) == ("2048", "7", "300")
    assert sent["ReservedConcurrency"] == "100"
    assert "Gone" not in sent


@pytest.mark.parametrize(
    ("change", "another"), [({"Timeout": "300"}, True), ({"LogRetentionDays": "7"}, False), ({}, False)]
)
def test_a_version_is_published_for_a_setting_of_the_function_and_for_no_other(
    built: Path, change: dict[str, str], another: bool
):
    before = sent_for(built, {})

    after = sent_for(built, before, **change)

    assert (after["Release"] != before["Release"]) is another


def test_a_stack_that_was_never_completed_must_be_removed_first(built: Path):
    from botocore.stub import Stubber

    cloud = Stubbed()
    answer = there({})
    answer["Stacks"][0]["StackStatus"] = "ROLLBACK_COMPLETE"
    with Stubber(cloud.stacks) as stub:
        stub.add_response("describe_stacks", answer, {"StackName": NAME})

        with pytest.raises(UsageError, match=f"dikast aws destroy {NAME}"):
            propose(cloud, built, stack=None, bucket="b", parameters={})


def test_a_stack_that_fails_tells_its_first_failure():
    from botocore.stub import Stubber

    cloud = Stubbed()
    events = [
        {"ResourceStatus": "ROLLBACK_IN_PROGRESS", "LogicalResourceId": NAME},
        {"ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "Dashboard", "ResourceStatusReason": "cancelled"},
        {
            "ResourceStatus": "CREATE_FAILED",
            "LogicalResourceId": "Function",
            "ResourceStatusReason": "quota of 10 reached",
        },
    ]
    common = {"StackId": "arn:stack", "StackName": NAME, "Timestamp": "2026-11-01"}
    with Stubber(cloud.stacks) as stub:
        failed = {"Stacks": [STACK | {"StackStatus": "ROLLBACK_COMPLETE"}]}
        stub.add_response("describe_stacks", failed, {"StackName": "arn:stack"})
        held = [{"EventId": str(at), **common, **event} for at, event in enumerate(events)]
        stub.add_response("describe_stack_events", {"StackEvents": held}, {"StackName": "arn:stack"})

        with pytest.raises(UnavailableError, match="Function: quota of 10 reached"):
            wait_until(cloud, "stack_create_complete", "arn:stack")


def test_where_nobody_answers_nothing_is_removed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    class Waiting:
        bucket, cloud, resources = "b", Stubbed(), (("Function", "AWS::Lambda::Function"),)

        def apply(self) -> None:
            raise AssertionError

    monkeypatch.setattr("dikast.aws.deploy.Cloud", lambda _region: Stubbed())
    monkeypatch.setattr("dikast.aws.deploy.propose_removal", lambda *_args: Waiting())
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert run(["aws", "destroy", NAME]) == 0

    assert "nothing was removed; --yes asks nobody" in capsys.readouterr().out


def test_the_command_shows_the_change_asks_and_prints_the_arns(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    asked: list[str] = []

    class Waiting:
        stack, id, new, new_bucket, bucket, key, cloud = NAME, "arn:set", True, True, "b", f"{NAME}/ab.zip", Stubbed()
        package = built / f"{NAME}.zip"
        resources = (("Add", "Function", "AWS::Lambda::Function"),)

        def apply(self) -> dict[str, str]:
            asked.append("applied")
            return {"FunctionArn": "arn:f", "AliasArn": "arn:f:live"}

        def drop(self) -> None:
            asked.append("dropped")

    monkeypatch.setattr("dikast.aws.deploy.Cloud", lambda _region: Stubbed())
    monkeypatch.setattr("dikast.aws.deploy.propose", lambda *_args, **_kwargs: Waiting())
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert run(["aws", "deploy", str(built)]) == 0
    told = capsys.readouterr().out
    assert "AWS::Lambda::Function" in told
    assert "nothing was changed" in told
    assert run(["aws", "deploy", str(built), "--yes"]) == 0
    assert "reward_lambda_arn: arn:f " in capsys.readouterr().out
    assert asked == ["dropped", "applied"]
