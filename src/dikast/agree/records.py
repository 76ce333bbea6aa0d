"""What `dikast agree` finds. Its fields are the keys of the JSON; what does not apply is None."""

from __future__ import annotations

from typing import Literal

import msgspec

from dikast.agree.labels import Kind
from dikast.stats.again import Position, Repeats
from dikast.stats.alternative import Alternative
from dikast.stats.annotators import Annotators
from dikast.stats.calibration import Calibration
from dikast.stats.gold import AgainstGold
from dikast.stats.overall import Overall
from dikast.stats.pairs import Pair
from dikast.stats.ratings import Label


class Rater(msgspec.Struct, frozen=True, kw_only=True):
    """What one rater gave."""

    n: int
    """Items."""
    null: int
    """Of these without a label."""
    counts: tuple[tuple[Label, int], ...] | None
    """Label and items; None where there are more different labels than a scale has."""


class CriterionAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one criterion."""

    items: int
    raters: int
    kind: Kind
    verdicts: dict[str, Rater]
    overall: Overall
    people: Overall | None
    """The same figures of the people alone, where the file holds others too."""
    pairs: tuple[Pair, ...]
    gold: dict[str, AgainstGold]
    annotators: Annotators | None
    alt_test: dict[str, Alternative] | None
    position: dict[str, Position] | None
    repeats: dict[str, Repeats] | None
    calibration: dict[str, Calibration] | None
    duplicates: int
    conflicts: int
    warnings: tuple[str, ...]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a file."""

    ratings: str
    rows: int
    gold_rater: str | None
    items: int
    raters: int
    ac2_weights: Literal["quadratic"] = "quadratic"
    """Of every AC2 in here."""
    averaged_over: tuple[str, ...] | None
    """The criteria whose plain mean `overall` is, figure by figure and without bounds; None for a file without criteria."""
    criteria: dict[str, CriterionAgreement] | None
    """Where the file names criteria everything is in here, and nothing is pooled."""
    kind: Kind | None
    verdicts: dict[str, Rater] | None
    overall: Overall
    people: Overall | None
    pairs: tuple[Pair, ...]
    gold: dict[str, AgainstGold]
    annotators: Annotators | None
    alt_test: dict[str, Alternative] | None
    position: dict[str, Position] | None
    repeats: dict[str, Repeats] | None
    calibration: dict[str, Calibration] | None
    duplicates: int
    conflicts: int
    warnings: tuple[str, ...]
