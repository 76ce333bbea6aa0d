"""What the server did, in the text format that Prometheus reads.

A label's values come from the program or the user's files, never from a request, so that nobody outside can grow
the memory.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from dikast.judges.budget import Budget
from dikast.records import Score, Usage
from dikast.serve.backlog import Backlog

CONTENT_TYPE = "text/plain; version=0.0.4"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

Labels = tuple[str, ...]


class _Times:
    """How long answers took: so many in each bucket."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Metrics:
    """Counts what happens."""

    def __init__(self) -> None:
        self._requests: Counter[Labels] = Counter()
        self._rollouts: Counter[Labels] = Counter()
        self._missing: Counter[Labels] = Counter()
        self._questions: Counter[Labels] = Counter()
        self._tokens: Counter[Labels] = Counter()
        self._times: dict[str, _Times] = {}

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """Counts an answer, and how long it took where that is of interest."""
        self._requests[route, str(status)] += 1
        if seconds is not None:
            self._times.setdefault(route, _Times()).add(seconds)

    def scored(self, reward: str, scores: Sequence[Score]) -> None:
        """Counts what became of rollouts."""
        usage = Usage()
        for score in scores:
            self._rollouts[reward, score.status] += 1
            if score.missing:
                self._missing[reward, score.missing] += 1
            usage += score.usage
        self._questions[reward, "asked"] += usage.asked
        self._questions[reward, "known"] += usage.questions - usage.asked
        self._tokens[reward, "prompt"] += usage.prompt_tokens
        self._tokens[reward, "cached"] += usage.cached_tokens
        self._tokens[reward, "completion"] += usage.completion_tokens

    def text(self, backlog: Backlog, budget: Budget, rewards: Mapping[str, str]) -> str:
        """Writes everything; `rewards` is name → hash. To be called on the server's event loop."""
        return "\n".join([*self._counters(), *self._histogram(), *_gauges(backlog, budget, rewards), ""])

    def _counters(self) -> Iterator[str]:
        yield from _family("requests", "counter", "Answers.", ("route", "status"), self._requests)
        yield from _family("rollouts", "counter", "Rollouts.", ("reward", "status"), self._rollouts)
        yield from _family("missing", "counter", "Rollouts without a score.", ("reward", "reason"), self._missing)
        told = "Questions: asked of a model, or known from the journal or an equal one."
        yield from _family("questions", "counter", told, ("reward", "from"), self._questions)
        told = "Tokens of the questions that were asked; cached ones are among the prompt's."
        yield from _family("tokens", "counter", told, ("reward", "kind"), self._tokens)

    def _histogram(self) -> Iterator[str]:
        yield from _head("request_seconds", "histogram", "Time from a request's first line to its answer.")
        for route, times in self._times.items():
            below = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), times.counts, strict=True):
                below += count
                yield _line("request_seconds_bucket", {"route": route, "le": bound}, below)
            yield _line("request_seconds_sum", {"route": route}, times.total)
            yield _line("request_seconds_count", {"route": route}, below)


def _gauges(backlog: Backlog, budget: Budget, rewards: Mapping[str, str]) -> Iterator[str]:
    now = {
        "requests_under_way": ("Requests that are being answered.", backlog.requests),
        "rollouts_under_way": ("Rollouts that are being judged.", backlog.rollouts),
        "questions_under_way": ("Questions that a model has not answered yet.", budget.under_way),
        "tasks": ("Tasks of the server's event loop.", len(asyncio.all_tasks())),
    }
    for name, (told, value) in now.items():
        yield from _head(name, "gauge", told)
        yield _line(name, {}, value)
    if budget.prices:
        yield from _head("usd_total", "counter", "What the judge has cost, by the known prices.")
        yield _line("usd_total", {}, budget.usd)
    yield from _head("reward_info", "gauge", "The rewards that are served.")
    for name, digest in rewards.items():
        yield _line("reward_info", {"reward": name, "hash": digest}, 1)


def _family(name: str, kind: str, told: str, labels: Sequence[str], values: Mapping[Labels, int]) -> Iterator[str]:
    yield from _head(f"{name}_total", kind, told)
    for of, value in values.items():
        yield _line(f"{name}_total", dict(zip(labels, of, strict=True)), value)


def _head(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP dikast_{name} {told}"
    yield f"# TYPE dikast_{name} {kind}"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    written = ",".join(f'{key}="{_escaped(of)}"' for key, of in labels.items())
    return f"dikast_{name}{{{written}}} {value}" if written else f"dikast_{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
