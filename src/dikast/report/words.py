"""Figures in words: how metrics are called, and how numbers and intervals are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_WITH_BOUNDS = re.compile(r"(?:by )?[^\s(]+ \[[^\]]{0,40}\]")


class Label(NamedTuple):
    """A metric's name for people, and what it is."""

    name: str
    meaning: str


_LABELS: Mapping[str, Label] = {
    "reward": Label("reward", "greedy answers; a gated answer counts as the lowest reward"),
    "reward_sampled": Label("reward, sampled", "mean over a document's samples at the training temperature"),
    "gold": Label("gold", "greedy answers; a measure that the reward does not see"),
    "gold_sampled": Label("gold, sampled", "mean over a document's samples"),
    "judge_score": Label("judge score 1–5", "1 + 4 P(yes) to one question asked with the known answer; greedy"),
    "judge_score_best_of_k": Label("judge score 1–5, best of k", "the judge score of the sample that the reward picks"),
    "best_of_k": Label("best of k, reward", "expected reward of the best of k samples"),
    "best_of_k_gold": Label("best of k, gold", "gold of the sample that the reward picks"),
    "json_validity": Label("JSON validity", "share of greedy answers that are JSON of the right form"),
    "gated": Label("gated", "share of judged greedy answers that a gate stopped"),
    "missing": Label("missing", "share of judged greedy answers without a score"),
    "words": Label("words", "of an answer"),
    "items": Label("items", "of an answer that is a list"),
    "odd_characters": Label("odd characters", "in 10,000: control, invisible and broken ones"),
    "repetition": Label("repetition", "share of word 4-grams that stood before in the answer"),
}

ARMS: Mapping[str, str] = {
    "base": "the policy before any training",
    "sft_start": "after the supervised warm start, where RL begins",
    "sft_long": "supervised training for as long as warm start and RL took, at its best validation step",
    "rft": "after reinforcement learning against the reward",
}


def label(metric: str) -> Label:
    """Gives a metric's name and meaning; parts of the reward carry their own names."""
    if metric.startswith("part/"):
        return Label(f"· {metric.removeprefix('part/')}", "part of the reward")
    return _LABELS.get(metric, Label(metric, ""))


def number(value: float, digits: int = 2) -> str:
    """Writes a number with a real minus sign, and no minus before zero."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """Writes a value with its bounds; so many digits that a bound beside zero does not look like zero."""
    if value is None:
        return "—"
    digits = digits_for(value, low, high)
    if low is None or high is None:
        return number(value, digits)
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def digits_for(*values: float | None) -> int:
    """Gives the fewest digits, from two to four, that keep what is not zero from being written as zero; one from 10 on."""
    known = [abs(value) for value in values if value]
    if known and max(known) >= 10:
        return 1
    return next((digits for digits in (2, 3) if all(value >= 0.5 / 10**digits for value in known)), 4)


def p_value(p: float | None) -> str:
    """Writes a p-value."""
    if p is None:
        return "—"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def seconds(value: float) -> str:
    """Writes a duration for people."""
    if value < 120:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    return f"{value / 60:.1f} min"


def unbroken(sentence: str) -> str:
    """Keeps a value and its bounds on one line."""
    return _WITH_BOUNDS.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), sentence)


def visible(text: str) -> str:
    """Shows what cannot be seen: control and format characters of hostile text stand as U+FFFD."""
    return "".join(
        c if c.isprintable() or c in "\n\t\N{NO-BREAK SPACE}" else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )
