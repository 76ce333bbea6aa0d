"""What the engine itself costs a rollout, with a judge that answers at once.

    python bench/engine.py [rollouts]

The unit is one strict JSON parse of the completion, so that figures of different machines compare.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from measuring import show

from dikast.checks.parsing import parse_completion
from dikast.journal import Journal
from dikast.judges.render import yes_no_messages
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Rollout
from dikast.reward.assembly import Judges
from dikast.reward.binding import bind, case_of
from dikast.reward.reward import Reward
from dikast.rollouts import read_rows, rollout_of
from dikast.spec.reward import read_reward

EXAMPLE = Path(__file__).parents[1] / "examples" / "contract_review"


class InstantJudge:
    """Says yes with 0.7, at once."""

    name = "bench:instant"
    fingerprint = "bench"
    capabilities = Capabilities(logprobs=True, concurrency=64)

    async def reply(self, request: Request) -> Reply:
        return Reply(text="Yes", first_token=(("Yes", -0.3567), ("No", -1.204)))

    async def close(self) -> None:
        return None


def rollouts(count: int) -> list[Rollout]:
    """Takes the example's references, each made different from the last, as eight rollouts a prompt."""
    path = EXAMPLE / "data" / "train.jsonl"
    rows = [rollout_of(row, path=path, line=line, completion=row["reference"]) for line, row in read_rows(path)]
    made: list[Rollout] = []
    for at in range(count):
        row = rows[at // 8 % len(rows)]
        text = row.completion.replace('"comment":"', f'"comment":"({at}) ', 1)
        made.append(msgspec.structs.replace(row, id=str(at), completion=text))
    return made


def seconds(work: Callable[[], object]) -> float:
    """Times one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(count: int) -> None:
    """Measures and prints."""
    spec = read_reward(EXAMPLE / "reward.yaml")
    rows = rollouts(count)
    reward = Reward(Judges(spec, [InstantJudge()], Journal.open(None)))
    criterion = spec.file.judge.criteria[0]
    asyncio.run(reward.ascore(rows[:8]))  # loads the language detector
    parse = seconds(lambda: [parse_completion(row.completion) for row in rows])
    figures = {
        "parse": parse,
        "bind and checks": seconds(lambda: [reward.engine.prepare(at, bind(spec, row)) for at, row in enumerate(rows)]),
        "render one question": seconds(
            lambda: [yes_no_messages(spec.file.objective, case_of(bind(spec, row), 0), criterion) for row in rows]
        ),
        "score, first time": seconds(lambda: asyncio.run(reward.ascore(rows))),
        "score, from the journal": seconds(lambda: asyncio.run(reward.ascore(rows))),
    }
    rows = [
        {"step": name, "us a rollout": 1e6 * took / count, "x parse": took / parse} for name, took in figures.items()
    ]
    show(f"the engine alone, {count} rollouts of the example", rows, list(rows[0]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
