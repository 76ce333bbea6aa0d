"""From scored answers to one value for each document: the metrics that rest on the judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from dikast.evaluate.bestof import expected_best
from dikast.evaluate.records import Answer, Value
from dikast.records import Score


def judged_values(answers: Iterable[Answer], *, best_of: int) -> list[Value]:
    """Gives the values of every arm and document that was judged. What could not be had is None."""
    units: dict[tuple[int, str, str], list[Answer]] = {}
    for answer in answers:
        units.setdefault((answer.seed, answer.arm, answer.document), []).append(answer)
    values: list[Value] = []
    for (seed, arm, document), together in units.items():
        samples = [answer for answer in together if answer.sample is not None]
        found = [_of_one(answer) for answer in together if answer.sample is None]
        found += [_of_samples(samples, best_of)] if samples else []
        values += [
            Value(seed=seed, arm=arm, metric=metric, document=document, value=value)
            for metrics in found
            for metric, value in metrics.items()
        ]
    return values


def _of_one(answer: Answer) -> dict[str, float | None]:
    """The metrics of a greedy answer."""
    score = answer.score
    return {
        "reward": score.score,
        "judge_score": answer.judge_score,
        **{f"part/{name}": value for name, value in parts_of(score).items()},
        "gated": float(score.status == "gated"),
        "missing": float(score.status == "missing"),
    }


def parts_of(score: Score) -> dict[str, float | None]:
    """Gives each part's value, the mean over a set's items. A part that a gate in front of it spared is not there."""
    found: dict[str, list[float]] = {}
    for part in score.parts:
        held = found.setdefault(part.name, [])
        if part.value is not None:
            held.append(part.value)
    return {name: fmean(values) if values else None for name, values in found.items()}


def _of_samples(samples: Sequence[Answer], best_of: int) -> dict[str, float | None]:
    """The metrics of a document's samples: means over those that have a value, and the best of k by the reward."""
    scored = [(answer.score.score, answer) for answer in samples if answer.score.score is not None]
    ranks = [value for value, _ in scored]
    golds = [answer.gold for _, answer in scored]
    gold_known = [gold for gold in golds if gold is not None]
    return {
        "reward_sampled": fmean(ranks) if ranks else None,
        "gold_sampled": _mean([answer.gold for answer in samples]),
        "best_of_k": expected_best(ranks, ranks, best_of),
        # A sample without its gold may be the one that the reward picks: then nothing can be said.
        "best_of_k_gold": expected_best(ranks, gold_known, best_of) if len(gold_known) == len(golds) else None,
        "judge_score_best_of_k": _mean([answer.judge_score for answer in samples if answer.picked]),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
