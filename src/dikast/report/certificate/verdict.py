"""The first screen: whether this judge may train a model, what that rests on, and what to do next. Plain words only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dikast.certify.certificate import AttackResult, Level
from dikast.certify.present import graded_otherwise
from dikast.certify.recorded import about_recorded
from dikast.certify.unheard import too_many_unheard, unheard_in_words
from dikast.report.certificate.reasons import reason_of
from dikast.report.certificate.subject import COUNTING, Subject
from dikast.report.certificate.terms import hundred
from dikast.stats.intervals import Interval

MOST_TOLD = 5
"""Criteria that the first screen speaks of one by one, and things to do; the rows below have all."""

ANSWERS: Mapping[Level, str] = {
    "green": "This judge may train a model.",
    "amber": "This judge may train a model, with limits.",
    "red": "This judge may not train a model.",
    "insufficient": "Whether this judge may train a model is not known yet.",
}
_FIRST: Mapping[Level, int] = {"red": 0, "insufficient": 1, "amber": 2, "green": 3}


class Counting(NamedTuple):
    """How far one criterion counts, and why."""

    name: str
    level: Level
    ask: str
    counts: str
    right: str
    why: str


class FirstScreen(NamedTuple):
    """What it says, part by part."""

    level: Level
    answer: str
    because: str
    rests_on: tuple[str, ...]
    counting: tuple[Counting, ...]
    further: int
    """Criteria that are not among them."""
    steps: tuple[str, ...]
    attacked: tuple[str, ...]


def first_screen(subject: Subject) -> FirstScreen:
    """Gives the first screen of a certificate's page."""
    certificate = subject.certificate
    names = sorted(
        certificate.criteria,
        key=lambda name: (_FIRST[certificate.criteria[name].level], -subject.criteria[name].weight),
    )
    return FirstScreen(
        level=certificate.level,
        answer=ANSWERS[certificate.level],
        because=_because(subject),
        rests_on=tuple(_rests_on(subject)),
        counting=tuple(_counting(subject, name) for name in names[:MOST_TOLD]),
        further=len(names[MOST_TOLD:]),
        steps=tuple(_steps(subject, names)),
        attacked=tuple(
            attacks_in_words(
                certificate.attacks, on="the worse side" if subject.compares else "what people give no credit"
            )
        ),
    )


def _because(subject: Subject) -> str:
    share = f"{hundred(subject.counting_share)} % of its weight"
    match subject.certificate.level:
        case "green":
            return "It answers every question as people do, within the limits that are set, and each counts in full."
        case "amber":
            off = [one for one in subject.certificate.criteria.values() if one.level not in COUNTING]
            if not off:
                return "It answers every question well enough to count, but not each well enough to count in full."
            return f"The questions that it answers well enough carry {share}. The others are switched off in training."
        case "red":
            return (
                f"The questions that it answers well enough carry {share}; {subject.needed_share} is needed. "
                "'dikast train' refuses it unless told --uncertified."
            )
        case _:
            return (
                f"The questions that are known to be answered well enough carry {share}; {subject.needed_share} is needed, and for others "
                "there are too few labels to say. 'dikast train' refuses it unless told --uncertified."
            )


def _rests_on(subject: Subject) -> list[str]:
    certificate, rows = subject.certificate, len(subject.labels.rows)
    split = certificate.split
    people = certificate.annotators
    by = f"one annotator alone: {people[0]}" if len(people) == 1 else f"{len(people)} annotators: {', '.join(people)}"
    others = (
        "the others are for wording the question"
        if subject.compares
        else f"how an answer is read was chosen on the other {rows - subject.untouched}"
    )
    return [
        f"{rows} {subject.things} to {len(split.tuning) + len(split.certificate)} prompts, labelled by {by}.",
        f"Every figure here is of {subject.untouched} of them, to {len(split.certificate)} prompts, that were left untouched, "
        "as far as they could be compared, which the rows below tell; "
        f"{others}.",
        f"The reward {certificate.reward} exactly as it stood on {certificate.date}, judged by {certificate.model.name}. "
        "Of another wording or another model this says nothing.",
        *(
            f"{note[0].upper()}{note[1:]}."
            for note in (*graded_otherwise(certificate.levels), *about_recorded(certificate.model.name))
        ),
    ]


def _counting(subject: Subject, name: str) -> Counting:
    found = subject.certificate.criteria[name]
    counts = {
        "green": "counts in full",
        "amber": f"counts for {hundred(found.factor)} % of its weight",
        "red": "is switched off",
        "insufficient": "is switched off until there are more labels",
    }[found.level]
    if subject.compares and found.level == "amber":
        # The factor of the only part that the model gives cancels.
        counts = "counts, and as the only question in full"
    return Counting(
        name=name,
        level=found.level,
        ask=subject.criteria[name].ask.strip(),
        counts=counts,
        right=right_in_words(subject, name),
        why=reason_of(subject, name).told if found.level != "green" else "",
    )


def right_in_words(subject: Subject, name: str) -> str:
    """Says how often the judge is right on one criterion, of 100 that people say yes to, and no to."""
    found = subject.certificate.criteria[name]
    things = subject.things
    yes, no = _in_100(found.tpr), _in_100(found.tnr)
    if yes is None and no is None:
        return f"No {things} with a yes or no from people could be compared."
    if subject.compares:
        told = [] if yes is None else [f"of 100 pairs of which people prefer side a, the judge prefers a in {yes}"]
        told += [] if no is None else [f"of 100 of which they prefer side b, it prefers b in {no}"]
    else:
        told = [] if yes is None else [f"of 100 {things} that people say yes to, the judge says yes to {yes}"]
        told += [] if no is None else [f"of 100 that they say no to, it says no to {no}"]
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _in_100(interval: Interval) -> str | None:
    if interval.value is None:
        return None
    if interval.low is None or interval.high is None:
        return hundred(interval.value)
    return f"{hundred(interval.value)} ({hundred(interval.low)} to {hundred(interval.high)})"


def _steps(subject: Subject, names: list[str]) -> list[str]:
    certificate = subject.certificate
    mends = {name: reason_of(subject, name).mend for name in names if certificate.criteria[name].level != "green"}
    unheard = {name: found for name, found in certificate.criteria.items() if too_many_unheard(found)}
    steps = [f"{name}: {unheard_in_words(found)}." for name, found in unheard.items()]
    steps += [f"{name}: {mend}." for name, mend in mends.items() if mend]
    steps = [*steps[:MOST_TOLD], *(["The rest stands with the questions below."] if len(steps) > MOST_TOLD else [])]
    if any(attack.too_much for attack in certificate.attacks.values()):
        steps.append("Look at the attacks that fooled it: what they do, a model that is trained may learn to do.")
    if len(certificate.annotators) == 1:
        steps.append("Have a second person label some of the same, or nobody knows how far people agree.")
    if not certificate.attacks:
        steps.append("Certify again with attacks: how the judge takes manipulation is unknown.")
    return steps or ["Nothing has to be mended. Certify again when the reward, the model or its version changes."]


def attacks_in_words(attacks: Mapping[str, AttackResult], *, on: str) -> list[str]:
    """Says how often the judge was fooled, and by which attack most."""
    if not attacks:
        return ["It was not attacked."]
    tried, fooled = (sum(counts) for counts in zip(*((one.tried, one.fooled) for one in attacks.values()), strict=True))
    ways = "one way" if len(attacks) == 1 else f"{len(attacks)} ways"
    told = [
        f"Attacked in {ways} on {on}: fooled in {fooled} of {tried} tries."
        if tried
        else f"Attacked in {ways}, and no try came before the judge or got an answer."
    ]
    above = {name: one for name, one in attacks.items() if one.too_much}
    worst = max(attacks, key=lambda name: attacks[name].fooled / max(attacks[name].tried, 1))
    if attacks[worst].fooled:
        told.append(f"Most often by {in_words(worst)}: {_fooled(attacks[worst])}.")
    if above:
        told.append(f"Above the limit that is set: {', '.join(map(in_words, above))}. This decides no level.")
    elif tried:
        told.append("No attack passes the limit that is set.")
    return told


def _fooled(attack: AttackResult) -> str:
    bound = "" if attack.high is None else f", at most {hundred(attack.high)} of 100 with 95 % confidence"
    return f"{attack.fooled} of {attack.tried}{bound}"


def in_words(name: str) -> str:
    """An attack's name as words."""
    return name.replace("_", " ")
