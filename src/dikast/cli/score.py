"""dikast score: scores a file of rollouts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from dikast.cli.counts import Counts, require_apart
from dikast.cli.options import BudgetCallsOption, BudgetUsdOption, DeadlineOption, MinCoverageOption
from dikast.cli.tell import ConsoleTeller
from dikast.errors import DataError
from dikast.loading import open_reward
from dikast.records import MissingReason, Score
from dikast.reward.blocking import run_blocking
from dikast.reward.streaming import scored_file
from dikast.rollouts import Scan, appearing, scan_rollouts


def command(
    reward: Annotated[Path, typer.Argument(help="reward.yaml")],
    rollouts: Annotated[
        Path,
        typer.Argument(help="Rollouts, JSONL or Parquet: prompt, completion and the columns that the reward names."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the scores go, JSONL, one line a rollout.")],
    certificate: Annotated[Path | None, typer.Option(help="Weigh the criteria as this certificate lets them.")] = None,
    journal: Annotated[Path, typer.Option(help="What was asked and answered; a second run asks nothing again.")] = Path(
        ".dikast/journal.db"
    ),
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Skip lines that cannot be scored, and count them.")
    ] = False,
    deadline: DeadlineOption = None,
    budget_calls: BudgetCallsOption = None,
    budget_usd: BudgetUsdOption = None,
    min_coverage: MinCoverageOption = 0.9,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
) -> None:
    """Score a file of rollouts with a reward.

    A judgment that failed is a missing score with its reason, never a number. The whole file is read for
    errors of form before anything is asked; then it is scored line by line in constant memory.

    [bold]Examples[/bold]

      dikast score reward.yaml rollouts.jsonl -o scores.jsonl --certificate certificate.json

      dikast score reward.yaml rollouts.jsonl -o scores.jsonl --budget-usd 5 --skip-bad
    """
    teller = ConsoleTeller()
    require_apart(output, rollouts, reward)
    opened = open_reward(reward, certificate, journal, budget_calls=budget_calls, budget_usd=budget_usd)
    try:
        scan = scan_rollouts(rollouts, require=opened.engine.require, enough=opened.engine.enough, skip_bad=skip_bad)
        if not scan.rollouts:
            raise DataError(f"{rollouts}: it holds no rollouts" + (" that can be scored" if scan.bad else ""))
        counts = Counts()
        with teller.bar("scoring", scan.rollouts) as move, appearing(output) as out:
            scores = scored_file(opened.engine, scan, opened.journal, deadline=deadline)
            run_blocking(_write(scores, out, counts, move))
        budget = opened.judges.budget
    finally:
        opened.close()
    summary = _summary(counts, scan, refused=budget.refused, usd=budget.usd if budget.prices else None)
    if as_json:
        typer.echo(msgspec.json.encode(summary).decode())
    else:
        for line in summary_lines(summary, output, scan):
            teller.say(line)
        if budget.refused:
            teller.say(f"{budget.spent_what}: {budget.refused} questions were not asked; run again with more to go on")
    counts.require_enough(min_coverage)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file of rollouts."""

    rollouts: int
    skipped: int
    """Lines that could not be scored."""
    statuses: dict[str, int]
    missing: dict[MissingReason, int]
    coverage: float
    mean: float | None
    """Over those that have a score."""
    questions: int
    asked: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    usd: float | None
    """What the questions asked now cost; None where no price is known."""
    over_budget: int
    """Questions that were not asked because the budget was spent."""
    panel: dict[str, float]
    """criterion → effective number of votes, where a panel judges."""


def _summary(counts: Counts, scan: Scan, *, refused: int, usd: float | None) -> Summary:
    return Summary(
        rollouts=scan.rollouts,
        skipped=len(scan.bad),
        statuses=dict(counts.statuses),
        missing=dict(counts.missing),
        coverage=counts.coverage,
        mean=counts.total / counts.valid if counts.valid else None,
        questions=counts.questions,
        asked=counts.asked,
        prompt_tokens=counts.prompt_tokens,
        cached_tokens=counts.cached_tokens,
        completion_tokens=counts.completion_tokens,
        usd=usd,
        over_budget=refused,
        panel={name: votes.effective for name, votes in counts.votes.items()},
    )


def summary_lines(summary: Summary, output: Path, scan: Scan) -> Iterator[str]:
    """A few lines for a person."""
    mean = "none" if summary.mean is None else f"{summary.mean:.3f}"
    cost = f" for {summary.usd:.4f} USD" if summary.usd else ""
    yield (
        f"{summary.rollouts} rollouts, mean score {mean}, {summary.statuses}, "
        f"{summary.asked} of {summary.questions} questions asked now{cost}; scores in {output}"
    )
    if summary.missing:
        yield f"missing: {summary.missing}"
    if scan.bad:
        _, first = scan.bad[0]
        yield f"{summary.skipped} lines skipped, the first: {first}"
    for name, effective in summary.panel.items():
        yield f"{name}: the panel's votes agree so much that they count as {effective:.1f} independent ones at least"


async def _write(
    scored: AsyncIterator[Sequence[Score]], out: BinaryIO, counts: Counts, move: Callable[[int], None]
) -> None:
    encoder = msgspec.json.Encoder()
    async for scores in scored:
        out.write(encoder.encode_lines(scores))
        counts.add(scores)
        move(len(scores))
