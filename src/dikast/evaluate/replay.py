"""Compares the scores that rollouts had with those that another reward gives them, group by group. Pure.

    comparison = Comparison()
    comparison.add(group.step, places, then, now)      # for each group, in the order of the run
    figures = comparison.result(one_range=True)
    comparison.most_changed(5, one_range=True)         # places of rollouts

Of a rollout a few numbers are kept, of its texts nothing.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, get_args

from dikast.evaluate.replayed import Compared, Means, Order, PartReplayed, Rise
from dikast.evaluate.siblings import ALIKE, Siblings, siblings_of
from dikast.evaluate.values import parts_of
from dikast.records import MissingReason, Score, Status
from dikast.stats.intervals import Interval, bootstrap_share, minus, unknown

if TYPE_CHECKING:
    from dikast.stats.ratings import Floats

LEAST_STEPS = 4
"""Steps from which a run has quarters."""
RESAMPLES = 2000
STATUSES: tuple[Status, ...] = get_args(Status)


class Changed(NamedTuple):
    """A rollout that changes, and by how much."""

    number: int
    by: float


class _OfPart:
    """What is kept of a part: sums over the rollouts of each group in which it has both values."""

    def __init__(self) -> None:
        self.then, self.now, self.sizes, self.changed = (array("d") for _ in range(4))

    def add(self, pairs: Sequence[tuple[float, float]]) -> None:
        self.then.append(sum(a for a, _ in pairs))
        self.now.append(sum(b for _, b in pairs))
        self.sizes.append(len(pairs))
        self.changed.append(sum(abs(a - b) > ALIKE for a, b in pairs))

    def result(self) -> PartReplayed:
        n = int(sum(self.sizes))
        return PartReplayed(
            then=_share(self.then, self.sizes),
            now=_share(self.now, self.sizes),
            n=n,
            changed=_share(self.changed, self.sizes),
        )


class Comparison:
    """Takes scores of then and now, and gives the figures when all are there."""

    def __init__(self) -> None:
        self._groups: list[Siblings] = []
        self._steps = array("q")
        """Of each group."""
        self._then, self._now = array("d"), array("d")
        self._numbers, self._group_of = array("q"), array("q")
        """Of each rollout that has both scores: they, its number, and that of its group."""
        self._transitions: Counter[tuple[Status, Status]] = Counter()
        self._missing_then: Counter[MissingReason] = Counter()
        self._missing: Counter[MissingReason] = Counter()
        self._parts: dict[str, _OfPart] = {}
        self._named_then: dict[str, None] = {}
        self._named_now: dict[str, None] = {}
        self._same = True

    def add(self, step: int, numbers: Sequence[int], then: Sequence[Score], now: Sequence[Score]) -> None:
        """Takes the rollouts of one step and group; `numbers` tell them in `most_changed`."""
        group = len(self._groups)
        self._groups.append(siblings_of([one.score for one in then], [one.score for one in now]))
        self._steps.append(step)
        for number, before, after in zip(numbers, then, now, strict=True):
            self._transitions[before.status, after.status] += 1
            self._same &= (before.score, before.status) == (after.score, after.status)
            if before.missing:
                self._missing_then[before.missing] += 1
            if after.missing:
                self._missing[after.missing] += 1
            if before.score is not None and after.score is not None:
                self._then.append(before.score)
                self._now.append(after.score)
                self._numbers.append(number)
                self._group_of.append(group)
        self._add_parts(then, now)

    def _add_parts(self, then: Sequence[Score], now: Sequence[Score]) -> None:
        together: dict[str, list[tuple[float, float]]] = {}
        for before, after in zip(map(parts_of, then), map(parts_of, now), strict=True):
            self._named_then |= dict.fromkeys(before)
            self._named_now |= dict.fromkeys(after)
            for name, value in before.items():
                other = after.get(name)
                if value is not None and other is not None:
                    together.setdefault(name, []).append((value, other))
        for name, pairs in together.items():
            self._parts.setdefault(name, _OfPart()).add(pairs)

    def result(self, *, one_range: bool, why: str | None = None) -> Compared:
        """Gives the figures. `why` says why there is no difference, where the rewards do not have one range."""
        groups = self._groups
        counts = [one.rollouts for one in groups]
        return Compared(
            rollouts=sum(counts),
            groups=len(groups),
            steps=len(set(self._steps)),
            transitions={a: {b: self._transitions[a, b] for b in STATUSES} for a in STATUSES},
            missing_then=dict(self._missing_then),
            missing=dict(self._missing),
            coverage_then=_share([one.valid_then for one in groups], counts),
            coverage=_share([one.valid_now for one in groups], counts),
            same=self._same,
            mean=self._means(one_range, why),
            order=self._order(),
            rise=self._rise(one_range),
            parts={name: part.result() for name, part in self._parts.items()},
            parts_then_only=tuple(name for name in self._named_then if name not in self._named_now),
            parts_now_only=tuple(name for name in self._named_now if name not in self._named_then),
        )

    def most_changed(self, count: int, *, one_range: bool) -> list[Changed]:
        """Gives the rollouts that change most: by their difference, or else by that of their rank among all."""
        import numpy as np

        then, now = (np.asarray(one, dtype=np.float64) for one in (self._then, self._now))
        if not count or not len(then):
            return []
        by = now - then if one_range else _ranks(now) - _ranks(then)
        # Stable, so that of equal ones those come first that were first in the run.
        order = np.argsort(-np.abs(by), kind="stable")[:count]
        return [Changed(self._numbers[at], float(by[at])) for at in map(int, order) if abs(by[at]) > ALIKE]

    def _means(self, one_range: bool, why: str | None) -> Means:
        groups = self._groups
        sizes = [one.both for one in groups]
        difference = _mean([one.sum_now - one.sum_then for one in groups], sizes) if one_range else None
        return Means(
            then=_mean([one.sum_then for one in groups], sizes),
            now=_mean([one.sum_now for one in groups], sizes),
            difference=difference,
            why=None if one_range else why,
        )

    def _order(self) -> Order:
        import numpy as np

        from dikast.stats.association import rank_correlation

        groups = self._groups
        pairs = [one.pairs.all for one in groups]
        clusters = np.asarray(self._group_of, dtype=np.int64)
        return Order(
            spearman=rank_correlation(self._then, self._now, clusters) if len(clusters) else unknown(),
            pairs=sum(pairs),
            swapped=_share([one.pairs.swapped for one in groups], pairs),
            untied=_share([one.pairs.untied for one in groups], pairs),
            tied=_share([one.pairs.tied for one in groups], pairs),
            another_best=_share_of(one.another_best for one in groups),
            flat_then=_share_of(one.flat_then for one in groups),
            flat_now=_share_of(one.flat_now for one in groups),
            turned=_share([one.turned for one in groups], [one.both for one in groups]),
        )

    def _rise(self, one_range: bool) -> Rise | None:
        steps = sorted(set(self._steps))
        quarter = len(steps) // LEAST_STEPS
        if not quarter:
            return None
        first, last = (
            [one for step, one in zip(self._steps, self._groups, strict=True) if step in chosen]
            for chosen in (set(steps[:quarter]), set(steps[-quarter:]))
        )

        def rise(of: Callable[[Siblings], float]) -> Interval:
            late, early = (_mean([of(one) for one in some], [one.both for one in some]) for some in (last, first))
            return minus(late, early)

        return Rise(
            steps=quarter,
            groups=min(sum(one.both > 0 for one in some) for some in (first, last)),
            then=rise(lambda one: one.sum_then),
            now=rise(lambda one: one.sum_now),
            apart=rise(lambda one: one.sum_then - one.sum_now) if one_range else None,
        )


def _mean(sums: Sequence[float], sizes: Sequence[float]) -> Interval:
    """Of rollouts, drawing groups."""
    there = [at for at, size in enumerate(sizes) if size]
    n = int(sum(sizes))
    return bootstrap_share([sums[at] for at in there], [sizes[at] for at in there], n=n, resamples=RESAMPLES)


def _share(tops: Sequence[float], bottoms: Sequence[float]) -> Interval:
    """Of what groups hold, each group one unit."""
    import numpy as np

    from dikast.stats.shares import share

    top, bottom = (np.asarray(one, dtype=np.float64) for one in (tops, bottoms))
    return share(top[bottom > 0], bottom[bottom > 0])


def _share_of(said: Iterable[bool | None]) -> Interval:
    """Of the groups of which it can be said."""
    known = [float(one) for one in said if one is not None]
    return _share(known, [1.0] * len(known))


def _ranks(values: Floats) -> Floats:
    """The share of values below each one, those equal to it counting half."""
    import numpy as np

    from dikast.stats.correlation import midranks

    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (midranks(counts.astype(np.float64))[level] - 0.5) / len(values)
