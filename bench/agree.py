"""Reads and measures a million recorded verdicts.

    python bench/agree.py [verdicts]          # a million where not given

Five shapes: everybody rated everything, as JSONL and as CSV; three of three hundred raters an item, with verdicts
missing; a judge's probabilities beside a person's yes and no; probabilities by twenty judges, hardly one like another. Each runs `dikast agree --json` in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from measuring import costs, in_child, show

Row: TypeAlias = tuple[str, str, "int | float | bool | None"]


def main() -> None:
    """Writes each file and measures it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("verdicts", type=int, nargs="?", default=1_000_000)
    options.add_argument("--one", type=Path)
    options.add_argument("--gold")
    given = options.parse_args()
    if given.one:
        print(json.dumps(costs(lambda: agree(given.one, given.gold))))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, suffix, gold, make in SHAPES:
            path = Path(folder) / f"ratings{suffix}"
            verdicts = write(path, make(given.verdicts))
            found = in_child(Path(__file__), "--one", str(path), *(("--gold", gold) if gold else ()))
            rows.append(
                {
                    "shape": name,
                    "verdicts": verdicts,
                    "s": found["wall"],
                    "CPU s": found["cpu_ms"] * found["units"] / 1000,
                    "peak MB": found["peak_mb"],
                }
            )
    show("agreement of recorded verdicts", rows, list(rows[0]))


def agree(path: Path, gold: str | None) -> int:
    """Runs `dikast agree`; what it prints goes nowhere."""
    from dikast.cli.main import run

    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        code = run(["agree", str(path), "--json", *(("--gold", gold) if gold else ())])
    if code:
        raise RuntimeError(f"dikast agree left with {code}")
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def write(path: Path, rows: Iterator[Row]) -> int:
    """Writes verdicts, item by item, and says how many."""
    count = 0
    with path.open("w") as out:
        if path.suffix == ".csv":
            out.write("item,rater,label\n")
        for item, rater, label in rows:
            if path.suffix == ".csv":
                out.write(f"{item},{rater},{'' if label is None else label}\n")
            else:
                out.write(f'{{"item": "{item}", "rater": "{rater}", "label": {json.dumps(label)}}}\n')
            count += 1
    return count


def complete(verdicts: int) -> Iterator[Row]:
    """Twenty raters on a scale of 1 to 5."""
    draw = random.Random(1)
    for item in range(verdicts // 20):
        true = draw.randint(1, 5)
        for rater in range(20):
            yield f"item-{item}", f"rater-{rater}", min(5, max(1, true + draw.choice((-1, 0, 0, 0, 1))))


def ragged(verdicts: int) -> Iterator[Row]:
    """Three of three hundred raters an item, yes or no, one verdict in fifty missing."""
    draw = random.Random(2)
    for item in range(verdicts // 3):
        true = draw.random() < 0.7
        for rater in draw.sample(range(300), 3):
            label = None if draw.random() < 0.02 else true ^ (draw.random() < 0.1)
            yield f"item-{item}", f"rater-{rater}", label


def all_different(verdicts: int) -> Iterator[Row]:
    """Twenty judges' P(yes) to the last digit: a million labels, and every pair of raters to compare."""
    draw = random.Random(4)
    for item in range(verdicts // 20):
        true = draw.random()
        for rater in range(20):
            yield f"item-{item}", f"judge-{rater}", min(1.0, max(0.0, true + draw.gauss(0, 0.1)))


def probabilities(verdicts: int) -> Iterator[Row]:
    """A judge's P(yes), hardly one like another, and what a person says."""
    draw = random.Random(3)
    for item in range(verdicts // 2):
        p = draw.random()
        yield f"item-{item}", "judge", p
        yield f"item-{item}", "person", draw.random() < p


SHAPES: tuple[tuple[str, str, str | None, Callable[[int], Iterator[Row]]], ...] = (
    ("20 raters, complete, JSONL", ".jsonl", "rater-0", complete),
    ("20 raters, complete, CSV", ".csv", "rater-0", complete),
    ("300 raters, 3 an item, JSONL", ".jsonl", None, ragged),
    ("probabilities and yes/no, JSONL", ".jsonl", "person", probabilities),
    ("20 judges' probabilities, JSONL", ".jsonl", None, all_different),
)

if __name__ == "__main__":
    main()
