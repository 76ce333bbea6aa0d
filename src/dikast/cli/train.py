"""dikast train: a run from baseline to report, or a run's folder taken up again."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from dikast.cli.tell import ConsoleTeller
from dikast.errors import ConfigError
from dikast.spec.run import RunSpec, read_run

if TYPE_CHECKING:
    from dikast.train.folder import RunFolder


def command(
    run: Annotated[Path, typer.Argument(help="run.yaml, or the folder of a run to go on with.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The run's folder. Default: runs/NAME-sSEED.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Overrides run.yaml's seed.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Overrides run.yaml's certificate.")] = None,
    uncertified: Annotated[
        bool,
        typer.Option("--uncertified", help="Train on a judge without a certificate, or a red one; the report says so."),
    ] = False,
    budget_minutes: Annotated[
        float | None, typer.Option(min=1, help="Wall time to aim at: bounds the RL and shrinks the evaluation.")
    ] = None,
    banner: Annotated[
        str | None, typer.Option(help="A line over the report, for instance that it is no evidence.")
    ] = None,
) -> None:
    """Train a policy against a reward: baseline, warm start, RL, control run, evaluation, report.

    Kill it at any point and run the same command again: it goes on where it was, and asks the judge
    nothing that it has answered. Refuses a judge without a certificate.

    Examples:
      dikast train examples/contract_review/run.yaml -o runs/demo --budget-minutes 30
      dikast train runs/demo
    """
    quiet_libraries()
    from dikast.train.folder import RunFolder
    from dikast.train.stages import Run

    teller = ConsoleTeller()
    if run.is_dir():
        if output is not None or seed is not None or certificate is not None:
            raise ConfigError(
                f"{run}: a run's folder keeps its own settings; give --output, --seed, --certificate with a run file"
            )
        folder = RunFolder(run)
        spec = folder.spec()
    else:
        spec = overridden(read_run(run), seed, certificate)
        folder = RunFolder(output or Path("runs") / f"{run.resolve().parent.name}-s{spec.file.seed}")
        folder.begin(spec)
    Run(spec, folder, teller, uncertified=uncertified, budget_minutes=budget_minutes, banner=banner).go()
    show(folder)


def overridden(spec: RunSpec, seed: int | None, certificate: Path | None) -> RunSpec:
    """Gives the run with the command line's seed and certificate in place of the file's."""
    file = spec.file
    if seed is not None:
        file = msgspec.structs.replace(file, seed=seed)
    if certificate is not None:
        file = msgspec.structs.replace(file, certificate=str(certificate.resolve()))
    return RunSpec(file=file, path=spec.path)


def quiet_libraries() -> None:
    """Keeps the training libraries from looking for a hub and from warning about each other."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def show(folder: RunFolder) -> None:
    """Prints the report's table."""
    from dikast.report.table import print_table

    print_table(folder.report)
    typer.echo(f"report: {folder.page}")
