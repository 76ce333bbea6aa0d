"""A rubric with nothing to say against it, which the linter's tests spoil in one way at a time."""

from typing import Any

import msgspec

from dikast.certify.certificate import Certificate
from dikast.certify.labels import Labels
from dikast.certify.lint.critic import lint
from dikast.certify.lint.finding import Finding
from dikast.spec.reward import RewardFile

ASKED = {
    "on_the_excerpt": "Is the comment about what the quoted excerpt says?",
    "rule_holds": "Does the excerpt break the rule that the comment names?",
    "step": "Does the action say who has to take the next step?",
    "risk": "Is the risk that the comment names a consequence of the excerpt?",
    "reader": "Would a reader who does not know the clause understand the comment?",
    "filler": "Is the comment praise or filler without a concern?",
}


def criterion(name: str, ask: str, **changes: Any) -> dict[str, Any]:
    """A criterion as it stands in the file, with all that the linter asks for; None takes a key away."""
    whole = {
        "id": name,
        "ask": ask,
        "pass": "It does.",
        "fail": "It does not.",
        "paraphrases": ["Would an expert say so?"],
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def criteria() -> list[dict[str, Any]]:
    return [criterion(name, ask, negative=name == "filler") for name, ask in ASKED.items()]


def file_of(*asked: dict[str, Any], judge: dict[str, Any] | None = None, **more: Any) -> RewardFile:
    """A reward's file with these criteria, the good ones where none are given."""
    content = {
        "name": "contract-review",
        "objective": "You are an expert contract reviewer.",
        "inputs": {"TargetDocument": "contract", "Terms": "terms"},
        "judge": {"model": "openai:judge", "criteria": asked or criteria(), **(judge or {})},
    }
    return msgspec.convert(content | more, RewardFile)


def spoilt(**changes: Any) -> RewardFile:
    """The good file with its first criterion changed."""
    name, ask = next(iter(ASKED.items()))
    return file_of(criterion(name, **{"ask": ask} | changes), *criteria()[1:])


def rules(
    file: RewardFile, *, certificate: Certificate | None = None, labels: Labels | None = None
) -> list[tuple[str, str]]:
    """Level and rule of everything that the linter finds."""
    return [(one.level, one.rule) for one in lint(file, certificate=certificate, labels=labels)]


def the_finding(file: RewardFile, *, certificate: Certificate | None = None, labels: Labels | None = None) -> Finding:
    """The one thing that the linter finds."""
    [finding] = lint(file, certificate=certificate, labels=labels)
    return finding
