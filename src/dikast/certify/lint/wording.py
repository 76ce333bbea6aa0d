"""The rules on one criterion: what it asks, and what it says of a pass and a fail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dikast.certify.certificate import CriterionCertificate
from dikast.certify.lint.arithmetic import arithmetic, open_ended
from dikast.certify.lint.checkable import checkable
from dikast.certify.lint.compound import compound, perhaps_compound
from dikast.certify.lint.finding import Finding, place, questions_of, quoted, texts_of
from dikast.certify.lint.unseen import Sight, sight_of, unseen
from dikast.certify.lint.words import words
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardFile

_CONDITION = re.compile(
    r"\b(?:if|when|where|whenever|wherever|unless|provided|in case|any|each|every|appl\w+|n/a|otherwise|asked|needed)\b",
    re.IGNORECASE,
)
_GRADE_WORDS = words(
    "very quite rather bad poor weak fair average ok okay medium middling good great strong excellent perfect best worst low "
    "high lowest highest mediocre acceptable adequate level score grade unacceptable outstanding terrible and or not"
)

_ANSWERS = {"pass": "yes", "fail": "no"}


def wording(file: RewardFile, measured: dict[str, CriterionCertificate]) -> Iterator[Finding]:
    """Reads each criterion by itself. `measured` is what a certificate of this very reward says of them."""
    sight = sight_of(file)
    for at, criterion in enumerate(file.judge.criteria):
        where = place(at, criterion)
        yield from _compound(criterion, where)
        yield from _unseen(criterion, where, sight)
        yield from _open_ended(criterion, where, file)
        yield from _meanings(criterion, where, measured.get(criterion.id))
        yield from _arithmetic(criterion, where)
        yield from _checkable(criterion, where, file)
        yield from _levels(criterion, where)
        yield from _always_answerable(criterion, where)


def preference_wording(file: RewardFile) -> Iterator[Finding]:
    """Reads what a preference judge goes by. It names several traits by its nature, and sees more than one candidate."""
    text = file.judge.prefer or ""
    if phrases := list(unseen(text, sight_of(file), compares=True)):
        yield _unseen_finding("judge.prefer", phrases)
    if phrase := arithmetic(text):
        yield _arithmetic_finding("judge.prefer", phrase)


def objective_wording(file: RewardFile) -> Iterator[Finding]:
    """The objective stands before every question, and must not ask for a grade beside them."""
    if phrase := arithmetic(file.objective):
        yield _arithmetic_finding("objective", phrase)


def _compound(criterion: Criterion, where: str) -> Iterator[Finding]:
    why = "A candidate that does one and not the other has no right answer, and judges differ on it."
    for question in questions_of(criterion):
        if halves := compound(question):
            yield Finding(
                level="error",
                rule="compound",
                where=where,
                problem=f"It asks two things at once: {quoted([question])}",
                why=why,
                better=f"Two criteria: {quoted(halves)}; code adds them up.",
            )
            return
    for question in questions_of(criterion):
        if joined := perhaps_compound(question):
            yield Finding(
                level="warning",
                rule="compound",
                where=where,
                problem=f"{quoted([joined])} often joins two questions: {quoted([question])}",
                why=why,
                better="One criterion for each, unless the two are one thing to every reader.",
            )
            return


def _unseen(criterion: Criterion, where: str, sight: Sight) -> Iterator[Finding]:
    if phrases := [phrase for text in texts_of(criterion) for phrase in unseen(text, sight)]:
        yield _unseen_finding(where, phrases)


def _unseen_finding(where: str, phrases: list[str]) -> Finding:
    return Finding(
        level="error",
        rule="self_contained",
        where=where,
        problem=f"It refers to what the judge does not see: {quoted(phrases)}",
        why="The judge sees the objective, the inputs shown to it, one candidate and this question. The rest it makes up.",
        better="Write out the rule that is meant, or show its text as an input and call it by the input's name: "
        "'Does the comment keep the first rule of the Playbook?'",
    )


def _open_ended(criterion: Criterion, where: str, file: RewardFile) -> Iterator[Finding]:
    found = next(filter(open_ended, questions_of(criterion)), None)
    # 'How many' and 'how long' are told of by the rules that say who answers them.
    if criterion.scale is None and found and not (arithmetic(found) or checkable(found, file)):
        yield Finding(
            level="error",
            rule="open_question",
            where=where,
            problem=f"It cannot be answered with yes or no: {quoted([found])}",
            why="The judge answers Yes or No whatever is asked, and nobody knows what its yes then means.",
            better="'Does the answer name the date by which the goods must be returned?', or a 'scale' with 'levels'.",
        )


def _meanings(criterion: Criterion, where: str, measured: CriterionCertificate | None) -> Iterator[Finding]:
    lacking = [name for name, text in (("pass", criterion.pass_), ("fail", criterion.fail)) if not (text or "").strip()]
    if criterion.scale is not None or not lacking:
        return
    held = measured is not None and measured.factor > 0
    missing = " and ".join(f"'{name}'" for name in lacking)
    yield Finding(
        level="warning" if held else "error",
        rule="pass_fail",
        where=where,
        problem=f"It does not say when the answer is {' or '.join(_ANSWERS[name] for name in lacking)}: no {missing}"
        + ("; its certificate measured it to hold without" if held else ""),
        why="Where the line is not drawn, every judge and every annotator draws another one.",
        better="pass: The comment names the rule that the excerpt breaks. "
        "fail: It names no rule, or one that the excerpt keeps.",
    )


def _arithmetic(criterion: Criterion, where: str) -> Iterator[Finding]:
    scaled = criterion.scale is not None
    found = (phrase for text in texts_of(criterion) if (phrase := arithmetic(text, scaled=scaled)))
    if phrase := next(found, None):
        yield _arithmetic_finding(where, phrase)


def _arithmetic_finding(where: str, phrase: str) -> Finding:
    return Finding(
        level="error",
        rule="arithmetic",
        where=where,
        problem=f"It asks the judge to count, to add up or to grade: {quoted([phrase])}",
        why="Models count and add badly, and a grade without a text for each level drifts. Code does the sums.",
        better="One yes/no criterion for each thing that counts, weighted in the file; for a degree 'scale: [1, 3]' "
        "with a text for each level.",
    )


def _checkable(criterion: Criterion, where: str, file: RewardFile) -> Iterator[Finding]:
    if found := next((found for question in questions_of(criterion) if (found := checkable(question, file))), None):
        check, written = found
        yield Finding(
            level="error",
            rule="checkable",
            where=where,
            problem=f"The check '{check}' answers this: {quoted([criterion.ask])}",
            why="Code answers it for nothing and always alike, and no candidate can talk it round.",
            better=f"In 'checks': {written}",
        )


def _levels(criterion: Criterion, where: str) -> Iterator[Finding]:
    """Levels without any text the reward's reader refuses already."""
    hollow = [str(level) for level, text in criterion.levels.items() if text.strip() and _only_grades(text)]
    texts = [" ".join(text.lower().split()) for text in criterion.levels.values() if text.strip()]
    if hollow or len(set(texts)) < len(texts):
        which = f"level {', '.join(hollow)} has a grade for a text" if hollow else "two levels have the same text"
        yield Finding(
            level="error",
            rule="scale_levels",
            where=where,
            problem=f"Its levels do not say what they look like: {which}",
            why="'Good' is another level for every judge; what can be seen in the candidate is not.",
            better="levels: {1: The action names no step., 2: It names a step but not who takes it., "
            "3: It names the step and who takes it.}",
        )


def _only_grades(text: str) -> bool:
    return all(word in _GRADE_WORDS or word.isdigit() for word in re.findall(r"\w+", text.lower()))


def _always_answerable(criterion: Criterion, where: str) -> Iterator[Finding]:
    if criterion.na and not any(_CONDITION.search(text) for text in texts_of(criterion)):
        yield Finding(
            level="warning",
            rule="needless_na",
            where=where,
            problem="It may be answered n/a, and nothing in it says when it does not apply",
            why="N/a leaves the mean, so a judge that is in doubt, or was talked into it, spares the candidate the question.",
            better="Remove 'na: true', or name the condition: 'If the excerpt sets a deadline, does the comment name it?'",
        )
