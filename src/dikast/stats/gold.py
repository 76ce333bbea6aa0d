"""Raters against one whose labels are taken for the truth.

A verdict that could not be had is an error: it is wrong for accuracy, in the denominators of TPR and TNR, a miss for
F1, and no yes for precision. `drop_null` leaves such verdicts out instead; how many there are is told either way.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from dikast.stats.intervals import Interval, unknown, wilson, youden
from dikast.stats.ratings import ABSENT, NULL, Floats, Ints, Label, Ratings, Scale, sums
from dikast.stats.resampling import bootstrap_counts

CUT = 0.5
"""A probability from here on is a yes."""
MOST_CLASSES = 100
"""Classes up to which macro F1 is resampled."""


class AgainstGold(msgspec.Struct, frozen=True, kw_only=True):
    """One rater against the gold labels. Wilson's intervals; J by Newcombe's; F1 and macro F1 by bootstrap."""

    n: int
    accuracy: Interval
    tpr: Interval | None
    """This and the next ones need two classes: labels true and false, 0 and 1, or one that is named as the positive."""
    tnr: Interval | None
    precision: Interval | None
    f1: Interval | None
    j: Interval | None
    macro_f1: Interval
    """The plain mean over the labels that gold or the rater used."""
    null: int
    null_counted_as: Literal["errors", "left out"]
    positive: Label | None
    cut: float | None
    """Where the rater's labels are probabilities: from where on they were taken for a yes."""


def probabilities(scale: Scale, codes: Ints) -> bool:
    """Whether labels are probabilities: numbers in 0..1, and one at least strictly between."""
    if scale.values is None:
        return False
    given = scale.values[np.unique(codes[codes >= 0])]
    return bool(len(given)) and bool(((given >= 0) & (given <= 1)).all()) and bool(((given > 0) & (given < 1)).any())


def yes_and_no(scale: Scale, codes: Ints) -> bool:
    """Whether all labels are 0 and 1, or false and true."""
    return scale.values is not None and bool(np.isin(scale.values[np.unique(codes[codes >= 0])], (0.0, 1.0)).all())


def code_of(scale: Scale, value: float) -> int | None:
    """The code of a number, None where nobody gave it."""
    if scale.values is None:
        return None
    at = int(np.searchsorted(scale.values, value))
    return at if at < len(scale.values) and scale.values[at] == value else None


def against_gold(
    ratings: Ratings, truth: Ints, rater: int, *, positive: int | None, drop_null: bool, seed: int = 0
) -> AgainstGold | None:
    """Compares a rater with the truth, a code for each item; None where they share no item.

    Without `positive` the code of 1 or true is it, where the truth has nothing but 0 and 1.
    """
    items, said = ratings.by(rater)
    true = truth[items]
    shared = true >= 0
    true, said = true[shared], said[shared]
    if not len(true):
        return None
    null = int((said == NULL).sum())
    if drop_null:
        true, said = true[said != NULL], said[said != NULL]
    scale, cut = ratings.scale, None
    if yes_and_no(scale, true):
        positive = code_of(scale, 1.0) if positive is None else positive
        if probabilities(scale, said):
            said, cut = _cut(scale, said), CUT
    classes = {} if positive is None else _two_classes(true, said, positive)
    return AgainstGold(
        n=len(true),
        accuracy=wilson(int((true == said).sum()), len(true)),
        tpr=classes.get("tpr"),
        tnr=classes.get("tnr"),
        precision=classes.get("precision"),
        j=youden(classes["tpr"], classes["tnr"]) if classes else None,
        f1=None if positive is None else f1(true == positive, said == positive, seed=seed),
        macro_f1=macro_f1(true, said, seed=seed),
        null=null,
        null_counted_as="left out" if drop_null else "errors",
        positive=None if positive is None else scale.labels[positive],
        cut=cut,
    )


def _two_classes(true: Ints, said: Ints, positive: int) -> dict[str, Interval]:
    yes = true == positive
    hit = int((yes & (said == positive)).sum())
    # A verdict without a label is no no: it is right about neither class.
    refused = int((~yes & (said != positive) & (said != NULL)).sum())
    return {
        "tpr": wilson(hit, int(yes.sum())),
        "tnr": wilson(refused, int((~yes).sum())),
        "precision": wilson(hit, int((said == positive).sum())),
    }


def f1(yes: Ints, said: Ints, *, seed: int) -> Interval:
    """The harmonic mean of precision and TPR, 0 where there is no hit but something to find or something found."""
    cells = np.bincount(yes * 2 + said, minlength=4)

    def figure(counts: Floats) -> Floats:
        hits, others = counts[:, 3], counts[:, 1] + counts[:, 2]
        return np.where(hits + others > 0, 2 * hits / np.maximum(2 * hits + others, 1), np.nan)

    return bootstrap_counts(cells, figure, seed=seed)


def macro_f1(true: Ints, said: Ints, *, seed: int) -> Interval:
    """The plain mean of every class's F1; in a resample of those that it has. Without bounds for more than `MOST_CLASSES`."""
    if not len(true):
        return unknown()
    codes, flat = np.unique(np.concatenate([true, said]), return_inverse=True)
    width, real = len(codes), codes != NULL
    cells, counts = np.unique(flat[: len(true)] * width + flat[len(true) :], return_counts=True)
    of_gold, of_rater = cells // width, cells % width
    if width > MOST_CLASSES:
        same = of_gold == of_rater
        hits = sums(of_gold[same], counts[same], width)
        sizes = sums(of_gold, counts, width) + sums(of_rater, counts, width)
        value = float(_mean_f1(hits[None, real], sizes[None, real])[0])
        return Interval(value=value, low=None, high=None, n=len(true))
    in_gold, in_rater = np.eye(width)[of_gold], np.eye(width)[of_rater]

    def figure(drawn: Floats) -> Floats:
        hits, sizes = drawn @ (in_gold * in_rater), drawn @ (in_gold + in_rater)
        return _mean_f1(hits[:, real], sizes[:, real])

    return bootstrap_counts(counts.astype(np.int64), figure, seed=seed)


def _mean_f1(hits: Floats, sizes: Floats) -> Floats:
    """The mean over the classes that are there, a column each, from hits and from the sizes in gold and rater together."""
    there = (sizes > 0).sum(axis=1)
    means = (2 * hits / np.maximum(sizes, 1)).sum(axis=1) / np.maximum(there, 1)
    return np.where(there > 0, means, np.nan)


def _cut(scale: Scale, said: Ints) -> Ints:
    """Probabilities as the codes of 1 and 0, those at the cut as 1; a code of its own where nobody ever gave that label."""
    if scale.values is None:
        return said
    yes, no = code_of(scale, 1.0), code_of(scale, 0.0)
    spare = len(scale.labels)
    made = np.where(
        scale.values[np.maximum(said, 0)] >= CUT, spare if yes is None else yes, spare + 1 if no is None else no
    )
    return np.where(said == NULL, NULL, made)


def truth_of(ratings: Ratings, rater: int) -> Ints:
    """A rater's labels as the truth, by item; below 0 where there is none."""
    return np.where(ratings.spread(rater) == ABSENT, NULL, ratings.spread(rater))
