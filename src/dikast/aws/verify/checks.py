"""The checks: each sends events to a target, and says what it found in one line.

What the vendor's own verifier lets pass is what they look for. `verify` runs them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from dikast.aws.payload import LIMIT, samples_that_fit, weight_of
from dikast.aws.verify.answers import Problem, number, problems_of, scores_in
from dikast.aws.verify.emulator import Reply
from dikast.aws.verify.samples import (
    Sample,
    batch_of,
    forms,
    poisoned,
    raw,
    with_history,
    without_text,
)
from dikast.aws.verify.targets import Target

Outcome = Literal["passed", "failed", "noted", "skipped"]
_TIMED_OUT = "timed out"
RAW_ROWS = 3
"""Rows that SageMaker's own verification sends."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found."""

    check: str
    outcome: Outcome
    said: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the function is held to."""

    limits: tuple[float, float] = (0.0, 1.0)
    """The range of its scores."""
    seconds: float = 900.0
    """Its time-out."""
    batch: int = 64
    """Samples that the trainer sends at once."""
    together: int = 4
    """Calls side by side."""
    tolerance: float = 0.0
    """By how much the score of one sample may differ from call to call."""
    envelope: bool = False
    fails_alone: bool = False
    """Whether its settings ask for it: an event fails where a sample without a score has no sibling with one."""


class _Asking:
    """A target and what is wanted of it, with the time of every call that was answered."""

    def __init__(self, target: Target, samples: Sequence[Sample], wanted: Wanted) -> None:
        self.target = target
        self.samples = list(samples)
        self.wanted = wanted
        self.seconds: list[float] = []
        self.heaviest_answer = 0
        self.known: set[str] = set()
        """Checks that failed already for a plain batch: said once, they are not said again of every other event."""

    def ask(self, event: Any) -> Reply:
        return self.timed(self.target.invoke(event))

    def timed(self, reply: Reply) -> Reply:
        if reply.error is None:
            self.seconds.append(reply.seconds)
            self.heaviest_answer = max(self.heaviest_answer, reply.size)
        return reply

    def scores(self, reply: Reply) -> list[Any]:
        return [] if reply.error else scores_in(reply.answer, envelope=self.wanted.envelope)

    def problems(self, sent: Sequence[Sample], reply: Reply) -> list[Problem]:
        return problems_of(sent, reply.answer, limits=self.wanted.limits, envelope=self.wanted.envelope)

    def new_problem(self, sent: Sequence[Sample], reply: Reply) -> str | None:
        """What is wrong with an answer that was not wrong with a plain batch's."""
        return next((one.said for one in self.problems(sent, reply) if one.check not in self.known), None)

    def same(self, one: Any, other: Any) -> bool:
        a, b = number(one), number(other)
        return a is not None and b is not None and abs(a - b) <= self.wanted.tolerance


def verify(target: Target, samples: Sequence[Sample], wanted: Wanted) -> Iterator[Finding]:
    """Runs all checks, and gives what each found as soon as it is there. Without an answer at all, the rest is left."""
    asking = _Asking(target, samples, wanted)
    cold = _cold_start(asking)
    yield cold
    if cold.outcome == "failed":
        return
    for check in _CHECKS:
        yield from check(asking)


def _failed(check: str, what: str, error: str) -> Finding:
    """An event that failed: by its time-out, or otherwise."""
    if _TIMED_OUT in error:
        why = "the judge is asked one by one, or tried again for longer than the function may run"
        return Finding(check="in time", outcome="failed", said=f"{what} is not answered in time ({error}): {why}")
    return Finding(check=check, outcome="failed", said=f"{what} fails: {error}")


def _cold_start(asking: _Asking) -> Finding:
    reply = asking.target.invoke_cold(asking.samples[:1])
    if reply.error:
        return Finding(check="cold start", outcome="failed", said=f"the first event fails: {reply.error}")
    if reply.init_seconds is None:
        return Finding(check="cold start", outcome="noted", said="no new environment was started for this call")
    return Finding(check="cold start", outcome="noted", said=f"{reply.init_seconds:.2f} s in a new environment")


def _rows(asking: _Asking) -> Iterator[Finding]:
    """Form, count, ids, order, numbers and range of a batch's rows."""
    batch = batch_of(asking.samples, min(asking.wanted.batch, 2 * len(asking.samples)))
    reply = asking.ask(batch)
    if reply.error:
        yield _failed("answers", f"a batch of {len(batch)}", reply.error)
        return
    said: dict[str, str] = {}
    for problem in asking.problems(batch, reply):
        said[problem.check] = "; ".join(filter(None, (said.get(problem.check), problem.said)))
    asking.known = set(said)
    for check, good in (
        ("form", "rows as the trainer reads them"),
        ("count", f"{len(batch)} rows for {len(batch)} samples"),
        ("ids", "each row carries its sample's id"),
        ("order", "the rows stand in the samples' order"),
        ("scores", "finite numbers: no NaN, boolean, text or null"),
        ("range", "inside [{:g}, {:g}]".format(*asking.wanted.limits)),
        ("metrics", "entries have a name, a number and a type"),
    ):
        if check in said:
            yield Finding(check=check, outcome="failed", said=said[check])
        elif "form" not in said:
            yield Finding(check=check, outcome="passed", said=good)


def _raw_rows(asking: _Asking) -> Iterator[Finding]:
    event = [raw(sample) for sample in asking.samples[:RAW_ROWS]]
    reply = asking.ask(event)
    scores = asking.scores(reply)
    what = "rows without answer and id, as SageMaker's own verification sends them"
    if reply.error:
        yield Finding(check="raw rows", outcome="failed", said=f"{what}, fail: {reply.error}")
    elif len(scores) != len(event) or any(number(score) is None for score in scores):
        yield Finding(check="raw rows", outcome="failed", said=f"{what}, get no valid row each")
    else:
        yield Finding(check="raw rows", outcome="passed", said=f"{what}, get valid rows")


def _input_forms(asking: _Asking) -> Iterator[Finding]:
    sample = asking.samples[0]
    base = asking.scores(asking.ask([sample]))
    wrong: list[str] = []
    for name, event in forms(sample).items():
        reply = asking.ask(event)
        scores = asking.scores(reply)
        if reply.error:
            wrong.append(f"{name} ({reply.error[:200]})")
        elif len(scores) != 1 or len(base) != 1 or not asking.same(scores[0], base[0]):
            wrong.append(f"{name} (another score)")
    if wrong:
        yield Finding(check="input forms", outcome="failed", said=f"not understood alike: {'; '.join(wrong)}")
    else:
        yield Finding(check="input forms", outcome="passed", said="every form of an event gives the same score")


def _determinism(asking: _Asking) -> Iterator[Finding]:
    first, second = (asking.scores(asking.ask(asking.samples)) for _ in range(2))
    pairs = list(zip(first, second, strict=False))
    apart = [abs(a - b) for one, other in pairs if (a := number(one)) is not None and (b := number(other)) is not None]
    if not apart or len(first) != len(second):
        yield Finding(check="determinism", outcome="skipped", said="there are no two answers to compare")
    elif max(apart) > asking.wanted.tolerance:
        yield Finding(
            check="determinism",
            outcome="failed",
            said=f"the same event gets other scores, by up to {max(apart):g} (--tolerance allows {asking.wanted.tolerance:g})",
        )
    else:
        yield Finding(check="determinism", outcome="passed", said="the same event gets the same scores")


def _poison(asking: _Asking) -> Iterator[Finding]:
    """A poisoned sample beside good ones: they must keep their scores, whatever becomes of it."""
    good = [{**sample, "id": f"good-{at}"} for at, sample in enumerate(asking.samples[:2])]
    alone = asking.scores(asking.ask(good))
    bad: list[str] = []
    asked_for: list[str] = []
    for what, sample in poisoned(asking.samples[0]).items():
        event = [good[0], sample, *good[1:]]
        reply = asking.ask(event)
        if reply.error and _TIMED_OUT in reply.error:
            yield _failed("poisoned sample", f"a batch with {what}", reply.error)
            return
        if reply.error:
            told = asked_for if asking.wanted.fails_alone else bad
            told.append(f"{what} takes the whole batch down ({reply.error[:200]})")
            continue
        scores = asking.scores(reply)
        if said := asking.new_problem(event, reply):
            bad.append(f"{what}: {said}")
        elif not asking.known and not all(map(asking.same, [scores[0], *scores[2:]], alone)):
            bad.append(f"{what} changes the scores of the samples beside it")
    if bad:
        yield Finding(check="poisoned sample", outcome="failed", said="; ".join(bad))
    elif asked_for:
        said = f"as 'alone: fail' asks for: {'; '.join(asked_for)}"
        yield Finding(check="poisoned sample", outcome="noted", said=said)
    else:
        said = "the good samples keep their scores beside an empty, a broken and a hostile one"
        yield Finding(check="poisoned sample", outcome="passed", said=said)


def _last_turn(asking: _Asking) -> Iterator[Finding]:
    """Only the last turn is the answer: who takes the first scores what stands in the prompt."""
    for sample in asking.samples[:4]:
        [whole, empty, later] = [
            asking.scores(asking.ask([{**one, "id": "turn"}]))
            for one in (sample, without_text(sample), with_history(sample))
        ]
        if whole and empty and later and not asking.same(whole[0], empty[0]):
            if asking.same(later[0], empty[0]):
                said = "an earlier assistant turn is scored in place of the last one"
                yield Finding(check="last turn", outcome="failed", said=said)
            else:
                yield Finding(check="last turn", outcome="passed", said="the last assistant turn is the one scored")
            return
    yield Finding(check="last turn", outcome="skipped", said="no sample scores differently from an empty answer")


def _side_by_side(asking: _Asking) -> Iterator[Finding]:
    count = asking.wanted.together
    batches = [[{**sample, "id": f"{at}-{sample['id']}"} for sample in asking.samples] for at in range(count)]
    replies = [asking.timed(reply) for reply in asking.target.invoke_together(batches)]
    for batch, reply in zip(batches, replies, strict=True):
        if said := reply.error or asking.new_problem(batch, reply):
            yield Finding(check="side by side", outcome="failed", said=f"of {count} calls at once, one fails: {said}")
            return
    yield Finding(check="side by side", outcome="passed", said=f"{count} calls at once are all answered")


def _latency(asking: _Asking) -> Iterator[Finding]:
    times = sorted(asking.seconds)
    if not times:
        return
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(0.99 * len(times)))]
    said = f"p50 {p50:.2f} s, p99 {p99:.2f} s of {len(times)} calls (time-out {asking.wanted.seconds:g} s)"
    late = p99 > 0.8 * asking.wanted.seconds
    yield Finding(check="latency", outcome="failed" if late else "passed", said=said)


def _payload(asking: _Asking) -> Iterator[Finding]:
    batch = batch_of(asking.samples, asking.wanted.batch)
    size = weight_of(batch)
    fit = samples_that_fit(size, len(batch))
    said = f"{len(batch)} samples weigh {size / 2**20:.2f} MB of 6 MB; {fit} such samples fit in an event"
    if asking.heaviest_answer > LIMIT:
        yield Finding(
            check="payload", outcome="failed", said=f"an answer weighs {asking.heaviest_answer / 2**20:.2f} MB"
        )
    else:
        yield Finding(check="payload", outcome="failed" if size > LIMIT else "passed", said=said)


_CHECKS: tuple[Callable[[_Asking], Iterator[Finding]], ...] = (
    _rows,
    _raw_rows,
    _input_forms,
    _last_turn,
    _poison,
    _determinism,
    _side_by_side,
    _latency,
    _payload,
)
