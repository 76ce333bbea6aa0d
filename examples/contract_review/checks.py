"""What code can see of a comment beyond its form: four checks of the example's reward.

Three look at what the policy is shown, clause and playbook. `same_verdict` looks at the expert's review, as the
judge does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

# Words that any clause and any rule hold: they say nothing about the subject.
_COMMON = (
    "a after all an and any are as at be before by each every first for from if in is it its last may must no nor not "
    "of on only or our own party per shall such supplier than that the them then this to under until us we when where "
    "which who will with within without you your"
)
COMMON = frozenset(_COMMON.split())
ENOUGH = 1 / 3
"""Share of a rule's words of substance from which an action is taken to be about it: each of the playbook's own holds that.
One word was not enough: a policy learned to name one and to add whatever came."""
STEM = 5
"""Letters of a word that count, so that `payable` and `payment` stay apart and `invoice` and `invoices` meet."""

KEPT = "Keeps our rule:"
"""How a comment begins that finds nothing wrong: the house style of the references."""


def names_one_rule(rollout: Any) -> float:
    """The share of the comments that quote exactly one rule of the playbook, word for word."""
    return _share([_rule_of(comment, rollout) is not None for comment in _comments(rollout)])


def same_verdict(rollout: Any) -> float:
    """The share of the comments that say "kept" or "against" as an expert's review of the clause does."""
    reviews = rollout.columns["expert_review"].splitlines()
    kept = any(review.startswith(KEPT) for review in reviews)
    return _share([comment["comment"].startswith(KEPT) == kept for comment in _comments(rollout)])


def action_fits(rollout: Any) -> float:
    """How far the type and action of the comments fit what they say of their rule, averaged, 0..1.

    A rule that is kept wants an assessment that accepts; a broken one wants an action that takes up the rule's
    words of substance, in full from `ENOUGH` of them on, in proportion below.
    """
    return _share([_fits(comment, rollout) for comment in _comments(rollout)])


def excerpt_on_rule(rollout: Any) -> float:
    """The share of the comments whose excerpt has a word of substance in common with the rule that they quote."""
    return _share([_on_rule(comment, rollout) for comment in _comments(rollout)])


def stems(text: str) -> set[str]:
    """Gives the words of substance, cut to their first letters; numbers are kept whole."""
    words = re.findall(r"[a-z]+|\d+", text.lower())
    return {word if word.isdigit() else word[:STEM] for word in words if word not in COMMON}


def _comments(rollout: Any) -> list[dict[str, str]]:
    # The gate before these checks has seen that it is JSON of the schema's form.
    return json.loads(rollout.completion)["comments"]


def _fits(comment: dict[str, str], rollout: Any) -> float:
    if comment["comment"].startswith(KEPT):
        return float(comment["type"] == "assessment" and comment["action"].startswith("Accept"))
    rule = _rule_of(comment, rollout)
    if comment["type"] == "assessment" or rule is None:
        return 0.0
    wanted = stems(rule)
    return min(1.0, len(wanted & stems(comment["action"])) / len(wanted) / ENOUGH)


def _on_rule(comment: dict[str, str], rollout: Any) -> bool:
    rule = _rule_of(comment, rollout)
    return rule is not None and bool(stems(rule) & stems(comment["text_excerpt"]))


def _rule_of(comment: dict[str, str], rollout: Any) -> str | None:
    named = [rule for rule in rollout.columns["playbook"].splitlines() if rule in comment["comment"]]
    return named[0] if len(named) == 1 else None


def _share(passed: Sequence[float]) -> float:
    return sum(passed) / len(passed)
