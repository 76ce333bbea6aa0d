"""What trainers' logs are told about scores: figures that can be averaged, and lines for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from dikast.records import Score


def metrics_of(scores: Sequence[Score]) -> dict[str, float]:
    """Means over a batch: each part where it was had, and the shares gated and missing."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for score in scores:
        for part in score.parts:
            if part.value is not None:
                values[f"part/{part.name}"].append(part.value)
    means = {name: sum(seen) / len(seen) for name, seen in values.items()}
    means["share/gated"] = sum(score.status == "gated" for score in scores) / max(1, len(scores))
    means["share/missing"] = sum(score.status == "missing" for score in scores) / max(1, len(scores))
    return means


def values_of(score: Score) -> str:
    """One line for a log: every part with its value, and what decided where something went wrong."""
    parts = ", ".join(
        f"{part.name}={'n/a' if part.na else part.missing or f'{part.value:.2f}'}" for part in score.parts
    )
    return f"{parts} ({score.detail})" if score.detail else parts


def reasons_of(score: Score) -> str:
    """What the judge and the checks gave as reasons, with the evidence, a line each."""
    return "\n".join(
        f"{part.name}: {part.reason or ''}" + (f' "{part.evidence}"' if part.evidence else "")
        for part in score.parts
        if part.reason or part.evidence
    )
