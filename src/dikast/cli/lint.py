"""`dikast lint`: reads a reward's rubric as a critic would, without asking a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dikast.certify.certificate import Certificate, read_certificate
from dikast.certify.labels import Labels, check_criteria, read_labels
from dikast.certify.lint import present
from dikast.certify.lint.critic import lint
from dikast.certify.lint.finding import Finding
from dikast.errors import ConfigError, NotGoodEnoughError
from dikast.spec.reading import read_struct
from dikast.spec.reward import RewardFile, RewardSpec, named_files, reward_problems


def command(
    reward: Annotated[Path, typer.Argument(metavar="REWARD", help="The reward file.")],
    *,
    labels: Annotated[
        Path | None, typer.Option(metavar="LABELS", help="People's answers, JSONL: finds criteria without signal.")
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="CERTIFICATE", help="What the judge is worth; certificate.json beside the reward."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON on standard output.")] = False,
) -> None:
    """Read a reward's rubric as a critic would: questions that ask two things, that no judge can answer, or that code can.

    Each finding says what is wrong, why that matters, and what would be better. No model is asked.
    The rules read English.

    Exits with 1 when there are errors, else with 0: warnings and infos are for you to weigh.

    [bold]Examples[/bold]

      dikast lint reward.yaml

      dikast lint reward.yaml --labels labels.jsonl --certificate certificate.json

      dikast lint reward.yaml --json
    """
    spec = RewardSpec(file=read_struct(reward, RewardFile), path=reward)
    people = None if labels is None else _labels(spec, labels)
    findings = lint(spec.file, certificate=_certificate(spec, certificate), labels=people)
    _show(str(reward), findings, as_json=as_json)
    if any(finding.level == "error" for finding in findings):
        raise NotGoodEnoughError(f"{reward}: {present.counted(findings)}; mend the errors")


def _labels(spec: RewardSpec, path: Path) -> Labels:
    criteria = spec.file.judge.criteria
    if not criteria:
        raise ConfigError(f"{spec.path}: it has no criteria that --labels could be about; lint it without")
    labels = read_labels(path)
    check_criteria(labels, [criterion.id for criterion in criteria])
    return labels


def _certificate(spec: RewardSpec, given: Path | None) -> Certificate | None:
    """The certificate of this very reward, if there is one."""
    if any(reward_problems(spec.file)):
        return None  # it has no hash that a certificate could name
    named_files(spec)
    path = given or spec.folder / "certificate.json"
    if given is None and not path.exists():
        return None
    certificate = read_certificate(path)
    if certificate.reward_hash == spec.hash:
        return certificate
    stale = f"{path}: made for another reward than {spec.path} is now"
    if given is not None:
        raise ConfigError(f"{stale}; measure again with 'dikast certify {spec.path} LABELS -o {path}'")
    typer.echo(f"{stale}; not used", err=True)
    return None


def _show(reward: str, findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        typer.echo(present.as_json(reward, findings))
        return
    console = Console()
    if console.is_terminal:
        console.print(present.rich(reward, findings))
    else:
        typer.echo(present.plain(reward, findings))
