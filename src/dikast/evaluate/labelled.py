"""Corrects the judge's pass rates by people's labels of some of the answers that it judged.

    votes = votes_of(spec, [read_labels(path)])
    rates = corrected_rates(spec, evaluation, votes)        # arm → criterion → what people would pass

A label belongs to every answer to the same prompt that shows the judge the same, whichever arm gave it. Labels that
were asked for because the judge was unsure (`"drawn": "unsure"`) are no sample, and count as none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dikast.certify.certificate import MIDDLE
from dikast.certify.labels import Labels, Vote, check_criteria, consensus
from dikast.certify.unlabelled import is_sampled
from dikast.errors import DataError
from dikast.evaluate.records import Answer, Evaluation
from dikast.records import Rollout
from dikast.reward.binding import bare, case_of, duplicates
from dikast.spec.reward import RewardSpec
from dikast.stats.correction import Corrected, Labelled, Unlabelled, corrected

Candidate = tuple[str, str]
"""The prompt's group, and what the judge is shown of the answer."""
Votes = dict[Candidate, dict[str, dict[str, Vote]]]
"""candidate → criterion id → annotator → answer."""


class _Passed(NamedTuple):
    """What the judge gave one candidate for one criterion."""

    criterion: str
    value: float
    candidate: Candidate


def corrected_rates(spec: RewardSpec, evaluation: Evaluation, votes: Votes) -> dict[str, dict[str, Corrected]]:
    """Gives for each arm and criterion the share of its judged answers, or items, that people would pass.

    A pass is what counts for the answer: of a negative criterion people's no. Raises `DataError` where no
    label is about an answer of the evaluation.
    """
    rates = {
        arm: _of_arm(spec, [answer for answer in evaluation.answers if answer.arm == arm], votes)
        for arm in dict.fromkeys(answer.arm for answer in evaluation.answers)
    }
    if not any(one.labelled for of_arm in rates.values() for one in of_arm.values()):
        raise DataError(
            "--labels: none that was drawn at random is about an answer that was judged here; "
            "label them with dikast review RUN_DIR, or the very files that are compared"
        )
    return rates


def votes_of(spec: RewardSpec, labels: Sequence[Labels]) -> Votes:
    """Puts together what people said of each candidate. Raises `DataError` where a row does not fit the reward."""
    criteria = [criterion.id for criterion in spec.file.judge.criteria]
    votes: Votes = {}
    for one in labels:
        check_criteria(one, criteria)
        for row in filter(is_sampled, one.rows):
            bound = bare(spec, row.rollout)
            if row.item not in bound.units():
                raise DataError(f"{one.path}:{row.line}: no item {row.item} is in the completion; label it anew")
            given = votes.setdefault((row.rollout.group, case_of(bound, row.item).candidate), {})
            for criterion, of_people in row.labels.items():
                given.setdefault(criterion, {}).update(of_people)
    return votes


def _of_arm(spec: RewardSpec, answers: Sequence[Answer], votes: Votes) -> dict[str, Corrected]:
    negative = {criterion.id for criterion in spec.file.judge.criteria if criterion.negative}
    some: dict[str, Labelled] = {}
    rest: dict[str, Unlabelled] = {}
    # In a file of completions the greedy answer to a prompt is one of its samples too.
    once = {(answer.seed, answer.score.id): answer for answer in answers}
    for answer in once.values():
        for criterion, value, candidate in _passed(spec, answer):
            given = votes.get(candidate, {}).get(criterion)
            people = consensus(given) if given else None
            labelled = some.setdefault(criterion, Labelled([], [], []))
            unlabelled = rest.setdefault(criterion, Unlabelled([], []))
            if isinstance(people, bool):
                labelled.labels.append(people != (criterion in negative))
                labelled.judged.append(value)
                labelled.clusters.append(answer.document)
            elif not given:
                unlabelled.judged.append(value)
                unlabelled.clusters.append(answer.document)
    return {name: corrected(some[name], rest[name], cut=MIDDLE) for name in some}


def _passed(spec: RewardSpec, answer: Answer) -> Iterator[_Passed]:
    """What the judge gave, without what it was not asked: a gated answer, an item that repeats an earlier one."""
    criteria = {criterion.id for criterion in spec.file.judge.criteria}
    said = [part for part in answer.score.parts if part.name in criteria and part.value is not None]
    if not said:
        return
    bound = bare(spec, Rollout(id=answer.score.id, group=answer.document, prompt="", completion=answer.completion))
    again = duplicates(bound)
    for part in said:
        if part.item not in again and part.value is not None:
            yield _Passed(part.name, part.value, (answer.document, case_of(bound, part.item).candidate))
