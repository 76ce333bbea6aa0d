"""The share that people would pass, from a judge's verdicts on everything and people's on a part of it.

The judge's own share is off by its errors. `ppi` corrects it by the units that both have seen and is never worse
than people alone by more than noise; `rogan_gladen` inverts the judge's error rates, stands beside it for comparison
and is wider wherever the judge is not nearly perfect.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from itertools import chain
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from dikast.stats.agreement import Confusion
from dikast.stats.intervals import CONFIDENCE, Interval, bootstrap_mean, holding, unknown, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

FEWEST = 50
"""Labels below which people's own share is given, uncorrected: with 30, no correction's interval covered (.78)."""
FEWEST_FOR_NORMAL = 400
"""Labels from which on the normal interval covers; between the two it is a bootstrap-t (at 100: .95 against .93)."""
RESAMPLES = 2000

Clusters = tuple[Sequence[Hashable], Sequence[Hashable]]
"""Of each labelled and of each unlabelled unit what it shares with its like: a prompt, a document."""


class Labelled(NamedTuple):
    """Units that people have answered, with the judge's answer to the same."""

    labels: list[bool]
    judged: list[float]
    clusters: list[Hashable]


class Unlabelled(NamedTuple):
    """Units that the judge alone has answered."""

    judged: list[float]
    clusters: list[Hashable]


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """A share of passes: what the judge gives, and what people would give to the same."""

    judge: Interval
    """The mean of the judge's verdicts on all units, as they are read."""
    corrected: Interval
    """People's, by PPI++."""
    rogan_gladen: Interval
    """People's, by the judge's error rates."""
    labelled: int
    unlabelled: int


def corrected(labelled: Labelled, unlabelled: Unlabelled, *, cut: float, seed: int = 0) -> Corrected:
    """Corrects a judge's share of passes by the units that people have answered, a random sample of all.

    Verdicts lie in 0..1, and from `cut` on one is a pass. The units of a cluster resemble each other, and the bounds
    of `judge` and `corrected` allow for it; those of `rogan_gladen` take units as independent.
    """
    judged = [*labelled.judged, *unlabelled.judged]
    clusters = [*labelled.clusters, *unlabelled.clusters]
    table = Confusion.of([value >= cut for value in labelled.judged], labelled.labels)
    passed = sum(value >= cut for value in judged)
    found = ppi(
        [float(label) for label in labelled.labels],
        labelled.judged,
        unlabelled.judged,
        clusters=(labelled.clusters, unlabelled.clusters),
        seed=seed,
    )
    return Corrected(
        judge=_mean_of_shares(judged, clusters),
        corrected=_inside(found),
        rogan_gladen=rogan_gladen(passed / len(judged), len(judged), table.tpr, table.tnr) if judged else unknown(),
        labelled=len(labelled.labels),
        unlabelled=len(unlabelled.judged),
    )


def ppi(
    labels: Sequence[float],
    judged: Sequence[float],
    unlabelled: Sequence[float],
    *,
    clusters: Clusters | None = None,
    seed: int = 0,
) -> Interval:
    """The mean that people would give to all, in the labels' unit, by PPI++.

    `labels` (n,) and `judged` (n,) are people's and the judge's values of the same units, drawn at random;
    `unlabelled` (N,) the judge's values of the others. theta = mean(y) + lambda (mean(f_N) - mean(f_n)), and lambda,
    in 0..1, is the one of least variance: 0 leaves a useless judge out. n counts labels; with fewer than 50, with
    equal ones, or with nothing unlabelled, it is people's own mean. With `clusters` the interval is as much wider as
    their variance is greater than that of units which are independent. Source: Angelopoulos, Duchi
    and Zrnic 2023, "PPI++: Efficient Prediction-Powered Inference".
    """
    import numpy as np

    y = np.asarray(labels, dtype=np.float64)
    f = np.asarray(judged, dtype=np.float64)
    rest = np.asarray(unlabelled, dtype=np.float64)
    if y.shape != f.shape:
        raise ValueError(f"{len(y)} labels and {len(f)} verdicts on the same units")
    n, others = len(y), len(rest)
    if n < FEWEST or not others or len(np.unique(y)) == 1:
        return _widened(_alone(labels, seed), y, rest[:0], clusters and (clusters[0], ()))
    theta, error, power = _estimate(y[None], f[None], np.full(1, rest.mean()), float(rest.var()) / others, others)
    moves, rest_moves = y - power * f, power * rest
    if n >= FEWEST_FOR_NORMAL:
        z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
        half = z * float(error[0])
        found = holding(float(theta[0]), float(theta[0]) - half, float(theta[0]) + half, n)
        return _widened(found, moves, rest_moves, clusters)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(n, size=(RESAMPLES, n))
    # The mean of the many is normal; drawing them one by one would only cost time.
    means = rng.normal(rest.mean(), math.sqrt(float(rest.var()) / others), size=RESAMPLES)
    thetas, errors, _ = _estimate(y[drawn], f[drawn], means, float(rest.var()) / others, others)
    # A resample of equal units has no spread to divide by.
    spread = errors > 0
    pivots = (thetas[spread] - theta[0]) / errors[spread]
    low, high = np.quantile(pivots, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    found = holding(float(theta[0]), float(theta[0] - high * error[0]), float(theta[0] - low * error[0]), n)
    return _widened(found, moves, rest_moves, clusters)


def rogan_gladen(share: float, judged: int, tpr: Interval, tnr: Interval) -> Interval:
    """The true share behind a judge's `share` of yeses among `judged` units: (p + TNR - 1) / (TPR + TNR - 1).

    The interval is the delta method's, cut at 0 and 1. Unknown where the judge is no better than chance. Source: Rogan
    and Gladen 1978, "Estimating prevalence from the results of a screening test".
    """
    if tpr.value is None or tnr.value is None or not judged or not tpr.n or not tnr.n:
        return unknown(judged)
    j = tpr.value + tnr.value - 1
    if j <= 0:
        return unknown(judged)
    true = (share + tnr.value - 1) / j
    variance = (
        share * (1 - share) / judged
        + true**2 * tpr.value * (1 - tpr.value) / tpr.n
        + (1 - true) ** 2 * tnr.value * (1 - tnr.value) / tnr.n
    ) / j**2
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.sqrt(variance)
    held = min(1.0, max(0.0, true))
    return holding(held, max(0.0, true - half), min(1.0, true + half), judged)


def _widened(found: Interval, moves: Floats, rest_moves: Floats, clusters: Clusters | None) -> Interval:
    """The interval times the square root of the design effect; `moves` and `rest_moves` are what each unit adds to the two means."""
    if clusters is None or found.value is None or found.low is None or found.high is None:
        return found
    import numpy as np

    n, others = len(moves), max(1, len(rest_moves))
    centred = np.concatenate([(moves - moves.mean()) / n, (rest_moves - rest_moves.sum() / others) / others])
    codes: dict[Hashable, int] = {}
    of_unit = [codes.setdefault(name, len(codes)) for name in chain(*clusters)]
    together, apart = np.bincount(of_unit, weights=centred), float(centred @ centred)
    effect = max(1.0, float(together @ together) / apart) if apart > 0 else 1.0
    wider = math.sqrt(effect)
    low, high = found.value - wider * (found.value - found.low), found.value + wider * (found.high - found.value)
    return holding(found.value, low, high, found.n)


def _mean_of_shares(values: Sequence[float], clusters: Sequence[Hashable]) -> Interval:
    """Wilson's interval with the n that the spread between clusters stands for; n counts values."""
    import numpy as np

    from dikast.stats.shares import share

    sums: dict[Hashable, list[float]] = {}
    for name, value in zip(clusters, values, strict=True):
        sums.setdefault(name, []).append(value)
    tops = np.array([math.fsum(members) for members in sums.values()])
    found = share(tops, np.array([float(len(members)) for members in sums.values()]))
    return Interval(value=found.value, low=found.low, high=found.high, n=len(values))


def _inside(found: Interval) -> Interval:
    """A share's interval, cut at 0 and 1."""
    if found.value is None or found.low is None or found.high is None:
        return found
    value, low, high = (min(1.0, max(0.0, figure)) for figure in (found.value, found.low, found.high))
    return Interval(value=value, low=low, high=high, n=found.n)


def _alone(labels: Sequence[float], seed: int) -> Interval:
    """What people's labels say by themselves."""
    if set(labels) <= {0, 1}:
        return wilson(math.fsum(labels), len(labels))
    return bootstrap_mean(labels, seed=seed)


def _estimate(
    y: Floats, f: Floats, rest_means: Floats, rest_variance: float, others: int
) -> tuple[Floats, Floats, Floats]:
    """Theta, its standard error and lambda for each row of y (rows, n) and f (rows, n); `rest_means` (rows,)."""
    n = y.shape[1]
    centred_y, centred_f = y - y.mean(axis=1, keepdims=True), f - f.mean(axis=1, keepdims=True)
    variance_f = (centred_f**2).mean(axis=1)
    covariance = (centred_y * centred_f).mean(axis=1)
    safe = variance_f > 0
    power = (covariance / ((1 + n / others) * variance_f.clip(min=1e-300))).clip(0, 1) * safe
    theta = y.mean(axis=1) + power * (rest_means - f.mean(axis=1))
    left = ((centred_y - power[:, None] * centred_f) ** 2).sum(axis=1) / (n - 1) / n
    return theta, (left + power**2 * rest_variance) ** 0.5, power
