"""People among each other, and a judge in the place of one of them.

Leave-one-out: a verdict against the majority of the other people's verdicts on the same item. Where that majority is a
tie of t labels, giving one of them counts 1/t. What people reach so is the human ceiling: a judge is compared with the
same majorities, each of all people but one, so that it faces as many voters as a person does.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dikast.stats.intervals import Interval, unknown, within
from dikast.stats.ratings import NULL, TABLE_LEVELS, Floats, Ints, Label, Marks, Ratings, Tallies, sums
from dikast.stats.shares import by_t, share


class Majority(msgspec.Struct, frozen=True, kw_only=True):
    """What most people said of each item."""

    n: int
    """Items with a label by a person."""
    unanimous: int
    """Of these, the items with two labels or more that are all the same."""
    undecided: int
    """Items on which two labels are as frequent; they have no majority."""
    counts: tuple[tuple[Label, int], ...]
    """Label and items, for the items that have a majority."""


class Annotators(msgspec.Struct, frozen=True, kw_only=True):
    """Leave-one-out agreement with the majority of people, and the ceiling that it sets for a judge."""

    humans: tuple[str, ...]
    majority: Majority
    ceiling: Interval
    """The mean of the people's own leave-one-out agreement."""
    leave_one_out: dict[str, Interval]
    """People and judges; a judge's verdict without a label agrees with nobody unless nulls are dropped."""
    share_of_ceiling: dict[str, float | None]
    """A judge's leave-one-out agreement as a share of the people's on the items that it has verdicts on."""
    distance_to_mode: Interval | None
    """The mean distance of a person's label from the others' most frequent one; None where labels are texts, or more than a scale
    has."""
    distance_to_median: Interval | None


class Others(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """For each entry of the tallies: the labels that are left when one verdict of that entry is taken out."""

    most: Ints
    """The count of the most frequent label among the others."""
    ties: Ints
    """How many labels are as frequent; 0 where there are no others."""

    @classmethod
    def of(cls, tallies: Tallies) -> Others:
        most = tallies.most()[tallies.item]
        top = tallies.count == most
        tops = tallies.per_item(top)[tallies.item]
        runners_up = tallies.per_item(tallies.count == most - 1)[tallies.item]
        alone = top & (tops == 1)
        ties = np.where(alone, 1 + runners_up, np.where(top, tops - 1, tops))
        left = np.where(alone, most - 1, most)
        return cls(most=left, ties=np.where(left > 0, ties, 0))


def annotators(ratings: Ratings, humans: Sequence[int], judges: Sequence[int], *, drop_null: bool) -> Annotators:
    """The people's leave-one-out agreement, and the judges' beside it."""
    people = ratings.among(humans)
    tallies = Tallies.of(people)
    others = Others.of(tallies)
    credits = _credits(tallies, others)
    found = {ratings.raters[one]: _own(people, one, tallies, others, credits) for one in humans}
    beside = {
        ratings.raters[one]: _as_judge(ratings, one, tallies, others, credits, drop_null=drop_null) for one in judges
    }
    found |= {name: mine for name, (mine, _) in beside.items()}
    modal, median = _distances(people, tallies, others)
    return Annotators(
        humans=tuple(ratings.raters[one] for one in humans),
        majority=majority(ratings, tallies),
        ceiling=_over_items(credits * tallies.count, tallies, others.ties > 0),
        leave_one_out=found,
        share_of_ceiling={
            name: mine.value / theirs.value if mine.value is not None and theirs.value else None
            for name, (mine, theirs) in beside.items()
        },
        distance_to_mode=modal,
        distance_to_median=median,
    )


def majority(ratings: Ratings, tallies: Tallies) -> Majority:
    """Counts the items by their most frequent label."""
    modes = tallies.modes()
    counts = np.bincount(modes[modes != NULL], minlength=len(ratings.scale.labels))
    labelled = tallies.of_item > 0
    return Majority(
        n=int(labelled.sum()),
        unanimous=int(((tallies.most() == tallies.of_item) & (tallies.of_item > 1)).sum()),
        undecided=int((labelled & (modes == NULL)).sum()),
        counts=tuple((label, int(n)) for label, n in zip(ratings.scale.labels, counts, strict=True) if n),
    )


def _credits(tallies: Tallies, others: Others) -> Floats:
    """What a verdict of each entry agrees with the others' majority: 1, a share of a tie, or 0."""
    return np.where((tallies.count - 1 == others.most) & (others.ties > 0), 1 / np.maximum(others.ties, 1), 0.0)


def _own(people: Ratings, one: int, tallies: Tallies, others: Others, credits: Floats) -> Interval:
    """A person's agreement with the majority of the others."""
    items, labels = people.by(one)
    at = tallies.entry_of(items, labels)
    at = at[at >= 0]
    return share(credits[at[others.ties[at] > 0]])


def _as_judge(
    ratings: Ratings, judge: int, tallies: Tallies, others: Others, credits: Floats, *, drop_null: bool
) -> tuple[Interval, Interval]:
    """A judge against every majority of all people but one, and the people's own figure on the same items."""
    given = ratings.spread(judge)
    on = given >= (0 if drop_null else NULL)
    faced = (others.ties > 0) & on[tallies.item]
    # The judge's own label among the others: its count, less one where it is the label that was taken out.
    of_judge = given[tallies.item]
    count = tallies.count_of(tallies.item, of_judge) - (of_judge == tallies.label)
    right = faced & (of_judge >= 0) & (count == others.most)
    credit = np.where(right, tallies.count / np.maximum(others.ties, 1), 0.0)
    return _over_items(credit, tallies, faced), _over_items(credits * tallies.count, tallies, faced)


def _over_items(credit: Floats, tallies: Tallies, faced: Marks) -> Interval:
    """The mean of what the entries' verdicts earned, over those that faced a majority; items are the independent units."""
    tops = sums(tallies.item, credit * faced, tallies.items)
    bottoms = sums(tallies.item, tallies.count * faced, tallies.items)
    return share(tops[bottoms > 0], bottoms[bottoms > 0])


def _distances(people: Ratings, tallies: Tallies, others: Others) -> tuple[Interval | None, Interval | None]:
    """How far a person's label lies from the others' mode, in the mean over a tie, and from the others' median."""
    if people.scale.values is None:
        return None, None
    entry = np.flatnonzero(others.ties > 0)
    if not len(entry):
        return unknown(), unknown()
    to_median = _mean_by_item(_median_distance(people.scale.values, tallies)[entry], tallies, entry)
    if len(people.scale.values) > TABLE_LEVELS:
        return None, to_median
    return _mean_by_item(_mode_distance(people.scale.values, tallies, others)[entry], tallies, entry), to_median


def _mean_by_item(apart: Floats, tallies: Tallies, entry: Ints) -> Interval:
    """The mean over the items of their verdicts' mean distance."""
    n = tallies.count[entry].astype(np.float64)
    tops = sums(tallies.item[entry], apart * n, tallies.items)
    bottoms = sums(tallies.item[entry], n, tallies.items)
    return within(by_t((tops / np.maximum(bottoms, 1))[bottoms > 0]), 0)


def _mode_distance(values: Floats, tallies: Tallies, others: Others) -> Floats:
    """Each entry's mean distance from the labels that are the most frequent ones among the others."""
    first = np.searchsorted(tallies.item, tallies.item)
    width = np.bincount(tallies.item, minlength=tallies.items)[tallies.item]
    own = np.arange(len(tallies.item))
    total, found = np.zeros(len(own)), np.zeros(len(own))
    for step in range(int(width.max())):
        beside = np.minimum(first + step, len(own) - 1)
        left = tallies.count[beside] - (beside == own)
        modal = (step < width) & (left == others.most)
        total += np.where(modal, np.abs(values[tallies.label] - values[tallies.label[beside]]), 0.0)
        found += modal
    return total / np.maximum(found, 1)


def _median_distance(values: Floats, tallies: Tallies) -> Floats:
    """Each entry's distance from the median of the others, by where their middle lies in the item's sorted labels."""
    end = np.cumsum(tallies.count)
    start = end - tallies.count
    # Verdicts laid out item by item, ascending: the entry's own first verdict is the one that is taken out.
    flat = np.repeat(values[tallies.label], tallies.count)
    first = (np.cumsum(tallies.of_item) - tallies.of_item)[tallies.item]
    left = tallies.of_item[tallies.item] - 1

    def other(rank: Ints) -> Floats:
        at = first + rank
        return flat[np.minimum(at + (at >= start), len(flat) - 1)]

    low, high = np.maximum(left - 1, 0) // 2, left // 2
    return np.abs(values[tallies.label] - (other(low) + other(high)) / 2)
