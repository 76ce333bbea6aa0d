"""Scores a large file with recorded verdicts, beside a bare loop that reads and writes the same rows.

    python bench/streaming.py [rollouts]          # a million where not given

Two checks (length, artifacts), one criterion, aggregation, JSONL: all of `dikast score` but a model. One core each.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from measuring import costs, in_child, show

REWARD = """
name: stream
objective: You judge whether an answer follows from the document.
inputs: {Document: contract}
checks:
  - {check: length, max_words: 60, weight: 0.1}
  - {check: artifacts, weight: 0.1}
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: follows, ask: "Does the answer follow?", pass: It does., fail: It does not.}
"""
DOCUMENT = "The Supplier shall deliver the goods within ten days of the order and bears the risk until then. " * 12


def main() -> None:
    """Writes the file and measures both, each in a process of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("rollouts", type=int, nargs="?", default=1_000_000)
    options.add_argument("--one", choices=("bare", "dikast"))
    options.add_argument("--folder", type=Path)
    options.add_argument("--apart", action="store_true")
    given = options.parse_args()
    if given.one:
        work = bare if given.one == "bare" else with_dikast
        print(json.dumps(costs(lambda: work(given.folder))))
        return
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for apart in (False, True):
            count = given.rollouts if not apart else given.rollouts // 10
            write(folder, count, apart=apart)
            found = {one: in_child(Path(__file__), "--one", one, "--folder", name) for one in ("bare", "dikast")}
            rows += [
                {
                    "way": f"{one}, groups {'apart' if apart else 'together'}",
                    "rollouts": count,
                    "a second": run["per_second"],
                    "peak MB": run["peak_mb"],
                    "rate / bare": run["per_second"] / found["bare"]["per_second"],
                }
                for one, run in found.items()
            ]
    show("rollouts with recorded verdicts", rows, list(rows[0]))


def write(folder: Path, rollouts: int, *, apart: bool) -> None:
    """Writes rollouts, eight to a prompt, their verdicts and the reward."""
    (folder / "reward.yaml").write_text(REWARD)
    groups = max(1, rollouts // 8)
    with (folder / "rollouts.jsonl").open("w") as out, (folder / "verdicts.jsonl").open("w") as verdicts:
        for at in range(rollouts):
            group = at % groups if apart else at // 8
            row = {
                "id": f"r{at}",
                "group": f"g{group}",
                "prompt": f"Question {group}: when do the goods come?",
                "completion": f"Answer {at}: the goods come within ten days, and the Supplier bears the risk until then.",
                "contract": DOCUMENT,
            }
            out.write(json.dumps(row) + "\n")
        order = sorted(range(rollouts), key=lambda at: at % groups) if apart else range(rollouts)
        for at in order:
            verdicts.write(f'{{"id": "r{at}", "verdicts": {{"follows": {at % 100 / 100}}}}}\n')


def bare(folder: Path) -> int:
    """Reads each row and writes it."""
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    count = 0
    with (folder / "rollouts.jsonl").open("rb") as rows, (folder / "bare.jsonl").open("wb") as out:
        for line in rows:
            out.write(encode(decode(line)) + b"\n")
            count += 1
    return count


def with_dikast(folder: Path) -> int:
    """Runs `dikast score`."""
    from dikast.cli.main import run

    scores = folder / "scores.jsonl"
    paths = [str(folder / name) for name in ("reward.yaml", "rollouts.jsonl")]
    if run(["score", *paths, "-o", str(scores), "--journal", str(folder / "journal.db")]):
        raise RuntimeError("dikast score failed")
    with scores.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(partial(file.read, 1 << 20), b""))


if __name__ == "__main__":
    main()
