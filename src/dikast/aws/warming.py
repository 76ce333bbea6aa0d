"""Asks the judge one short question before the first event: connections are open and its schema compiled by then.

Bedrock compiles a schema when it sees it first, which can take minutes, and remembers it for a day.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dikast.judges.render import Case
from dikast.records import Missing, Rollout
from dikast.reward.binding import bare

if TYPE_CHECKING:
    from dikast.reward.reward import Reward

SECONDS = 300.0
"""For the question to be answered."""


async def warm_up(reward: Reward) -> str | None:
    """Asks the question; gives what went wrong, or None.

    The form of the reply is that of one candidate; a set with several items has a form for each number of them.
    """
    until = asyncio.get_running_loop().time() + SECONDS
    if reward.spec.file.judge.mode == "rubric":
        [verdicts], _ = await reward.judges.rubric().judge(
            [Case(documents=(), candidate="-")], reward.criteria, until=until
        )
        return next((verdict.detail for verdict in verdicts.values() if isinstance(verdict, Missing)), None)
    pair = [
        bare(reward.spec, Rollout(id=text, group="warm-up", prompt="-", completion=text, reference="-"))
        for text in ("a", "b")
    ]
    worths = await reward.judges.comparison().compare(pair, until=until)
    return next((worth.detail for worth, _ in worths if isinstance(worth, Missing)), None)
