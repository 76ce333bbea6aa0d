"""`dikast review`: a page on this machine on which people label rollouts against a reward's criteria."""

from __future__ import annotations

import asyncio
import webbrowser
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from dikast.certify.certificate import read_certificate
from dikast.errors import ConfigError, DataError, UsageError
from dikast.evaluate.store import read_evaluation
from dikast.spec.reward import RewardSpec, read_reward
from dikast.train.folder import RunFolder
from dikast.web.review.answers import Answers, answers_path
from dikast.web.review.routes import review_app
from dikast.web.review.session import Review, annotator_named
from dikast.web.review.units import Unit, units_of_file, units_of_run
from dikast.web.review.verdicts import Verdicts, read_scores, verdicts_of
from dikast.web.serving import HOST, new_token, serve


class Material(NamedTuple):
    """What is labelled, and what judges said of it."""

    spec: RewardSpec
    units: list[Unit]
    verdicts: list[Verdicts]
    certificate: Path | None
    """By which P(yes) is cut into yes and no."""
    output: Path
    notes: list[str]


def command(
    source: Annotated[
        Path,
        typer.Argument(metavar="RUN_DIR|LABELS", help="A run's folder, or rollouts with labels or without, JSONL."),
    ],
    *,
    reward: Annotated[
        Path | None,
        typer.Option(help="The reward whose criteria are asked. Default: the run's, or reward.yaml beside LABELS."),
    ] = None,
    annotator: Annotated[str | None, typer.Option(metavar="NAME", help="Who labels; else the page asks.")] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="SCORES",
            help="What the judge said of LABELS, from 'dikast score'. Further files are other judges', who may disagree.",
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Read the scores' P(yes) as this certificate does. Default: the run's, else at 0.5."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The labels file. Default: beside the input, NAME.labels.jsonl."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the random half. Default: as it was begun, or 0.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 0,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Label rollouts on a local web page: documents beside the candidate, yes or no by keyboard, blind to the judge.

    The address is printed on standard output and holds a secret; nothing but this machine can reach it. Every answer is
    on the disk before the page goes on, so the same command goes on where it was stopped. Half of what comes first is
    drawn at random, half is what the judges are unsure of. Ctrl-C ends it and writes the labels file.

    [bold]Examples[/bold]

      dikast review runs/demo --annotator Ada

      dikast review rollouts.jsonl --reward reward.yaml --scores scores.jsonl -o labels.jsonl
    """
    name = None if annotator is None else annotator_named(annotator)
    of_run = source.is_dir()
    if of_run and scores:
        raise UsageError("--scores: a run's answers hold their scores; leave it out")
    found = _of_run(source, reward) if of_run else _of_file(source, reward, scores or [])
    target = output or found.output
    if not of_run and target.resolve() == source.resolve():
        raise UsageError(f"-o {target}: is the input; name another, what it holds is taken over")
    cuts = _cuts(found.spec, certificate or found.certificate)
    answers = Answers.open(answers_path(target), seed=seed)
    try:
        review = Review(found.spec, found.units, answers, output=target, verdicts=found.verdicts, cuts=cuts)
        for note in (*found.notes, *_notes(review)):
            typer.echo(note, err=True)
        try:
            asyncio.run(_serve(review, name, port=port, open_page=open_page))
        finally:
            _tell_written(review, source if of_run else None)
    finally:
        answers.close()


def _of_run(folder: Path, reward: Path | None) -> Material:
    run = RunFolder(folder)
    evaluation = read_evaluation(folder)
    spec = read_reward(reward or run.reward())
    units, scores = units_of_run(spec, folder, evaluation)
    if not units:
        raise DataError(
            f"{folder}: every answer was stopped by a gate, so its judge saw none; there is nothing to label"
        )
    same = evaluation.about.reward_hash == spec.hash
    notes = [] if same else [f"{spec.path}: not the reward that scored this run any more; its verdicts are left out"]
    return Material(
        spec=spec,
        units=units,
        verdicts=[verdicts_of(scores, spec.file.judge.criteria)] if same else [],
        certificate=run.certificate if same and run.certificate.is_file() else None,
        output=folder / "labels.jsonl",
        notes=notes,
    )


def _of_file(path: Path, reward: Path | None, scores: list[Path]) -> Material:
    beside = path.parent / "reward.yaml"
    if reward is None and not beside.is_file():
        raise UsageError(f"{path}: no reward.yaml is beside it; name the reward with --reward REWARD")
    spec = read_reward(reward or beside)
    units = units_of_file(spec, path)
    verdicts = [verdicts_of(read_scores(one), spec.file.judge.criteria) for one in scores]
    known = {(unit.id, unit.item) for unit in units}
    for file, said in zip(scores, verdicts, strict=True):
        if not known & said.keys():
            raise DataError(f"{file}: no verdict on anything of {path}; score that very file with 'dikast score'")
    return Material(
        spec=spec,
        units=units,
        verdicts=verdicts,
        certificate=None,
        output=path.with_name(f"{path.stem}.labels.jsonl"),
        notes=[],
    )


def _cuts(spec: RewardSpec, certificate: Path | None) -> dict[str, float]:
    if certificate is None:
        return {}
    trust = read_certificate(certificate)
    if trust.reward_hash != spec.hash:
        raise ConfigError(
            f"{certificate}: made for another reward than {spec.path} is now; leave it out, or certify anew"
        )
    return {name: one.reading.cut for name, one in trust.criteria.items()}


def _notes(review: Review) -> list[str]:
    asked = {criterion.id for criterion in review.criteria}
    scales = [criterion.id for criterion in review.spec.file.judge.criteria if criterion.id not in asked]
    notes = [f"{len(review.units)} units to label; the judge's verdict is there for {review.judged}"]
    if scales:
        notes.append(f"left out, as a labels file holds yes, no and n/a: the scales {', '.join(scales)}")
    if review.answers.last:
        notes.append(f"{review.answers.path}: {len(review.answers.last)} answers are kept from before")
    if review.strays:
        notes.append(
            f"{review.strays} of them are about other units or other wordings; they stay there and count nowhere"
        )
    return notes


async def _serve(review: Review, annotator: str | None, *, port: int, open_page: bool) -> None:
    token = new_token()

    def ready(bound: int) -> None:
        address = f"http://{HOST}:{bound}/{token}/"
        typer.echo(address)
        typer.echo("open it in a browser on this machine; Ctrl-C ends it", err=True)
        if open_page:
            webbrowser.open(address)

    await serve(review_app(review, token, annotator=annotator), port=port, ready=ready)


def _tell_written(review: Review, run: Path | None) -> None:
    if rows := review.export():
        typer.echo(f"written: {review.output}, {rows} labelled units", err=True)
        if run is not None:
            typer.echo(f"what people would pass: dikast eval {run} --labels {review.output}", err=True)
