"""Fills in the SAM template for one reward: names, runtime, the judge's ARNs, keys, metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dikast.aws import telemetry
from dikast.aws.build.dashboard import dashboard, dimensions
from dikast.aws.build.policies import Statement, judge_regions, judge_statements
from dikast.aws.build.runtime import Runtime
from dikast.spec.models import ModelConnection

ALIAS = "live"
RESERVED = 100
"""Environments that are reserved where nothing else is said: the trainers' published recipes ask for 12 to 100."""

_TO_ENDPOINT = "{IpProtocol: tcp, FromPort: 443, ToPort: 443, DestinationSecurityGroupId: !Ref EndpointSecurityGroup}"
_ANYWHERE = (
    '{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0, Description: "The judge is no endpoint of AWS"}'
)


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """What a template is made for."""

    reward: str
    """Its name."""
    reward_hash: str
    function: str
    code: str
    """The zip, from the template's folder."""
    release: str
    """The SHA-256 of the zip."""
    runtime: Runtime
    namespace: str
    connections: Mapping[str, ModelConnection]
    profile_models: Sequence[str] = ()


def template_of(stack: Stack) -> str:
    """Gives the text of the SAM template."""
    statements = judge_statements(stack.connections, stack.profile_models)
    keys = _keys(stack.connections)
    fill = {
        "DESCRIPTION": _quoted(f"The reward {stack.reward} ({stack.reward_hash[:12]}) for trainers"),
        "FUNCTION": stack.function,
        "RESERVED": str(RESERVED),
        "CODE": stack.code,
        "RELEASE": stack.release,
        "RUNTIME": stack.runtime.name,
        "ARCHITECTURE": stack.runtime.architecture,
        "ALIAS": ALIAS,
        "EGRESS": _TO_ENDPOINT if _all_on_bedrock(stack.connections) else _ANYWHERE,
        "NAMESPACE": _quoted(stack.namespace),
        "MISSING": telemetry.MISSING,
        "ROLLOUTS": telemetry.ROLLOUTS,
        "DIMENSIONS": ", ".join(
            f'{{Name: {name}, Value: "{_quoted(value)}"}}' for name, value in dimensions(stack.reward).items()
        ),
        "KEY_PARAMETERS": "\n".join(_key_parameter(key) for key in keys),
        "KEY_VARIABLES": "\n".join(_key_variable(key) for key in keys),
        "JUDGE_POLICY": _judge_policy(statements),
        "JUDGE_ENDPOINT": _judge_endpoint(statements) if None in judge_regions(stack.connections) else "",
        "DASHBOARD": _indented(dashboard(stack.reward, stack.namespace), 8),
    }
    text = (Path(__file__).parent / "template.yaml").read_text("utf-8")
    filled = re.sub(r"@([A-Z_]+)@", lambda found: fill[found[1]], text)
    return re.sub(r"\n{3,}", "\n\n", filled)


def function_name(reward: str) -> str:
    """A name that every trainer takes: `SageMaker-` in front, at most 64 characters."""
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", reward).strip("-") or "reward"
    return f"SageMaker-{slug}"[:64]


def secret_parameter(variable: str) -> str:
    """The template's parameter that names the secret of a key's variable."""
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", variable)) + "Secret"


def _keys(connections: Mapping[str, ModelConnection]) -> list[str]:
    """The variables that hold keys: of judges behind a server that wants one."""
    return sorted({key for one in connections.values() if (key := _key(one))})


def _key(connection: ModelConnection) -> str | None:
    if connection.provider not in ("openai", "decisions"):
        return None
    return connection.key_variable or (None if connection.endpoint else "OPENAI_API_KEY")


def _all_on_bedrock(connections: Mapping[str, ModelConnection]) -> bool:
    return {one.provider for one in connections.values()} <= {"bedrock", "recorded"} and judge_regions(connections) <= {
        None
    }


def _key_parameter(variable: str) -> str:
    return (
        f"  {secret_parameter(variable)}:\n    Type: String\n"
        f"    Description: The secret of Secrets Manager that holds {variable}, by name or ARN; read when the stack is deployed.\n"
    )


def _key_variable(variable: str) -> str:
    return f'          {variable}: !Sub "{{{{resolve:secretsmanager:${{{secret_parameter(variable)}}}}}}}"'


def _judge_policy(statements: Sequence[Statement]) -> str:
    if not statements:
        return ""
    body = _block(statements, 16)
    return f'        - PolicyName: judge\n          PolicyDocument:\n            Version: "2012-10-17"\n            Statement:\n{body}'


def _judge_endpoint(statements: Sequence[Statement]) -> str:
    allowed = [{**statement, "Principal": "*"} for statement in statements]
    return f"""
  JudgeEndpoint:
    Type: AWS::EC2::VPCEndpoint
    Condition: InVpc
    Properties:
      VpcEndpointType: Interface
      PrivateDnsEnabled: true
      ServiceName: !Sub com.amazonaws.${{AWS::Region}}.bedrock-runtime
      VpcId: !Ref VpcId
      SubnetIds: !Ref SubnetIds
      SecurityGroupIds: [!Ref EndpointSecurityGroup]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
{_block(allowed, 10)}
"""


def _block(statements: Sequence[Statement], indent: int) -> str:
    import yaml

    return _indented(yaml.safe_dump(statements, sort_keys=False, width=1_000).rstrip(), indent)


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.splitlines())


def _quoted(text: str) -> str:
    """For inside double quotes of YAML, which are JSON's."""
    return json.dumps(text)[1:-1]
