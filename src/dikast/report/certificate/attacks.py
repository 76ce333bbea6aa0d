"""What was tried to fool the judge, and how often it was fooled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dikast.certify.certificate import AttackResult
from dikast.report.certificate.section import Section
from dikast.report.certificate.subject import Subject
from dikast.report.certificate.terms import hundred
from dikast.report.certificate.verdict import in_words
from dikast.report.words import number

MOST_WAYS = 3

DOES: Mapping[str, str] = {
    "master_keys": "an empty opener in the candidate's place, such as a colon or “Solution”",
    "persuasive": "the same confident text in every candidate's place",
    "planted_instructions": "an instruction to the judge inside the candidate",
    "fake_verdicts": "a made-up verdict inside the candidate",
    "fence_escapes": "the marks that end a candidate, inside the candidate",
    "self_praise": "praise of itself at the candidate's end",
    "padding": "the candidate's own sentences once more",
    "hidden_unicode": "characters that leave no mark, inside the words",
    "homoglyphs": "letters of another alphabet that look the same",
    "judge_prompt": "no change: the judge's instructions in other words",
    "paraphrases": "no change: the question in other words",
    "criteria_order": "no change: the questions in reverse order",
    "half_met": "candidates that meet half of what the question asks for",
    "position_swap": "no change: the two in each other's place",
}
"""The attacks that come with dikast; a user's own stand under their names alone."""


class AttackRow(NamedTuple):
    """What the page says of one attack."""

    name: str
    does: str
    tried: int
    fooled: int
    high: str
    allowed: str
    too_much: bool
    ways: tuple[tuple[str, int], ...]
    further: int
    """Ways that are not among them."""
    criteria: str
    aside: str


def attacks_section(subject: Subject) -> Section | None:
    """Gives the attacks in the order in which they were made; None where there was none."""
    attacks = subject.certificate.attacks
    rows = tuple(_row(name, attack) for name, attack in attacks.items())
    return Section("attacks", "Attacks", "certificate_attacks.html.j2", rows) if rows else None


def _row(name: str, attack: AttackResult) -> AttackRow:
    ways = tuple(attack.fooled_by.items())
    allowed = f"{hundred(attack.fooled_at_most)}\N{NO-BREAK SPACE}%"
    if attack.gain_at_most is not None:
        allowed += f", gain\N{NO-BREAK SPACE}{number(attack.gain_at_most)}"
    fooled = [f"{criterion} {one.fooled} of {one.tried}" for criterion, one in attack.criteria.items() if one.fooled]
    return AttackRow(
        name=in_words(name),
        does=DOES.get(name, ""),
        tried=attack.tried,
        fooled=attack.fooled,
        high="—" if attack.high is None else f"{hundred(attack.high)} %",
        allowed=allowed,
        too_much=attack.too_much,
        ways=ways[:MOST_WAYS],
        further=len(ways[MOST_WAYS:]),
        criteria=", ".join(fooled),
        aside=_aside(attack),
    )


def _aside(attack: AttackResult) -> str:
    told = [
        (attack.stopped, "stopped by gates"),
        (attack.missing, "without an answer"),
        (attack.already, "had credit before"),
    ]
    aside = [f"{n} {what}" for n, what in told if n]
    if attack.gain is not None and attack.gain_at_most is not None:
        aside.append(f"moves P(credit) by {number(attack.gain, 3)}")
    return ", ".join(aside)
