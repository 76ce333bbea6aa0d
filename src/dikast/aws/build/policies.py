"""What the function's role may ask of Bedrock: the judge's models, by their exact ARNs.

An inference profile hands a request on to other regions, so its role may call the profile, and the model in each of
them through that profile only. Which regions those are is AWS's to say and may change: the table is of 2026, from memory;
`aws bedrock get-inference-profile` gives the ARNs of today, and `--profile-model` takes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dikast.errors import UsageError
from dikast.spec.models import ModelConnection

Statement = dict[str, Any]

_ACTIONS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
"""The second is Converse's streaming twin, asked where somebody waits for an answer's beginning."""

REGIONS: dict[str, tuple[str, ...]] = {
    "us": ("us-east-1", "us-east-2", "us-west-2"),
    "eu": ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"),
    "apac": (
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
        *("ap-southeast-1", "ap-southeast-2"),
    ),
    "jp": ("ap-northeast-1", "ap-northeast-3"),
    "au": ("ap-southeast-2", "ap-southeast-4"),
    "us-gov": ("us-gov-east-1", "us-gov-west-1"),
}
"""Prefix of an inference profile → regions that it hands requests on to."""

_ARN = re.compile(
    r"arn:(?P<partition>[\w-]+):bedrock:(?P<region>[\w-]*):(?P<account>\d*):(?P<kind>[\w-]+)/(?P<name>[\w.:/-]+)"
)
_PROFILE = re.compile(
    rf"(?P<geography>{'|'.join([*REGIONS, 'global', 'ca', 'sa', 'me', 'af', 'mx'])})\.(?P<model>[\w-]+\..+)"
)
_PROFILES = frozenset({"inference-profile", "application-inference-profile"})


def judge_statements(connections: Mapping[str, ModelConnection], profile_models: Sequence[str] = ()) -> list[Statement]:
    """Gives the statements for all models on Bedrock that a reward may ask, as CloudFormation writes them."""
    if profile_models and not any(_is_profile(name, one) for name, one in connections.items()):
        raise UsageError(
            f"--profile-model {profile_models[0]}: no judge of this reward is an inference profile; leave it out"
        )
    statements: list[Statement] = []
    for name, connection in connections.items():
        if connection.provider == "bedrock":
            statements += _statements(connection.model or name.partition(":")[2], connection.region, profile_models)
    unique = [one for at, one in enumerate(statements) if one not in statements[:at]]
    return [{"Sid": f"Judge{at}", **one} for at, one in enumerate(unique, start=1)]


def _is_profile(name: str, connection: ModelConnection) -> bool:
    model = connection.model or name.partition(":")[2]
    arn = _ARN.fullmatch(model)
    return connection.provider == "bedrock" and (arn["kind"] in _PROFILES if arn else bool(_PROFILE.fullmatch(model)))


def judge_regions(connections: Mapping[str, ModelConnection]) -> set[str | None]:
    """Lists the regions in which Bedrock is called; None is the stack's own."""
    return {one.region for one in connections.values() if one.provider == "bedrock"}


def _statements(model: str, region: str | None, profile_models: Sequence[str]) -> Iterator[Statement]:
    here = region or "${AWS::Region}"
    if arn := _ARN.fullmatch(model):
        yield _allow([model])
        if arn["kind"] in _PROFILES:
            yield _allow(_asked_for(model, profile_models), through=model)
    elif profile := _PROFILE.fullmatch(model):
        through = f"arn:${{AWS::Partition}}:bedrock:{here}:${{AWS::AccountId}}:inference-profile/{model}"
        yield _allow([through])
        yield from _behind(model, profile["geography"], profile["model"], here, through, profile_models)
    else:
        yield _allow([f"arn:${{AWS::Partition}}:bedrock:{here}::foundation-model/{model}"])


def _behind(
    profile: str, geography: str, model: str, here: str, through: str, profile_models: Sequence[str]
) -> Iterator[Statement]:
    if profile_models:
        yield _allow(_asked_for(profile, profile_models), through=through)
    elif geography == "global":
        yield _allow([f"arn:${{AWS::Partition}}:bedrock:{here}::foundation-model/{model}"], through=through)
        # A global profile's own routing names no region.
        unspecified = {"StringEquals": {"aws:RequestedRegion": "unspecified"}}
        yield _allow([f"arn:${{AWS::Partition}}:bedrock:::foundation-model/{model}"], through=through, also=unspecified)
    elif geography in REGIONS:
        yield _allow(
            [f"arn:${{AWS::Partition}}:bedrock:{one}::foundation-model/{model}" for one in REGIONS[geography]],
            through=through,
        )
    else:
        yield _allow(_asked_for(profile, profile_models), through=through)


def _asked_for(profile: str, profile_models: Sequence[str]) -> list[str]:
    for arn in profile_models:
        found = _ARN.fullmatch(arn)
        if found is None or found["kind"] in _PROFILES:
            raise UsageError(
                f"--profile-model {arn}: not the ARN of a model, arn:aws:bedrock:REGION::foundation-model/ID"
            )
    if not profile_models:
        raise UsageError(
            f"{profile}: which models stand behind this inference profile? Ask 'aws bedrock get-inference-profile "
            f"--inference-profile-identifier {profile}' and give each ARN with --profile-model"
        )
    return list(profile_models)


def _allow(arns: Sequence[str], *, through: str | None = None, also: Mapping[str, Any] | None = None) -> Statement:
    statement: Statement = {
        "Effect": "Allow",
        # A list of its own: YAML would refer to one that stands in several statements, and CloudFormation reads no references.
        "Action": list(_ACTIONS),
        "Resource": [_written(arn) for arn in arns],
    }
    conditions: dict[str, Any] = dict(also or {})
    if through is not None:
        conditions["StringEquals"] = {
            **conditions.get("StringEquals", {}),
            "bedrock:InferenceProfileArn": _written(through),
        }
    if conditions:
        statement["Condition"] = conditions
    return statement


def _written(arn: str) -> str | dict[str, str]:
    return {"Fn::Sub": arn} if "${" in arn else arn
