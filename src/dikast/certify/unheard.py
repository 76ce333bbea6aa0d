"""Says what the judge's failures leave open: what it did not answer is in no rate, and the rest may be the easier part."""

from __future__ import annotations

from dikast.certify.certificate import CriterionCertificate

TOO_MANY = 0.05
"""Share of the labelled units without a verdict above which the figures may be of another kind of unit: where a run warns too."""


def too_many_unheard(found: CriterionCertificate) -> bool:
    """Whether so many verdicts are missing that the figures are not those of all labelled units, or that there are too few."""
    decides = found.level == "insufficient" and found.wanted is None and found.unheard > 0
    return decides or found.unheard > TOO_MANY * (found.n + found.unheard)


def unheard_in_words(found: CriterionCertificate) -> str:
    """How many they are, and what to do."""
    reasons = ", ".join(found.missing)
    return (
        f"{found.unheard} of {found.n + found.unheard} labelled ones have no verdict ({reasons}), and the rest may be the easier "
        "part: look after the judge and certify again"
    )
