"""A judge whose verdicts were taken elsewhere: by people, by another tool, by an earlier run.

    judge = RecordedJudge("recorded:verdicts.jsonl", path)

One line a unit: `{"id": rollout id, "item": 0, "verdicts": {criterion id: 0.8}}`. A verdict is a probability, true or
false, "n/a", null where there is none, or an object with that as `value`, and `reason` and `evidence`; of several
lines about one unit the first stands. Lines in the order of the rollouts are read as they are needed, in constant
memory; otherwise the whole file is.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from dikast.errors import DataError
from dikast.judges.base import Verdicts
from dikast.judges.render import Case
from dikast.models.base import Capabilities
from dikast.records import Missing, Usage, Value, Verdict
from dikast.rollouts import BUFFER, file_hash
from dikast.spec.judge import Criterion

CONCURRENCY = 1
"""Nothing waits, so nothing is gained side by side."""


class _Row(Value, frozen=True):
    id: str
    verdicts: dict[str, Any]
    item: int | None = None


_decode = msgspec.json.Decoder(_Row).decode


def names_verdicts(model: str) -> bool:
    """Whether a model's name means such a file, and no model."""
    return model.startswith("recorded:") and model.endswith(".jsonl")


class RecordedJudge:
    """Gives what stands in a file."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.fingerprint = file_hash(path)
        self.capabilities = Capabilities(quote=True, reason=True, na=True, concurrency=CONCURRENCY)
        self._rows = self._read()
        self._all: dict[tuple[str, int | None], dict[str, Any]] | None = None

    async def judge(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], *, repeat: int = 0, until: float | None = None
    ) -> tuple[list[Verdicts], Usage]:
        """Gives the recorded verdicts. What was not recorded is missing as `rejected`."""
        given = [self.look_up(case.rollout, case.item, criteria) for case in cases]
        return given, Usage(questions=len(cases))

    def look_up(self, rollout: str, item: int | None, criteria: Sequence[Criterion]) -> Verdicts:
        """Gives what is recorded of one unit, an item or the whole completion."""
        held = self._held(rollout, item) or {}
        verdicts: Verdicts = {}
        for criterion in criteria:
            said = held.get(criterion.id)
            usual = isinstance(said, float) and 0 <= said <= 1
            verdicts[criterion.id] = Verdict(value=said) if usual else self._verdict(said, criterion, rollout)
        return verdicts

    async def close(self) -> None:
        """Closes the file."""
        self._rows.close()

    def _verdict(self, said: Any, criterion: Criterion, rollout: str) -> Verdict | Missing:
        told: dict[str, Any] = cast("dict[str, Any]", said) if isinstance(said, dict) else {"value": said}
        value = told.get("value")
        share = float(value) if isinstance(value, bool | int | float) and 0 <= value <= 1 else None
        if share is None and not (value == "n/a" and criterion.na):
            return Missing("rejected", f"{self.path.name} has no verdict of '{criterion.id}' on '{rollout}'")
        return Verdict(value=share, reason=_text(told.get("reason")), evidence=_text(told.get("evidence")))

    def _held(self, rollout: str, item: int | None) -> dict[str, Any] | None:
        if self._all is None:
            row = next(self._rows, None)
            if row is not None and row.id == rollout and row.item == item:
                return row.verdicts
            # Out of order, or asked again: from here on the whole file is at hand.
            held: dict[tuple[str, int | None], dict[str, Any]] = {}
            for row in self._read():
                held.setdefault((row.id, row.item), row.verdicts)
            self._all = held
        return self._all.get((rollout, item))

    def _read(self) -> Generator[_Row]:
        with self.path.open("rb", buffering=BUFFER) as lines:
            for number, line in enumerate(lines, start=1):
                if line.isspace():
                    continue
                try:
                    row = _decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    raise DataError(
                        f"{self.path}:{number}: no recorded verdicts ({error}); "
                        'write {"id": rollout, "verdicts": {criterion: 0.8}}'
                    ) from None
                yield row


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
