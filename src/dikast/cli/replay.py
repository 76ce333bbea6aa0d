"""`dikast replay`: scores the rollouts that a run logged with another reward, and says what would have changed."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.cli.counts import Counts, require_apart
from dikast.cli.journals import folder_of, journal_in
from dikast.cli.logged_run import LoggedRun
from dikast.cli.options import BudgetCallsOption, BudgetUsdOption, DeadlineOption, MinCoverageOption
from dikast.cli.tell import ConsoleTeller, print_figures
from dikast.evaluate.arms import spread
from dikast.evaluate.logged import chosen_phase, logged_groups
from dikast.evaluate.replay import STATUSES
from dikast.evaluate.replayed import Now, Replay
from dikast.evaluate.rescore import Rescoring
from dikast.journal import Journal
from dikast.records import Score
from dikast.report import replay as shown
from dikast.report.words import visible
from dikast.reward.blocking import run_blocking
from dikast.reward.reward import Reward
from dikast.rollouts import appearing
from dikast.spec.reward import read_reward
from dikast.spill import spilling


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    run: Path
    phase: str | None
    groups: int | None
    output: Path | None
    deadline: float | None
    show: int


def command(
    run: Annotated[
        Path, typer.Argument(metavar="RUN_DIR|JOURNAL", help="The folder of a run, or the journal that logged it.")
    ],
    reward: Annotated[Path, typer.Argument(help="The reward.yaml that scores the rollouts now.")],
    *,
    certificate: Annotated[
        Path | None,
        typer.Option(
            help="Weigh the criteria as this certificate lets them. Default: the run's, where made for REWARD."
        ),
    ] = None,
    uncertified: Annotated[
        bool, typer.Option("--uncertified", help="Count every criterion in full, whatever the run's certificate says.")
    ] = False,
    phase: Annotated[
        str | None, typer.Option(help="Which rollouts, where several phases are logged: rl, aws or another.")
    ] = None,
    groups: Annotated[
        int | None, typer.Option(min=1, help="Score that many groups of siblings only, spread evenly over the run.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="SCORES", help="Where the new scores go, JSONL, in the run's order."),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="What was asked and answered. Default: the run's own, so nothing is paid twice.")
    ] = None,
    deadline: DeadlineOption = None,
    budget_calls: BudgetCallsOption = None,
    budget_usd: BudgetUsdOption = None,
    min_coverage: MinCoverageOption = 0.9,
    show: Annotated[int, typer.Option(min=0, help="Rollouts to show that change most.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")] = False,
) -> None:
    """Score the rollouts that a run logged with another reward: what would have changed.

    'dikast train' logs its rollouts with their scores, 'dikast aws eval DIR --read FILE' those of a finished job of Nova.
    Says who is above whom among siblings, which is all that a group-relative trainer learns from, and whether scores
    rise over the run under both rewards. A missing score is in no mean and no pair.

    [bold]Examples[/bold]

      dikast replay runs/demo other.yaml

      dikast replay runs/demo other.yaml --groups 50 --budget-usd 5 -o scores.jsonl --json
    """
    teller = ConsoleTeller()
    source = journal_in(run)
    if output is not None:
        require_apart(output, source, reward, *filter(None, (certificate, journal)))
    asked = Asked(run=run, phase=phase, groups=groups, output=output, deadline=deadline, show=show)
    counts = Counts()
    log = Journal.look(source)
    try:
        logged = LoggedRun(folder_of(source), chosen_phase(log, phase), read_reward(reward))
        opened = logged.opened(
            certificate,
            journal or source,
            uncertified=uncertified,
            budget_calls=budget_calls,
            budget_usd=budget_usd,
            say=teller.say,
        )
        try:
            replay = _replay(asked, log, logged, opened, counts, teller)
        finally:
            opened.close()
    finally:
        log.close()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(replay)).decode())
    else:
        _print(replay)
    budget = opened.judges.budget
    if budget.refused:
        teller.say(f"{budget.spent_what}: {budget.refused} questions were not asked; run again with more to go on")
    if output is not None:
        teller.say(f"scores in {output}")
    counts.require_enough(min_coverage)


def _replay(
    asked: Asked, log: Journal, logged: LoggedRun, opened: Reward, counts: Counts, teller: ConsoleTeller
) -> Replay:
    phase = logged.phase
    there = logged_groups(log, phase.name)
    chosen = there if asked.groups is None else spread(there, asked.groups)
    rescoring = Rescoring(log, phase.name, chosen, opened)
    rescoring.require_columns()
    one_range, why = logged.ranges()
    with spilling(opened.journal) as spill:
        with teller.bar("scoring", rescoring.rollouts) as move:

            def tell(scores: list[Score]) -> None:
                counts.add(scores)
                move(len(scores))

            run_blocking(rescoring.score(spill, tell, deadline=asked.deadline))
        changes = rescoring.changes(asked.show, spill, one_range=one_range)
        with nullcontext() if asked.output is None else appearing(asked.output) as out:
            if out is not None:
                out.writelines(score + b"\n" for score in spill.scores())
    figures = rescoring.comparison.result(one_range=one_range, why=why)
    budget = opened.judges.budget
    return Replay(
        **msgspec.structs.asdict(figures),
        run=str(asked.run),
        phase=phase.name,
        logged_rollouts=phase.rollouts,
        logged_groups=len(there),
        then=logged.then(),
        now=Now(
            reward=opened.spec.file.name,
            reward_hash=opened.hash,
            certificate_hash=opened.certificate_hash,
            model=opened.model,
        ),
        verdict=shown.verdict_of(figures),
        changes_by="difference" if one_range else "rank",
        changes=tuple(changes),
        questions=counts.questions,
        asked=counts.asked,
        prompt_tokens=counts.prompt_tokens,
        cached_tokens=counts.cached_tokens,
        completion_tokens=counts.completion_tokens,
        usd=budget.usd if budget.prices else None,
        over_budget=budget.refused,
    )


def _print(replay: Replay) -> None:
    """Tables and sentences; names and reasons come from files and from what a policy wrote."""
    for line in shown.heading(replay):
        typer.echo(visible(line))
    print_figures(("then, and now →", *STATUSES), shown.transitions(replay))
    print_figures(("", "then", "now", "difference", "of"), shown.figures(replay))
    print_figures(("order", "", "of"), shown.orders(replay))
    if replay.parts:
        print_figures(("part", "then", "now", "changed", "n"), shown.parts(replay))
    for line in shown.notes(replay):
        typer.echo(visible(line))
    if replay.changes:
        typer.echo("what changes most:")
    for change in replay.changes:
        typer.echo(visible(f"  {shown.change_line(change, by=replay.changes_by)}"))
    for sentence in replay.verdict:
        typer.echo(f"• {sentence}")
    cost = f" for {replay.usd:.4f} USD" if replay.usd else ""
    typer.echo(f"{replay.asked} of {replay.questions} questions asked now{cost}")
