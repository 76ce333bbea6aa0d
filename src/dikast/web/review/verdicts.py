"""What judges said of the units, read from the scores that a run or `dikast score` left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import msgspec

from dikast.errors import DataError
from dikast.records import Missing, Score, Verdict
from dikast.rollouts import read_rows
from dikast.spec.judge import Criterion

Said = Mapping[str, Verdict | Missing]
"""criterion id → what the judge said of one unit."""
Verdicts = dict[tuple[str, int | None], dict[str, Verdict | Missing]]
"""(rollout id, item) → what the judge said."""


def read_scores(path: Path) -> list[Score]:
    """Reads a scores file. Raises `DataError` with file and line at what is no score."""
    scores: list[Score] = []
    for line, row in read_rows(path):
        try:
            scores.append(msgspec.convert(row, Score))
        except msgspec.ValidationError as error:
            raise DataError(f"{path}:{line}: not a score ({error}); give a file that 'dikast score' wrote") from None
    return scores


def verdicts_of(scores: Iterable[Score], criteria: Collection[Criterion]) -> Verdicts:
    """Gives what the judge said, by unit. A yes is a yes again where a negative criterion counts it as a no."""
    known = {criterion.id: criterion for criterion in criteria}
    verdicts: Verdicts = {}
    for score in scores:
        for part in score.parts:
            criterion = known.get(part.name)
            if part.kind != "criterion" or criterion is None:
                continue
            if part.missing:
                said: Verdict | Missing = Missing(part.missing, part.reason or "")
            else:
                value = 1 - part.value if part.value is not None and criterion.negative else part.value
                said = Verdict(value=value, reason=part.reason, evidence=part.evidence, votes=part.votes, by=part.by)
            verdicts.setdefault((score.id, part.item), {})[part.name] = said
    return verdicts
