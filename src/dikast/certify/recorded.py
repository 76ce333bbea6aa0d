"""Says what a certificate of recorded verdicts leaves open: a file is never in two minds, and was never attacked."""

from __future__ import annotations

from collections.abc import Iterator

from dikast.judges.recorded import names_verdicts


def about_recorded(model: str) -> Iterator[str]:
    """What must be known of them; nothing of a judge that is asked."""
    if names_verdicts(model):
        yield (
            "these verdicts are recorded: asked again they are the same, and on attacked candidates there are none, so that "
            "flips and attacks say nothing of who gave them"
        )
