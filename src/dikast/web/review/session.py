"""One review: what the page may show whom, and what comes of it.

A judge's verdict on a criterion, and its evidence, leave this module only for an annotator who has answered that
criterion about that unit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from dikast.certify.certificate import MIDDLE
from dikast.certify.labels import Vote
from dikast.errors import ConfigError, UsageError
from dikast.records import Missing, Verdict
from dikast.report.marks import pieces
from dikast.report.words import visible
from dikast.rollouts import write_rows
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardSpec
from dikast.web.review.answers import Answers, Given, Question
from dikast.web.review.figures import Agreement, agreement_of
from dikast.web.review.queue import Drawn, Place, doubt, ordered
from dikast.web.review.records import Answered, Page, Progress, Shown
from dikast.web.review.units import Unit
from dikast.web.review.verdicts import Verdicts

MOST_NAME = 40
"""Letters of an annotator's name."""


class Review:
    """What is labelled, in which order, by whom and how. The first of `verdicts` is the judge, the others are asked for doubt only."""

    def __init__(
        self,
        spec: RewardSpec,
        units: Sequence[Unit],
        answers: Answers,
        *,
        output: Path,
        verdicts: Sequence[Verdicts] = (),
        cuts: Mapping[str, float] | None = None,
    ) -> None:
        if not units:
            raise UsageError(f"{output.parent}: nothing is there to label; give a file or a run with answers to judge")
        self.spec = spec
        self.criteria = answerable(spec)
        self.units = {unit.key: unit for unit in units}
        self.answers = answers
        self.output = output
        self._verdicts = verdicts
        self._cuts = cuts or {}
        doubts = {key: self._doubt(unit) for key, unit in self.units.items()}
        begun = any(given.drawn == "unsure" for given in answers.last.values())
        self.places = ordered(doubts, seed=answers.seed, begun=begun)
        self._at = {place.key: at for at, place in enumerate(self.places)}
        self._asked = {criterion.id: _wording(criterion) for criterion in self.criteria}
        self._twins: dict[str, list[Unit]] = {}
        for unit in units:
            self._twins.setdefault(unit.case, []).append(unit)
        self._keys = {(unit.id, unit.item): key for key, unit in self.units.items()}

    @property
    def judged(self) -> int:
        """Units that the judge said something about."""
        return sum(bool(self._said(unit)) for unit in self.units.values())

    @property
    def strays(self) -> int:
        """Answers kept that are about other units, or about a question as it was worded before."""
        return sum(not self._counts(given) for given in self.answers.last.values())

    def start(self, annotator: str) -> int:
        """Gives the place of the first unit that the annotator has not answered whole; the last where all are."""
        return next((at for at, place in enumerate(self.places) if self._open(place, annotator)), len(self.places) - 1)

    def page(self, annotator: str, at: int) -> Page:
        """Gives the unit at a place as an annotator may see it."""
        if not 0 <= at < len(self.places):
            raise UsageError(f"no unit {at}; there are {len(self.places)}")
        key = self.places[at].key
        unit = self.units[key]
        answered = {
            criterion.id: Answered(answer=vote, judge=self._shown(unit, criterion.id))
            for criterion in self.criteria
            if (vote := self._vote(unit, criterion.id, annotator)) is not None
        }
        said = [self._said(unit).get(name) for name in answered]
        evidence = [one.evidence for one in said if isinstance(one, Verdict) and one.evidence]
        texts = [field.text for field in unit.candidate]
        return Page(
            at=at,
            of=len(self.places),
            unit=key,
            documents=[
                (name, [(visible(text), kind) for text, kind in pieces(document, candidate=texts, evidence=evidence)])
                for name, document in unit.documents
            ],
            candidate=[(visible(field.name), visible(field.text), field.judged) for field in unit.candidate],
            prompt=None if unit.prompt is None else visible(unit.prompt),
            answers=answered,
        )

    def place_of(self, key: str) -> int:
        """Gives the place of a unit by its key."""
        if key not in self._at:
            raise UsageError(f"no unit '{key}'; load the page anew")
        return self._at[key]

    def answer(self, annotator: str, key: str, criterion: str, vote: Vote | None) -> None:
        """Keeps an answer, or takes it back with None. It is on the disk when this returns."""
        place = self.places[self.place_of(key)]
        unit = self.units[place.key]
        known = {one.id: one for one in self.criteria}
        if criterion not in known:
            raise UsageError(f"no criterion '{criterion}'; there are {', '.join(known)}")
        if vote == "n/a" and not known[criterion].na:
            raise UsageError(f"'{criterion}' cannot be n/a; answer yes or no, or write 'na: true' in the reward")
        if vote == self._vote(unit, criterion, annotator):
            # A key pressed twice is no second thought.
            return
        self.answers.add(
            Given(
                unit=unit.id,
                item=unit.item,
                criterion=criterion,
                annotator=annotator,
                answer=vote,
                asked=self._asked[criterion],
                drawn=place.drawn,
                blind=not self._was_shown(unit, criterion, annotator),
                at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            )
        )

    def progress(self, annotator: str) -> Progress:
        """Adds up what an annotator's answers say."""
        own = [given for given in self.answers.blind.values() if given.annotator == annotator and self._counts(given)]
        last = [given for given in self.answers.last.values() if given.annotator == annotator and self._counts(given)]
        return Progress(
            labelled=sum(not self._open(place, annotator) for place in self.places),
            of=len(self.places),
            random={c.id: agreement_of(self._with_judge(own, c.id, "random")) for c in self.criteria},
            unsure={c.id: agreement_of(self._with_judge(own, c.id, "unsure")) for c in self.criteria},
            others={c.id: self._with_others(c.id, annotator) for c in self.criteria},
            shown=sum(not given.blind for given in last),
        )

    def export(self) -> int:
        """Writes the labels file: every unit that somebody answered. Gives how many; none leaves no file."""
        rows = list(self._rows())
        if rows:
            write_rows(self.output, rows)
        return len(rows)

    def _rows(self) -> Iterator[dict[str, Any]]:
        given: dict[tuple[str, int | None], list[Given]] = {}
        for one in self.answers.last.values():
            if self._counts(one):
                given.setdefault((one.unit, one.item), []).append(one)
        for unit in self.units.values():
            labels = {criterion: dict(votes) for criterion, votes in unit.labels.items()}
            told: dict[str, Any] = {}
            for one in given.get((unit.id, unit.item), ()):
                votes = labels.setdefault(one.criterion, {})
                votes.pop(one.annotator, None)
                if one.answer is not None:
                    votes[one.annotator] = one.answer
                    told["drawn"] = one.drawn
                    if not one.blind:
                        told.setdefault("not_blind", {}).setdefault(one.criterion, []).append(one.annotator)
            labels = {criterion: votes for criterion, votes in labels.items() if votes}
            if labels:
                yield {**unit.row, **told, "labels": labels}

    def _counts(self, given: Given) -> bool:
        return (given.unit, given.item) in self._keys and self._asked.get(given.criterion) == given.asked

    def _vote(self, unit: Unit, criterion: str, annotator: str) -> Vote | None:
        given = self.answers.last.get(Question(unit.id, unit.item, criterion, annotator))
        if given is not None and self._counts(given):
            return given.answer
        return unit.labels.get(criterion, {}).get(annotator)

    def _open(self, place: Place, annotator: str) -> bool:
        unit = self.units[place.key]
        return any(self._vote(unit, criterion.id, annotator) is None for criterion in self.criteria)

    def _said(self, unit: Unit) -> Mapping[str, Verdict | Missing]:
        if not self._verdicts or unit.repeats:
            return {}
        return self._verdicts[0].get((unit.id, unit.item), {})

    def _shown(self, unit: Unit, criterion: str) -> Shown | None:
        said = self._said(unit).get(criterion)
        if said is None:
            return None
        if isinstance(said, Missing):
            return Shown(says="missing", reason=said.reason)
        reason, evidence = _visible(said.reason), _visible(said.evidence)
        if said.value is None:
            return Shown(says="n/a", reason=reason, evidence=evidence)
        says = "yes" if said.value >= self._cut(criterion) else "no"
        return Shown(says=says, value=said.value, reason=reason, evidence=evidence)

    def _was_shown(self, unit: Unit, criterion: str, annotator: str) -> bool:
        """Whether the annotator has answered this before, here or where the judge is shown the same, and saw what it said."""
        return any(
            criterion in self._said(twin)
            and (
                Question(twin.id, twin.item, criterion, annotator) in self.answers.last
                or annotator in twin.labels.get(criterion, {})
            )
            for twin in self._twins[unit.case]
        )

    def _cut(self, criterion: str) -> float:
        return self._cuts.get(criterion, MIDDLE)

    def _doubt(self, unit: Unit) -> float | None:
        """How unsure the judges are of the criterion that they are least sure of."""
        doubts: list[float] = []
        for criterion in self.criteria:
            said = self._said(unit).get(criterion.id)
            if isinstance(said, Verdict):
                votes = [vote for vote in said.votes or () if vote is not None]
                others = [v.get((unit.id, unit.item), {}).get(criterion.id) for v in self._verdicts[1:]]
                heard = [one.value for one in others if isinstance(one, Verdict) and one.value is not None]
                if heard and not votes and said.value is not None:
                    votes = [said.value]
                doubts.append(doubt(said.value, [*votes, *heard], self._cut(criterion.id)))
        return max(doubts, default=None)

    def _with_judge(self, own: Sequence[Given], criterion: str, drawn: Drawn) -> list[tuple[bool, bool]]:
        pairs: list[tuple[bool, bool]] = []
        for given in own:
            if given.criterion == criterion and given.drawn == drawn and isinstance(given.answer, bool):
                said = self._said(self.units[self._keys[given.unit, given.item]]).get(criterion)
                if isinstance(said, Verdict) and said.value is not None:
                    pairs.append((said.value >= self._cut(criterion), given.answer))
        return pairs

    def _with_others(self, criterion: str, annotator: str) -> dict[str, Agreement]:
        pairs: dict[str, list[tuple[bool, bool]]] = {}
        names = {given.annotator for given in self.answers.last.values()}
        for unit in self.units.values():
            own = self._vote(unit, criterion, annotator)
            for name in {*names, *unit.labels.get(criterion, {})} - {annotator} if isinstance(own, bool) else ():
                theirs = self._vote(unit, criterion, name)
                if isinstance(theirs, bool) and isinstance(own, bool):
                    pairs.setdefault(name, []).append((theirs, own))
        return {name: agreement_of(of_name) for name, of_name in sorted(pairs.items())}


def answerable(spec: RewardSpec) -> tuple[Criterion, ...]:
    """Gives the criteria that are answered by yes or no. Raises `ConfigError` where the reward has none."""
    if spec.file.judge.mode == "preference":
        raise ConfigError(
            f"{spec.path}: mode: preference has no criteria to answer; write the reward as mode: rubric to label"
        )
    criteria = tuple(criterion for criterion in spec.file.judge.criteria if criterion.scale is None)
    if not criteria:
        raise ConfigError(f"{spec.path}: none of its criteria is a yes/no question, and people answer only those here")
    return criteria


def annotator_named(name: str) -> str:
    """Gives an annotator's name without blanks around it. Raises `UsageError` where it is none."""
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME or not name.isprintable():
        raise UsageError(f"an annotator's name has 1 to {MOST_NAME} letters")
    return name


def _wording(criterion: Criterion) -> str:
    asked = [criterion.ask, criterion.pass_, criterion.fail]
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]


def _visible(text: str | None) -> str | None:
    return None if text is None else visible(text)
