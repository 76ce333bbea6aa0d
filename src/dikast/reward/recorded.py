"""Has a group's rollouts judged by verdicts that are there: nothing is asked, so nothing waits."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dikast.judges.recorded import RecordedJudge
from dikast.records import Usage
from dikast.reward.judging import Found, RubricJudging, Task, Tell
from dikast.reward.parts import Judged

_ONE_QUESTION = Usage(questions=1)


class RecordedJudging(msgspec.Struct, frozen=True, kw_only=True):
    """Each rollout by itself, by what is recorded of it. A set's items and issues are looked up as any judge is asked."""

    judge: RecordedJudge
    rubric: RubricJudging

    async def group(self, tasks: Sequence[Task], tell: Tell, *, until: float | None) -> None:
        """Tells what is recorded of each rollout, in their order."""
        if self.rubric.file.items is not None:
            return await self.rubric.group(tasks, tell, until=until)
        criteria = self.rubric.criteria
        for task in tasks:
            verdicts = self.judge.look_up(task.bound.rollout.id, None, criteria)
            tell(task, Found(judged=(Judged(item=None, verdicts=verdicts),), usage=_ONE_QUESTION))
        return None
