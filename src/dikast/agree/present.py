"""Shows an agreement: tables as rows of text, and the lines between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dikast.agree.records import Agreement, CriterionAgreement
from dikast.stats.gold import AgainstGold
from dikast.stats.intervals import Interval
from dikast.stats.overall import Overall
from dikast.stats.pairs import Pair

MOST_ROWS = 40
"""Of one table; the JSON has all."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A table with a line above it, or the line alone."""

    line: str
    names: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def present(agreement: Agreement) -> Iterator[Shown]:
    """Everything that is shown, in order."""
    yield Shown(line=_title(agreement))
    if agreement.criteria is None:
        yield from _criterion(_alone(agreement))
    else:
        for name, one in agreement.criteria.items():
            yield Shown(line=f"\n== {name}: {one.items} items, {one.raters} raters ==")
            yield from _criterion(one)
        yield _by_criterion(agreement.criteria)
    for warning in agreement.warnings:
        yield Shown(line=f"warning: {warning}")


def _title(agreement: Agreement) -> str:
    gold = f", gold: {agreement.gold_rater}" if agreement.gold_rater else ""
    return f"{agreement.ratings}: {agreement.rows} verdicts, {agreement.items} items, {agreement.raters} raters{gold}"


def _alone(agreement: Agreement) -> CriterionAgreement:
    """The figures of a file without criteria."""
    fields = {name: getattr(agreement, name) for name in CriterionAgreement.__struct_fields__}
    return CriterionAgreement(**fields)


def _criterion(one: CriterionAgreement) -> Iterator[Shown]:
    yield _overall(one)
    yield from _pairs(one.pairs)
    if one.gold:
        yield _gold(one.gold)
    yield from _people(one)
    if one.position:
        yield _position(one)
    if one.repeats:
        rows = [
            (name, f"{r.n}", *(cell(x) for x in (r.modal_share, r.flip_rate, r.unanimous)), f"{r.null}")
            for name, r in one.repeats.items()
        ]
        yield Shown(
            line="The same question asked again",
            names=("rater", "questions", "modal share", "flip rate", "unanimous", "null"),
            rows=tuple(rows),
        )
    if one.calibration:
        yield from _calibration(one)


def _overall(one: CriterionAgreement) -> Shown:
    columns = [("all raters", one.overall)]
    if one.people is not None:
        columns.append(("people", one.people))
    rows = [(title, *(_bounded(overall, name) for _, overall in columns)) for title, name in _FIGURES]
    rows += [
        (f"{title}, mean of the pairs", *(number(overall.mean_of_pairs.get(name)) for _, overall in columns))
        for title, name in _MEANS
    ]
    rows.append(("items with two labels", *(f"{overall.n}" for _, overall in columns)))
    return Shown(
        line=f"Agreement of all ({one.kind}; AC2 has quadratic weights)",
        names=("figure", *(name for name, _ in columns)),
        rows=tuple(rows),
    )


_FIGURES = (
    ("raw agreement", "agreement"),
    ("Fleiss' kappa", "fleiss_kappa"),
    ("Krippendorff's alpha, nominal", "alpha_nominal"),
    ("Krippendorff's alpha, ordinal", "alpha_ordinal"),
    ("Krippendorff's alpha, interval", "alpha_interval"),
    ("Gwet's AC1", "gwet_ac1"),
    ("Gwet's AC2", "gwet_ac2"),
    ("ICC(2,1)", "icc_2_1"),
    ("leave-one-out (human ceiling)", "leave_one_out"),
)


_MEANS = (
    ("Cohen's kappa", "cohen_kappa"),
    ("kappa linear", "kappa_linear"),
    ("kappa quadratic", "kappa_quadratic"),
    ("Kendall's tau-b", "kendall_tau_b"),
    ("Spearman", "spearman"),
    ("Pearson", "pearson"),
)


def _bounded(overall: Overall, name: str) -> str:
    return cell(overall.intervals.get(name))


def _pairs(pairs: Sequence[Pair]) -> Iterator[Shown]:
    for title, figures in _OF_PAIRS:
        if any(key in pair.intervals for pair in pairs for _, key in figures):
            yield _pair_table(title, figures, pairs)


def _pair_table(title: str, figures: Sequence[tuple[str, str]], pairs: Sequence[Pair]) -> Shown:
    more = f"; {len(pairs) - MOST_ROWS} more in the JSON" if len(pairs) > MOST_ROWS else ""
    rows = [
        (
            f"{pair.a} | {pair.b}",
            f"{pair.n}",
            f"{pair.null}",
            *(cell(pair.intervals.get(key)) for _, key in figures),
        )
        for pair in pairs[:MOST_ROWS]
    ]
    return Shown(line=f"{title}{more}", names=("pair", "n", "null", *(name for name, _ in figures)), rows=tuple(rows))


_OF_PAIRS = (
    (
        "Pairs, labels alike",
        (
            ("agree", "agreement"),
            ("kappa", "cohen_kappa"),
            ("Fleiss (Scott)", "fleiss_kappa"),
            ("AC1", "gwet_ac1"),
            ("alpha nominal", "alpha_nominal"),
        ),
    ),
    (
        "Pairs, labels near each other (kappa linear and quadratic; AC2 quadratic)",
        (
            ("linear", "kappa_linear"),
            ("quadratic", "kappa_quadratic"),
            ("AC2", "gwet_ac2"),
            ("alpha ordinal", "alpha_ordinal"),
            ("alpha interval", "alpha_interval"),
            ("ICC(2,1)", "icc_2_1"),
        ),
    ),
    (
        "Pairs, labels rising together (bias: the first's mean less the second's)",
        (("tau-b", "kendall_tau_b"), ("Spearman", "spearman"), ("Pearson", "pearson"), ("bias", "bias")),
    ),
)


def _gold(gold: dict[str, AgainstGold]) -> Shown:
    rows = [
        (
            name,
            f"{one.n}",
            *(cell(x) for x in (one.accuracy, one.tpr, one.tnr, one.precision, one.f1, one.macro_f1, one.j)),
            f"{one.null}",
        )
        for name, one in list(gold.items())[:MOST_ROWS]
    ]
    first = next(iter(gold.values()))
    yes = "" if first.positive is None else f"; yes is {first.positive}"
    cuts = {one.cut for one in gold.values() if one.cut is not None}
    cut = f"; probabilities from {min(cuts):g} on are a yes" if cuts else ""
    return Shown(
        line=f"Against gold (verdicts without a label are {_nulls(first)}{yes}{cut})",
        names=("rater", "n", "accuracy", "TPR", "TNR", "precision", "F1", "macro F1", "J", "null"),
        rows=tuple(rows),
    )


def _nulls(one: AgainstGold) -> str:
    return "errors" if one.null_counted_as == "errors" else "left out"


def _people(one: CriterionAgreement) -> Iterator[Shown]:
    if one.annotators is None:
        return
    found = one.annotators
    rows = [
        (
            name,
            "judge" if name in found.share_of_ceiling else "person",
            cell(value),
            number(found.share_of_ceiling.get(name)),
        )
        for name, value in list(found.leave_one_out.items())[:MOST_ROWS]
    ]
    majority = ", ".join(
        f"{label:g} {n}" if isinstance(label, float) else f"{label} {n}" for label, n in found.majority.counts
    )
    yield Shown(
        line=f"Against the majority of the other people (human ceiling {cell(found.ceiling)})",
        names=("rater", "", "leave-one-out", "of the ceiling"),
        rows=tuple(rows),
    )
    if len(found.majority.counts) <= MOST_ROWS:
        yield Shown(
            line=f"Majority of the people: {majority}; undecided {found.majority.undecided}, unanimous {found.majority.unanimous}"
        )
    for name, test in (one.alt_test or {}).items():
        yield Shown(
            line=f"Alternative annotator test, {name}: {_alternative(test.winning_rate, test.advantage, test.passes)} "
            f"(epsilon {test.epsilon:g}, false discovery rate {test.false_discovery_rate:g}, {len(test.humans)} people tested, "
            f"{len(test.skipped)} with too few items)"
        )


def _alternative(rate: float | None, advantage: float | None, passes: bool | None) -> str:
    if rate is None or advantage is None:
        return "not enough items"
    return f"{'passes' if passes else 'does not pass'}, winning rate {rate:.2f}, advantage probability {advantage:.2f}"


def _position(one: CriterionAgreement) -> Shown:
    rows = [
        (
            name,
            f"{p.n}",
            *(cell(x) for x in (p.consistency, p.kappa, p.first_place, p.accuracy_mean, p.accuracy_all)),
            f"{p.null}",
        )
        for name, p in (one.position or {}).items()
    ]
    return Shown(
        line="In every order",
        names=("rater", "items", "same verdict", "kappa", "first place", "accuracy", "right in all", "null"),
        rows=tuple(rows),
    )


def _calibration(one: CriterionAgreement) -> Iterator[Shown]:
    found = one.calibration or {}
    rows = [(name, f"{c.n}", *(cell(x) for x in (c.brier, c.log_loss, c.ece))) for name, c in found.items()]
    yield Shown(line="Probabilities", names=("rater", "n", "Brier", "log loss", "ECE"), rows=tuple(rows))
    for name, c in found.items():
        bins = [(f"{b.low:.1f}..{b.high:.1f}", f"{b.true.n}", number(b.said), cell(b.true)) for b in c.curve]
        yield Shown(line=f"Reliability of {name}", names=("P(yes)", "n", "said", "true"), rows=tuple(bins))


def _by_criterion(criteria: dict[str, CriterionAgreement]) -> Shown:
    rows = [
        (
            name,
            f"{one.overall.n}",
            *(
                number(x)
                for x in (
                    one.overall.agreement,
                    one.overall.fleiss_kappa,
                    one.overall.krippendorff_alpha.nominal,
                    one.overall.krippendorff_alpha.ordinal,
                    one.overall.gwet_ac1,
                    one.overall.leave_one_out,
                )
            ),
        )
        for name, one in criteria.items()
    ]
    return Shown(
        line="\n== by criterion ==",
        names=("criterion", "items", "agree", "Fleiss", "alpha nom.", "alpha ord.", "AC1", "leave-one-out"),
        rows=tuple(rows),
    )


def cell(interval: Interval | None) -> str:
    """A figure with its bounds."""
    if interval is None or interval.value is None:
        return "-"
    if interval.low is None or interval.high is None:
        return number(interval.value)
    return f"{number(interval.value)} ({number(interval.low)}..{number(interval.high)})"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
