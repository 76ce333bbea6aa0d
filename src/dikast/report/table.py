"""The report as a table: printed at the end of a run, and as plain text."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from dikast.errors import DataError
from dikast.evaluate.summary import pairs_of
from dikast.report.record import Report
from dikast.report.words import interval, label, p_value

_PLAIN_WIDTH = 120


def read_report(path: Path) -> Report:
    """Reads report.json. Raises `DataError` where there is none, or the file is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); make it with dikast eval RUN_DIR") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path}: not a report ({error}); make it anew with dikast eval RUN_DIR") from error


def print_table(path: Path, console: Console | None = None) -> None:
    """Prints the table of a report.json."""
    (console or Console(highlight=False)).print(tables_of(read_report(path)))


def plain_text(report: Report) -> str:
    """Gives the table as text without colours, for a file or a README."""
    out = io.StringIO()
    Console(file=out, width=_PLAIN_WIDTH, no_color=True, highlight=False, force_terminal=False).print(tables_of(report))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def tables_of(report: Report) -> Group:
    """Gives the arms' figures, the main contrasts and the verdict."""
    lines: list[Table | Text] = []
    if report.banner:
        lines.append(Text(report.banner, style="bold yellow"))
    if report.certificate_hash is None:
        lines.append(Text("not certified: no certificate lets this judge train (--uncertified)", style="bold red"))
    lines += [_arms(report), *([_contrasts(report)] if report.contrasts else [])]
    lines += [_corrected(report)] if report.corrected else []
    lines += [Text(f"• {sentence}") for sentence in report.verdict]
    lines += [Text(f"! {', '.join(flag.metrics)}: {flag.why}", style="dim") for flag in report.flags]
    return Group(*lines)


def _arms(report: Report) -> Table:
    table = Table(title=f"{report.reward}: {report.documents} documents, seeds {', '.join(map(str, report.seeds))}")
    table.add_column("metric", no_wrap=True)
    for arm in report.arms:
        table.add_column(arm, justify="right")
    for metric in dict.fromkeys(metric for figures in report.arms.values() for metric in figures):
        cells = [figures.get(metric) for figures in report.arms.values()]
        if all(cell is None or cell.value is None for cell in cells):
            continue
        table.add_row(
            Text(label(metric).name),
            *("—" if cell is None else f"{interval(cell.value, cell.low, cell.high)}" for cell in cells),
        )
    return table


def _corrected(report: Report) -> Table:
    table = Table(title="pass rates of all judged answers: the judge's, and what people would give")
    for name in ("criterion", "arm"):
        table.add_column(name, no_wrap=True)
    for name in ("judge", "corrected", "labelled"):
        table.add_column(name, justify="right")
    for criterion in dict.fromkeys(name for rates in report.corrected.values() for name in rates):
        for arm, rates in report.corrected.items():
            if found := rates.get(criterion):
                shown = [interval(one.value, one.low, one.high) for one in (found.judge, found.corrected)]
                units = found.labelled + found.unlabelled
                table.add_row(Text(criterion), Text(arm), *shown, f"{found.labelled} of {units}")
    return table


def _contrasts(report: Report) -> Table:
    table = Table(title="differences, paired by document")
    for name in ("difference", "metric"):
        table.add_column(name, no_wrap=True)
    for name in ("value", "p", "n"):
        table.add_column(name, justify="right")
    shown = ("reward", "reward_sampled", "gold", "gold_sampled", "judge_score", "best_of_k", "json_validity")
    for a, b in pairs_of(list(report.arms)):
        for contrast in report.contrasts:
            if (contrast.a, contrast.b) == (a, b) and contrast.metric in shown:
                table.add_row(
                    Text(f"{a} − {b}"),
                    Text(label(contrast.metric).name),
                    interval(contrast.value, contrast.low, contrast.high),
                    p_value(contrast.p),
                    str(contrast.n),
                )
    return table
