"""`dikast certify`: measures what a reward's judge is worth against people's labels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.certify.attacks import Attack, read_attacks
from dikast.certify.attempts import ATTACK_UNITS
from dikast.certify.bounds import Levels, read_base_rates, read_levels
from dikast.certify.certificate import Certificate
from dikast.certify.cross import MARGIN
from dikast.certify.duels.labels import PairLabels, read_pairs
from dikast.certify.duels.measure import certify_preference
from dikast.certify.files import write_whole
from dikast.certify.labels import Labels, check_annotators, read_labels
from dikast.certify.measure import REPEATS, Grading, certify
from dikast.certify.questions import Progress
from dikast.certify.regression import compared, earlier_certificate
from dikast.cli.anchors import cuts_of, require_unchanged, show, watch
from dikast.cli.certificates import require_good_enough, require_own_place, show_certificate, shown_progress
from dikast.errors import UsageError
from dikast.journal import Journal
from dikast.reward.assembly import Judges, with_model
from dikast.spec.judge import PREFERENCE
from dikast.spec.reward import RewardSpec, read_reward


def command(
    reward: Annotated[Path, typer.Argument(metavar="REWARD", help="The reward file.")],
    labels: Annotated[
        Path | None,
        typer.Argument(
            metavar="LABELS",
            help="Rollouts, or pairs of completions, with people's answers, JSONL; to ask anchors again it needs none.",
        ),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="CERTIFICATE",
            help="Where it goes; certificate.json beside the reward. Its page goes beside it, as .html.",
        ),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Keeps the judge's answers; .dikast/journal.db beside the reward.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Times a question is asked in all, of a judge without log-probabilities.")
    ] = REPEATS,
    attacks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Attacks of your own, YAML; they add to those of dikast.")
    ] = None,
    attack_units: Annotated[
        int, typer.Option(min=0, help="Candidates of a criterion that each way of an attack is tried on; 0 for none.")
    ] = ATTACK_UNITS,
    other: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Another judge, as in judge.model, to answer the same; may be repeated."),
    ] = None,
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="J by which a judge may be behind the best and still be not worse.")
    ] = MARGIN,
    levels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Bounds of your own for green, amber and red, YAML.")
    ] = None,
    base_rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CRITERION=]SHARE", help="Share of yes where the judge is used: precision is said there too."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="CERTIFICATE",
            help="An earlier certificate that known answers are compared with; the one in the output's place.",
        ),
    ] = None,
    anchors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Anchors, asked again to see whether the judge is still the same; drawn from LABELS where there is no such file.",
        ),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=0.95,
            help="Share of the anchors' verdicts that an unchanged judge changes, at most; measured when they are drawn, "
            "or 0.02 of a judge with log-probabilities.",
        ),
    ] = None,
    rollouts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Rollouts that the labelled ones are a sample of: judged too, their pass rates corrected by the labels.",
        ),
    ] = None,
    annotators: Annotated[
        int, typer.Option(min=1, help="People that every label must be of; with 2 there is a human ceiling.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals that draw samples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate on standard output.")] = False,
) -> None:
    """Measure what a reward's judge is worth: agreement with people's labels, and with itself, criterion by criterion.

    Two fifths of the labelled prompts choose how P(yes) is read, the rest is left untouched for the figures.
    A preference judge is measured on pairs that people compared, each asked in both orders.
    Then it is attacked, by empty openers, planted instructions, padding and the like: how often that earns
    credit that nobody deserves is written down, and decides no level. With --other more judges answer the same, and a table of
    quality, cost and latency ends with the cheapest that is not worse than the best. Where the reward names 'outcomes', the
    score is held against what became of the labelled rollouts. An answer is kept in the journal: a second run asks nothing again.

    A row of LABELS may say what the judge has to answer: "expect": "good", "bad" or
    {"answers": {criterion: true}}. These known answers are compared, one by one, with those of the
    certificate in the output's place, or of the one that --against names.

    With --anchors FILE at least 300 verdicts are kept the first time. Each time after that, which needs
    no LABELS, they are asked anew, past the journal, and the judge is unchanged, cautious or drifted on
    each criterion. Anchors are fixed, so what changes there is the judge; where nothing does, what moved
    in a run's scores is the policy.

    Exits with 0 when the level is green or amber, 1 when it is red, a known answer that was as expected
    is not any more, or the judge drifted, 3 when there are too few labels. The certificate is written in
    any case, with a page beside it that says the same in plain words: certificate.html.

    [bold]Examples[/bold]

      dikast certify reward.yaml labels.jsonl

      dikast certify reward.yaml labels.jsonl -o judge-b.json --repeats 3 --json

      dikast certify reward.yaml labels.jsonl --other openai:gpt-oss-120b --other local:judge --margin 0.03

      dikast certify reward.yaml labels.jsonl --levels levels.yaml --base-rate 0.3 --base-rate empty_praise=0.05

      dikast certify reward.yaml labels.jsonl --attacks my_attacks.yaml --attack-units 50

      dikast certify reward.yaml labels.jsonl --against agreed.json

      dikast certify reward.yaml labels.jsonl --anchors anchors.json

      dikast certify reward.yaml --anchors anchors.json

      dikast certify reward.yaml rollouts.labels.jsonl --rollouts rollouts.jsonl
    """
    # Needs an extra, and says so before anything is asked.
    from dikast.report.certificate.page import page_of, write_page

    written = output or reward.parent / "certificate.json"
    require_own_place(written, [reward, labels, attacks, levels, anchors, rollouts])
    page = page_of(written)
    spec = read_reward(reward)
    compares = spec.file.judge.mode == "preference"
    if compares:
        _require_of_pairs(
            reward, against=against, anchors=anchors, rollouts=rollouts, **{"other": other, "base-rate": base_rate}
        )
    if labels is None:
        if anchors is None:
            raise UsageError("LABELS is missing; give a file of them, or --anchors FILE to ask anchors again without")
        with _opened(journal, reward) as kept, shown_progress() as progress:
            seen = watch(anchors, spec, None).look(kept, cuts={}, noise=noise, progress=progress)
        show(seen, anchors, as_json=as_json)
        require_unchanged(seen, anchors)
        return
    read = read_pairs(labels) if compares else read_labels(labels)
    check_annotators(read, annotators)
    criteria = [PREFERENCE] if compares else [c.id for c in spec.file.judge.criteria]
    wish = _Wish(
        attacks=read_attacks(attacks, criteria),
        attack_units=attack_units,
        repeats=repeats,
        rollouts=rollouts,
        grading=Grading(
            levels=read_levels(levels) if levels else Levels(), base_rates=read_base_rates(base_rate or (), criteria)
        ),
        others=other or (),
        margin=margin,
        seed=seed,
    )
    earlier = earlier_certificate(read, against, written) if isinstance(read, Labels) else None
    watched = watch(anchors, spec, read) if anchors and isinstance(read, Labels) else None
    seen = None
    with _opened(journal, reward) as kept:
        with shown_progress() as progress:
            certificate = compared(asyncio.run(_measure(spec, read, kept, wish, progress)), earlier)
        write_whole(certificate, written)
        write_page(certificate, page, spec=spec, labels=read)
        show_certificate(certificate, as_json=as_json)
        typer.echo(f"written: {written}, and to read: {page}", err=True)
        if watched is not None:
            with shown_progress() as progress:
                seen = watched.look(kept, cuts=cuts_of(certificate), noise=noise, progress=progress)
            show(seen, watched.path, aside=as_json)
    require_good_enough(certificate, written, reward=reward, labels=labels)
    if seen is not None and watched is not None:
        require_unchanged(seen, watched.path)


class _Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked beside the labelled rows themselves, and how it is graded."""

    attacks: dict[str, Attack]
    attack_units: int
    repeats: int
    rollouts: Path | None
    grading: Grading
    others: Sequence[str]
    margin: float
    seed: int


async def _measure(
    spec: RewardSpec, labels: Labels | PairLabels, journal: Journal, wish: _Wish, progress: Progress
) -> Certificate:
    async with contextlib.AsyncExitStack() as closing:
        opened: list[Judges] = []
        for named in (spec, *(with_model(spec, name) for name in wish.others)):
            opened.append(Judges.open(named, journal))
            closing.push_async_callback(opened[-1].close)
        judge, *beside = opened
        measure = (
            partial(certify_preference, spec, labels, judge=judge.comparison(), levels=wish.grading.levels)
            if isinstance(labels, PairLabels)
            else partial(
                certify,
                spec,
                labels,
                judge=judge.rubric(),
                rollouts=wish.rollouts,
                grading=wish.grading,
                others=[one.rubric() for one in beside],
                margin=wish.margin,
            )
        )
        return await measure(
            attacks=wish.attacks,
            attack_units=wish.attack_units,
            repeats=wish.repeats,
            seed=wish.seed,
            progress=progress,
        )


def _require_of_pairs(reward: Path, **given: object) -> None:
    """Raises `UsageError` where something is asked for that a preference judge does not have."""
    for name, value in given.items():
        if value:
            raise UsageError(f"{reward}: --{name} is about answers to criteria, and this judge compares; leave it out")


@contextlib.contextmanager
def _opened(journal: Path | None, reward: Path) -> Generator[Journal]:
    kept = Journal.open(journal or reward.parent / ".dikast" / "journal.db")
    try:
        yield kept
    finally:
        kept.close()
