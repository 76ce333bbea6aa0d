"""What code can see of a comment beyond its form: two checks of the example's reward.

Both look at what the policy is shown, clause and playbook; neither knows the clause's issues.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Words that any clause and any rule hold: they say nothing about the subject.
_COMMON = (
    "a after all an and any are as at be before by each every first for from if in is it its last may must no nor not "
    "of on only or our own party per shall such supplier than that the them then this to under until us we when where "
    "which who will with within without you your"
)
COMMON = frozenset(_COMMON.split())
STEM = 6
"""Letters of a word that count, so that `payable` and `payment` stay apart and `invoice` and `invoices` meet."""


def action_on_rule(rollout: Any) -> float:
    """The share of the comments whose action takes up a word of substance of the rule that they quote.

    0 for one that quotes no rule of the playbook word for word, or several. "Review this carefully" takes up
    nothing. An assessment, which accepts the clause, gets no credit either: the reward's judge cannot tell a
    kept rule from a broken one, and a policy would learn to accept everything.
    """
    return _share([c["type"] != "assessment" and _on_rule(c, "action", rollout) for c in _comments(rollout)])


def excerpt_on_rule(rollout: Any) -> float:
    """The share of the comments whose excerpt has a word of substance in common with the rule that they quote."""
    return _share([_on_rule(c, "text_excerpt", rollout) for c in _comments(rollout)])


def stems(text: str) -> set[str]:
    """Gives the words of substance, cut to their first letters; numbers are kept whole."""
    words = re.findall(r"[a-z]+|\d+", text.lower())
    return {word if word.isdigit() else word[:STEM] for word in words if word not in COMMON}


def _comments(rollout: Any) -> list[dict[str, str]]:
    # The gate before these checks has seen that it is JSON of the schema's form.
    return json.loads(rollout.completion)["comments"]


def _on_rule(comment: dict[str, str], field: str, rollout: Any) -> bool:
    named = [rule for rule in rollout.columns["playbook"].splitlines() if rule in comment["comment"]]
    return len(named) == 1 and bool(stems(named[0]) & stems(comment[field]))


def _share(passed: list[bool]) -> float:
    return sum(passed) / len(passed)
