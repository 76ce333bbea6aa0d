"""What became of rollouts that were scored, and what that leaves the command with: shared by those that score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dikast.errors import NotGoodEnoughError, UnavailableError, UsageError
from dikast.records import MissingReason, Score
from dikast.stats.votes import VoteAgreement


class Counts:
    """Adds up what becomes of the rollouts, some at a time."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.missing: Counter[MissingReason] = Counter()
        self.total = 0.0
        self.questions = self.asked = 0
        self.prompt_tokens = self.cached_tokens = self.completion_tokens = 0
        self.votes: dict[str, VoteAgreement] = {}
        self.unanswered: str | None = None
        """What is told of the first question that did not reach a model."""

    def add(self, scores: Sequence[Score]) -> None:
        for score in scores:
            self.statuses[score.status] += 1
            if score.score is not None:
                self.total += score.score
            elif score.missing:
                self.missing[score.missing] += 1
                if score.missing == "transport" and self.unanswered is None:
                    self.unanswered = score.detail
            usage = score.usage
            self.questions += usage.questions
            if usage.asked:
                self.asked += usage.asked
                self.prompt_tokens += usage.prompt_tokens
                self.cached_tokens += usage.cached_tokens
                self.completion_tokens += usage.completion_tokens
            for part in score.parts:
                if part.votes is not None:
                    self.votes.setdefault(part.name, VoteAgreement(len(part.votes))).add(part.votes)

    @property
    def rollouts(self) -> int:
        return self.statuses.total()

    @property
    def valid(self) -> int:
        """Those that have a score."""
        return self.rollouts - self.statuses["missing"]

    @property
    def coverage(self) -> float:
        return self.valid / self.rollouts

    def require_enough(self, min_coverage: float) -> None:
        """Raises `UnavailableError` where nobody was there to answer, and `NotGoodEnoughError` for too few scores."""
        if self.unanswered is not None and set(self.statuses) == {"missing"} and set(self.missing) == {"transport"}:
            raise UnavailableError(f"nobody answered: {self.unanswered}; mend that and run the same command again")
        if self.coverage < min_coverage:
            raise NotGoodEnoughError(
                f"{self.coverage:.1%} of the scores could be had (--min-coverage {min_coverage:.0%}); "
                f"missing: {dict(self.missing)}"
            )


def require_apart(output: Path, *read: Path) -> None:
    """Raises `UsageError` where the scores would take the place of a folder, or of a file that they are made from."""
    if output.is_dir():
        raise UsageError(f"--output: {output} is a folder; name a file in it")
    for path in read:
        if output.exists() and path.exists() and output.samefile(path):
            raise UsageError(f"--output: {output} is what is read; name another file for the scores")
