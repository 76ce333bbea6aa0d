"""`dikast serve`: rewards over HTTP, in the shapes that trainers speak."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dikast.cli.tell import ConsoleTeller
from dikast.errors import UsageError
from dikast.journal import Journal
from dikast.remote.terms import TOKEN_VARIABLE
from dikast.serve.options import on_missing_of
from dikast.serve.settings import DEFAULT_PORT, Settings, read_token, require_safe

if TYPE_CHECKING:
    from dikast.serve.opening import Rewards

_MEGABYTE = 1024 * 1024


def command(
    rewards: Annotated[
        list[Path],
        typer.Argument(metavar="REWARD...", help="reward.yaml, and others beside it; the first is the default."),
    ],
    *,
    host: Annotated[str, typer.Option(help="Where to listen; any but this machine's own needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = DEFAULT_PORT,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Holds the token. Default: the variable {TOKEN_VARIABLE}.")
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="For each reward, in their order. Default: certificate.json beside it, if any."
        ),
    ] = None,
    uncertified: Annotated[
        bool,
        typer.Option(
            "--uncertified", help="Let every criterion count as the file says, whatever a certificate allows."
        ),
    ] = False,
    journal: Annotated[Path, typer.Option(help="What was asked and answered; nothing is asked again.")] = Path(
        ".dikast/journal.db"
    ),
    budget_calls: Annotated[
        int | None, typer.Option(min=0, help="Questions asked at the most, by all rewards.")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option(min=0, help="US dollars spent at the most, by all rewards.")
    ] = None,
    deadline: Annotated[
        float,
        typer.Option(min=0.1, help="Seconds for a request that names none; keep it under the trainer's time-out."),
    ] = Settings().deadline,
    on_missing: Annotated[
        str,
        typer.Option(
            metavar="group_mean|raise|native|NUMBER",
            help="What a trainer that knows numbers only gets for a missing score.",
        ),
    ] = "group_mean",
    max_body_mb: Annotated[int, typer.Option(min=1, help="Megabytes of one request.")] = Settings().max_body
    // _MEGABYTE,
    max_rollouts: Annotated[
        int, typer.Option(min=1, help="Rollouts judged at once; what is more gets 429 and Retry-After.")
    ] = Settings().max_rollouts,
    drain: Annotated[float, typer.Option(min=0, help="Seconds for what is under way, on SIGTERM.")] = Settings().drain,
) -> None:
    """Serve rewards over HTTP: one process with one journal and one budget for all ranks and workers of a trainer.

    Prints its address on standard output. Its own shape is POST /v1/score; OpenRLHF, slime, LLaMA-Factory, Amazon Nova
    and NeMo Gym are answered in theirs. SIGTERM or Ctrl-C ends it when what is under way is answered.

    [bold]Examples[/bold]

      dikast serve reward.yaml

      dikast serve style.yaml facts.yaml --host 0.0.0.0 --token-file token.txt --budget-usd 50

      curl -s localhost:8600/v1/score -H 'Content-Type: application/json' -d @rollouts.json
    """
    settings = Settings(
        host=host,
        port=port,
        token=read_token(token_file),
        deadline=deadline,
        on_missing=on_missing_of(on_missing),
        max_body=max_body_mb * _MEGABYTE,
        max_rollouts=max_rollouts,
        drain=drain,
    )
    require_safe(settings)
    if certificate and len(certificate) != len(rewards):
        raise UsageError(
            f"--certificate: {len(certificate)} for {len(rewards)} rewards; give one for each, in their order"
        )
    from dikast.serve.opening import Place, Rewards

    served = Rewards(Journal.open(journal), calls=budget_calls, usd=budget_usd, on_missing=settings.on_missing)
    try:
        for at, path in enumerate(rewards):
            served.add(
                Place(reward=path, certificate=certificate[at] if certificate else None, uncertified=uncertified)
            )
    except BaseException:
        served.journal.close()
        raise
    if asyncio.run(_serve(settings, served)) is signal.SIGINT:
        raise KeyboardInterrupt


async def _serve(settings: Settings, served: Rewards) -> signal.Signals:
    from dikast.serve.app import RewardServer
    from dikast.serve.running import run

    teller = ConsoleTeller()
    server = RewardServer(settings, served, teller.say)

    def ready(address: str) -> None:
        typer.echo(address)
        for one in served:
            trust = one.reward.certificate_hash
            teller.say(
                f"{one.name}: reward {one.reward.hash[:12]}, judged by {one.reward.model}, "
                + (
                    f"certificate {trust[:12]}"
                    if trust
                    else "UNCERTIFIED: nobody has measured this judge against people"
                )
            )

    return await run(server, ready=ready)
