"""What a certificate says of other judges beside the one that it certifies: values, no arithmetic."""

from __future__ import annotations

import msgspec

from dikast.spec.models import Price
from dikast.stats.intervals import Interval


class JudgeOnCriterion(msgspec.Struct, frozen=True, kw_only=True):
    """What one judge's answers to one criterion are worth against people, on the untouched part."""

    n: int
    yes: int
    no: int
    cut: float
    """From which P(yes) on its answer is a yes, chosen on the tuning part; 0.5 where it is read as it is."""
    tpr: Interval
    tnr: Interval
    j: Interval
    missing: int
    """Verdicts that could not be had. They are in no rate."""


class PairOfJudges(msgspec.Struct, frozen=True, kw_only=True):
    """How far two judges agree on a criterion, whatever people say. Intervals as for a judge and people."""

    a: str
    b: str
    n: int
    agreement: Interval
    kappa: Interval
    ac1: Interval


class EffectiveVotes(msgspec.Struct, frozen=True, kw_only=True):
    """How many independent votes the judges together are worth: k² / ΣΣ ρ."""

    n: int
    """Units on which all of them gave a verdict."""
    verdicts: float | None
    """With ρ the correlation of their P(yes): a lower bound, since judges who are right together look dependent too."""
    errors: float | None
    """With ρ the correlation of their errors against people. Who never errs depends on nobody."""


class AcrossJudges(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion, as all judges answer it."""

    judges: dict[str, JudgeOnCriterion]
    pairs: tuple[PairOfJudges, ...]
    votes: EffectiveVotes


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one judge said of one candidate."""

    value: float | None = None
    """P(yes); None where it said n/a or nothing."""
    reason: str | None = None
    evidence: str | None = None
    missing: str | None = None
    """Why there is no verdict."""


class JudgesApart(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate on which judges answer a criterion differently."""

    id: str
    item: int | None
    criterion: str
    people: bool
    spread: float
    """Of the judges' P(yes), the highest less the lowest."""
    said: dict[str, Said]


class JudgeInAll(msgspec.Struct, frozen=True, kw_only=True):
    """A judge's row in the table of quality, cost and latency."""

    name: str
    fingerprint: str
    j: Interval
    """Mean of J over the criteria by their weights, on what it answered."""
    behind: Interval | None
    """The best judge's less its own, on what both answered; None for the best."""
    not_worse: bool | None
    """Whether `behind` is at most the margin even at its upper end; None where too few labels can say."""
    usd_per_1000: float | None
    """US dollars for 1000 candidates; None where a price or the tokens are not known."""
    seconds: float | None
    """Mean of a request; None where the replies do not say."""
    requests: float | None
    """For each candidate, with what was asked once more; None where verdicts were recorded and nobody was asked."""
    missing: float
    """Share of verdicts that could not be had."""
    prices: dict[str, Price] = {}
    """Model → what the cost was reckoned with."""


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """The certified judge, which comes first, beside others that answered the same questions once."""

    criteria: dict[str, AcrossJudges]
    table: tuple[JudgeInAll, ...]
    best: str | None
    """Of the highest J; None where too few labels can say."""
    cheapest: str | None
    """The cheapest of those that are not worse than the best, answer nearly always and have a known cost."""
    margin: float
    rule: str
    """How "not worse" was decided, in words."""
    counted: tuple[str, ...]
    """Criteria with enough labels for the table."""
    disagreements: tuple[JudgesApart, ...]
    """The worst first."""
    disagreements_of: int
    """How many there are."""
