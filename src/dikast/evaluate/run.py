"""Evaluates arms on held-out documents, and leaves every value in the run's folder.

    evaluation = await evaluate(arms, reward, spec, gold=gold, folder_of_run=folder, seed=0)
    evaluation.arms["rft"]["gold"]          # value, low, high, n

Nothing here trains or generates: an arm brings its answers. What the judge was asked before is in the
reward's journal, so an evaluation that was stopped asks only the rest when it is started again.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dikast.evaluate.arms import Arm, shared_documents, spread
from dikast.evaluate.gold import Gold, LoadedGold
from dikast.evaluate.judging import Asked, Progress, judge_all, known_answer, plan, storable
from dikast.evaluate.measure import Measure, measured
from dikast.evaluate.records import About, Document, Evaluation, Judge
from dikast.evaluate.store import evaluation_of, save
from dikast.evaluate.values import judged_values
from dikast.reward.binding import bind
from dikast.reward.reward import Reward
from dikast.spec.run import EvalSpec

_PACKAGES = ("dikast", "torch", "transformers", "trl", "xllamacpp", "numpy", "scipy")


async def evaluate(
    arms: Sequence[Arm],
    reward: Reward,
    spec: EvalSpec,
    *,
    gold: Gold | None = None,
    folder_of_run: Path,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Measures every arm, has the judge score a part of their answers, and saves the evaluation.

    `progress` is told the answers that are done; all together they are every greedy answer and every sample.
    """
    documents = shared_documents(arms)
    measure = Measure(reward.spec, reward.engine.checks, gold)
    values = measured(arms, documents, measure, seed=seed)
    asked = plan(arms, spread(documents, spec.judged), documents)
    if progress:
        progress(sum(_count(arm) for arm in arms) - sum(len(answers) for answers in asked.values()))
    # Before the first question: a column that is not there is told at once.
    shown = _documents(asked, reward, spec)
    answers = await judge_all(asked, reward, spec, measure, seed=seed, progress=progress)
    evaluation = evaluation_of(
        _about(arms, reward, spec, gold, documents=documents, seed=seed),
        [*values, *judged_values(answers, best_of=spec.best_of)],
        answers,
        shown,
    )
    save(evaluation, folder_of_run)
    return evaluation


def _count(arm: Arm) -> int:
    return len(arm.greedy) + sum(len(samples) for samples in arm.sampled)


def _documents(asked: dict[str, list[Asked]], reward: Reward, spec: EvalSpec) -> list[Document]:
    found: list[Document] = []
    for name, answers in asked.items():
        rollout = answers[0].rollout
        found.append(
            Document(
                document=name,
                id=rollout.id.partition("#")[0],
                inputs={name: storable(text) for name, text in bind(reward.spec, rollout).documents},
                known=storable(known_answer(rollout, spec.known)) if spec.known else None,
            )
        )
    return found


def _about(
    arms: Sequence[Arm], reward: Reward, spec: EvalSpec, gold: Gold | None, *, documents: Sequence[str], seed: int
) -> About:
    answered = {arm.name: len({rollout.group for rollout in arm.greedy}) for arm in arms}
    return About(
        reward=reward.spec.file.name,
        reward_hash=reward.hash,
        certificate_hash=reward.certificate_hash,
        judge=Judge(name=reward.model, fingerprint=reward.fingerprint),
        range=reward.spec.file.range,
        items=reward.spec.file.items,
        best_of=spec.best_of,
        ask=spec.ask,
        seeds=(seed,),
        documents=len(documents),
        left_out={name: count - len(documents) for name, count in answered.items() if count > len(documents)},
        gold_errors=gold.errors if isinstance(gold, LoadedGold) else (),
        date=datetime.now(UTC).date().isoformat(),
        made_with=made_with(),
    )


def made_with() -> dict[str, str]:
    """The software that a figure may depend on, as far as it is installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
