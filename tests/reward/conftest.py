"""A rollout that the tests of this folder share."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from dikast.records import Rollout


def make_rollout(name: str = "r", completion: Any = "an answer", *, group: str = "g", **columns: Any) -> Rollout:
    """A rollout over a contract; a completion that is no text is written as JSON."""
    text = completion if isinstance(completion, str) else json.dumps(completion)
    return Rollout(
        id=name,
        group=group,
        prompt=f"prompt {group}",
        completion=text,
        columns={"contract": f"contract {group}", **columns},
    )


@pytest.fixture
def rollout() -> Callable[..., Rollout]:
    return make_rollout
