"""What an evaluation holds: values for each document, the scored answers behind them, figures and contrasts."""

from __future__ import annotations

import msgspec

from dikast.records import Score
from dikast.stats.intervals import Interval


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric says of one arm's answer, or answers, to one document."""

    seed: int
    """The training seed: what was trained with another one is another model."""
    arm: str
    metric: str
    document: str
    value: float | None
    """None where it could not be had."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A held-out prompt whose answers the judge scored."""

    document: str
    """The group of the rollouts that answer it."""
    id: str
    inputs: dict[str, str]
    """Shown name → text, as the judge saw it."""
    known: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that the judge scored."""

    seed: int
    arm: str
    document: str
    sample: int | None
    """Its number among the document's samples; None for the greedy answer."""
    completion: str
    score: Score
    gold: float | None = None
    judge_score: float | None = None
    """On the 1–5 scale; only greedy answers and those picked as the best of k are asked."""
    picked: bool = False
    """The first of the best among the document's first k samples, by the reward."""


class Figure(Interval, frozen=True, kw_only=True, omit_defaults=True):
    """A metric of one arm: its mean over documents with the bounds."""

    missing: int = 0
    """Documents without a value. They are in no mean."""
    exact_low: float | None = None
    """Of a share that a claim may rest on: the exact one-sided 95 % lower bound."""


class Contrast(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far arm a is above arm b in a metric, over the documents that both have values for."""

    a: str
    b: str
    metric: str
    value: float
    low: float | None
    high: float | None
    p: float | None
    n: int
    by_seed: dict[str, float] = {}
    """The difference for each training seed, where there are several."""


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """The model that judged."""

    name: str
    fingerprint: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """How an evaluation was made. Evaluations are pooled only where reward, certificate and judge are the same."""

    reward: str
    reward_hash: str
    certificate_hash: str | None
    judge: Judge
    range: tuple[float, float]
    items: str | None
    """Where the output is a set: the key of its items."""
    best_of: int
    ask: str
    """The question of the 1–5 score."""
    seeds: tuple[int, ...]
    documents: int
    left_out: dict[str, int] = {}
    """Documents of an arm that another arm did not answer. They are in no figure."""
    gold_errors: tuple[str, ...] = ()
    """Why the gold measure could not be had, where it could not."""
    date: str
    made_with: dict[str, str]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole: of one run, or pooled over the seeds of several."""

    about: About
    values: tuple[Value, ...]
    answers: tuple[Answer, ...]
    documents: tuple[Document, ...]
    arms: dict[str, dict[str, Figure]]
    contrasts: tuple[Contrast, ...]
