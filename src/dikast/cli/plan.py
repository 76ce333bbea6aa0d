"""`dikast plan`: says what a reward would ask about rollouts, and what that takes, before anything is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.cli.tell import ConsoleTeller, print_figures
from dikast.errors import DataError, UsageError
from dikast.loading import plan_reward
from dikast.models.prices import price_in_words
from dikast.reward.planning import Amount, ModelPlan, Plan, Training
from dikast.rollouts import read_rollouts


def command(
    reward: Annotated[Path, typer.Argument(metavar="REWARD", help="The reward file.")],
    rollouts: Annotated[
        Path, typer.Argument(metavar="ROLLOUTS", help="Rollouts, JSONL or Parquet, as 'dikast score' takes them.")
    ],
    *,
    certificate: Annotated[
        Path | None, typer.Option(help="Leave out the criteria that this certificate turns off.")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="Leave out what it answers, and learn from it how long answers are. It is only read."),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of a training run; with --per-step.")] = None,
    per_step: Annotated[
        int | None, typer.Option(min=1, help="Rollouts that are scored in a step; with --steps.")
    ] = None,
    latency: Annotated[
        float | None, typer.Option(min=0, help="Seconds for one call, where the journal holds no answer of the model.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Calls under way at once; where not given, as models.yaml allows.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON on standard output.")] = False,
) -> None:
    """Say what a reward would ask about rollouts, before anything is spent: calls, tokens, money and time.

    The checks run, and what a gate stops is not counted; equal questions count once. No model is contacted and no key
    is needed. Tokens are characters / 4; how long answers are is learnt from the journal, or assumed.

    [bold]Examples[/bold]

      dikast plan reward.yaml rollouts.jsonl

      dikast plan reward.yaml rollouts.jsonl --certificate certificate.json --journal .dikast/journal.db

      dikast plan reward.yaml rollouts.jsonl --steps 200 --per-step 64 --latency 1.5 --json
    """
    if (steps is None) != (per_step is None):
        raise UsageError("--steps and --per-step belong together; give both, or neither")
    training = None if steps is None or per_step is None else Training(steps=steps, per_step=per_step)
    rows = read_rollouts(rollouts)
    if not rows:
        raise DataError(f"{rollouts}: it holds no rollouts")
    if journal is not None and not journal.exists():
        # As before a first run, which makes it.
        typer.echo(f"{journal}: there is no journal yet, so it answers nothing", err=True)
        journal = None
    with ConsoleTeller().bar("planning", len(rows)) as move:
        plan = plan_reward(
            reward,
            rows,
            certificate=certificate,
            journal=journal,
            training=training,
            latency=latency,
            concurrency=concurrency,
            progress=move,
        )
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(plan)).decode())
    else:
        _show(plan)


def _show(plan: Plan) -> None:
    typer.echo(_summary(plan))
    if plan.models:
        print_figures(("model", *_AMOUNTS), [(one.model, *_amounts(one)) for one in plan.models])
    amounts = [("file", plan.file), ("step", plan.step), ("run", plan.run)]
    print_figures(
        ("", "rollouts", *_AMOUNTS), [(name, f"{one.rollouts:,}", *_amounts(one)) for name, one in amounts if one]
    )
    for one in plan.models:
        typer.echo(_basis(one))
    for note in plan.notes:
        typer.echo(note)


def _summary(plan: Plan) -> str:
    left = [f"{plan.gated} stopped by a gate"] if plan.gated else []
    left += [f"{count} without a score ({reason})" for reason, count in plan.missing.items()]
    spared = [f"{plan.repeated} repeat another"] if plan.repeated else []
    spared += [f"{plan.in_journal} are in the journal"] if plan.in_journal else []
    return (
        f"{plan.reward}: {plan.file.rollouts} rollouts{_list(left)}; {plan.questions} questions{_list(spared)}; "
        f"{plan.file.calls} calls to make"
    )


def _list(said: list[str]) -> str:
    return f" ({', '.join(said)})" if said else ""


_AMOUNTS = ("calls", "tokens in", "cached", "tokens out", "USD", "time")


def _amounts(of: Amount | ModelPlan) -> tuple[str, ...]:
    return (
        f"{of.calls:,}",
        f"{of.prompt_tokens:,}",
        f"{of.cached_tokens:,}",
        f"{of.completion_tokens:,}",
        "?" if of.usd is None else f"{of.usd:,.2f}" if of.usd >= 1 else f"{of.usd:.4f}",
        "?" if of.seconds is None else in_time(of.seconds),
    )


def _basis(one: ModelPlan) -> str:
    """What the figures of a model rest on, in one line."""
    told = [price_in_words(one.price) if one.price else one.hint or ""]
    if one.answer_share is not None:
        told.append(f"answers are taken to fill {one.answer_share:.0%} of what is allowed ({one.answer_share_from})")
    if one.latency is None:
        told.append("nobody knows how long a call takes; say it with --latency")
    else:
        told.append(f"a call takes {one.latency:.2g} s ({one.latency_from}), {one.concurrency} at once")
    return f"{one.model}: {'; '.join(told)}"


def in_time(seconds: float) -> str:
    """A length of time with the unit that suits it."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
