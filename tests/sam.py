"""Translates a SAM template into CloudFormation with AWS's own translator, as the service does when a stack is made."""

from typing import Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class _NoPolicies:
    """Templates of ours name no managed policy by a short name."""

    def load(self) -> dict[str, str]:
        return {}


def translated(template: str, code: str = "s3://bucket/key.zip", **parameters: str) -> dict[str, Any]:
    """Gives the template that CloudFormation then works on."""
    read = yaml_parse(template)
    properties = read["Resources"]["Function"]["Properties"]
    if not str(properties["CodeUri"]).startswith("s3://"):
        properties["CodeUri"] = code
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return transform(read, parameters, _NoPolicies())
