"""`dikast plan`: says what a reward would ask about rollouts, and what that takes, before anything is spent."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.aws.settings import Target
from dikast.aws.sizing import LambdaPlan, size
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
    for_lambda: Annotated[
        bool,
        typer.Option("--lambda", help="Say too how to set a reward function on AWS, and which quota its judge needs."),
    ] = False,
    target: Annotated[Target, typer.Option(help="What trains with the function; with --lambda.")] = "smtj",
    lambda_concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Events that the trainer has under way at once. Default: 12, on HyperPod 64."),
    ] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Room for completions of that length; with --lambda.")
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

      dikast plan reward.yaml rollouts.jsonl --lambda --target hyperpod --latency 1.5 --max-new-tokens 8192
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
        planned = partial(
            plan_reward, reward, rows, certificate=certificate, training=training, concurrency=concurrency
        )
        plan = planned(journal=journal, latency=latency, progress=move)
    sized = None
    if for_lambda:
        # A function on AWS has no journal to spare it a call; how long one takes is true there too.
        learnt = max((one.latency for one in plan.models if one.latency is not None), default=latency)
        fresh = planned(latency=learnt) if plan.in_journal else plan
        sized = size(
            rows, fresh, target=target, per_step=per_step, concurrency=lambda_concurrency, max_new_tokens=max_new_tokens
        )
    if as_json:
        found = msgspec.to_builtins(plan) | ({} if sized is None else {"lambda": sized})
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    _show(plan)
    if sized is not None:
        _show_lambda(sized)


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


def _show_lambda(plan: LambdaPlan) -> None:
    seconds = "?" if plan.batch_seconds is None else in_time(plan.batch_seconds)
    typer.echo(
        f"a reward function for {plan.target}: lambda_batch_size {plan.lambda_batch_size}, "
        f"lambda_concurrency_limit {plan.lambda_concurrency}"
    )
    typer.echo(
        f"a sample weighs {plan.mean_bytes / 1024:,.0f} kB, the largest {plan.largest_bytes / 1024:,.0f}; a batch of the largest "
        f"{plan.batch_bytes / 2**20:.2f} MB of 6; without a retry it takes {seconds}"
    )
    settings = {
        "MemorySize": plan.memory_mb,
        "Timeout": plan.timeout_s,
        "ReservedConcurrency": plan.lambda_concurrency,
    }
    typer.echo("dikast aws deploy " + " ".join(f"--parameter {name}={value}" for name, value in settings.items()))
    print_figures(
        ("quota that the judge needs", "calls a sample", "in flight", "requests a minute", "tokens a minute"),
        [
            (
                one.model,
                f"{one.calls_per_sample:.2g}",
                str(one.in_flight),
                _rate(one.requests_per_minute),
                _rate(one.tokens_per_minute),
            )
            for one in plan.quotas
        ],
    )
    for note in plan.notes:
        typer.echo(note)


def _rate(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


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
