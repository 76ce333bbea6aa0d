"""One account and region of AWS: clients, stacks, buckets, and what AWS refuses as a line for the user."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from dikast.errors import UnavailableError, UsageError


class Cloud:
    """The clients of one account and region. boto3 finds credentials and region as it always does."""

    def __init__(self, region: str | None = None, session: Any = None) -> None:
        import boto3.session

        self._session = session or boto3.session.Session(region_name=region)
        self.region: str | None = self._session.region_name
        if self.region is None:
            raise UsageError("which region? Give --region, or set AWS_REGION")
        with told_in_a_line():
            self.stacks = self._session.client("cloudformation")
            self.store = self._session.client("s3")
            self.account: str = self._session.client("sts").get_caller_identity()["Account"]

    def default_bucket(self) -> str:
        """Where packages go when no bucket is named."""
        return f"dikast-{self.account}-{self.region}"


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack that is there."""

    id: str
    status: str
    parameters: dict[str, str]
    tags: dict[str, str]


@contextmanager
def told_in_a_line() -> Generator[None]:
    """Turns what AWS refuses into a line for the user."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        told = cast("dict[str, Any]", error.response).get("Error", {})
        raise UnavailableError(
            f"AWS refuses {error.operation_name}: {told.get('Code', 'unknown')}: {told.get('Message', '')}"
        ) from error
    except BotoCoreError as error:
        raise UnavailableError(f"{error}; set AWS credentials and a region") from error


def stack_of(cloud: Cloud, name: str) -> Stack | None:
    """Looks a stack up; None where there is none, or none but an empty one that waits for its first change."""
    from botocore.exceptions import ClientError

    try:
        found = cloud.stacks.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if found["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    return Stack(
        id=found["StackId"],
        status=found["StackStatus"],
        parameters={one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
        tags={one["Key"]: one["Value"] for one in found.get("Tags", [])},
    )


def outputs_of(cloud: Cloud, stack: str) -> dict[str, str]:
    """Gives a stack's outputs."""
    described = cloud.stacks.describe_stacks(StackName=stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}


def bucket_is_there(cloud: Cloud, bucket: str) -> bool:
    """Whether the account has this bucket."""
    from botocore.exceptions import ClientError

    try:
        cloud.store.head_bucket(Bucket=bucket, ExpectedBucketOwner=cloud.account)
    except ClientError as error:
        if cast("dict[str, Any]", error.response)["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def wait_until(cloud: Cloud, until: str, stack: str) -> None:
    """Waits for one of CloudFormation's states; a stack that is removed is known by its id alone. Raises `UnavailableError` with the first thing that failed."""
    from botocore.exceptions import WaiterError

    try:
        cloud.stacks.get_waiter(until).wait(StackName=stack, WaiterConfig={"Delay": 5, "MaxAttempts": 240})
    except WaiterError as error:
        raise UnavailableError(f"the stack {stack}: {_first_failure(cloud, stack) or error}") from error


def _first_failure(cloud: Cloud, stack: str) -> str | None:
    """The first failure: what follows is its rollback."""
    events = cloud.stacks.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"].endswith("_FAILED")]
    first = failed[-1] if failed else None
    return None if first is None else f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'it failed')}"
