"""Shows findings: wrapped and coloured on a terminal, plain text elsewhere, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from dikast.certify.lint.finding import LEVELS, Finding, FindingLevel

_COLOURS: dict[FindingLevel, str] = {"error": "red", "warning": "yellow", "info": "cyan"}
_HEADINGS: dict[FindingLevel, str] = {"error": "Errors", "warning": "Warnings", "info": "Infos"}


def counted(findings: Sequence[Finding]) -> str:
    """How many findings there are, by level."""
    numbers = Counter(finding.level for finding in findings)
    said = [f"{n} {level}{'s' if n > 1 and level != 'info' else ''}" for level in LEVELS if (n := numbers[level])]
    return ", ".join(said) or "nothing to say"


def plain(reward: str, findings: Sequence[Finding]) -> str:
    """All findings as text, grouped by level, worst first."""
    lines = [f"{reward}: {counted(findings)}"]
    for level, group in _grouped(findings):
        lines += ["", _HEADINGS[level]]
        for finding in group:
            lines += ["", f"  {finding.where} [{finding.rule}]", f"    {finding.problem}"]
            lines += [f"    {name}: {text}" for name, text in _told(finding)]
    return "\n".join(lines)


def rich(reward: str, findings: Sequence[Finding]) -> RenderableType:
    """The same for a terminal."""
    blocks: list[RenderableType] = [Text(f"{reward}: {counted(findings)}", style="bold")]
    for level, group in _grouped(findings):
        blocks += [Text(), Text(_HEADINGS[level], style=f"bold {_COLOURS[level]}")]
        for finding in group:
            blocks += [Text(), _indented(2, Text.assemble((finding.where, "bold"), f" [{finding.rule}]"))]
            blocks.append(_indented(4, Text(finding.problem, style=_COLOURS[level])))
            blocks += [_indented(4, Text.assemble((f"{name}: ", "dim"), text)) for name, text in _told(finding)]
    return Group(*blocks)


def as_json(reward: str, findings: Sequence[Finding]) -> str:
    """The findings and their number by level."""
    numbers = Counter(finding.level for finding in findings)
    shown = {"reward": reward, "counts": {level: numbers[level] for level in LEVELS}, "findings": list(findings)}
    return msgspec.json.format(msgspec.json.encode(shown)).decode()


def _grouped(findings: Sequence[Finding]) -> Iterator[tuple[FindingLevel, list[Finding]]]:
    for level in LEVELS:
        if group := [finding for finding in findings if finding.level == level]:
            yield level, group


def _told(finding: Finding) -> tuple[tuple[str, str], tuple[str, str]]:
    return (("why", finding.why), ("better", finding.better))


def _indented(by: int, text: Text) -> Padding:
    return Padding(text, (0, 0, 0, by))
