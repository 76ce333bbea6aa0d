"""`dikast export`: a run's configuration and reward entry point for another trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dikast.cli.tell import ConsoleTeller
from dikast.spec.run import read_run

_NAMES = "trl|verl|openrlhf|prime-rl|axolotl|unsloth|nemo-gym"


def command(
    trainer: Annotated[str, typer.Argument(metavar=_NAMES, help="The trainer that is to run it.")],
    run: Annotated[Path, typer.Argument(metavar="RUN_FILE", help="run.yaml of the run.")],
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where the files go. Default: exports/TRAINER.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="A checkpoint folder, or a hub's name, in the place of the run's policy."),
    ] = None,
    gpus: Annotated[
        int, typer.Option(min=0, help="GPUs of the machine that trains; with 0 TRL trains on its CPU.")
    ] = 1,
    uncertified: Annotated[
        bool, typer.Option("--uncertified", help="Let every criterion count as the file says, without a certificate.")
    ] = False,
) -> None:
    """Write a run's configuration, data and reward entry point for another trainer.

    Prints the command that starts the training. Settings of `rl` that the files have no place for are told and left out;
    NeMo Gym's hold the reward alone, so they need no policy. The files name the reward, its certificate and its journal
    by absolute paths.

    Examples:
      dikast export verl examples/contract_review/run.yaml --policy HuggingFaceTB/SmolLM2-135M-Instruct --gpus 8
      dikast export trl run.yaml
    """
    from dikast.export.run import exported
    from dikast.export.trainers import left_out, write

    teller = ConsoleTeller()
    source = exported(read_run(run), gpus=gpus, uncertified=uncertified, policy=policy)
    written, start = write(trainer, source, output or Path("exports") / trainer)
    for path in written:
        teller.say(f"wrote {path}")
    if without := left_out(trainer, source):
        teller.say(f"left out, as nothing in these files holds it: {', '.join(without)}")
    if source.certificate is None:
        teller.say("UNCERTIFIED: nobody has measured this judge against people")
    typer.echo(start)
