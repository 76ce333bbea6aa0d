"""Measures what a judge is worth: asks it about every labelled unit and compares with people.

    certificate = await certify(spec, read_labels(labels), judge=Judges.open(spec, journal).rubric())

With `attacks` the judge is attacked too, with `others` it is put beside other judges; what comes of that is told and
decides no level. The reading is chosen on the tuning part; every figure is of the part left untouched. A verdict that
could not be had is counted by its reason and is in no rate. Intervals take units as independent.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from dikast.certify.attacks import Attack, attacks_hash
from dikast.certify.attempts import ATTACK_UNITS, attempts_on, count_all, questions_of
from dikast.certify.bill import Bill
from dikast.certify.bounds import Levels
from dikast.certify.certificate import (
    Certificate,
    Consistency,
    CriterionCertificate,
    ModelIdentity,
    VariantResult,
)
from dikast.certify.cross import MARGIN, Asked, cross_judge, require_another
from dikast.certify.disagreements import worst_disagreements
from dikast.certify.labels import Labels, Split, check_criteria, check_outcomes, split_labels
from dikast.certify.levels import choose_reading, grade, whole_level
from dikast.certify.outcomes import outcomes_of
from dikast.certify.questions import Answers, Progress, Unit, ask_all, chosen_again, units_of, ways_of_asking
from dikast.certify.regression import expected_answers
from dikast.certify.samples import asked_again, human_ceiling, sample_of
from dikast.certify.unlabelled import pass_rate, unlabelled_units
from dikast.certify.wanted import undecided, wanted_of
from dikast.certify.wordings import agreement_of_wordings, worded_questions
from dikast.errors import ConfigError
from dikast.judges.base import Judge
from dikast.rollouts import file_hash
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardSpec
from dikast.stats.agreement import Confusion, auc, within_group_accuracy

REPEATS = 5
"""Times that a sampled question is asked in all."""


class Grading(NamedTuple):
    """What the figures are held against."""

    levels: Levels = Levels()
    base_rates: Mapping[str, float] = {}
    """Criterion → the share of yes where the judge is used, where somebody states it."""


OURS = Grading()


async def certify(
    reward: RewardSpec,
    labels: Labels,
    *,
    judge: Judge,
    attacks: Mapping[str, Attack] | None = None,
    attack_units: int = ATTACK_UNITS,
    repeats: int = REPEATS,
    rollouts: Path | None = None,
    grading: Grading = OURS,
    others: Sequence[Judge] = (),
    margin: float = MARGIN,
    seed: int = 0,
    progress: Progress | None = None,
) -> Certificate:
    """Measures the reward's judge against the labels. Equal questions are asked once, through the judge's journal.

    `rollouts` are judged too, and their pass rates corrected by the labels.
    """
    criteria = reward.file.judge.criteria
    if not criteria:
        raise ConfigError(f"{reward.path}: a preference judge has no criteria; it is measured by certify_preference")
    require_another([judge.name, *(other.name for other in others)])
    check_criteria(labels, [c.id for c in criteria])
    check_outcomes(labels, reward.file.outcomes)
    split = split_labels(labels)
    units = units_of(reward, labels, split)
    if rollouts is not None:
        units += unlabelled_units(reward, rollouts, labels, split)
    ways = ways_of_asking(criteria, logprobs=judge.capabilities.logprobs, repeats=repeats)
    again = chosen_again(reward, units)
    attacks = attacks if attacks and attack_units else {}
    attempts = attempts_on(reward, units, attacks, count=attack_units)
    aside = questions_of(attempts, criteria)
    for key, put in worded_questions(units, criteria, judge, attacks).items():
        aside.setdefault(key, []).extend(put)
    bill = Bill(reward.folder)
    answers = await ask_all(reward, units, ways, again, attacks=aside, judge=judge, progress=progress, heard=bill.add)
    named = {way.name for way in ways}
    certified: dict[str, CriterionCertificate] = {}
    variants: dict[str, dict[str, VariantResult]] = {}
    for criterion in criteria:
        certified[criterion.id], variants[criterion.id] = _certify_one(
            criterion,
            units,
            answers,
            [way.name for way in ways if criterion.id in way.about],
            split=split,
            grading=grading,
            seed=seed,
        )
    cuts = {name: one.reading.cut for name, one in certified.items()}
    worded = {name: found for name, cut in cuts.items() if (found := agreement_of_wordings(name, answers, cut))}
    return Certificate(
        reward=reward.file.name,
        reward_hash=reward.hash,
        model=ModelIdentity(name=judge.name, fingerprint=judge.fingerprint),
        level=whole_level([(certified[c.id].level, c.weight) for c in criteria], weight=grading.levels.weight),
        criteria=certified,
        attacks=count_all(attacks, reward, units, attempts, answers, cuts),
        wordings=worded,
        others=await cross_judge(
            reward,
            units,
            Asked(judge, answers, bill),
            others,
            margin=margin,
            least=grading.levels.least_per_class,
            progress=progress,
        )
        if others
        else None,
        levels=grading.levels,
        disagreements=worst_disagreements(criteria, units, answers, cuts),
        expected=expected_answers(units, answers, cuts),
        annotators=labels.annotators,
        labels_hash=labels.hash,
        split=split,
        consistency=Consistency(units=len({key for key, name in answers if name in named}), variants=variants),
        seed=seed,
        made_with=made_with() | ({"attacks": attacks_hash(attacks)} if attacks else {}),
        date=datetime.now(UTC).date().isoformat(),
        outcomes=outcomes_of(reward, units, answers, certified),
        rollouts_hash=None if rollouts is None else file_hash(rollouts),
    )


def _certify_one(
    criterion: Criterion,
    units: Sequence[Unit],
    answers: Answers,
    ways: Sequence[str],
    *,
    split: Split,
    grading: Grading,
    seed: int,
) -> tuple[CriterionCertificate, dict[str, VariantResult]]:
    """All figures of one criterion, and what each way of asking it again changed."""
    untouched = [unit for unit in units if not unit.tuning]
    tuning = sample_of(criterion.id, [unit for unit in units if unit.tuning], answers)
    sample = sample_of(criterion.id, untouched, answers)
    reading = choose_reading(tuning.values, tuning.labels)
    table = Confusion.of([value >= reading.cut for value in sample.values], sample.labels)
    again = asked_again(criterion.id, untouched, answers, ways, cut=reading.cut, seed=seed)
    human = human_ceiling(criterion.id, untouched)
    base_rate = grading.base_rates.get(criterion.id)
    level, factor, why = grade(
        table,
        again.flip_rate,
        negative=criterion.negative,
        human_kappa=human.kappa if human else None,
        levels=grading.levels,
        base_rate=base_rate,
    )
    read = sample.values if reading.soft else [float(value >= reading.cut) for value in sample.values]
    yes, no = sum(sample.labels), len(sample.labels) - sum(sample.labels)
    certificate = CriterionCertificate(
        n=yes + no,
        yes=yes,
        no=no,
        level=level,
        factor=factor,
        reading=reading,
        why=why,
        tpr=table.tpr,
        tnr=table.tnr,
        precision=table.precision,
        base_rate=table.base_rate,
        stated_base_rate=base_rate,
        precision_at_stated=None if base_rate is None else table.precision_at(base_rate),
        j=table.j,
        kappa=table.kappa,
        ac1=table.ac1,
        auc=auc(sample.values, sample.labels),
        flip_rate=again.flip_rate,
        variance=again.variance,
        within_group=within_group_accuracy(sample.groups, read, sample.labels),
        human=human,
        missing=sample.missing,
        unheard=len(sample.unheard),
        left_out=sample.left_out,
        tuning={"yes": sum(tuning.labels), "no": len(tuning.labels) - sum(tuning.labels)},
        wanted=wanted_of(
            undecided(criterion.id, units),
            split,
            yes=yes + sample.unheard.count(True),
            no=no + sample.unheard.count(False),
            least=grading.levels.least_per_class,
        ),
        pass_rate=pass_rate(criterion.id, units, answers, reading, seed=seed),
    )
    return certificate, again.variants


def made_with() -> dict[str, str]:
    """The software that a figure may depend on."""
    software = {"python": platform.python_version()}
    for package in ("dikast", "numpy", "scipy"):
        try:
            software[package] = version(package)
        except PackageNotFoundError:
            # Run from a source tree: there is no version to tell.
            continue
    return software
