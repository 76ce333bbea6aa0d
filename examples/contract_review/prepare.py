"""Makes the example's data files from the hand-written families: prompts, references and the split.

    python examples/contract_review/prepare.py

Writes data/train.jsonl, data/valid.jsonl and data/test.jsonl. The split is by family and wording:
all clauses of one wording fall on the same side, so a test clause is drafted unlike every training one.
The order of the families' files and of the wordings in them decides everything; nothing is random.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SYSTEM = (
    "Review the clause for the customer against the rules. "
    'Reply in JSON: {"comments":[{"text_excerpt","comment","type","action"}]}'
)
ACCEPT = "Accept as drafted."
# Which of a family's sixteen wordings is held out where. Spread over the file, as its author's
# style drifts from the first to the last; shifted by family, so that no style is held out everywhere.
TEST = {2, 5, 8, 11, 14}
VALID = {4, 12}


def side_of(family_at: int, wording_at: int) -> str:
    """Gives train, valid or test for a wording, by its position."""
    shifted = (wording_at + family_at) % 16
    return "test" if shifted in TEST else "valid" if shifted in VALID else "train"


def comments_of(clause: dict[str, Any], rules: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """Gives a review of a clause in house style: its issues, or the assessment that it keeps a rule.

    A comment quotes its rule from the playbook in full, so that whoever reads it sees what it rests on, and
    proposes the playbook's own action. The freer comments and actions of the families are the judge's suite's.
    """
    if clause["issues"]:
        return [
            {
                "text_excerpt": issue["span"],
                "comment": f"Against our rule: {rules[issue['rule']]['text']}",
                "type": issue["type"],
                "action": rules[issue["rule"]]["action"],
            }
            for issue in clause["issues"]
        ]
    kept = clause["kept"]
    return [
        {
            "text_excerpt": kept["span"],
            "comment": f"Keeps our rule: {rules[kept['rule']]['text']}",
            "type": "assessment",
            "action": ACCEPT,
        }
    ]


def rows(family_at: int, family: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Gives (side, row) for every clause of a family."""
    rules = {rule["id"]: rule for rule in family["rules"]}
    playbook = "\n".join(rule["text"] for rule in rules.values())
    for wording_at, wording in enumerate(family["wordings"]):
        for clause_at, clause in enumerate(wording["clauses"]):
            comments = comments_of(clause, rules)
            row = {
                "id": f"{family['family']}-{wording['id']}-{clause_at + 1}",
                "prompt": [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": f"Rules:\n{playbook}\n\nClause: {clause['text']}"},
                ],
                "reference": json.dumps({"comments": comments}, separators=(",", ":")),
                "contract": clause["text"],
                "playbook": playbook,
                "expert_review": "\n".join(comment["comment"] for comment in comments),
                "family": family["family"],
                "wording": f"{family['family']}/{wording['id']}",
                "style": wording["style"],
                "expert_issues": [
                    {
                        "rule": rules[issue["rule"]]["text"],
                        "span": issue["span"],
                        "action_terms": rules[issue["rule"]]["action_terms"],
                    }
                    for issue in clause["issues"]
                ],
                "expert_kept": None
                if clause["issues"]
                else {"rule": rules[clause["kept"]["rule"]]["text"], "span": clause["kept"]["span"]},
            }
            yield side_of(family_at, wording_at), row


def main() -> None:
    """Writes the three files."""
    sides: dict[str, list[dict[str, Any]]] = {"train": [], "valid": [], "test": []}
    for family_at, path in enumerate(sorted((HERE / "families").glob("*.yaml"))):
        for side, row in rows(family_at, yaml.safe_load(path.read_text("utf-8"))):
            sides[side].append(row)
    for side, content in sides.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
        (HERE / "data" / f"{side}.jsonl").write_text(lines, "utf-8")


if __name__ == "__main__":
    main()
