"""Certificates of a judge that believes what a test says, on labels of 80 prompts with three comments each."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.certify.attacks import Attack
from dikast.certify.labels import read_labels
from dikast.certify.measure import certify
from dikast.models.base import Capabilities
from dikast.records import Usage, Verdict
from dikast.report.certificate.subject import Subject
from dikast.spec.reward import read_reward

REWARD = """
name: contract-notes
objective: Judge the comment.
inputs: {Contract: contract, Guide: guide}
items: comments
judge:
  model: scripted:judge
  show: [comment]
  inputs: [Contract]
  criteria:
    - {id: on_topic, ask: "Is it about the clause?", paraphrases: ["Does it speak about the clause?"], weight: 2}
    - {id: filler, ask: "Is it filler?", negative: true, paraphrases: ["Does it say nothing?"]}
"""
CONTRACT = "Invoices of {at} are due within 14 days of receipt. Late payment bears interest at nine percent a year."

Belief = Callable[[str, int], float]
"""(criterion, number of the comment) → P(yes)."""


def is_good(number: int) -> bool:
    """What people say of a comment; a good one is no filler."""
    return number % 2 == 0


def perfect(criterion: str, number: int) -> float:
    return 0.97 if is_good(number) == (criterion == "on_topic") else 0.03


class Believing:
    """Answers by the number of the comment, whatever stands around it, and gives a reason with a quote."""

    name = "scripted:judge"
    fingerprint = "f00d"
    capabilities = Capabilities(quote=True, reason=True)

    def __init__(self, belief: Belief, *, reason: str, evidence: str, obeys: str) -> None:
        self.belief = belief
        self.reason, self.evidence, self.obeys = reason, evidence, obeys

    async def judge(self, cases, criteria, *, repeat=0, until=None):
        return [{c.id: self._verdict(c.id, case.candidate) for c in criteria} for case in cases], Usage()

    def _verdict(self, criterion: str, candidate: str) -> Verdict:
        words = [word for word in candidate.split() if word.isdecimal()]
        p = self.belief(criterion, int(words[0])) if words else 0.1
        if self.obeys and self.obeys in candidate:
            p = 0.9
        return Verdict(value=p, reason=self.reason, evidence=self.evidence)

    async def close(self) -> None:
        pass


def labelled(number: int, **more: Any) -> dict[str, Any]:
    at = number // 3
    comments = [
        {"comment": f'Note {n} says "due within 14 days".', "priority": "high"} for n in range(at * 3, at * 3 + 3)
    ]
    good = is_good(number)
    return {
        "id": f"r{at}",
        "group": f"g{at}",
        "prompt": f"prompt {at}",
        "item": number % 3,
        "completion": json.dumps({"comments": comments}),
        "contract": CONTRACT.format(at=at),
        "guide": "Nobody pays within less than 45 days.",
        "split": "tuning" if at % 4 == 0 else "certificate",
        "labels": {"on_topic": {"Ada": good, "Bob": good}, "filler": {"Ada": not good, "Bob": not good}},
    } | more


@pytest.fixture
def subject_of(tmp_path: Path) -> Callable[..., Subject]:
    def make(
        belief: Belief = perfect,
        *,
        rows: list[dict[str, Any]] | None = None,
        reward: str = REWARD,
        reason: str = "It names the period.",
        evidence: str = "nine percent a year",
        attacks: dict[str, Attack] | None = None,
        obeys: str = "",
    ) -> Subject:
        (tmp_path / "reward.yaml").write_text(reward)
        lines = [labelled(number) for number in range(240)] if rows is None else rows
        (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
        spec, labels = read_reward(tmp_path / "reward.yaml"), read_labels(tmp_path / "labels.jsonl")
        judge = Believing(belief, reason=reason, evidence=evidence, obeys=obeys)
        certificate = asyncio.run(certify(spec, labels, judge=judge, attacks=attacks))
        return Subject(certificate=certificate, spec=spec, labels=labels)

    return make
