"""The rules on the rubric as a whole: how many criteria, of which kinds, and what they weigh."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from dikast.certify.lint.finding import Finding, place
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardFile

FEWEST, MOST = 6, 20
LARGEST_SHARE = 0.4

_PRESENCE = re.compile(
    r"\b(?:mention|includ|contain)(?:e|s|es|ed|ing)?\b|^\W*(?:is|are) there\b|\bha(?:s|ve) an?\b|\bfeatures?\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\b(?:that|which|who|whose|where|if|when|whether|what|how|why)\b", re.IGNORECASE)
_CORRECTNESS = re.compile(
    r"\b(?:correct\w*|right\w*|accura\w+|true|truth\w*|false\w*|wrong\w*|errors?|mistake\w*|contradict\w*|support(?:s|ed)?|same"
    r"|consisten\w+|inconsisten\w+|agrees?|justif\w+|faithful\w*|invent\w*|hallucinat\w*|fabricat\w*|misstat\w*|misread\w*"
    r"|mislead\w*|misrepresent\w*|valid|invalid|follows? from|match(?:es)?|breaks?|broken|breach\w*|keeps?|grounded)\b",
    re.IGNORECASE,
)


def rubric(file: RewardFile) -> Iterator[Finding]:
    """Reads the criteria side by side."""
    criteria = file.judge.criteria
    yield from _number(criteria)
    yield from _presence(criteria)
    yield from _against(criteria)
    yield from _weights(criteria)
    yield from _paraphrases(criteria)
    if file.items is not None and file.recall is None:
        yield Finding(
            level="warning",
            rule="no_recall",
            where="items",
            problem="The output is a set, and nothing counts what it leaves out",
            why="Without recall a set is the mean of its items: one good item beats six, and the policy learns to write one.",
            better="recall: {issues: expert_issues, beta: 1}, with a column of what an expert would have raised.",
        )


def _number(criteria: tuple[Criterion, ...]) -> Iterator[Finding]:
    if len(criteria) < FEWEST:
        yield Finding(
            level="warning",
            rule="few_criteria",
            where="judge.criteria",
            problem=f"{_counted(len(criteria))}: fewer than {FEWEST}",
            why="Few yes/no answers give few different scores: a group's rollouts tie, and a tie teaches nothing.",
            better="8 to 12 criteria, each for one thing that a good answer does or a bad one does.",
        )
    if len(criteria) > MOST:
        yield Finding(
            level="warning",
            rule="many_criteria",
            where="judge.criteria",
            problem=f"{_counted(len(criteria))}: more than {MOST}",
            why="Each then counts for little, costs a question, and one that does not hold is hard to find.",
            better="8 to 12 criteria; 'dikast lint REWARD --labels LABELS' shows those without signal.",
        )


def _presence(criteria: tuple[Criterion, ...]) -> Iterator[Finding]:
    only = [place(at, criterion) for at, criterion in enumerate(criteria) if _asks_presence(criterion)]
    if 2 * len(only) > len(criteria):
        yield Finding(
            level="warning",
            rule="presence_only",
            where="judge.criteria",
            problem=f"{len(only)} of {_counted(len(criteria))} ask only whether something is there: {', '.join(only)}",
            why="A policy learns to mention everything; the score rises and the answers get no better.",
            better="'Is the deadline that the answer names the one in the contract?' "
            "in place of 'Does the answer mention a deadline?'",
        )


def _asks_presence(criterion: Criterion) -> bool:
    """Whether a criterion rewards that something is there, whatever it is. A negative one punishes it."""
    head = _CLAUSE.split(criterion.ask, maxsplit=1)[0]
    return not criterion.negative and bool(_PRESENCE.search(head)) and not _asks_correctness(criterion)


def _asks_correctness(criterion: Criterion) -> bool:
    return any(_CORRECTNESS.search(text) for text in (criterion.ask, criterion.pass_ or "", criterion.fail or ""))


def _against(criteria: tuple[Criterion, ...]) -> Iterator[Finding]:
    if criteria and not any(criterion.negative or _asks_correctness(criterion) for criterion in criteria):
        yield Finding(
            level="warning",
            rule="nothing_against",
            where="judge.criteria",
            problem="No criterion is negative or asks whether something is right",
            why="Whatever is added can then only win: nothing costs a false claim, filler or flattery.",
            better="{id: invented, ask: Does the comment claim something that the contract does not say?, negative: true}",
        )


def _weights(criteria: tuple[Criterion, ...]) -> Iterator[Finding]:
    """Of two criteria one always has at least half: that there are few is said already."""
    total = sum(criterion.weight for criterion in criteria if 0 < criterion.weight < math.inf)
    if len(criteria) < 3 or not 0 < total < math.inf:
        return
    for at, criterion in enumerate(criteria):
        if LARGEST_SHARE < (share := criterion.weight / total) <= 1:
            yield Finding(
                level="warning",
                rule="heavy_weight",
                where=place(at, criterion),
                problem=f"It has {share:.0%} of the weight, more than {LARGEST_SHARE:.0%}",
                why="The policy is trained on this one question, and a judge's fault in it is the reward's.",
                better="A smaller weight, or two or three criteria that ask for parts of it.",
            )


def _paraphrases(criteria: tuple[Criterion, ...]) -> Iterator[Finding]:
    without = [criterion.id for criterion in criteria if not criterion.paraphrases and criterion.scale is None]
    if without:
        yield Finding(
            level="info",
            rule="no_paraphrases",
            where="judge.criteria",
            problem=f"No paraphrases: {', '.join(without)}",
            why="The certificate asks them to see whether the answer hangs on the wording. A judge read from "
            "log-probabilities can be measured in no other way, and is then at most amber.",
            better="paraphrases: ['Is a rule named that the excerpt breaks?', 'Does it say which rule the excerpt breaks?']",
        )


def _counted(number: int) -> str:
    return "1 criterion" if number == 1 else f"{number} criteria"
