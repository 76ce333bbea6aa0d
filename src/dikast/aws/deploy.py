"""Deploys what `dikast aws build` made, through a change set of CloudFormation, and removes it again.

    cloud = Cloud(region)
    change = propose(cloud, folder, stack=None, bucket=None, parameters={})
    outputs = change.apply()            # or change.drop()

Nothing but the change set is made before `apply`. A stack is removed only where it was made here: it has our tag.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from dikast.aws.build.building import TEMPLATE
from dikast.aws.cloud import Cloud, bucket_is_there, outputs_of, stack_of, told_in_a_line, wait_until
from dikast.aws.template_reading import Parameter, parameters_of
from dikast.errors import UnavailableError, UsageError

BUCKET_TAG = "dikast-bucket"
"""Tag of a stack that was made here: where its code is."""
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_OF_THE_FUNCTION = re.compile("MemorySize|Timeout|KmsKeyArn|SubnetIds|.*Secret")
"""Parameters with which a version of the function differs from the one before. CloudFormation refuses an equal one."""
_CODE = re.compile(r"^( +CodeUri: )(?!s3://)(\S+)$", re.MULTILINE)
_NOTHING = ("didn't contain changes", "No updates are to be performed")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change set that waits to be applied."""

    cloud: Cloud
    stack: str
    stack_id: str
    id: str
    new: bool
    """Whether the stack is not there yet."""
    bucket: str
    new_bucket: bool
    key: str
    package: Path
    resources: tuple[tuple[str, str, str], ...]
    """What is done, to which resource, of which type. A replaced one is gone for a moment."""

    def apply(self) -> dict[str, str]:
        """Uploads the package, changes the stack and waits; gives its outputs."""
        with told_in_a_line():
            _upload(self)
            self.cloud.stacks.execute_change_set(ChangeSetName=self.id, StackName=self.stack)
            wait_until(self.cloud, "stack_create_complete" if self.new else "stack_update_complete", self.stack_id)
            return outputs_of(self.cloud, self.stack)

    def drop(self) -> None:
        """Takes the change set back, and the empty stack that it came with."""
        with told_in_a_line():
            self.cloud.stacks.delete_change_set(ChangeSetName=self.id, StackName=self.stack)
            if self.new:
                self.cloud.stacks.delete_stack(StackName=self.stack)


def propose(
    cloud: Cloud, folder: Path, *, stack: str | None, bucket: str | None, parameters: Mapping[str, str]
) -> Change | None:
    """Makes a change set; None where nothing would change. Raises `UsageError` for a folder or a parameter that is none."""
    text, package = _built(folder)
    known = parameters_of(text)
    for name in parameters:
        if name not in known:
            raise UsageError(f"--parameter {name}: the template has no such parameter; it has {', '.join(known)}")
    name = stack or parameters.get("FunctionName") or known["FunctionName"].default or ""
    bucket = bucket or cloud.default_bucket()
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    key = f"{name}/{digest}.zip"
    with told_in_a_line():
        existing = stack_of(cloud, name)
        if existing is not None and BUCKET_TAG not in existing.tags:
            raise UsageError(f"the stack {name} was not made by dikast; choose another name with --stack")
        if existing is not None and existing.status == "ROLLBACK_COMPLETE":
            raise UsageError(f"the stack {name} was never completed; remove it first: dikast aws destroy {name}")
        values = _values(known, parameters, {} if existing is None else existing.parameters)
        values["Release"] = _release(digest, values)
        made = cloud.stacks.create_change_set(
            StackName=name,
            ChangeSetName=f"dikast-{uuid.uuid4().hex}",
            ChangeSetType="CREATE" if existing is None else "UPDATE",
            TemplateBody=_CODE.sub(rf"\g<1>s3://{bucket}/{key}", text),
            Parameters=[{"ParameterKey": one, "ParameterValue": value} for one, value in values.items()],
            Capabilities=_CAPABILITIES,
            Tags=[{"Key": BUCKET_TAG, "Value": bucket}],
        )
        if not _change_set_is_ready(cloud, made["Id"], name):
            return None
        described = cloud.stacks.describe_change_set(ChangeSetName=made["Id"], StackName=name)
        return Change(
            cloud=cloud,
            stack=name,
            stack_id=made["StackId"],
            id=made["Id"],
            new=existing is None,
            bucket=bucket,
            new_bucket=not bucket_is_there(cloud, bucket),
            key=key,
            package=package,
            resources=tuple(_resource(one["ResourceChange"]) for one in described.get("Changes", [])),
        )


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """A stack that can be removed."""

    cloud: Cloud
    stack: str
    stack_id: str
    bucket: str
    resources: tuple[tuple[str, str], ...]
    """Name and type."""

    def apply(self) -> None:
        """Removes the stack, waits, and removes its packages from the bucket. The bucket stays."""
        with told_in_a_line():
            self.cloud.stacks.delete_stack(StackName=self.stack)
            wait_until(self.cloud, "stack_delete_complete", self.stack_id)
            if not bucket_is_there(self.cloud, self.bucket):
                return
            pages = self.cloud.store.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.stack}/", ExpectedBucketOwner=self.cloud.account
            )
            for page in pages:
                for held in page.get("Contents", []):
                    self.cloud.store.delete_object(
                        Bucket=self.bucket, Key=held["Key"], ExpectedBucketOwner=self.cloud.account
                    )


def propose_removal(cloud: Cloud, stack: str) -> Removal:
    """Looks at what a stack holds. Raises `UsageError` for one that is not there or was not made here."""
    with told_in_a_line():
        existing = stack_of(cloud, stack)
        if existing is None:
            raise UsageError(f"there is no stack {stack} in {cloud.region}; name its region with --region")
        if BUCKET_TAG not in existing.tags:
            raise UsageError(f"the stack {stack} was not made by dikast; remove it with what made it")
        pages = cloud.stacks.get_paginator("list_stack_resources").paginate(StackName=stack)
        resources = tuple(
            (str(one.get("PhysicalResourceId", one["LogicalResourceId"])), str(one["ResourceType"]))
            for page in pages
            for one in page["StackResourceSummaries"]
        )
        return Removal(
            cloud=cloud, stack=stack, stack_id=existing.id, bucket=existing.tags[BUCKET_TAG], resources=resources
        )


def _built(folder: Path) -> tuple[str, Path]:
    path = folder / TEMPLATE
    if not path.is_file():
        raise UsageError(f"{path}: it is not there; build first: dikast aws build REWARD -o {folder}")
    text = path.read_text("utf-8")
    found = _CODE.search(text)
    if found is None or not (folder / found[2]).is_file():
        raise UsageError(
            f"{path}: the package that it names is not beside it; build again: dikast aws build REWARD -o {folder}"
        )
    return text, folder / found[2]


def _values(known: Mapping[str, Parameter], given: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """What is given counts, else what the stack has, else what the template says. The function's name is the template's."""
    kept = {name: value for name, value in before.items() if name != "FunctionName"}
    values: dict[str, str] = {}
    for name, parameter in known.items():
        value = given.get(name, kept.get(name, parameter.default))
        if value is None:
            raise UsageError(
                f"the template needs {name}: {parameter.description} Give it with --parameter {name}=VALUE"
            )
        values[name] = value
    return values


def _release(digest: str, values: Mapping[str, str]) -> str:
    settings = {name: value for name, value in values.items() if _OF_THE_FUNCTION.fullmatch(name)}
    return hashlib.sha256(msgspec.json.encode([digest, settings], order="deterministic")).hexdigest()


def _change_set_is_ready(cloud: Cloud, change: str, stack: str) -> bool:
    from botocore.exceptions import WaiterError

    try:
        cloud.stacks.get_waiter("change_set_create_complete").wait(
            ChangeSetName=change, StackName=stack, WaiterConfig={"Delay": 3, "MaxAttempts": 100}
        )
    except WaiterError as error:
        reason = str(cast("dict[str, Any]", error.last_response).get("StatusReason", error))
        cloud.stacks.delete_change_set(ChangeSetName=change, StackName=stack)
        if any(told in reason for told in _NOTHING):
            return False
        raise UnavailableError(f"CloudFormation refuses the change: {reason}") from error
    return True


def _upload(change: Change) -> None:
    store, owner = change.cloud.store, change.cloud.account
    if change.new_bucket:
        elsewhere = {"LocationConstraint": change.cloud.region}
        # The first region is the one that must not be named.
        where = {} if change.cloud.region == "us-east-1" else {"CreateBucketConfiguration": elsewhere}
        store.create_bucket(Bucket=change.bucket, **where)
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        store.put_public_access_block(
            Bucket=change.bucket,
            PublicAccessBlockConfiguration=dict.fromkeys(names, True),
            ExpectedBucketOwner=owner,
        )
    store.put_object(Bucket=change.bucket, Key=change.key, Body=change.package.read_bytes(), ExpectedBucketOwner=owner)


def _resource(change: Mapping[str, Any]) -> tuple[str, str, str]:
    replaced = " (replaced)" if change.get("Replacement") == "True" else ""
    return str(change["Action"]) + replaced, str(change["LogicalResourceId"]), str(change["ResourceType"])
