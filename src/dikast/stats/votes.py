"""How many independent votes a panel is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence


class VoteAgreement:
    """Gathers a panel's votes and gives their effective number, k² / ΣΣ ρ over the members' correlations ρ.

    This is Kish's design effect for equal weights: k votes of mean correlation ρ̄ count as k / (1 + (k − 1) ρ̄).
    Without labels the correlation is that of the verdicts and not of their errors: members who are right
    together look dependent too, so the number is a lower bound.
    """

    def __init__(self, members: int) -> None:
        self.members = members
        self.n = 0
        """Units on which all members voted."""
        self._sums = [0.0] * members
        self._products = [[0.0] * members for _ in range(members)]

    def add(self, votes: Sequence[float | None]) -> None:
        """Adds the votes on one unit; one on which somebody is missing is left out."""
        given = [vote for vote in votes if vote is not None]
        if len(given) < self.members:
            return
        self.n += 1
        for one, vote in enumerate(given):
            self._sums[one] += vote
            for other in range(one, self.members):
                self._products[one][other] += vote * given[other]

    @property
    def effective(self) -> float:
        """Between 1 and the number of members. A member who always says the same counts as agreeing with nobody."""
        total = sum(self._correlation(one, other) for one in range(self.members) for other in range(self.members))
        return min(float(self.members), max(1.0, self.members**2 / total)) if total > 0 else float(self.members)

    def _correlation(self, one: int, other: int) -> float:
        if one == other:
            return 1.0
        covariance = self._covariance(*sorted((one, other)))
        spread = math.sqrt(self._covariance(one, one) * self._covariance(other, other))
        return covariance / spread if spread > 1e-12 else 0.0

    def _covariance(self, one: int, other: int) -> float:
        if not self.n:
            return 0.0
        found = self._products[one][other] / self.n - self._sums[one] / self.n * self._sums[other] / self.n
        # Rounding makes a spread of nothing a little less than nothing.
        return max(found, 0.0) if one == other else found
