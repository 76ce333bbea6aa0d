"""Watches for a silent change of the judge: asks fixed candidates again, and weighs what comes out different.

    anchors = await draw(spec, anchor_units(spec, labels), judge=judge, cuts=cuts, today=today)
    anchors = await ask_again(spec, anchors, judge=judge, epoch=epoch, today=today)     # the judge opened for that epoch

The candidates never change, so what changes here is the judge; in a run whose judge is unchanged, it is the policy.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import msgspec

from dikast.certify.anchors import Anchor, Anchors, ChangedVerdict, Pass
from dikast.certify.certificate import ModelIdentity
from dikast.certify.labels import Labels, Vote, split_labels
from dikast.certify.questions import Progress, Unit, units_of
from dikast.errors import ConfigError, NotEnoughDataError
from dikast.judges.base import Judge, Verdicts
from dikast.judges.render import Case
from dikast.records import Missing, Verdict
from dikast.reward.binding import bind, case_of
from dikast.spec.reward import RewardSpec
from dikast.stats.evidence import DriftTest
from dikast.tasks import side_by_side

LEAST_VERDICTS = 300
"""With them a drop of ten points is found in one pass, at nine of ten, where a judge changes 5 % by itself."""
CANDIDATES = 60
"""Where there are so many, or more where that makes too few verdicts."""
TIMES_AGAIN = 5
"""Times that each anchor is asked again when it is drawn, to measure how often a judge changes by itself."""
ASSUMED_NOISE = 0.02
"""Where verdicts are read from log-probabilities, which come out the same but for a server's rounding. Judgement."""
MISSING_AT_MOST = 0.1
"""Share of the verdicts of a pass. Failures may depend on the candidate, and what is left then is another set."""
_MOST_NOISE = 0.95


class _Outcomes(NamedTuple):
    """Of what could be had: whether it is another answer than when it was drawn."""

    by_criterion: dict[str, list[bool]]
    by_candidate: list[float]
    """The share of each candidate's answers that are: they may come out of one reply, and hang together."""


def anchor_units(spec: RewardSpec, labels: Labels) -> list[Unit]:
    """Gives the candidates that may be anchors, in an order of their own: the same for the same labels.

    What a gate stops is never judged, and is none; of equal ones, whose answers are one, the first is.
    Raises `NotEnoughDataError` where they cannot make enough verdicts.
    """
    criteria = len(spec.file.judge.criteria)
    if not criteria:
        raise ConfigError(f"{spec.path}: a preference judge has no criteria, and anchors are answers to them")
    different: dict[object, Unit] = {}
    for unit in units_of(spec, labels, split_labels(labels)):
        if unit.gate is None:
            different.setdefault((unit.case.documents, unit.case.candidate), unit)
    units = list(different.values())
    if (short := LEAST_VERDICTS - criteria * len(units)) > 0:
        raise NotEnoughDataError(
            f"{labels.path}: {len(units)} different candidates that no gate stops and {criteria} criteria make "
            f"{criteria * len(units)} anchors, and {LEAST_VERDICTS} are needed; "
            f"{short} are missing, so add {math.ceil(short / criteria)} rows"
        )
    return sorted(units, key=lambda unit: hashlib.sha256(unit.key.encode("utf-8", "surrogatepass")).digest())


async def draw(
    spec: RewardSpec,
    pool: Sequence[Unit],
    *,
    judge: Judge,
    cuts: Mapping[str, float],
    today: str,
    noise: float | None = None,
    progress: Progress | None = None,
) -> Anchors:
    """Asks about the first candidates of the pool, and of a judge that samples again how often it changes by itself.

    Raises `NotEnoughDataError` where too many verdicts could not be had.
    """
    anchors = sorted(await _drawn(spec, pool, judge, cuts, progress), key=lambda one: one.rollout.group)
    again: list[_Outcomes] = []
    if noise is None and not judge.capabilities.logprobs:
        for repeat in range(1, TIMES_AGAIN + 1):
            said = await _ask(spec, anchors, judge, repeat=repeat, progress=progress)
            again.append(_outcomes(anchors, said, cuts))
    known = ASSUMED_NOISE if noise is None else noise
    return Anchors(
        reward=spec.file.name,
        reward_hash=spec.hash,
        model=ModelIdentity(name=judge.name, fingerprint=judge.fingerprint),
        drawn=today,
        cuts=dict(cuts),
        asked_again=sum(len(of_one) for once in again for of_one in once.by_criterion.values()),
        tests={c.id: DriftTest(noise=_bound(c.id, again, known)) for c in spec.file.judge.criteria},
        overall=DriftTest(noise=_bound(None, again, known)),
        anchors=tuple(anchors),
    )


async def ask_again(
    spec: RewardSpec,
    anchors: Anchors,
    *,
    judge: Judge,
    epoch: int,
    today: str,
    progress: Progress | None = None,
) -> Anchors:
    """Asks all anchors again and counts in what changed. Raises `NotEnoughDataError` where too many are missing."""
    said = await _ask(spec, anchors.anchors, judge, progress=progress)
    outcomes = _outcomes(anchors.anchors, said, anchors.cuts)
    missing = _missing(said)
    if sum(missing.values()) > MISSING_AT_MOST * anchors.verdicts:
        reasons = ", ".join(f"{n} {reason}" for reason, n in missing.items())
        raise NotEnoughDataError(
            f"of {anchors.verdicts} verdicts too many could not be had ({reasons}); look after the judge and run it "
            "again, which asks for those that are missing"
        )
    tests = {name: test.after(outcomes.by_criterion.get(name, ())) for name, test in anchors.tests.items()}
    overall = anchors.overall.after(outcomes.by_candidate)
    done = Pass(
        epoch=epoch,
        date=today,
        verdicts=sum(map(len, outcomes.by_criterion.values())),
        missing=missing,
        e={name: test.e for name, test in tests.items()},
        overall=overall.e,
        changed=tuple(_changed(anchors, said)),
    )
    return msgspec.structs.replace(
        anchors, tests=tests, overall=overall, under_way=None, passes=(*anchors.passes, done)
    )


async def _drawn(
    spec: RewardSpec, pool: Sequence[Unit], judge: Judge, cuts: Mapping[str, float], progress: Progress | None
) -> list[Anchor]:
    """Goes through the pool until there is enough; a candidate without a verdict leaves its place to the next."""
    criteria = spec.file.judge.criteria
    names = tuple(criterion.id for criterion in criteria)
    anchors: list[Anchor] = []
    waiting = list(pool)
    had = 0
    while waiting and (had < LEAST_VERDICTS or len(anchors) < CANDIDATES):
        wanted = max(CANDIDATES - len(anchors), math.ceil((LEAST_VERDICTS - had) / len(criteria)))
        some, waiting = sorted(waiting[:wanted], key=lambda unit: unit.group), waiting[wanted:]
        said = await _ask_about(spec, [(unit.case, names) for unit in some], judge, progress=progress)
        for unit, verdicts_on in zip(some, said, strict=True):
            answers: dict[str, Vote] = {
                name: _read(one, cuts[name]) for name, one in verdicts_on.items() if isinstance(one, Verdict)
            }
            if answers:
                anchors.append(Anchor(rollout=unit.row.rollout, item=unit.row.item, answers=answers))
                had += len(answers)
    if had < LEAST_VERDICTS:
        raise NotEnoughDataError(
            f"only {had} verdicts on {len(pool)} candidates could be had, and anchors need {LEAST_VERDICTS}; "
            "label more, or look after the judge"
        )
    return anchors


async def _ask(
    spec: RewardSpec, anchors: Sequence[Anchor], judge: Judge, *, repeat: int = 0, progress: Progress | None
) -> list[Verdicts]:
    asked = [(case_of(bind(spec, one.rollout), one.item), tuple(one.answers)) for one in anchors]
    return await _ask_about(spec, asked, judge, repeat=repeat, progress=progress)


async def _ask_about(
    spec: RewardSpec,
    asked: Sequence[tuple[Case, Sequence[str]]],
    judge: Judge,
    *,
    repeat: int = 0,
    progress: Progress | None,
) -> list[Verdicts]:
    """Puts the criteria to each candidate as a certificate does: one a question, or as in training all in one request."""
    criteria = spec.file.judge.criteria
    verdicts: list[Verdicts] = [{} for _ in asked]
    waiting = iter(enumerate(asked))
    done = 0

    async def work() -> None:
        nonlocal done
        for at, (case, names) in waiting:
            put = [c for c in criteria if c.id in names] if judge.capabilities.logprobs else criteria
            [said], _ = await judge.judge([case], put, repeat=repeat)
            verdicts[at] = {name: said[name] for name in names}
            done += 1
            if progress:
                progress(done, len(asked))

    await side_by_side(work() for _ in range(max(1, judge.capabilities.concurrency)))
    return verdicts


def _outcomes(anchors: Sequence[Anchor], said: Sequence[Verdicts], cuts: Mapping[str, float]) -> _Outcomes:
    outcomes = _Outcomes({}, [])
    for anchor, verdicts in zip(anchors, said, strict=True):
        changed = {
            name: _read(verdict, cuts[name]) != anchor.answers[name]
            for name, verdict in verdicts.items()
            if isinstance(verdict, Verdict)
        }
        for name, one in changed.items():
            outcomes.by_criterion.setdefault(name, []).append(one)
        if changed:
            outcomes.by_candidate.append(fmean(changed.values()))
    return outcomes


def _bound(criterion: str | None, again: Sequence[_Outcomes], known: float) -> float:
    """How often the judge changes by itself, at the most: of one criterion, or of all together."""
    if not again:
        return known
    import numpy as np

    from dikast.stats.shares import share

    asked = [one.by_candidate if criterion is None else one.by_criterion.get(criterion, []) for one in again]
    high = share(np.array([outcome for once in asked for outcome in once], dtype=float)).high
    return _MOST_NOISE if high is None else min(high, _MOST_NOISE)


def _changed(anchors: Anchors, said: Sequence[Verdicts]) -> Iterator[ChangedVerdict]:
    for anchor, verdicts in zip(anchors.anchors, said, strict=True):
        for name, verdict in verdicts.items():
            if not isinstance(verdict, Verdict):
                continue
            before, after = anchor.answers[name], _read(verdict, anchors.cuts[name])
            if before != after:
                yield ChangedVerdict(id=anchor.rollout.id, item=anchor.item, criterion=name, before=before, after=after)


def _missing(said: Sequence[Verdicts]) -> dict[str, int]:
    held = (one.reason for verdicts in said for one in verdicts.values() if isinstance(one, Missing))
    return dict(Counter(held))


def _read(verdict: Verdict, cut: float) -> Vote:
    return "n/a" if verdict.value is None else verdict.value >= cut
