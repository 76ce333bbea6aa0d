import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dikast.agree.measure import Options, measure
from dikast.agree.records import Agreement
from dikast.agree.roles import Roles


@pytest.fixture
def agreed(tmp_path: Path) -> Callable[..., Agreement]:
    """Writes rows as JSONL and measures them."""

    def go(
        rows: Sequence[dict[str, Any]],
        *,
        gold: str | None = None,
        humans: tuple[str, ...] = (),
        judges: tuple[str, ...] = (),
        **options: Any,
    ) -> Agreement:
        path = tmp_path / "ratings.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return measure(path, Roles(gold=gold, humans=humans, judges=judges), Options(**options))

    return go
