"""How well each way of comparing finds the true order of a group, and what it asks for that. Prints a table.

    python bench/preference.py [groups] [spread] [reference]

Synthetic: the strengths of a group's rollouts are drawn from a normal distribution around 0 with `spread` as its
standard deviation, in logits, and the reference stands at `reference` of them. The judge is noisy and prefers the
first seat: of θ and η the first wins with probability σ(θ − η + ln(72/28)), which is 72 % among equals. A ranking
orders the candidates by θ, Gumbel noise and the same bonus, whole for the first seat and nothing for the last, in
between by the seat: of two candidates that is the duel. This is kind to rankings: a real judge's noise grows with
what it must read. What is compared with whom, and what is made of the answers, is dikast's own.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
import sys
from collections.abc import Sequence

import msgspec
from measuring import show
from scipy.stats import kendalltau

from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.preference import PreferenceJudge
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Rollout, Verdict
from dikast.reward.binding import Bound
from dikast.reward.compare import Comparison
from dikast.spec.judge import JudgeSpec
from dikast.stats.intervals import Interval, bootstrap_mean

SIZE = 8
BONUS = math.log(0.72 / 0.28)
WAYS = {
    "reference": {"compare": "reference"},
    "reference, swap": {"compare": "reference", "swap": True},
    "swiss, 4 rounds": {"compare": "swiss", "rounds": 4},
    "swiss, 4 rounds, swap": {"compare": "swiss", "rounds": 4, "swap": True},
    "listwise": {"compare": "listwise"},
    "listwise, swap": {"compare": "listwise", "swap": True},
    "round_robin": {"compare": "round_robin"},
    "round_robin, swap": {"compare": "round_robin", "swap": True},
}

_FENCED = re.compile(r"<([0-9a-f]{16})>\n(.*?)\n</\1>", flags=re.DOTALL)


class BiasedJudge:
    """Knows each candidate's strength, which is its text, and answers with noise and a liking for the first seat."""

    name = "bench:biased"
    capabilities = Capabilities(reason=True, concurrency=64)

    def __init__(self, seed: int) -> None:
        self.fingerprint = str(seed)

    async def reply(self, request: Request) -> Reply:
        """Answers by the same noise whenever it is asked the same."""
        shown = [float(found[2]) for found in _FENCED.finditer(request.messages[-1].content)]
        # The text of a question, and nothing of how often or when it is asked, decides the noise.
        dice = random.Random(f"{self.fingerprint} {shown}")
        last = len(shown) - 1
        felt = [one - math.log(-math.log(dice.random())) + BONUS * (1 - at / last) for at, one in enumerate(shown)]
        order = sorted(range(len(shown)), key=lambda at: -felt[at])
        if request.form is not None and "ranking" in request.form.schema["properties"]:
            return Reply(text=json.dumps({"reason": "", "ranking": [at + 1 for at in order]}))
        return Reply(text=json.dumps({"reason": "", "better": "AB"[order[0]]}))

    async def close(self) -> None:
        """Has nothing to let go of."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one way of comparing gives over all groups."""

    taus: list[float]
    """Kendall's τ between the true and the recovered order, a group each; 0 where all are worth the same."""
    questions: float
    """For a group, on average."""

    @property
    def tau(self) -> Interval:
        """The mean with its interval."""
        return bootstrap_mean(self.taus)


async def recovered(way: dict[str, object], *, groups: int, spread: float, reference: float, seed: int = 0) -> Found:
    """Compares synthetic groups; the same seed gives the same groups to every way."""
    spec = msgspec.convert(
        {"model": "bench:biased", "mode": "preference", "prefer": "It is stronger."} | way, JudgeSpec
    )
    journal = Journal.open(None)
    judge = PreferenceJudge(asker=Asker(BiasedJudge(seed), journal), objective="Judge.", prefer=spec.prefer or "")
    comparison = Comparison(judges=(judge,), second=None, spec=spec, reward_hash="bench")
    dice = random.Random(seed)
    taus: list[float] = []
    questions = 0
    for number in range(groups):
        true = [dice.gauss(0, spread) for _ in range(SIZE)]
        worths = await comparison.compare(group_of(number, true, reference))
        questions += sum(usage.questions for _, usage in worths)
        taus.append(tau_of(true, [worth.value for worth, _ in worths if isinstance(worth, Verdict)]))
    journal.close()
    return Found(taus=taus, questions=questions / groups)


def group_of(number: int, true: Sequence[float], reference: float) -> list[Bound]:
    """Rollouts whose text is their strength."""
    return [
        Bound(
            rollout=Rollout(id=str(at), group=str(number), prompt="", completion=repr(one), reference=repr(reference)),
            documents=(),
            parsed=None,
            items=None,
            is_set=False,
            show=None,
            read=None,
        )
        for at, one in enumerate(true)
    ]


def tau_of(true: Sequence[float], worth: Sequence[float | None]) -> float:
    """Kendall's τ-b; 0 where all are worth the same, which says nothing about their order."""
    tau = float(kendalltau(true, worth).statistic)
    return 0.0 if math.isnan(tau) else tau


async def main(groups: int, spread: float, reference: float) -> None:
    """Compares and prints."""
    rows = []
    for name, way in WAYS.items():
        found = await recovered(way, groups=groups, spread=spread, reference=reference)
        tau = found.tau
        row = {"compare": name, "questions": found.questions, "Kendall tau": tau.value, "from": tau.low, "to": tau.high}
        rows.append(row)
    title = f"order recovered: {groups} groups of {SIZE}, spread {spread:g}, reference at {reference:g}, bias 72/28"
    show(title, rows, list(rows[0]))


if __name__ == "__main__":
    given = [float(one) for one in sys.argv[1:]]
    groups, spread, reference = [*given, *(400.0, 1.0, 1.0)[len(given) :]]
    asyncio.run(main(int(groups), spread, reference))
