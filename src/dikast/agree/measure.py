"""Measures a file of ratings, criterion by criterion.

agreement = measure(Path("ratings.jsonl"), Roles(gold="expert"), Options())
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import msgspec
import numpy as np

from dikast.agree.again import all_repeats, positions
from dikast.agree.columns import read_columns
from dikast.agree.labels import meaning
from dikast.agree.records import Agreement, CriterionAgreement, Rater
from dikast.agree.roles import Resolved, Roles, check_names, resolve
from dikast.agree.verdicts import Verdicts, by_criterion, count
from dikast.agree.warnings import copy_warnings, counted_warnings, figure_warnings, gold_warnings, pair_warnings
from dikast.errors import UsageError
from dikast.stats.alternative import EPSILON, Alternative, alternative
from dikast.stats.annotators import Annotators, annotators
from dikast.stats.calibration import Calibration, calibration
from dikast.stats.gold import AgainstGold, against_gold, code_of, probabilities, truth_of, yes_and_no
from dikast.stats.intervals import unknown
from dikast.stats.overall import Overall, overall
from dikast.stats.pairs import Alpha, Pair, compare, meeting
from dikast.stats.ratings import NULL, TABLE_LEVELS, Ints, Ratings, Scale, Tallies, listed

PAIRED = 25
"""Raters whose pairs are listed: 300 pairs say all that a reader can take in."""
AVERAGED = (
    "cohen_kappa",
    "kappa_linear",
    "kappa_quadratic",
    "kendall_tau_b",
    "spearman",
    "pearson",
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How figures are made where there is a choice."""

    positive: str | None = None
    """The label that is a yes, where labels are not true and false or 0 and 1."""
    nominal: bool = False
    """Whether numbers are names of classes, without an order."""
    drop_null: bool = False
    epsilon: float = EPSILON
    seed: int = 0


def measure(path: Path, roles: Roles, options: Options) -> Agreement:
    """Reads a file and measures it. Raises `DataError` or `UsageError` for what cannot be used."""
    columns = read_columns(path)
    all_verdicts = list(by_criterion(columns, nominal=options.nominal))
    raters = {name for verdicts in all_verdicts for name in verdicts.raters}
    check_names(roles, raters)
    if options.positive is not None:
        _check_positive(options.positive, [verdicts.scale for verdicts in all_verdicts])
    found = [(verdicts.criterion, _criterion(verdicts, roles, options)) for verdicts in all_verdicts]
    items = len({str(name) for name in columns.item.seen})
    return _agreement(path, len(columns.line), items, len(raters), roles, found)


def _agreement(
    path: Path, rows: int, items: int, raters: int, roles: Roles, found: Sequence[tuple[str | None, CriterionAgreement]]
) -> Agreement:
    named = {name: one for name, one in found if name is not None}
    first = found[0][1]
    warnings = (
        tuple(f"{name}: {said}" for name, one in named.items() for said in one.warnings) if named else first.warnings
    )
    return Agreement(
        # A name on the disk may be no text.
        ratings=os.fsencode(path).decode(errors="replace"),
        rows=rows,
        gold_rater=roles.gold,
        items=items,
        raters=raters,
        averaged_over=tuple(named) or None,
        criteria=named or None,
        kind=None if named else first.kind,
        verdicts=None if named else first.verdicts,
        overall=_mean([one.overall for one in named.values()]) if named else first.overall,
        people=None if named else first.people,
        pairs=() if named else first.pairs,
        gold={} if named else first.gold,
        annotators=None if named else first.annotators,
        alt_test=None if named else first.alt_test,
        position=None if named else first.position,
        repeats=None if named else first.repeats,
        calibration=None if named else first.calibration,
        duplicates=sum(one.duplicates for _, one in found),
        conflicts=sum(one.conflicts for _, one in found),
        warnings=warnings,
    )


def _criterion(verdicts: Verdicts, roles: Roles, options: Options) -> CriterionAgreement:
    counted = count(verdicts)
    ratings = counted.ratings
    who = resolve(roles, ratings.raters)
    gold = _truth(ratings, who)
    pairs, noticed = _pairs(ratings, who)
    people = _annotators(ratings, who, options)
    every = _overall(ratings, people, pairs)
    against = {} if gold is None else _against_gold(ratings, who, gold, options)
    return CriterionAgreement(
        items=verdicts.items,
        raters=len(ratings.raters),
        kind=verdicts.kind,
        verdicts=_raters(ratings),
        overall=every,
        people=_people(ratings, who, people, pairs),
        pairs=pairs,
        gold=against,
        annotators=people,
        alt_test=_alternatives(ratings, who, options),
        position=positions(counted.verdicts, gold, drop_null=options.drop_null),
        repeats=all_repeats(counted.verdicts),
        calibration=None if gold is None else _calibrations(ratings, who, gold, options),
        duplicates=counted.duplicates,
        conflicts=counted.conflicts,
        warnings=(
            *counted_warnings(counted),
            *noticed,
            *figure_warnings(every, pairs, ratings),
            *gold_warnings(ratings.scale, against),
        ),
    )


def _raters(ratings: Ratings) -> dict[str, Rater]:
    found: dict[str, Rater] = {}
    for at, name in enumerate(ratings.raters):
        _, labels = ratings.by(at)
        counts = np.bincount(labels[labels != NULL], minlength=1)
        few = len(ratings.scale.labels) <= TABLE_LEVELS
        found[name] = Rater(
            n=len(labels),
            null=int((labels == NULL).sum()),
            counts=tuple((ratings.scale.labels[one], int(counts[one])) for one in listed(np.flatnonzero(counts)))
            if few
            else None,
        )
    return found


def _pairs(ratings: Ratings, who: Resolved) -> tuple[tuple[Pair, ...], list[str]]:
    """The pairs of the raters with a role and of those with the most verdicts, and what is odd about them."""
    sizes = np.bincount(ratings.rater, minlength=len(ratings.raters))
    special = {*who.judges, *(() if who.gold is None else (who.gold,))}
    ranked = sorted(range(len(ratings.raters)), key=lambda one: (one not in special, -int(sizes[one]), one))
    chosen = sorted(ranked[:PAIRED])
    pairs: list[Pair] = []
    noticed: list[str] = []
    if len(chosen) < len(ratings.raters):
        noticed.append(
            f"{len(ratings.raters)} raters: pairs are listed for the {PAIRED} with the most verdicts; the other figures use all"
        )
    spread, spread_of = ratings.spread(chosen[0]), chosen[0]
    for a, b in combinations(chosen, 2):
        if a != spread_of:
            spread, spread_of = ratings.spread(a), a
        met = meeting(ratings, spread, b)
        if len(met.a):
            pairs.append(compare(ratings, a, b, met))
            noticed += pair_warnings(ratings, a, b, met)
    noticed += copy_warnings(ratings, chosen)
    return tuple(pairs), noticed


def _annotators(ratings: Ratings, who: Resolved, options: Options) -> Annotators | None:
    if len(who.humans) < 2:
        return None
    return annotators(ratings, who.humans, who.judges, drop_null=options.drop_null)


def _overall(ratings: Ratings, people: Annotators | None, pairs: Sequence[Pair]) -> Overall:
    means = {name: _mean_of([getattr(pair, name) for pair in pairs]) for name in AVERAGED}
    return overall(ratings, unknown() if people is None else people.ceiling, means)


def _people(ratings: Ratings, who: Resolved, people: Annotators | None, pairs: Sequence[Pair]) -> Overall | None:
    if people is None or len(who.humans) == len(ratings.raters):
        return None
    names = set(people.humans)
    return _overall(ratings.among(who.humans), people, [pair for pair in pairs if {pair.a, pair.b} <= names])


def _truth(ratings: Ratings, who: Resolved) -> Ints | None:
    """The truth by item: the gold rater's labels, or the people's majority."""
    if who.by_majority:
        return Tallies.of(ratings.among(who.humans)).modes()
    return None if who.gold is None else truth_of(ratings, who.gold)


def _others(ratings: Ratings, who: Resolved) -> list[int]:
    """Who is held against the truth: all but the gold; of a majority those who are not in it."""
    left_out = set(who.humans) if who.by_majority else {who.gold}
    return [one for one in range(len(ratings.raters)) if one not in left_out]


def _against_gold(ratings: Ratings, who: Resolved, truth: Ints, options: Options) -> dict[str, AgainstGold]:
    positive = _yes_in_words(ratings.scale) if options.positive is None else _positive(ratings.scale, options.positive)
    found = {
        ratings.raters[one]: against_gold(
            ratings, truth, one, positive=positive, drop_null=options.drop_null, seed=options.seed
        )
        for one in _others(ratings, who)
    }
    return {name: one for name, one in found.items() if one is not None}


def _check_positive(given: str, scales: Sequence[Scale]) -> None:
    """Raises `UsageError` where no criterion has the label."""
    if all(_positive(scale, given) is None for scale in scales):
        labels = dict.fromkeys(str(label) for scale in scales for label in scale.labels)
        raise UsageError(f"--positive: nobody gave the label '{given}'; the labels are {', '.join(list(labels)[:10])}")


def _yes_in_words(scale: Scale) -> int | None:
    """The code of the text yes, where nobody says anything but yes and no."""
    words = [] if scale.values is not None else [str(label).casefold() for label in scale.labels]
    return words.index("yes") if "yes" in words and len(words) == len({*words} & {"yes", "no"}) else None


def _positive(scale: Scale, given: str) -> int | None:
    """The code of the label that `--positive` names; None where the criterion does not have it."""
    if scale.values is None:
        return scale.labels.index(given.strip()) if given.strip() in scale.labels else None
    try:
        wanted = meaning(given)
    except ValueError as error:
        raise UsageError(f"--positive: {error}") from None
    number = wanted.number if wanted.truth is None else float(wanted.truth)
    return None if number is None else code_of(scale, number)


def _alternatives(ratings: Ratings, who: Resolved, options: Options) -> dict[str, Alternative] | None:
    if not who.judges or len(who.humans) < 2:
        return None
    return {
        ratings.raters[judge]: alternative(
            ratings, who.humans, judge, epsilon=options.epsilon, drop_null=options.drop_null
        )
        for judge in who.judges
    }


def _calibrations(ratings: Ratings, who: Resolved, truth: Ints, options: Options) -> dict[str, Calibration] | None:
    """For each rater whose labels are probabilities, where the truth is yes or no."""
    scale = ratings.scale
    if scale.values is None or not yes_and_no(scale, truth):
        return None
    found: dict[str, Calibration] = {}
    for one in _others(ratings, who):
        items, said = ratings.by(one)
        used = (said != NULL) & (truth[items] >= 0)
        if probabilities(scale, said) and used.any():
            true = scale.values[truth[items[used]]] == 1
            found[ratings.raters[one]] = calibration(scale.values[said[used]], true, seed=options.seed)
    return found or None


def _mean(several: Sequence[Overall]) -> Overall:
    """The plain mean of each figure over criteria that have it; a mean of criteria has no interval here."""

    def mean(name: str) -> float | None:
        return _mean_of([getattr(one, name) for one in several])

    def alpha(name: str) -> float | None:
        return _mean_of([getattr(one.krippendorff_alpha, name) for one in several])

    return Overall(
        n=sum(one.n for one in several),
        labels=sum(one.labels for one in several),
        agreement=mean("agreement"),
        fleiss_kappa=mean("fleiss_kappa"),
        krippendorff_alpha=Alpha(nominal=alpha("nominal"), ordinal=alpha("ordinal"), interval=alpha("interval")),
        gwet_ac1=mean("gwet_ac1"),
        gwet_ac2=mean("gwet_ac2"),
        icc_2_1=mean("icc_2_1"),
        icc_items=sum(one.icc_items for one in several),
        leave_one_out=mean("leave_one_out"),
        mean_of_pairs={name: _mean_of([one.mean_of_pairs[name] for one in several]) for name in AVERAGED},
        intervals={},
    )


def _mean_of(figures: Sequence[float | None]) -> float | None:
    """The mean of those that are there."""
    there = [figure for figure in figures if figure is not None]
    return sum(there) / len(there) if there else None
