"""What a reader of the figures has to know before believing them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from dikast.agree.verdicts import Counted
from dikast.stats.gold import AgainstGold
from dikast.stats.overall import Overall
from dikast.stats.pairs import Meeting, Pair
from dikast.stats.ratings import NULL, TABLE_LEVELS, Ratings, Scale, Tallies

COPIES_FROM = 20
"""Items on which two raters with the same verdicts are suspected to be one."""
DISJOINT_FROM = 5
"""Items on which two raters without a label in common are suspected to use different codes."""
FEW_ITEMS = 30
GAP = 0.2
"""AC1 above kappa by so much: chance is what they disagree about."""
FREQUENT = 0.5
"""Share of one label from which on its frequency is the reason."""
SHOWN = 5


def counted_warnings(counted: Counted) -> Iterator[str]:
    """What the rows themselves show."""
    if counted.conflicts:
        told = "; ".join(
            f"{one.rater} on {one.item} (lines {', '.join(map(str, one.lines[:4]))})" for one in counted.examples
        )
        yield (
            f"{counted.conflicts} questions have different verdicts by the same rater: {told}; they count nowhere. "
            "Give the rows a 'repeat' if each is meant"
        )
    if counted.duplicates:
        yield f"{counted.duplicates} rows repeat another one to the letter; each verdict counts once"
    if counted.further:
        yield (
            f"{counted.further} verdicts of further repeats or orders are in the figures about these only; "
            "all others use each rater's first verdict on an item"
        )
    yield from _null_warnings(counted.ratings)
    yield from _label_warnings(counted)
    if counted.ratings.items < FEW_ITEMS:
        yield f"{counted.ratings.items} items: read the intervals, not the figures"


def pair_warnings(ratings: Ratings, a: int, b: int, met: Meeting) -> Iterator[str]:
    """Two raters that are one, or that speak of different things."""
    names = f"{ratings.raters[a]} and {ratings.raters[b]}"
    decided = met.decided
    if len(met.a) >= COPIES_FROM and (met.a == met.b).all() and (met.a != met.a[0]).any():
        yield f"{names} gave the same verdict on all {len(met.a)} items that they share: is one a copy of the other?"
    if len(decided.a) >= DISJOINT_FROM and _never_meet(ratings.scale, decided):
        used_a, used_b = np.unique(decided.a), np.unique(decided.b)
        yield (
            f"{names} never use the same label on the {len(decided.a)} items that they share: "
            f"{_some(ratings.scale, used_a.tolist())} against {_some(ratings.scale, used_b.tolist())}; "
            "do their codes mean the same?"
        )


def _never_meet(scale: Scale, decided: Meeting) -> bool:
    """Whether two raters have no label in common. Probabilities hardly ever meet, so of many labels all must lie apart."""
    there = np.zeros(len(scale.labels), dtype=np.bool_)
    there[decided.a] = True
    if there[decided.b].any():
        return False
    if len(scale.labels) <= TABLE_LEVELS:
        return True
    return scale.values is not None and (decided.a.max() < decided.b.min() or decided.b.max() < decided.a.min())


def copy_warnings(ratings: Ratings, listed_pairs: Collection[int]) -> Iterator[str]:
    """Raters with the very same rows, where their pair is not listed."""
    alike: dict[tuple[bytes, bytes], list[int]] = {}
    for one in range(len(ratings.raters)):
        items, labels = ratings.by(one)
        if len(items) >= COPIES_FROM and (labels != labels[0]).any():
            alike.setdefault((items.tobytes(), labels.tobytes()), []).append(one)
    for raters in alike.values():
        if len(raters) > 1 and not set(raters) <= set(listed_pairs):
            names = ", ".join(ratings.raters[one] for one in raters[:SHOWN])
            yield f"{len(raters)} raters gave the same verdicts on the same items: {names}; are they one?"


def figure_warnings(overall: Overall, pairs: Sequence[Pair], ratings: Ratings) -> Iterator[str]:
    """Where kappa and AC1 say different things: one label is given to nearly everything, or most labels to hardly anything."""
    apart = [pair for pair in pairs if _apart(pair.gwet_ac1, pair.cohen_kappa)]
    if not apart and not _apart(overall.gwet_ac1, overall.fleiss_kappa):
        return
    counts = np.bincount(ratings.label[ratings.label != NULL], minlength=1)
    most = int(counts.argmax())
    where = [f"{pair.a} and {pair.b} (kappa {pair.cohen_kappa:.2f}, AC1 {pair.gwet_ac1:.2f})" for pair in apart[:SHOWN]]
    if len(apart) > SHOWN:
        where.append(f"{len(apart) - SHOWN} more pairs")
    if not where:
        where = [f"all raters (Fleiss' kappa {overall.fleiss_kappa:.2f}, AC1 {overall.gwet_ac1:.2f})"]
    share = counts[most] / counts.sum()
    if share >= FREQUENT:
        yield (
            f"{share:.0%} of the labels are {_shown(ratings.scale, most)}: where one label is that frequent kappa "
            f"falls though raters agree, and AC1 does not; read them together for {', '.join(where)}"
        )
    else:
        yield (
            f"AC1 takes all {len(ratings.scale.labels)} labels for choices, of which few are used much: it lies above kappa for "
            f"{', '.join(where)}; there rather read kappa"
        )


def _apart(ac1: float | None, kappa: float | None) -> bool:
    return ac1 is not None and kappa is not None and ac1 - kappa >= GAP


def _null_warnings(ratings: Ratings) -> Iterator[str]:
    nulls = np.bincount(ratings.rater[ratings.label == NULL], minlength=len(ratings.raters))
    rows = np.bincount(ratings.rater, minlength=len(ratings.raters))
    told = [f"{ratings.raters[at]} {nulls[at]} of {rows[at]}" for at in np.flatnonzero(nulls).tolist()]
    if told:
        more = f" and {len(told) - SHOWN} more raters" if len(told) > SHOWN else ""
        yield f"verdicts without a label: {', '.join(told[:SHOWN])}{more}; no figure between raters uses them"


def _label_warnings(counted: Counted) -> Iterator[str]:
    """Texts that may be the same label, and labels that one rater alone uses."""
    scale = counted.ratings.scale
    if scale.values is None:
        folded: dict[str, list[str]] = {}
        for label in scale.labels:
            folded.setdefault(" ".join(str(label).casefold().split()), []).append(str(label))
        alike = [", ".join(map(repr, labels)) for labels in folded.values() if len(labels) > 1]
        if alike:
            yield f"labels that differ in case or spaces only count as different: {'; '.join(alike[:SHOWN])}"
        numeric = [_numeric(str(label)) for label in scale.labels]
        if any(numeric) and not all(numeric):
            yield "some labels are numbers and some are texts, so all count as texts without an order"
    yield from _lonely(counted.ratings)


def _lonely(ratings: Ratings) -> Iterator[str]:
    """Labels that one rater alone gives, on items that others rated too."""
    decided = ratings.decided()
    shared = Tallies.of(ratings).of_item[decided.item] > 1
    levels = max(1, len(ratings.scale.labels))
    if levels > SHOWN * 4:
        # Of probabilities, or of free texts, that says nothing.
        return
    keys = np.unique(decided.rater[shared] * levels + decided.label[shared])
    users = np.bincount(keys % levels, minlength=levels)
    for key in keys[users[keys % levels] == 1].tolist():
        yield f"only {ratings.raters[key // levels]} ever gives the label {_shown(ratings.scale, key % levels)}"


def gold_warnings(scale: Scale, against: Mapping[str, AgainstGold]) -> Iterator[str]:
    """That of two classes nobody knows which is the yes."""
    if len(scale.labels) == 2 and any(one.positive is None for one in against.values()):
        one, other = (_shown(scale, code) for code in range(2))
        yield f"against gold TPR, TNR, precision, F1 and J are of a yes: say --positive with {one} or {other}"


def _numeric(text: str) -> bool:
    return text[:1].isdigit() or text[1:2].isdigit()


def _some(scale: Scale, codes: list[int]) -> str:
    return ", ".join(_shown(scale, code) for code in codes[:SHOWN]) + (", ..." if len(codes) > SHOWN else "")


def _shown(scale: Scale, code: int) -> str:
    label = scale.labels[code]
    if isinstance(label, bool):
        return str(label).lower()
    return f"{label:g}" if isinstance(label, float) else f"'{label}'"
