"""Puts the linter's rules together."""

from __future__ import annotations

from collections.abc import Iterator

from dikast.certify.certificate import Certificate
from dikast.certify.labels import Labels
from dikast.certify.lint.finding import LEVELS, Finding
from dikast.certify.lint.measured import signals, vetoes
from dikast.certify.lint.rubric import rubric
from dikast.certify.lint.wording import objective_wording, preference_wording, wording
from dikast.spec.reward import RewardFile, reward_problems


def lint(file: RewardFile, *, certificate: Certificate | None = None, labels: Labels | None = None) -> list[Finding]:
    """All findings, errors first; those of one level stand together by their place.

    The certificate must be one of this very reward: the caller compares the hashes.
    """
    found = [*_refused(file), *objective_wording(file)]
    if file.judge.mode == "preference":
        found += preference_wording(file)
    else:
        found += wording(file, certificate.criteria if certificate else {})
        found += vetoes(file, certificate)
        found += rubric(file)
        found += signals(file, labels) if labels else ()
    places = list(dict.fromkeys(finding.where for finding in found))
    return sorted(found, key=lambda finding: (LEVELS.index(finding.level), places.index(finding.where)))


def _refused(file: RewardFile) -> Iterator[Finding]:
    """What every other command refuses, all of it at once."""
    for problem in reward_problems(file):
        where, _, said = problem.partition(": ")
        what, _, mend = said.partition("; ")
        yield Finding(
            level="error",
            rule="refused",
            where=where,
            problem=what,
            why="Every other command refuses the file as it is.",
            better=mend or "See the file's keys in the reference.",
        )
