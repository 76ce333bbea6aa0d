"""report.json: what an evaluation found, with stable keys. More may be added, none is renamed."""

from __future__ import annotations

import msgspec

from dikast.evaluate.records import Contrast, Figure, Judge
from dikast.stats.correction import Corrected


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """Why some metrics are worth less than they look."""

    metrics: tuple[str, ...]
    flag: str
    why: str


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an arm's answers that were put to the reward, greedy and sampled ones together."""

    answers: int
    scored: int
    gated: int
    missing: dict[str, int]
    """By reason."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What the reinforcement learning took, from the log of its steps. Sums are over the logged steps of all seeds."""

    steps: int
    seconds: dict[str, float]
    """Mean seconds of a step: step, generation, reward, update."""
    rollouts: int
    rollouts_distinct: int
    questions: int
    questions_asked: int
    questions_per_second: float | None
    """Questions asked over the seconds spent in the reward; None where none was asked."""
    prompt_tokens: int
    cached_tokens: int
    stages: dict[str, float]
    """Wall seconds of whole stages, where the run noted them; the mean over seeds."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole."""

    arms: dict[str, dict[str, Figure]]
    contrasts: tuple[Contrast, ...]
    verdict: tuple[str, ...]
    reward: str
    reward_hash: str
    certificate_hash: str | None
    """None where what was trained trained without a certificate."""
    judge: Judge
    panel: dict[str, float]
    """criterion → how many independent votes the panel's are worth at least; empty where one model judges."""
    policy: str | None
    policy_sha256: str | None
    range: tuple[float, float]
    best_of: int
    ask: str
    """The question of the 1–5 score."""
    seeds: tuple[int, ...]
    documents: int
    coverage: dict[str, Coverage]
    left_out: dict[str, int]
    gold_errors: tuple[str, ...]
    flags: tuple[Flag, ...]
    banner: str | None
    cost: Cost | None
    date: str
    made_with: dict[str, str]
    corrected: dict[str, dict[str, Corrected]] = {}
    """arm → criterion → the judge's pass rate and what people would pass; empty where nobody labelled answers."""
