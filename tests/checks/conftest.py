"""Makes what a check sees, the way the engine does."""

from collections.abc import Callable

import pytest

from dikast.checks.base import Checked
from dikast.checks.parsing import items_of, parse_completion
from dikast.records import Message, Rollout


@pytest.fixture
def see() -> Callable[..., Checked]:
    def make(
        completion: str,
        *,
        inputs: dict[str, str] | None = None,
        items: str | None = None,
        prompt: str | tuple[Message, ...] = "Review the clause.",
        columns: dict[str, object] | None = None,
    ) -> Checked:
        parsed = parse_completion(completion)
        return Checked(
            rollout=Rollout(id="r1", group="g1", prompt=prompt, completion=completion, columns=columns or {}),
            documents=tuple((inputs or {}).items()),
            parsed=parsed,
            items=items_of(parsed, items),
        )

    return make
