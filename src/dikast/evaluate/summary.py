"""From values to figures and contrasts: the one place where an evaluation's arithmetic over documents stands.

A document counts once, however many training seeds there are: its value is the mean over them. So the
bounds speak of documents, not of seeds; a contrast gives its value for each seed beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean

from dikast.evaluate.records import Contrast, Figure, Value
from dikast.stats.intervals import Interval, bootstrap_mean, bootstrap_paired, clopper_pearson_lower, wilson

PAIRS = (("rft", "sft_start"), ("rft", "sft_long"), ("rft", "base"), ("sft_long", "sft_start"))
"""What a run's arms are held against each other in; other arms are held against each one before them."""

ALWAYS = ("reward", "gold", "json_validity", "judge_score", "best_of_k")
"""Metrics that every arm has a figure for, if only to say that it could not be had."""

SHARES = frozenset({"json_validity", "gated", "missing"})
"""Shares of documents: a bootstrap of 200 yeses would claim certainty, Wilson's interval does not."""

LEAST_DOCUMENTS = 10
"""With fewer, a bootstrap draws the same few documents over and over and looks surer than it is: no claim."""

_ORDER = (
    "reward",
    "reward_sampled",
    "gold",
    "gold_sampled",
    "judge_score",
    "judge_score_best_of_k",
    "best_of_k",
    "best_of_k_gold",
    "json_validity",
    "part/",
    "gated",
    "missing",
    "words",
    "items",
    "odd_characters",
    "repetition",
)

ByDocument = dict[str, list[float]]
"""A document's values: one for each seed, None left out."""
Tables = dict[tuple[str, str], ByDocument]
"""(arm, metric) → values."""


def figures_of(values: Sequence[Value]) -> dict[str, dict[str, Figure]]:
    """Gives every metric of every arm: the mean over documents with its bounds."""
    tables = _by_arm_and_metric(values)
    metrics = _ordered({*ALWAYS, *(value.metric for value in values)})
    arms: dict[str, dict[str, Figure]] = {}
    for arm in dict.fromkeys(value.arm for value in values):
        arms[arm] = {
            metric: _figure(metric, tables.get((arm, metric), {}))
            for metric in metrics
            if metric in ALWAYS or (arm, metric) in tables
        }
    return arms


def contrasts_of(values: Sequence[Value]) -> tuple[Contrast, ...]:
    """Gives every metric's difference for every pair of arms, paired by document, where both have values."""
    tables = _by_arm_and_metric(values)
    seeds = {seed: _by_arm_and_metric(v for v in values if v.seed == seed) for seed in sorted({v.seed for v in values})}
    metrics = _ordered({value.metric for value in values} - {"missing"})
    contrasts: list[Contrast] = []
    for a, b in pairs_of(list(dict.fromkeys(value.arm for value in values))):
        for metric in metrics:
            first, second = tables.get((a, metric), {}), tables.get((b, metric), {})
            interval, p = bootstrap_paired(first, second)
            if interval.value is None:
                continue
            contrasts.append(
                Contrast(
                    a=a,
                    b=b,
                    metric=metric,
                    value=interval.value,
                    low=interval.low,
                    high=interval.high,
                    p=p,
                    n=interval.n,
                    by_seed=_by_seed(seeds, (a, metric), (b, metric)) if len(seeds) > 1 else {},
                )
            )
    return tuple(contrasts)


def pairs_of(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Gives the pairs of arms that are compared, the one that should be better first."""
    known = [(a, b) for a, b in PAIRS if a in arms and b in arms]
    return known or [(later, earlier) for earlier, later in combinations(arms, 2)]


def side_of(contrast: Contrast) -> int:
    """1 or −1 where the whole interval lies on that side of zero and rests on enough documents, else 0: no claim."""
    if contrast.n < LEAST_DOCUMENTS or contrast.low is None or contrast.high is None:
        return 0
    return int(contrast.low > 0) - int(contrast.high < 0)


def _figure(metric: str, table: Mapping[str, Sequence[float]]) -> Figure:
    means = [fmean(values) for values in table.values() if values]
    missing = len(table) - len(means)
    if metric not in SHARES and not (metric.startswith("part/") and set(means) <= {0.0, 1.0}):
        return _with(bootstrap_mean(means), missing=missing)
    yes = math.fsum(means)
    # Documents that are valid with some seeds only count in part, and the bound is that of the whole ones.
    exact = clopper_pearson_lower(math.floor(yes + 1e-9), len(means)) if metric == "json_validity" else None
    return _with(wilson(min(yes, len(means)), len(means)), missing=missing, exact_low=exact)


def _with(interval: Interval, *, missing: int, exact_low: float | None = None) -> Figure:
    return Figure(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        missing=missing,
        exact_low=exact_low,
    )


def _by_arm_and_metric(values: Iterable[Value]) -> Tables:
    tables: Tables = {}
    for value in values:
        held = tables.setdefault((value.arm, value.metric), {}).setdefault(value.document, [])
        if value.value is not None:
            held.append(value.value)
    return tables


def _by_seed(seeds: Mapping[int, Tables], a: tuple[str, str], b: tuple[str, str]) -> dict[str, float]:
    """The mean difference of each seed alone, where it has any document with both values."""
    found: dict[str, float] = {}
    for seed, tables in seeds.items():
        first, second = tables.get(a, {}), tables.get(b, {})
        pairs = [(first[name], second[name]) for name in first if first[name] and second.get(name)]
        if pairs:
            found[str(seed)] = fmean(fmean(one) - fmean(other) for one, other in pairs)
    return found


def _ordered(metrics: Iterable[str]) -> list[str]:
    def rank(metric: str) -> tuple[int, str]:
        kind = "part/" if metric.startswith("part/") else metric
        return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), metric)

    return sorted(metrics, key=rank)
