"""Shows other judges beside the certified one, as aligned text: agreement, the worst disagreements, then what each is worth and takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dikast.certify.others import JudgeInAll, JudgesApart, Others, Said
from dikast.stats.intervals import Interval

MOST_SHOWN = 5
"""Disagreements that are printed; the certificate holds more."""
_REASON = 160
"""Characters of a reason."""


def plain(others: Others) -> str:
    """All of it; the cheapest judge that is not worse than the best comes last."""
    blocks = [
        _aligned([("criterion", "judge", "yes + no", "TPR", "TNR", "J"), *_on_criteria(others)]),
        _aligned([("criterion", "judges", "n", "same answer", "kappa", "AC1"), *_pairs(others)]),
        "\n".join(_votes(others)),
    ]
    if others.disagreements:
        shown = others.disagreements[:MOST_SHOWN]
        blocks.append(
            f"the judges disagree on {others.disagreements_of} answers, the worst are:\n"
            + "\n".join(line for one in shown for line in _disagreement(one))
        )
    head = ("judge", "J", "behind the best", "not worse", "USD per 1000", "s a request", "requests", "missing")
    blocks.append(_aligned([head, *map(_row, others.table)]))
    blocks.append(f"{others.rule}\n{conclusion(others)}")
    return "\n\n".join(blocks)


def _on_criteria(others: Others) -> Iterator[tuple[str, ...]]:
    for name, across in others.criteria.items():
        for judge, one in across.judges.items():
            yield name, judge, f"{one.yes} + {one.no}", _cell(one.tpr), _cell(one.tnr), _cell(one.j)


def _pairs(others: Others) -> Iterator[tuple[str, ...]]:
    for name, across in others.criteria.items():
        for pair in across.pairs:
            figures = (pair.agreement, pair.kappa, pair.ac1)
            yield name, f"{pair.a} - {pair.b}", str(pair.n), *map(_cell, figures)


def _votes(others: Others) -> Iterator[str]:
    for name, across in others.criteria.items():
        votes = across.votes
        if votes.verdicts is not None and votes.errors is not None:
            yield (
                f"{name}: {len(across.judges)} judges are worth {votes.errors:.1f} independent votes by their errors, "
                f"{votes.verdicts:.1f} by their verdicts"
            )


def _disagreement(one: JudgesApart) -> Iterator[str]:
    item = "" if one.item is None else f", item {one.item}"
    yield f"  {one.id}{item}, {one.criterion}: people say {'yes' if one.people else 'no'}"
    for judge, said in one.said.items():
        yield f"    {judge}: {_said(said)}"


def _said(said: Said) -> str:
    if said.missing is not None:
        return f"missing ({said.missing})"
    value = "n/a" if said.value is None else f"{said.value:.2f}"
    reason = " ".join((said.reason or "").split())
    return f"{value}  {reason[:_REASON]}".rstrip()


def _row(row: JudgeInAll) -> tuple[str, ...]:
    return (
        row.name,
        _cell(row.j),
        "the best" if row.behind is None and row.not_worse else "-" if row.behind is None else _cell(row.behind),
        "?" if row.not_worse is None else "yes" if row.not_worse else "no",
        _amount(row.usd_per_1000),
        _amount(row.seconds),
        _amount(row.requests),
        f"{row.missing:.2f}",
    )


def conclusion(others: Others) -> str:
    """Which judge to take: the cheapest that is not worse than the best, or why none can be named."""
    by_name = {row.name: row for row in others.table}
    if others.best is None:
        return "no judge is called the best: no criterion has enough labels in both classes"
    if others.cheapest is None:
        return f"the best is {others.best}; what the judges that are not worse cost is not known: write prices into models.yaml"
    row = by_name[others.cheapest]
    unknown = [one.name for one in others.table if one.not_worse and one.usd_per_1000 is None]
    aside = f"; what {', '.join(unknown)} costs is not known" if unknown else ""
    return (
        f"the cheapest judge that is not worse than the best ({others.best}): {row.name}, "
        f"{_amount(row.usd_per_1000)} USD for 1000 candidates{aside}"
    )


def _cell(interval: Interval) -> str:
    if interval.value is None:
        return "-"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.2f}"
    return f"{interval.value:.2f} ({interval.low:.2f}..{interval.high:.2f})"


def _amount(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
