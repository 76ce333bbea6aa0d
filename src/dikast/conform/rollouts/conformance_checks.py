"""The check of the conformance reward that a user would write: one value in between, and one that raises."""

from dikast.records import Rollout


def short_enough(rollout: Rollout) -> tuple[float, str]:
    """Falls with the length beyond 60 characters. Raises on the text that is made to break it."""
    if "BREAK THE CHECK" in rollout.completion:
        raise ValueError("asked to break")
    return min(1.0, 60 / max(1, len(rollout.completion))), f"{len(rollout.completion)} characters"
