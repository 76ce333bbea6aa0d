"""The report's page: one HTML file that opens offline. Every text from outside is escaped, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from dikast.evaluate.records import Contrast
from dikast.evaluate.summary import pairs_of, side_of
from dikast.report import words
from dikast.report.figures import Axis, Mark, Row, axis_around, curve_figure, interval_figure
from dikast.report.record import Report
from dikast.report.samples import Sample, cut
from dikast.report.sources import Source
from dikast.report.templating import own, template

SHOWN_IN_FOREST = ("gold", "gold_sampled", "reward", "reward_sampled")
PAIRS_IN_FOREST = 2

_SCALE = Axis(low=1, high=5, ticks=(1, 2, 3, 4, 5), name="judge score (same model as the reward)")
_SHARE = Axis(low=0, high=1, ticks=(0, 0.25, 0.5, 0.75, 1), name="share of documents with valid JSON")


class Drawn(NamedTuple):
    """A figure with what stands under it."""

    title: str
    svg: Markup
    caption: str = ""


def render(report: Report, sources: Sequence[Source], samples: Sequence[Sample]) -> str:
    """Gives the page as text."""
    certificate = next((source.certificate for source in sources if source.certificate), None)
    return template("report.html.j2").render(
        report=report,
        arms=list(report.arms),
        pairs=pairs_of(list(report.arms)),
        metrics=list(dict.fromkeys(m for figures in report.arms.values() for m in figures)),
        corrected_criteria=list(dict.fromkeys(name for rates in report.corrected.values() for name in rates)),
        contrasts={(c.a, c.b, c.metric): c for c in report.contrasts},
        scores=_score_figure(report),
        validity=_validity_figure(report),
        forest=_forest(report),
        curves=_curves(report, sources),
        certificate=certificate,
        settings=sources[0].settings if sources else None,
        samples=samples,
        words=words,
        cut=cut,
        side=_side,
    )


def _score_figure(report: Report) -> Drawn | None:
    rows: list[Row] = []
    for arm, figures in report.arms.items():
        found = [(0, "single answer", figures.get("judge_score"))]
        found.append((1, f"best of {report.best_of}", figures.get("judge_score_best_of_k")))
        marks = tuple(
            Mark(value=f.value, low=f.low, high=f.high, note=f"{what}, n {f.n}", series=series)
            for series, what, f in found
            if f is not None and f.value is not None
        )
        if marks:
            rows.append(Row(label=arm, marks=marks))
    if not rows:
        return None
    svg = interval_figure(rows, _SCALE, title="Judge score from 1 to 5 for each arm")
    return Drawn(
        "Judge score from 1 to 5",
        own(svg),
        f"A single greedy answer (●) and the best of {report.best_of} samples as the reward "
        "picks it (◆), with 95 % intervals over documents. Same model as the reward, another question.",
    )


def _validity_figure(report: Report) -> Drawn | None:
    rows: list[Row] = []
    for arm, figures in report.arms.items():
        found = figures.get("json_validity")
        if found is not None and found.value is not None:
            least = "" if found.exact_low is None else f", at least {words.number(found.exact_low, 3)}"
            mark = Mark(
                value=found.value, low=found.low, high=found.high, note=f"n {found.n}{least}", bound=found.exact_low
            )
            rows.append(Row(label=arm, marks=(mark,)))
    if not rows:
        return None
    svg = interval_figure(rows, _SHARE, title="JSON validity for each arm")
    return Drawn(
        "JSON validity",
        own(svg),
        "Greedy, unconstrained answers (●) with 95 % Wilson intervals; "
        "the orange bar is the exact one-sided 95 % lower bound.",
    )


def _forest(report: Report) -> list[Drawn]:
    """One figure for each of the main pairs: the differences that a claim rests on."""
    drawn: list[Drawn] = []
    for a, b in pairs_of(list(report.arms))[:PAIRS_IN_FOREST]:
        found = [c for name in SHOWN_IN_FOREST for c in report.contrasts if (c.a, c.b, c.metric) == (a, b, name)]
        if found:
            axis = axis_around([x for c in found for x in (c.value, c.low, c.high) if x is not None], name=f"{a} − {b}")
            rows = [Row(label=words.label(c.metric).name, marks=(_difference(c),)) for c in found]
            svg = interval_figure(rows, axis, title=f"{a} minus {b}", zero=True)
            drawn.append(
                Drawn(
                    f"What {a} gains over {b}",
                    own(svg),
                    "Differences paired by document, with 95 % bootstrap intervals. "
                    "Left of the dark line is worse, right of it better.",
                )
            )
    return drawn


def _difference(contrast: Contrast) -> Mark:
    note = f"n {contrast.n}, p {words.p_value(contrast.p)}"
    return Mark(value=contrast.value, low=contrast.low, high=contrast.high, note=note)


def _curves(report: Report, sources: Sequence[Source]) -> list[Drawn]:
    """One panel for each value that the RL logged: reward, gated share, every part."""
    runs = [source.steps for source in sources if source.steps]
    names = list(dict.fromkeys(name for steps in runs for step in steps for name in step))
    wanted = ["reward", "share/gated", *(name for name in names if name.startswith("part/")), "share/missing"]
    drawn: list[Drawn] = []
    for name in wanted:
        lines = [[(step["step"], step[name]) for step in steps if name in step] for steps in runs]
        lines = [line for line in lines if line]
        if not lines or (name == "share/missing" and not any(value for line in lines for _, value in line)):
            continue
        low, high = report.range if name == "reward" else (0.0, 1.0)
        axis = Axis(low=low, high=high, ticks=(low, (low + high) / 2, high))
        title = {"share/gated": "share gated", "share/missing": "share missing"}.get(name, name.removeprefix("part/"))
        drawn.append(Drawn(title, own(curve_figure(lines, axis, title=title))))
    return drawn


def _side(contrast: Contrast) -> str:
    """Where a contrast's interval lies, as a mark beside the number."""
    return {1: "▲", -1: "▼", 0: ""}[side_of(contrast)]
