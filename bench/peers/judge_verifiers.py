"""verifiers' RubricJudge: one judge for all; it opens a client for each judgment and reads JSON from plain text.

The task is its own; in place of the trace of a whole rollout stands the least that the judge asks of one.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from harness import CRITERION, MODEL, Case, Judge, main, yes_or_no


class Trace:
    """A rollout that ended in a reply, and takes what the judge would write down."""

    def __init__(self, last_reply: str) -> None:
        self.last_reply = last_reply

    def record_metric(self, name: str, value: float) -> None:
        """Takes one criterion's score."""

    def record_judge_call(self, **call: Any) -> None:
        """Takes the question and the reply."""


def connect(url: str) -> Judge:
    """Makes the judge and reads its rubric of one criterion."""
    from verifiers.v1 import TaskData
    from verifiers.v1.judges.rubric import RubricJudge, RubricJudgeConfig

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rubric.json"
        path.write_text(json.dumps({"criteria": [{"name": "follows", "text": CRITERION}]}))
        config = RubricJudgeConfig(
            path=path, base_url=f"{url}/v1", api_key_var="NO_KEY", model=MODEL, view="last_reply"
        )
        rubric = RubricJudge(config)
        assert rubric.criteria, "read while the file is there"

    async def judge(case: Case) -> bool:
        task = TaskData(prompt=f"{case.document}\n\n{case.question}")
        score = await rubric.score(task, Trace(case.answer))
        return yes_or_no(score, yes=1.0, no=0.0)

    return judge


if __name__ == "__main__":
    main(connect)
