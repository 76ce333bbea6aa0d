"""Asks the judge with three other wordings of its own prompt, and says how far its verdicts stay.

Only what stands around the questions changes, the questions themselves have their paraphrases. It decides no level.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from dikast.certify.attacks import Attack, Template
from dikast.certify.certificate import VariantResult, WordingsResult
from dikast.certify.questions import BASE, WORDING, Answers, Unit, Variant
from dikast.judges.base import Judge
from dikast.judges.render import WORDINGS
from dikast.judges.wordings import reworded
from dikast.records import Verdict
from dikast.spec.judge import Criterion
from dikast.stats.intervals import wilson

WORDED_UNITS = 30
"""Units of a criterion, at most, that are asked about in each wording: where none changes, the bound of the share that
changes is just under the tenth that is allowed. A wording begins with another system text, so a local judge reads all anew."""


def worded_questions(
    units: Sequence[Unit], criteria: Sequence[Criterion], judge: Judge, attacks: Mapping[str, Attack]
) -> dict[str, list[Variant]]:
    """What is asked in other wordings, by the key of the unit; nothing where no attack asks for it, or nobody is asked.

    The units are drawn alike for all criteria, so that one reading of a candidate serves them all.
    """
    judges = {wording: other for wording in WORDINGS if (other := reworded(judge, wording)) is not None}
    if not judges or not any(isinstance(attack, Template) for attack in attacks.values()):
        return {}
    about: dict[str, list[str]] = {}
    for criterion in criteria:
        eligible = [unit for unit in units if not (unit.tuning or unit.gate) and unit.says(criterion.id) is not None]
        for unit in sorted(eligible, key=_draw)[:WORDED_UNITS]:
            about.setdefault(unit.key, []).append(criterion.id)
    return {
        key: [
            Variant(name=f"{WORDING}{wording}", criteria=tuple(criteria), about=tuple(names), judge=other)
            for wording, other in judges.items()
        ]
        for key, names in about.items()
    }


def _draw(unit: Unit) -> bytes:
    return hashlib.sha256(unit.key.encode("utf-8", "surrogatepass")).digest()


def agreement_of_wordings(criterion: str, answers: Answers, cut: float) -> WordingsResult | None:
    """Compares what each wording gave with the judge's own; None where none was asked.

    Yes, no and n/a are three answers. A verdict that could not be had is on neither side, and counted.
    """
    changes: dict[str, list[bool]] = {}
    by_wording: dict[str, list[bool]] = {}
    missing: Counter[str] = Counter()
    for (key, way), said in answers.items():
        if not way.startswith(WORDING) or criterion not in said:
            continue
        before, now = answers[key, BASE][criterion], said[criterion]
        of_wording = by_wording.setdefault(way.removeprefix(WORDING), [])
        if isinstance(before, Verdict) and isinstance(now, Verdict):
            change = _read(before, cut) != _read(now, cut)
            changes.setdefault(key, []).append(change)
            of_wording.append(change)
        else:
            missing[way.removeprefix(WORDING)] += 1
    return _counted(list(changes.values()), by_wording, missing) if by_wording else None


def _read(verdict: Verdict, cut: float) -> bool | None:
    return None if verdict.value is None else verdict.value >= cut


def _counted(
    changes: Sequence[Sequence[bool]], by_wording: Mapping[str, Sequence[bool]], missing: Mapping[str, int]
) -> WordingsResult:
    """The figures over units, each with all of its wordings: three answers about one candidate are not three candidates."""
    import numpy as np

    from dikast.stats.shares import share, share_at_most

    changed = np.array([sum(of_unit) for of_unit in changes], dtype=np.float64)
    asked = np.array([len(of_unit) for of_unit in changes], dtype=np.float64)
    return WordingsResult(
        agreement=share(asked - changed, asked),
        changed_at_most=share_at_most(changed, asked),
        by={
            wording: VariantResult(flip_rate=wilson(sum(of_wording), len(of_wording)), missing=missing.get(wording, 0))
            for wording, of_wording in by_wording.items()
        },
    )
