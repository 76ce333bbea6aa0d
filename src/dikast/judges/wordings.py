"""The same judge with other words around its questions: whether its verdicts hang on ours."""

from __future__ import annotations

import msgspec

from dikast.judges.base import Judge
from dikast.judges.panel import FallbackJudge, PanelJudge
from dikast.judges.rubric import RubricJudge


def reworded(judge: Judge, wording: str) -> Judge | None:
    """Gives the judge that asks in one of `render.WORDINGS`; None where nothing is asked, as of recorded verdicts."""
    if isinstance(judge, RubricJudge):
        return msgspec.structs.replace(judge, wording=wording)
    if isinstance(judge, PanelJudge):
        members = [reworded(member, wording) for member in judge.members]
        asked = tuple(member for member in members if member is not None)
        return msgspec.structs.replace(judge, members=asked) if len(asked) == len(members) else None
    if isinstance(judge, FallbackJudge):
        first, second = reworded(judge.first, wording), reworded(judge.second, wording)
        return msgspec.structs.replace(judge, first=first, second=second) if first and second else None
    return None
