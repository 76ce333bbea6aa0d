"""The gold measure of the example: code that knows what each clause breaks or keeps. The reward never sees it.

issue found x overlap of the excerpt x right action, averaged over the known issues; comments beyond them dilute
it. A clause without an issue keeps a rule, which is looked for in the same way: its "issue" is an assessment that
names the rule and accepts. So no answer is worth much for any clause alike: accepting everything is not.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

ACCEPTING = ("accept", "keep", "retain", "no change", "leave")


def score(rollout: Any) -> float:
    """Gives the gold value of a completion in 0..1; 0 where it is not the JSON that was asked for."""
    comments = _comments(rollout.completion)
    if not comments:
        return 0.0
    known = rollout.columns["expert_issues"] or [rollout.columns["expert_kept"]]
    found = sum(max(_worth(one, comment, rollout) for comment in comments) for one in known)
    return found / max(len(known), len(comments))


def _comments(completion: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(completion)
    except (ValueError, RecursionError):
        return []
    comments = value.get("comments") if isinstance(value, dict) else None
    if not isinstance(comments, list) or not all(isinstance(comment, dict) for comment in comments):
        return []
    return comments


def _worth(known: dict[str, Any], comment: dict[str, Any], rollout: Any) -> float:
    """What a comment is worth for one issue, or for the kept rule, which has no action of its own but to accept."""
    said = str(comment.get("comment", ""))
    # Exactly the one rule: who names them all has found nothing.
    if [rule for rule in rollout.columns["playbook"].splitlines() if rule in said] != [known["rule"]]:
        return 0.0
    kept = "action_terms" not in known
    if (comment.get("type") == "assessment") != kept:
        return 0.0
    action = str(comment.get("action", "")).lower()
    if not any(term in action for term in (ACCEPTING if kept else known["action_terms"])):
        return 0.0
    return overlap(str(comment.get("text_excerpt", "")), known["span"], rollout.columns["contract"])


def overlap(excerpt: str, span: str, contract: str) -> float:
    """F1 of the words of excerpt and span; 0 where the excerpt does not stand in the contract."""
    if not excerpt or excerpt not in contract:
        return 0.0
    ours, theirs = Counter(excerpt.split()), Counter(span.split())
    common = sum((ours & theirs).values())
    return 2 * common / (sum(ours.values()) + sum(theirs.values()))
