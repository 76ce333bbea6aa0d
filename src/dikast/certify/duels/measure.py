"""Measures what a preference judge is worth: asks it about every labelled pair in both orders, and compares with people.

    certificate = await certify_preference(spec, read_pairs(labels), judge=Judges.open(spec, journal).comparison())

What is certified is what trains: one order at random, or the mean of both where the reward says `swap`. Where a group
is ranked in one request, a pair is too: how well a longer list is ranked, pairs do not tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from dikast.certify.attacks import Attack, attacks_hash
from dikast.certify.attempts import ATTACK_UNITS
from dikast.certify.bounds import Levels
from dikast.certify.certificate import (
    Certificate,
    ChosenReading,
    Consistency,
    CriterionCertificate,
    ModelIdentity,
    VariantResult,
)
from dikast.certify.duels.attempts import attempts_on, count_attacks, duels_of
from dikast.certify.duels.disagreements import worst_duels
from dikast.certify.duels.figures import asked_again, auc_of, figures_of, sample_of, table_of, within_prompts
from dikast.certify.duels.labels import PairLabels
from dikast.certify.duels.levels import grade_preference
from dikast.certify.duels.questions import Answers, Pair, ask_duels, pairs_of, questions_of
from dikast.certify.labels import Split, split_labels
from dikast.certify.levels import OURS, whole_level
from dikast.certify.measure import REPEATS, made_with
from dikast.certify.questions import Progress
from dikast.certify.samples import ceiling_of
from dikast.certify.wanted import wanted_of
from dikast.reward.compare import Comparison
from dikast.spec.judge import PREFERENCE
from dikast.spec.reward import RewardSpec


async def certify_preference(
    reward: RewardSpec,
    labels: PairLabels,
    *,
    judge: Comparison,
    attacks: Mapping[str, Attack] | None = None,
    attack_units: int = ATTACK_UNITS,
    repeats: int = REPEATS,
    levels: Levels = OURS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Certificate:
    """Measures the reward's judge against the labels. Equal questions are asked once, through the judge's journal."""
    split = split_labels(labels)
    pairs = pairs_of(reward, labels, split)
    # What is read from log-probabilities comes out the same again.
    repeats = 1 if judge.capabilities.logprobs else repeats
    questions = questions_of(pairs, prefer=reward.file.judge.prefer or "", repeats=repeats)
    attacks = attacks if attacks and attack_units else {}
    attempts = attempts_on(reward, pairs, attacks, count=attack_units)
    answers = await ask_duels([*questions, *duels_of(attempts)], judge, progress)
    certified, variants = _certified(
        reward,
        pairs,
        answers,
        split=split,
        levels=levels,
        steady=judge.capabilities.logprobs,
        repeats=repeats,
        seed=seed,
    )
    return Certificate(
        reward=reward.file.name,
        reward_hash=reward.hash,
        model=ModelIdentity(name=judge.name, fingerprint=judge.fingerprint),
        level=whole_level([(certified.level, 1.0)]),
        criteria={PREFERENCE: certified},
        attacks=count_attacks(attacks, reward, pairs, attempts, answers),
        levels=levels,
        disagreements=worst_duels([pair for pair in pairs if not pair.tuning], answers),
        annotators=labels.annotators,
        labels_hash=labels.hash,
        split=split,
        consistency=Consistency(
            units=len({question.pair for question in questions if question.repeat}), variants={PREFERENCE: variants}
        ),
        seed=seed,
        made_with=made_with() | ({"attacks": attacks_hash(attacks)} if attacks else {}),
        date=datetime.now(UTC).date().isoformat(),
    )


def _certified(
    reward: RewardSpec,
    pairs: Sequence[Pair],
    answers: Answers,
    *,
    split: Split,
    levels: Levels,
    steady: bool,
    repeats: int,
    seed: int,
) -> tuple[CriterionCertificate, dict[str, VariantResult]]:
    """All figures, and what each repetition changed; a steady judge gives the same question the same answer."""
    swap = reward.file.judge.swap
    untouched = [pair for pair in pairs if not pair.tuning]
    sample = sample_of(untouched, answers)
    tuning = sample_of([pair for pair in pairs if pair.tuning], answers)
    table = table_of(sample.heard, swap=swap)
    figures = figures_of(sample, tuning, untouched, answers, swap=swap)
    again = asked_again(untouched, answers, repeats=repeats, swap=swap, seed=seed)
    human = ceiling_of(pair.votes for pair in untouched)
    level, factor, why = grade_preference(
        table,
        None if steady else again.flip_rate,
        position=figures.consistency,
        human_kappa=human.kappa if human else None,
        levels=levels,
    )
    a = sum(pair.a_is_better is True for pair, _ in sample.heard)
    of_tuning = sum(pair.a_is_better is True for pair, _ in tuning.heard)
    certificate = CriterionCertificate(
        n=len(sample.heard),
        yes=a,
        no=len(sample.heard) - a,
        level=level,
        factor=factor,
        # A threshold on P(a) would be one on the place, and training reads strengths, not duels.
        reading=ChosenReading(soft=True),
        why=why,
        tpr=table.tpr,
        tnr=table.tnr,
        precision=table.precision,
        base_rate=table.base_rate,
        j=table.j,
        kappa=table.kappa,
        ac1=table.ac1,
        auc=auc_of(sample.heard),
        flip_rate=again.flip_rate,
        variance=again.variance,
        within_group=within_prompts(sample.heard, swap=swap),
        human=human,
        missing=sample.missing,
        unheard=len(sample.unheard),
        left_out=sample.left_out,
        tuning={"yes": of_tuning, "no": len(tuning.heard) - of_tuning},
        wanted=wanted_of(
            [pair.key for pair in untouched if pair.gate is None and pair.truth is None],
            split,
            yes=a + sample.unheard.count(True),
            no=len(sample.heard) - a + sample.unheard.count(False),
            least=levels.least_per_class,
        ),
        preference=figures,
    )
    return certificate, again.variants
