"""Makes data/labels.jsonl, the judge's test suite, from the comments in suite/ and the two labelling passes.

    python examples/contract_review/prepare_labels.py

Each row is one comment on one clause, as the policy would give it, with both passes' answers; where
they differ, both answers stand in the row and the certificate leaves the unit out of its rates.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PASSES = ("author-pass-1", "author-pass-2")
CRITERIA = ("same_point",)


def lines(path: Path) -> list[dict[str, Any]]:
    """Reads a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> None:
    """Writes the labels file."""
    clauses = {row["id"]: row for side in ("train", "valid") for row in lines(HERE / "data" / f"{side}.jsonl")}
    answers = {name: {row["id"]: row for row in lines(HERE / "suite" / f"{name}.jsonl")} for name in PASSES}
    made: list[dict[str, Any]] = []
    for unit in lines(HERE / "suite" / "authored.jsonl") + lines(HERE / "suite" / "sampled.jsonl"):
        clause = clauses[unit["clause"]]
        made.append(
            {
                "id": unit["id"],
                "group": unit["clause"],
                "prompt": clause["prompt"],
                "completion": json.dumps({"comments": [unit["comment"]]}, separators=(",", ":")),
                "contract": clause["contract"],
                "playbook": clause["playbook"],
                "expert_review": clause["expert_review"],
                "kind": unit["kind"],
                "source": unit.get("source", "authored"),
                "item": 0,
                "labels": {
                    criterion: {name: answers[name][unit["id"]][criterion] for name in PASSES} for criterion in CRITERIA
                },
            }
        )
    made.sort(key=lambda row: (row["group"], row["id"]))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    (HERE / "data" / "labels.jsonl").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
