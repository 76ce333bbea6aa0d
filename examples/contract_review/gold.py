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
    contract, playbook = rollout.columns["contract"], rollout.columns["playbook"]
    issues, kept = rollout.columns["expert_issues"], rollout.columns["expert_kept"]
    if kept:
        return max(_accepted(kept, comment, contract, playbook) for comment in comments) / len(comments)
    found = sum(max(_found(issue, comment, contract, playbook) for comment in comments) for issue in issues)
    return found / max(len(issues), len(comments))


def _comments(completion: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(completion)
    except (ValueError, RecursionError):
        return []
    comments = value.get("comments") if isinstance(value, dict) else None
    if not isinstance(comments, list) or not all(isinstance(comment, dict) for comment in comments):
        return []
    return comments


def _found(issue: dict[str, Any], comment: dict[str, Any], contract: str, playbook: str) -> float:
    if not _names(issue["rule"], comment, playbook) or comment.get("type") == "assessment":
        return 0.0
    action = str(comment.get("action", "")).lower()
    if not any(term in action for term in issue["action_terms"]):
        return 0.0
    return overlap(str(comment.get("text_excerpt", "")), issue["span"], contract)


def _accepted(kept: dict[str, Any], comment: dict[str, Any], contract: str, playbook: str) -> float:
    if not _names(kept["rule"], comment, playbook) or comment.get("type") != "assessment":
        return 0.0
    if not any(word in str(comment.get("action", "")).lower() for word in ACCEPTING):
        return 0.0
    return overlap(str(comment.get("text_excerpt", "")), kept["span"], contract)


def _names(rule: str, comment: dict[str, Any], playbook: str) -> bool:
    # Exactly the one rule: who names them all has found nothing.
    return [line for line in playbook.splitlines() if line in str(comment.get("comment", ""))] == [rule]


def overlap(excerpt: str, span: str, contract: str) -> float:
    """F1 of the words of excerpt and span; 0 where the excerpt does not stand in the contract."""
    if not excerpt or excerpt not in contract:
        return 0.0
    ours, theirs = Counter(excerpt.split()), Counter(span.split())
    common = sum((ours & theirs).values())
    return 2 * common / (sum(ours.values()) + sum(theirs.values()))
