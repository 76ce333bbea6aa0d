"""An evaluation of answers that were scored elsewhere: no judge is asked, the figures are computed as of any other.

The 1–5 score is not there, since nobody asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dikast.checks.building import build_checks
from dikast.errors import DataError
from dikast.evaluate.arms import Arm
from dikast.evaluate.gold import Gold
from dikast.evaluate.judging import storable
from dikast.evaluate.measure import Measure, measured
from dikast.evaluate.records import About, Answer, Document, Evaluation, Judge
from dikast.evaluate.run import made_with
from dikast.evaluate.store import evaluation_of
from dikast.evaluate.values import judged_values
from dikast.records import Rollout, Score
from dikast.reward.binding import bind
from dikast.spec.reward import RewardSpec


def recorded_evaluation(
    arm: str,
    answers: Sequence[tuple[Rollout, Score]],
    spec: RewardSpec,
    *,
    judge: Judge,
    certificate_hash: str | None,
    gold: Gold | None = None,
    seed: int = 0,
) -> Evaluation:
    """Makes an evaluation of one arm. The first answer to a prompt counts as the greedy one, and all of several are samples.

    Raises `DataError` where an answer lacks a column that the reward reads.
    """
    measure = Measure(spec, build_checks(spec), gold)
    groups: dict[str, list[tuple[Rollout, Score]]] = {}
    for rollout, score in answers:
        groups.setdefault(rollout.group, []).append((rollout, score))
    firsts = tuple(together[0][0] for together in groups.values())
    counts = [len(together) for together in groups.values() if len(together) > 1]
    best_of = min(counts, default=1)
    made = [
        _answer(arm, rollout, score, sample, measure, seed)
        for together in groups.values()
        for sample, (rollout, score) in _numbered(together)
    ]
    return evaluation_of(
        About(
            reward=spec.file.name,
            reward_hash=spec.hash,
            certificate_hash=certificate_hash,
            judge=judge,
            range=spec.file.range,
            items=spec.file.items,
            best_of=best_of,
            ask="",
            seeds=(seed,),
            documents=len(groups),
            date=datetime.now(UTC).date().isoformat(),
            made_with=made_with(),
        ),
        [
            *measured([Arm(name=arm, greedy=firsts)], list(groups), measure, seed=seed),
            *judged_values(made, best_of=best_of),
        ],
        made,
        [_document(rollout, spec) for rollout in firsts],
    )


def _numbered(together: Sequence[tuple[Rollout, Score]]) -> list[tuple[int | None, tuple[Rollout, Score]]]:
    numbered: list[tuple[int | None, tuple[Rollout, Score]]] = [(None, together[0])]
    return numbered + (list(enumerate(together)) if len(together) > 1 else [])


def _answer(arm: str, rollout: Rollout, score: Score, sample: int | None, measure: Measure, seed: int) -> Answer:
    return Answer(
        seed=seed,
        arm=arm,
        document=rollout.group,
        sample=sample,
        completion=storable(rollout.completion),
        score=score,
        gold=measure.gold(rollout),
    )


def _document(rollout: Rollout, spec: RewardSpec) -> Document:
    try:
        documents = bind(spec, rollout).documents
    except DataError as error:
        raise DataError(f"{error}; name the data with its columns as run.yaml's data.test") from None
    return Document(document=rollout.group, id=rollout.id, inputs={name: storable(text) for name, text in documents})
