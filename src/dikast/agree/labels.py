"""What the labels of a criterion are: yes and no, numbers, or texts. The one place that takes a text for something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from dikast.agree.columns import Name, RawLabel
from dikast.stats.ratings import NULL, Ints, Label, Scale

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_NO_NUMBERS = frozenset({"nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
_NULLS = frozenset({"", "null"})
LARGEST = 1e15
"""Beyond it squares lose what a rating could mean, and no scale goes there."""

Kind = Literal["yes or no", "numbers", "texts"]


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What one label of the file is: exactly one of the three, or none for a verdict that could not be had."""

    truth: bool | None = None
    number: float | None = None
    text: str | None = None


def meaning(raw: Name | RawLabel) -> Meaning:
    """Reads a label. Raises `ValueError`, with what is wrong, where it can be none."""
    if isinstance(raw, str):
        text = raw.strip()
        folded = text.lower()
        if folded in _NULLS:
            return Meaning()
        if folded in ("true", "false"):
            return Meaning(truth=folded == "true")
        if folded in _NO_NUMBERS:
            raise ValueError(
                f"the label {text} is no number; write null, or leave the cell empty, for a verdict that is not there"
            )
        if not _NUMBER.fullmatch(text):
            return Meaning(text=text)
        raw = float(text)
    if raw is None:
        return Meaning()
    if not abs(raw) <= LARGEST:
        raise ValueError(f"the label {raw:g} is too large; labels lie within ±{LARGEST:g}")
    return Meaning(number=raw + 0.0)


def scale_of(meanings: Sequence[Meaning], *, nominal: bool = False) -> tuple[Kind, Scale, Ints]:
    """The scale that a criterion's labels make up, and each label's code on it.

    All true or false: yes and no, which are worth 1 and 0. All numbers: numbers; true and false may stand among
    numbers in 0..1, as a person's answers beside a judge's probabilities. Anything else: texts. With `nominal` numbers are
    texts too: names of classes that happen to be digits.
    """
    numbers = [one.number for one in meanings if one.number is not None]
    truths = any(one.truth is not None for one in meanings)
    unlike = truths and any(not 0 <= x <= 1 for x in numbers)
    if unlike or any(one.text is not None for one in meanings) or (nominal and numbers):
        return "texts", *_texts(meanings)
    if truths and not numbers:
        codes = [NULL if one.truth is None else int(one.truth) for one in meanings]
        return "yes or no", Scale(labels=(False, True), values=np.array([0.0, 1.0])), np.array(codes, dtype=np.int64)
    return "numbers", *_numbers(meanings)


def _numbers(meanings: Sequence[Meaning]) -> tuple[Scale, Ints]:
    given = [one.number if one.truth is None else float(one.truth) for one in meanings]
    values = np.array([np.nan if x is None else x for x in given], dtype=np.float64)
    distinct = np.unique(values[~np.isnan(values)])
    codes = np.searchsorted(distinct, values).astype(np.int64)
    labels: tuple[Label, ...] = tuple(distinct.tolist())
    return Scale(labels=labels, values=distinct), np.where(np.isnan(values), NULL, codes)


def _texts(meanings: Sequence[Meaning]) -> tuple[Scale, Ints]:
    names = [in_words(one) for one in meanings]
    labels = sorted({name for name in names if name is not None})
    at = {name: code for code, name in enumerate(labels)}
    codes = [NULL if name is None else at[name] for name in names]
    return Scale(labels=tuple(labels), values=None), np.array(codes, dtype=np.int64)


def in_words(one: Meaning) -> str | None:
    """A label as text; 1 and 1.0 are the same."""
    if one.truth is not None:
        return str(one.truth).lower()
    return f"{one.number:.15g}" if one.number is not None else one.text
