"""What decided a criterion's level, in plain words, and what to do about it.

The certificate says it shortly, as `certify.levels` writes it; each of its sentences is known here, and one that is
not is shown as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dikast.certify.certificate import CriterionCertificate
from dikast.certify.labels import TUNING_SHARE
from dikast.report.certificate.subject import Subject
from dikast.report.certificate.terms import hundred

POOR_KAPPA = 0.6
"""Of the annotators among themselves: below it the question is in doubt before the judge is."""

_OF_PAIRS = "a yes is that a is better: "
"""With what a preference judge's begins; the page says it elsewhere."""

_TOO_EASY = "say more exactly in its 'fail' what must not pass"
_TOO_STRICT = "say more exactly in its 'pass' what is enough"
_UNSTEADY = "word it so that it can be read in one way only, or ask a stronger model"


class Reason(NamedTuple):
    """What decided, and the mend; no mend where nothing needs one."""

    told: str
    mend: str | None


class _Case(NamedTuple):
    """One criterion of a certificate, as a reason is told of it."""

    subject: Subject
    name: str
    found: CriterionCertificate

    @property
    def negative(self) -> bool:
        return self.subject.criteria[self.name].negative

    @property
    def errs_by_credit(self) -> bool:
        """Whether it errs more by giving credit than by withholding it."""
        yes, no = self.found.tpr.value or 0.0, self.found.tnr.value or 0.0
        return (yes < no) if self.negative else (no < yes)


def reason_of(subject: Subject, name: str) -> Reason:
    """Gives what decided a criterion's level."""
    case = _Case(subject, name, subject.certificate.criteria[name])
    why = case.found.why.removeprefix(_OF_PAIRS)
    for pattern, tell in _KNOWN.items():
        if found := re.fullmatch(pattern, why):
            return tell(case, *found.groups())
    return Reason(case.found.why, _mend(case))


def _mend(case: _Case, *, too_easy: bool | None = None) -> str:
    human = case.found.human
    if human is not None and human.kappa.value is not None and human.kappa.value < POOR_KAPPA:
        return (
            "annotators often disagree about it themselves: settle with them what it means, and reword it, before "
            "the judge is asked again"
        )
    if case.subject.compares:
        return "say more exactly in 'prefer' what makes one the better one; the disagreements below show where it goes wrong"
    how = _TOO_EASY if (case.errs_by_credit if too_easy is None else too_easy) else _TOO_STRICT
    if case.negative:
        how = "say more exactly what is a yes and what is none"
    return f"reword it: {how}; the disagreements below show where it goes wrong"


def _too_few(case: _Case, yes: str, no: str) -> Reason:
    compares = case.subject.compares
    classes = (
        ("pairs where a is better", "pairs where b is") if compares else ("that deserve a yes", "that deserve a no")
    )
    least = case.subject.certificate.levels.least_per_class
    short = {of: n for of, n in zip(classes, _short(case.found, int(yes), int(no), least), strict=True) if n > 0}
    told = (
        f"Only {yes} pairs where a is better and {no} where b is could be compared; {least} of each are needed."
        if compares
        else f"Only {yes} labelled yes and {no} labelled no could be compared; {least} of each are needed."
    )
    if not short and case.found.unheard:
        # The labels are there, and the judge's answers are not.
        return Reason(told, None)
    wanted = " and ".join(f"{n} more {of}" for of, n in short.items())
    mend = f"label at least {wanted}" if wanted else "label more"
    if wanted and case.subject.certificate.split.by == "hash":
        in_all = sum(-(-n // (1 - TUNING_SHARE)) for n in short.values())
        mend += f", some {in_all:.0f} in all, since two fifths of new prompts go to the tuning part"
    if compares:
        return Reason(told, f"{mend}; where one side is seldom better, write half of the pairs the other way round")
    return Reason(told, f"{mend}; 'dikast review {case.subject.labels.path.name}' says which to take next")


def _short(found: CriterionCertificate, yes: int, no: int, least: int) -> tuple[int, int]:
    """Labels of each class that are missing: a label whose verdict could not be had is none of them."""
    if found.unheard:
        return (found.wanted.yes, found.wanted.no) if found.wanted else (0, 0)
    return least - yes, least - no


def _low_j(case: _Case, low: str, least: str) -> Reason:
    return Reason(
        f"It tells a yes from a no too poorly: J may be as low as {low}, and {least} is needed.",
        _mend(case),
    )


def _false_credit(case: _Case, share: str, most: str) -> Reason:
    told = f"It gives credit to {_of_100(share)} of 100 that deserve none; {_of_100(most)} is the most."
    return Reason(told, _mend(case, too_easy=True))


def _flips(_case: _Case, share: str, most: str) -> Reason:
    told = f"It changes {_of_100(share)} of 100 answers when the same is asked in another way; {_of_100(most)} is the most."
    return Reason(told, _UNSTEADY)


def _weak_j(case: _Case, value: str, least: str) -> Reason:
    return Reason(f"It tells a yes from a no too poorly: J is {value}, and {least} is needed.", _mend(case))


def _imprecise(case: _Case, share: str, base_rate: str | None, least: str) -> Reason:
    where = "" if base_rate is None else f", where {_of_100(base_rate)} of 100 deserve it"
    told = f"Of 100 that it gives credit to{where}, {_of_100(share)} deserve it; {_of_100(least)} is the least."
    return Reason(told, _mend(case, too_easy=True))


def _rate(case: _Case, name: str, _value: str, _low: str, least: str, least_low: str) -> Reason:
    answer = {"TPR": "yes", "TNR": "no"}[name]
    of = (
        f"people say {answer} to"
        if not case.subject.compares
        else f"have side {'a' if answer == 'yes' else 'b'} the better"
    )
    told = (
        f"To count in full it must be right on {_of_100(least)} of 100 that {of}, "
        f"and its interval must not go below {_of_100(least_low)}."
    )
    return Reason(told, _mend(case, too_easy=(answer == "yes") == case.negative))


def _unmeasured(_case: _Case) -> Reason:
    return Reason(
        "Whether it answers the same when asked in another way was not measured.",
        "write two or three 'paraphrases' of the question into the reward and certify again",
    )


def _low_kappa(case: _Case, least: str) -> Reason:
    return Reason(f"It agrees with people too little beyond chance: kappa is under {least}.", _mend(case))


def _placed(_case: _Case, share: str, least: str) -> Reason:
    told = f"The same side wins in both orders in {_of_100(share)} of 100 pairs; {_of_100(least)} are needed to count in full."
    return Reason(told, "write 'swap: true', so that place is averaged out, or ask a stronger model")


def _not_asked_again(_case: _Case) -> Reason:
    return Reason(
        "Whether it answers the same when asked again was not measured.", "certify again with --repeats 2 or more"
    )


def _reached(_case: _Case) -> Reason:
    return Reason("It reaches every bound.", None)


def _of_100(share: str) -> str:
    # Has more digits than two where it lies just beside its bound.
    return hundred(float(share)) if len(share) <= len("0.00") else f"{100 * float(share):.6g}"


_N = r"(\d+\.\d{2,6})"
_KNOWN: Mapping[str, Callable[..., Reason]] = {
    r"(\d+) yes and (\d+) no; needs \d+ of each.*": _too_few,
    rf"J may be as low as (-?\d+\.\d{{2,6}}), under {_N}": _low_j,
    rf"gives credit to {_N} of what deserves none, above {_N}": _false_credit,
    rf"changes {_N} of its answers, above {_N}": _flips,
    rf"J {_N} is under {_N}": _weak_j,
    rf"credit is right in {_N} of the cases(?: where {_N} deserve it)?, under {_N}": _imprecise,
    rf"(TPR|TNR) {_N} \(from {_N}\) is short of {_N} \(from {_N}\)": _rate,
    r"its consistency was not measured; give the criterion paraphrases": _unmeasured,
    rf"kappa is under {_N}": _low_kappa,
    rf"the same side wins in both orders in {_N} of the pairs, under {_N}": _placed,
    r"nobody asked it the same again; certify with --repeats 2 or more": _not_asked_again,
    r"reaches every bound": _reached,
}
