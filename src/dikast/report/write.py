"""Writes the report of an evaluation: report.json and report.html, each whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dikast.evaluate.records import Answer, Evaluation
from dikast.report.flags import flags_of
from dikast.report.page import render
from dikast.report.record import Coverage, Report
from dikast.report.samples import samples_of
from dikast.report.sources import Source, cost_of, read_source
from dikast.report.verdict import verdict_of
from dikast.rollouts import appearing
from dikast.stats.correction import Corrected
from dikast.stats.votes import VoteAgreement


def write_report(
    evaluation: Evaluation,
    folder: Path,
    *,
    runs: Sequence[Path] | None = None,
    banner: str | None = None,
    corrected: Mapping[str, dict[str, Corrected]] | None = None,
) -> Report:
    """Writes the report into a folder. `runs` are the runs' folders where it pools several; the folder itself otherwise.

    Without a banner those of the runs' earlier reports stay.
    """
    sources = [read_source(run) for run in runs or (folder,)]
    kept = dict.fromkeys(source.banner for source in sources if source.banner)
    report = report_of(evaluation, sources, banner=banner or " · ".join(kept) or None)
    report = msgspec.structs.replace(report, corrected=dict(corrected or {}))
    page = render(report, sources, samples_of(evaluation))
    with appearing(folder / "report.json") as out:
        out.write(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    with appearing(folder / "report.html") as out:
        out.write(page.encode())
    return report


def report_of(evaluation: Evaluation, sources: Sequence[Source], *, banner: str | None = None) -> Report:
    """Puts the report together."""
    about = evaluation.about
    first = sources[0] if sources else None
    metrics = list(dict.fromkeys(metric for figures in evaluation.arms.values() for metric in figures))
    policy = first.policy if first else None
    return Report(
        arms=evaluation.arms,
        contrasts=evaluation.contrasts,
        verdict=verdict_of(evaluation.arms, evaluation.contrasts),
        reward=about.reward,
        reward_hash=about.reward_hash,
        certificate_hash=about.certificate_hash,
        judge=about.judge,
        panel=effective_votes(evaluation.answers),
        policy=policy,
        policy_sha256=first.policy_sha256 if first else None,
        range=about.range,
        best_of=about.best_of,
        ask=about.ask,
        seeds=about.seeds,
        documents=about.documents,
        coverage={arm: _coverage([a for a in evaluation.answers if a.arm == arm]) for arm in evaluation.arms},
        left_out=about.left_out,
        gold_errors=about.gold_errors,
        flags=flags_of(about.judge.name, policy, metrics),
        banner=banner,
        cost=cost_of(sources),
        date=about.date,
        made_with=about.made_with,
    )


def effective_votes(answers: Sequence[Answer]) -> dict[str, float]:
    """Gives for each criterion that a panel judged the effective number of its votes."""
    votes: dict[str, VoteAgreement] = {}
    for part in (part for answer in answers for part in answer.score.parts):
        if part.votes is not None:
            votes.setdefault(part.name, VoteAgreement(len(part.votes))).add(part.votes)
    return {name: agreement.effective for name, agreement in votes.items()}


def _coverage(answers: Sequence[Answer]) -> Coverage:
    statuses = Counter(answer.score.status for answer in answers)
    return Coverage(
        answers=len(answers),
        scored=statuses["scored"],
        gated=statuses["gated"],
        missing=dict(Counter(answer.score.missing for answer in answers if answer.score.missing)),
    )
