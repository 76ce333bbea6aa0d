"""Puts other judges beside the certified one: the same candidates and criteria, asked once, compared with people and each other.

    bill = Bill(reward.folder)
    answers = await ask_all(..., heard=bill.add)
    others = await cross_judge(reward, units, Asked(judge, answers, bill), [other], margin=0.05, least=30)

Every judge is read as it would train: soft at 0.5, or at a threshold of its own, chosen on the tuning part. Figures are of
the untouched part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from dikast.certify.bill import Bill
from dikast.certify.levels import choose_reading
from dikast.certify.others import (
    AcrossJudges,
    EffectiveVotes,
    JudgeInAll,
    JudgeOnCriterion,
    JudgesApart,
    Others,
    PairOfJudges,
    Said,
)
from dikast.certify.questions import BASE, Answers, Progress, Unit, ask_all
from dikast.certify.samples import sample_of
from dikast.errors import ConfigError
from dikast.judges.base import Judge
from dikast.records import Missing, Verdict
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardSpec
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import Interval, holding, unknown
from dikast.stats.votes import VoteAgreement
from dikast.stats.weighted import Term, weighted_sum

MARGIN = 0.05
"""J by which a judge may be behind the best and still count as not worse. Judgement."""
MOST_MISSING = 0.05
"""Share of verdicts that may be missing of a judge that is recommended: where a run would warn."""
MOST_LISTED = 50
"""Disagreements that a certificate holds."""


class Asked(NamedTuple):
    """A judge, what it answered, and what that takes."""

    judge: Judge
    answers: Answers
    bill: Bill


class _Panel(NamedTuple):
    """All judges on one criterion, on the units of the untouched part that people answered."""

    criterion: Criterion
    units: Sequence[Unit]
    said: Mapping[str, Mapping[str, Verdict | Missing]]
    """Judge → unit key → what it said."""
    cuts: Mapping[str, float]

    def yes(self, judge: str, unit: Unit) -> bool | None:
        """The judge's answer as it is read; None where it has no yes or no."""
        verdict = self.said[judge][unit.key]
        if isinstance(verdict, Missing) or verdict.value is None:
            return None
        return verdict.value >= self.cuts[judge]

    def right(self, judge: str, unit: Unit) -> bool | None:
        """Whether people say the same."""
        said = self.yes(judge, unit)
        return None if said is None else said == unit.says(self.criterion.id)


def require_another(names: Sequence[str]) -> None:
    """Raises `ConfigError` where a judge is named twice: it would be compared with itself."""
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ConfigError(f"--other {name}: it is among the judges already; name another")


async def cross_judge(
    reward: RewardSpec,
    units: Sequence[Unit],
    certified: Asked,
    others: Iterable[Judge],
    *,
    margin: float,
    least: int,
    progress: Progress | None = None,
) -> Others:
    """Asks the others what the certified judge was asked first, and compares. `least` labels a class make a criterion count."""
    criteria = reward.file.judge.criteria
    labelled = [unit for unit in units if any(unit.says(criterion.id) is not None for criterion in criteria)]
    asked = [certified]
    for judge in others:
        bill = Bill(reward.folder)
        answers = await ask_all(reward, labelled, [], {}, attacks={}, judge=judge, progress=progress, heard=bill.add)
        asked.append(Asked(judge, answers, bill))
    panels = [_panel(criterion, labelled, asked) for criterion in criteria]
    counted = [panel for panel in panels if _has_enough(panel, least)]
    disagreements = sorted(
        (found for panel in panels for found in _disagreements(panel, certified.judge.name)), key=lambda pair: pair[0]
    )
    table = _table(asked, panels, counted, margin)
    best = next((row.name for row in table if row.behind is None and row.not_worse), None)
    return Others(
        criteria={panel.criterion.id: _across(panel) for panel in panels},
        table=table,
        best=best,
        cheapest=_cheapest(table),
        margin=margin,
        rule=(
            "not worse: the mean J over the criteria by their weights may be behind the best judge's by at most "
            f"{margin:g}, even at the upper end of the paired two-sided 95 % interval of the difference"
        ),
        counted=tuple(panel.criterion.id for panel in counted),
        disagreements=tuple(found for _, found in disagreements[:MOST_LISTED]),
        disagreements_of=len(disagreements),
    )


def _panel(criterion: Criterion, units: Sequence[Unit], asked: Sequence[Asked]) -> _Panel:
    mine = [unit for unit in units if not unit.gate and unit.says(criterion.id) is not None]
    cuts: dict[str, float] = {}
    for one in asked:
        tuning = sample_of(criterion.id, [unit for unit in mine if unit.tuning], one.answers)
        cuts[one.judge.name] = choose_reading(tuning.values, tuning.labels).cut
    untouched = [unit for unit in mine if not unit.tuning]
    said = {
        one.judge.name: {unit.key: one.answers[unit.key, BASE][criterion.id] for unit in untouched} for one in asked
    }
    return _Panel(criterion=criterion, units=untouched, said=said, cuts=cuts)


def _has_enough(panel: _Panel, least: int) -> bool:
    """Whether people said yes of so many candidates, and no of so many. A judge that answers few has wide intervals."""
    answers = [unit.says(panel.criterion.id) for unit in panel.units]
    return min(answers.count(True), answers.count(False)) >= least


def _across(panel: _Panel) -> AcrossJudges:
    names = list(panel.said)
    return AcrossJudges(
        judges={name: _on_criterion(panel, name) for name in names},
        pairs=tuple(_pair(panel, a, b) for a, b in combinations(names, 2)),
        votes=_votes(panel, names),
    )


def _on_criterion(panel: _Panel, judge: str) -> JudgeOnCriterion:
    answered = [(said, unit) for unit in panel.units if (said := panel.yes(judge, unit)) is not None]
    truth = [bool(unit.says(panel.criterion.id)) for _, unit in answered]
    table = Confusion.of([said for said, _ in answered], truth)
    return JudgeOnCriterion(
        n=len(truth),
        yes=sum(truth),
        no=len(truth) - sum(truth),
        cut=panel.cuts[judge],
        tpr=table.tpr,
        tnr=table.tnr,
        j=table.j,
        missing=sum(isinstance(verdict, Missing) for verdict in panel.said[judge].values()),
    )


def _pair(panel: _Panel, a: str, b: str) -> PairOfJudges:
    both = [(panel.yes(a, unit), panel.yes(b, unit)) for unit in panel.units]
    answers = [(one, other) for one, other in both if one is not None and other is not None]
    table = Confusion.of([one for one, _ in answers], [other for _, other in answers])
    return PairOfJudges(a=a, b=b, n=len(answers), agreement=table.agreement, kappa=table.kappa, ac1=table.ac1)


def _votes(panel: _Panel, names: Sequence[str]) -> EffectiveVotes:
    verdicts, errors = VoteAgreement(len(names)), VoteAgreement(len(names))
    for unit in panel.units:
        said = [panel.said[name][unit.key] for name in names]
        verdicts.add([verdict.value if isinstance(verdict, Verdict) else None for verdict in said])
        right = [panel.right(name, unit) for name in names]
        errors.add([None if one is None else float(not one) for one in right])
    there = verdicts.n > 0
    return EffectiveVotes(
        n=verdicts.n, verdicts=verdicts.effective if there else None, errors=errors.effective if there else None
    )


def _disagreements(panel: _Panel, certified: str) -> Iterable[tuple[tuple[float, bool, str, str], JudgesApart]]:
    """Where two judges' answers differ, with what they are sorted by: the widest apart, then those that the certified one lost."""
    for unit in panel.units:
        answers = {panel.yes(name, unit) for name in panel.said}
        if not {True, False} <= answers:
            continue
        said = {name: panel.said[name][unit.key] for name in panel.said}
        values = [one.value for one in said.values() if isinstance(one, Verdict) and one.value is not None]
        spread = max(values) - min(values)
        yield (
            (-spread, bool(panel.right(certified, unit)), unit.key, panel.criterion.id),
            JudgesApart(
                id=unit.row.rollout.id,
                item=unit.row.item,
                criterion=panel.criterion.id,
                people=bool(unit.says(panel.criterion.id)),
                spread=spread,
                said={name: _said(one) for name, one in said.items()},
            ),
        )


def _said(verdict: Verdict | Missing) -> Said:
    if isinstance(verdict, Missing):
        return Said(missing=verdict.reason)
    return Said(value=verdict.value, reason=verdict.reason, evidence=verdict.evidence)


def _table(
    asked: Sequence[Asked], panels: Sequence[_Panel], counted: Sequence[_Panel], margin: float
) -> tuple[JudgeInAll, ...]:
    quality = {one.judge.name: _mean_j(counted, one.judge.name) for one in asked}
    best = max(quality, key=lambda name: -2.0 if (value := quality[name].value) is None else value)
    rows: list[JudgeInAll] = []
    for one in asked:
        name = one.judge.name
        behind = None if name == best else _behind(counted, best, name)
        rows.append(
            JudgeInAll(
                name=name,
                fingerprint=one.judge.fingerprint,
                j=quality[name],
                behind=behind,
                not_worse=_is_not_worse(behind, margin) if counted else None,
                usd_per_1000=None if (usd := one.bill.usd) is None else 1000 * usd / _candidates(one),
                seconds=one.bill.seconds,
                requests=one.bill.requests / _candidates(one) if one.bill.requests else None,
                missing=_missing(panels, name),
                prices=one.bill.prices,
            )
        )
    return tuple(rows)


def _candidates(asked: Asked) -> int:
    return sum(way == BASE for _, way in asked.answers)


def _missing(panels: Sequence[_Panel], judge: str) -> float:
    said = [verdict for panel in panels for verdict in panel.said[judge].values()]
    return sum(isinstance(verdict, Missing) for verdict in said) / len(said) if said else 0.0


def _is_not_worse(behind: Interval | None, margin: float) -> bool | None:
    """The best is not worse than itself."""
    if behind is None:
        return True
    return None if behind.high is None else behind.high <= margin


def _mean_j(panels: Sequence[_Panel], judge: str) -> Interval:
    def hit(panel: _Panel, unit: Unit) -> float | None:
        right = panel.right(judge, unit)
        return None if right is None else float(right)

    found = weighted_sum(_terms(panels, hit), offset=-1.0) if panels else unknown()
    if found.value is None or found.low is None or found.high is None:
        return found
    return holding(found.value, max(-1.0, found.low), min(1.0, found.high), found.n)


def _behind(panels: Sequence[_Panel], best: str, judge: str) -> Interval:
    """How far the judge's J is behind the best's, unit by unit."""

    def difference(panel: _Panel, unit: Unit) -> float | None:
        one, other = panel.right(best, unit), panel.right(judge, unit)
        return None if one is None or other is None else float(one) - float(other)

    return weighted_sum(_terms(panels, difference))


def _terms(panels: Sequence[_Panel], value: Callable[[_Panel, Unit], float | None]) -> list[Term]:
    """The share of hits among yeses and among noes of each criterion: J is their sum less 1."""
    whole = sum(panel.criterion.weight for panel in panels)
    terms: list[Term] = []
    for panel in panels:
        for answer in (True, False):
            values: dict[str, list[float]] = {}
            for unit in panel.units:
                if unit.says(panel.criterion.id) is answer and (found := value(panel, unit)) is not None:
                    values.setdefault(unit.group, []).append(found)
            terms.append(Term(weight=panel.criterion.weight / whole, values=values))
    return terms


def _cheapest(table: Sequence[JudgeInAll]) -> str | None:
    fit = [
        (row.usd_per_1000, float("inf") if row.seconds is None else row.seconds, row.name)
        for row in table
        if row.not_worse and row.missing <= MOST_MISSING and row.usd_per_1000 is not None
    ]
    return min(fit)[2] if fit else None
