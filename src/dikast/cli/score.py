"""dikast score: scores a file of rollouts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.cli.tell import ConsoleTeller
from dikast.errors import DataError, NotGoodEnoughError
from dikast.loading import open_reward
from dikast.records import Score
from dikast.rollouts import read_rollouts, write_rows


def command(
    reward: Annotated[Path, typer.Argument(help="reward.yaml")],
    rollouts: Annotated[
        Path, typer.Argument(help="Rollouts, JSONL: prompt, completion and the columns that the reward names.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the scores go, JSONL, one line a rollout.")],
    certificate: Annotated[Path | None, typer.Option(help="Weigh the criteria as this certificate lets them.")] = None,
    journal: Annotated[Path, typer.Option(help="What was asked and answered; a second run asks nothing again.")] = Path(
        ".dikast/journal.db"
    ),
    min_coverage: Annotated[
        float, typer.Option(min=0, max=1, help="Exit 1 when a smaller share of the scores could be had.")
    ] = 0.9,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
) -> None:
    """Score a file of rollouts with a reward.

    A judgment that failed is a missing score with its reason, never a number.

    Example: dikast score reward.yaml rollouts.jsonl -o scores.jsonl --certificate certificate.json
    """
    rows = read_rollouts(rollouts)
    if not rows:
        raise DataError(f"{rollouts}: it holds no rollouts")
    teller = ConsoleTeller()
    opened = open_reward(reward, certificate, journal)
    try:
        with teller.bar("scoring", len(rows)) as move:
            scores = opened.score(rows, progress=move)
    finally:
        opened.close()
    write_rows(output, scores)
    summary = summary_of(scores)
    if as_json:
        typer.echo(msgspec.json.encode(summary))
    else:
        teller.say(summary_line(summary, output))
    if summary.coverage < min_coverage:
        raise NotGoodEnoughError(
            f"{summary.coverage:.1%} of the scores could be had (--min-coverage {min_coverage:.0%}); "
            f"missing: {summary.missing}"
        )


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file of rollouts."""

    rollouts: int
    statuses: dict[str, int]
    missing: dict[str, int]
    coverage: float
    mean: float | None
    """Over those that have a score."""
    questions: int
    asked: int


def summary_of(scores: list[Score]) -> Summary:
    """Counts what became of the rollouts."""
    valid = [score.score for score in scores if score.score is not None]
    return Summary(
        rollouts=len(scores),
        statuses=dict(Counter(score.status for score in scores)),
        missing=dict(Counter(score.missing for score in scores if score.missing)),
        coverage=len(valid) / len(scores),
        mean=sum(valid) / len(valid) if valid else None,
        questions=sum(score.usage.questions for score in scores),
        asked=sum(score.usage.asked for score in scores),
    )


def summary_line(summary: Summary, output: Path) -> str:
    """One line for a person."""
    mean = "none" if summary.mean is None else f"{summary.mean:.3f}"
    return (
        f"{summary.rollouts} rollouts, mean score {mean}, {summary.statuses}, "
        f"{summary.asked} of {summary.questions} questions asked now; scores in {output}"
    )
