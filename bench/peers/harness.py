"""What the peers' drivers share: the cases, the run with its cost, and the check that every verdict is the judge's own.

A driver makes its package's judge and hands it over; it runs in that package's environment, so only the standard
library is used here:

    async def judge(case: Case) -> bool: ...
    main(connect)                            # connect(url) gives such a judge

The judge server's verdict on an answer can be told beforehand. A package that makes up a score for a judgment that
failed would look fast, so one wrong or missing verdict fails the run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from measuring import AT_ONCE, DOCUMENT, answers_to_judge, costs
from peer_replies import says_yes

# No package looks this name up as anything but a plain chat model.
MODEL = "gpt-4.1-mini"
KEY = "none"
CRITERION = "Does the answer follow from the document? Yes: It does. No: It does not."


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is judged: an answer to a question about a document."""

    question: str
    document: str
    answer: str


Judge = Callable[[Case], Awaitable[bool]]


def main(connect: Callable[[str], Judge]) -> None:
    """Judges as many cases as the command line says and prints what they cost as one JSON object.

    One case goes before, so that what a package does only once, such as a late import, is not counted against it.
    """
    options = argparse.ArgumentParser()
    options.add_argument("--url", required=True, help="the address of bench/judge_server.py")
    options.add_argument("--judgments", type=int, required=True)
    given = options.parse_args()
    first, *cases = (
        Case(question=f"Question {at}?", document=DOCUMENT, answer=answer)
        for at, answer in enumerate(answers_to_judge(given.judgments + 1))
    )
    with asyncio.Runner() as runner:
        judge = connect(given.url)
        check([first], runner.run(judged(judge, [first])))
        outcomes: list[bool | BaseException] = []

        def work() -> int:
            outcomes.extend(runner.run(judged(judge, cases)))
            return len(outcomes)

        found = costs(work)
        check(cases, outcomes)
    print(json.dumps(found), flush=True)


async def judged(judge: Judge, cases: Sequence[Case]) -> list[bool | BaseException]:
    """Each case's verdict, or what was raised in its place."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> bool:
        async with slots:
            return await judge(case)

    return await asyncio.gather(*(one(case) for case in cases), return_exceptions=True)


def check(cases: Sequence[Case], outcomes: Sequence[bool | BaseException]) -> None:
    """Ends the run unless every verdict is what the judge server said."""
    expected = [says_yes(case.answer) for case in cases]
    wrong = [said for said, truly in zip(outcomes, expected, strict=True) if said is not truly]
    if wrong:
        example = " ".join(f"{type(wrong[0]).__name__}: {wrong[0]}".split())
        raise SystemExit(f"{len(wrong)} of {len(cases)} judgments failed, the first with {example[:300]}")


def yes_or_no(score: object, *, yes: object, no: object) -> bool:
    """A package's own score as a verdict; anything else than the two that can be is none."""
    if score in (yes, no):
        return score == yes
    raise ValueError(f"{score!r} is no verdict")
