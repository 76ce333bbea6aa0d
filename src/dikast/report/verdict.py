"""The verdict: what the contrasts show and what they do not, in plain words.

A claim stands where the whole interval lies on one side of zero. Where it includes zero, that is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dikast.evaluate.records import Contrast, Figure
from dikast.evaluate.summary import LEAST_DOCUMENTS, pairs_of, side_of
from dikast.report.words import interval, number

CLAIMED = {
    "gold": "gold",
    "gold_sampled": "gold of sampled answers",
    "reward": "reward",
    "reward_sampled": "reward of sampled answers",
    "judge_score": "judge score",
}
"""Metrics that a claim may be about, with their names in a sentence."""

GOLD = ("gold", "gold_sampled")
PAIRS_TOLD = 2


def verdict_of(arms: Mapping[str, Mapping[str, Figure]], contrasts: Sequence[Contrast]) -> tuple[str, ...]:
    """Gives the verdict's sentences, the conclusion first."""
    pairs = pairs_of(list(arms))[:PAIRS_TOLD]
    told = [(a, b, _of_pair(a, b, contrasts)) for a, b in pairs]
    concluded: dict[tuple[str, str], list[str]] = {}
    for a, b, found in told:
        if found:
            concluded.setdefault((a, _conclusion(found)), []).append(b)
    sentences = [text.format(a=a, b=" and ".join(others)) for (a, text), others in concluded.items()]
    for a, b, found in told:
        sentences += _about_pair(a, b, found)
    if arms:
        sentences += _about_form(pairs[0][0] if pairs else list(arms)[-1], arms)
    return tuple(sentences)


def _of_pair(a: str, b: str, contrasts: Sequence[Contrast]) -> list[Contrast]:
    """The contrasts of a pair that a claim may be about, gold first."""
    return [c for metric in CLAIMED for c in contrasts if (c.a, c.b, c.metric) == (a, b, metric)]


def _conclusion(contrasts: Sequence[Contrast]) -> str:
    """Gives what a pair's contrasts come to, with {a} and {b} for the arms."""
    sides = {side_of(c) for c in contrasts if c.metric in GOLD}
    if not sides:
        return "There is no gold measure here: the figures tell how {a} pleases its judge, not whether it is better than {b}."
    if sides == {1}:
        return "{a} is better than {b} in gold, which the reward does not see."
    if -1 in sides:
        return "{a} is worse than {b} in gold, whatever the reward says."
    if 1 in sides:
        return "{a} is better than {b} in a part of the gold measures only."
    if any(side_of(c) > 0 for c in contrasts):
        return "What the judge scores rose and gold did not: that {a} is better than {b} is not shown."
    return "No improvement of {a} over {b} is shown."


def _about_pair(a: str, b: str, contrasts: Sequence[Contrast]) -> list[str]:
    by_side = {side: [c for c in contrasts if side_of(c) == side] for side in (1, -1, 0)}
    sentences: list[str] = []
    if by_side[1]:
        sentences.append(f"{a} beats {b} in {_listed(by_side[1], 'by ')}.")
    if by_side[-1]:
        sentences.append(f"{a} falls behind {b} in {_listed(by_side[-1], '')}.")
    few = [c for c in by_side[0] if c.n < LEAST_DOCUMENTS]
    if open_ := [c for c in by_side[0] if c not in few]:
        sentences.append(f"Against {b} the interval includes zero in {_listed(open_, '')}: no claim.")
    if few:
        sentences.append(f"Against {b} under {LEAST_DOCUMENTS} documents tell of {_listed(few, '')}: no claim.")
    return sentences


def _about_form(arm: str, arms: Mapping[str, Mapping[str, Figure]]) -> list[str]:
    sentences: list[str] = []
    valid = arms[arm].get("json_validity")
    if valid and valid.value is not None and valid.exact_low is not None:
        sentences.append(
            f"{arm} gives valid JSON in {number(100 * valid.value, 1)} % of {valid.n} documents "
            f"(at least {number(100 * valid.exact_low, 1)} %, one-sided 95 % bound)."
        )
    odd, base = arms[arm].get("odd_characters"), arms.get("base", {}).get("odd_characters")
    if arm != "base" and odd and base and odd.value is not None and base.value is not None:
        sentences.append(
            f"It writes {number(odd.value)} odd characters in 10,000; the base model writes {number(base.value)}."
        )
    return sentences


def _listed(contrasts: Sequence[Contrast], by: str) -> str:
    told = [
        f"{CLAIMED[c.metric]} {by}{interval(c.value, c.low, c.high)}"
        if by
        else f"{CLAIMED[c.metric]} ({interval(c.value, c.low, c.high)})"
        for c in contrasts
    ]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
