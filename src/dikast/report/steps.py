"""The steps of a training as a person follows them: a line for each, and what should make one look.

A row is a step's numbers under the names of the local trainer; whoever follows a job elsewhere translates first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_MISSING = 0.05
"""Share of missing scores from which one is told: what coverage warns at."""
LEAST_ENTROPY = 0.1
"""Of the first step's entropy: below that share the policy hardly tries anything else any more. Judgement."""
MOST_LONGER = 2.0
"""Times the first step's length: a judge that likes long answers shows first there. Judgement."""
PLATEAU = 0.15
NOTHING_TO_LEARN = 0.95
"""Shares of the reward's range: a mean below the first after `SETTLED` steps, or above the second, is worth no run."""
SETTLED = 20
MOST_ABORTED = 0.1
"""Share of answers cut short. Judgement."""


def step_line(row: Mapping[str, Any]) -> str:
    """One line for a person about a training step."""
    words = [f"step {row['step']}"]
    words += [f"{name} {float(row[name]):.3f}" for name in ("loss", "eval_loss", "reward") if row.get(name) is not None]
    words += [f"{name.removeprefix('part/')} {row[name]:.2f}" for name in sorted(row) if name.startswith("part/")]
    if "seconds_generation" in row:
        words.append(
            f"{row['seconds_step']:.0f} s (generation {row['seconds_generation']:.0f}, "
            f"reward {row['seconds_reward']:.0f}, update {row['seconds_update']:.0f})"
        )
    elif "seconds_step" in row:
        words.append(f"{row['seconds_step']:.0f} s")
    return " ".join(words)


class Alarms:
    """Looks at a run's steps as they come, and says each thing once."""

    def __init__(self, limits: tuple[float, float] = (0.0, 1.0)) -> None:
        self._limits = limits
        self._first: dict[str, float] = {}
        self._said: set[str] = set()

    def of(self, row: Mapping[str, Any]) -> list[str]:
        """Takes a step's row; gives what is new to say about the run."""
        for name in ("entropy", "completions/mean_length"):
            if isinstance(row.get(name), int | float):
                self._first.setdefault(name, float(row[name]))
        found = {kind: text for kind, text in self._found(row) if kind not in self._said}
        self._said |= found.keys()
        return [f"step {row['step']}: {text}" for text in found.values()]

    def _found(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        missing, aborted = row.get("share/missing"), row.get("aborted")
        found: list[tuple[str, str]] = []
        if missing is not None and missing >= MOST_MISSING:
            found.append(("missing", f"{missing:.1%} of the scores are missing; look at the judge"))
        if aborted is not None and aborted >= MOST_ABORTED:
            found.append(("aborted", f"{aborted:.1%} of the answers were cut short; raise the longest answer allowed"))
        return found + self._of_reward(row) + self._of_first(row)

    def _of_reward(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        low, high = self._limits
        if row.get("reward") is None or high <= low:
            return []
        share = (row["reward"] - low) / (high - low)
        if share > NOTHING_TO_LEARN:
            return [("high", f"the mean reward is {row['reward']:.3f}: almost nothing is left to learn from it")]
        if row["step"] >= SETTLED and share < PLATEAU:
            return [("low", f"the mean reward is {row['reward']:.3f} still: warm the policy up on examples first")]
        return []

    def _of_first(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What is told by comparison with the first step."""
        found: list[tuple[str, str]] = []
        entropy, length = row.get("entropy"), row.get("completions/mean_length")
        if entropy is not None and self._first["entropy"] > 0 and entropy < LEAST_ENTROPY * self._first["entropy"]:
            found.append(("entropy", f"entropy fell to {entropy:.3g}: the policy tries nothing else any more"))
        if length is not None and length > MOST_LONGER * self._first["completions/mean_length"] > 0:
            found.append(("length", f"answers are {length:.0f} tokens long, over twice as long as at first"))
        return found
