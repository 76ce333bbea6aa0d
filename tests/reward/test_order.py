"""The order in which rollouts are handed over decides nothing: not a verdict, not a duel, not a score."""

import asyncio
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dikast.journal import Journal
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Rollout
from dikast.reward.assembly import Judges
from dikast.reward.reward import Reward
from dikast.spec.reward import RewardFile, RewardSpec

FENCED = re.compile(r"<([0-9a-f]{16})>\n(.*?)\n</\1>", flags=re.DOTALL)
CRITERIA = [{"id": "good", "ask": "?"}, {"id": "rude", "ask": "?", "negative": True, "weight": 2}]
JUDGES: dict[str, dict[str, Any]] = {
    "rubric": {"criteria": CRITERIA},
    **{
        f"{compare}{' with swap' * swap}": {"mode": "preference", "compare": compare, "prefer": "!", "swap": swap}
        for compare in ("reference", "swiss", "listwise", "round_robin")
        for swap in (False, True)
    },
}
# Two groups, one with equal completions, and one rollout without siblings.
ROLLOUTS = [
    Rollout(
        id=f"{group}{at}", group=group, prompt=group, completion=text, reference="none", columns={"document": group}
    )
    for group, texts in {"a": "vwxyz", "b": "vvw", "c": "v"}.items()
    for at, text in enumerate(texts)
]


class ByHash:
    """Thinks by the text that it is shown, with a liking for the first seat, and writes."""

    name = "scripted:hash"
    fingerprint = "1"
    capabilities = Capabilities(reason=True, quote=True, na=True, concurrency=8)

    async def reply(self, request: Request) -> Reply:
        assert request.form is not None
        shown = [found[2] for found in FENCED.finditer(request.messages[-1].content)]
        felt = [hashlib.sha256(text.encode()).digest()[0] + 30 * (at == 0) for at, text in enumerate(shown)]
        best = sorted(range(len(shown)), key=lambda at: -felt[at])
        if "better" in request.form.schema["properties"]:
            return Reply(text=json.dumps({"better": "AB"[best[0]]}))
        if "ranking" in request.form.schema["properties"]:
            return Reply(text=json.dumps({"ranking": [at + 1 for at in best]}))
        return Reply(text=json.dumps({"verdicts": {name: {"answer": felt[0] % 2 == 0} for name in ("good", "rude")}}))

    async def close(self) -> None:
        pass


def scored(judge: dict[str, Any], rollouts: Sequence[Rollout]) -> dict[str, Any]:
    """Score and reason of each rollout by its id, asked anew."""
    file = {"name": "t", "objective": "Judge.", "inputs": {"Document": "document"}, "judge": judge}
    spec = RewardSpec(
        file=msgspec.convert(file | {"judge": judge | {"model": "scripted:hash"}}, RewardFile), path=Path()
    )
    reward = Reward(Judges(spec, [ByHash()], Journal.open(None)))
    scores = asyncio.run(reward.ascore(rollouts))
    reward.journal.close()
    assert [score.id for score in scores] == [rollout.id for rollout in rollouts]
    return {score.id: (score.score, score.missing) for score in scores}


@pytest.mark.parametrize("way", JUDGES)
@given(order=st.permutations(ROLLOUTS))
@settings(max_examples=20)
def test_a_permutation_of_the_rollouts_changes_no_score(way: str, order: list[Rollout]):
    assert scored(JUDGES[way], order) == scored(JUDGES[way], ROLLOUTS)


def test_the_judge_of_these_tests_tells_rollouts_apart():
    for judge in JUDGES.values():
        assert len({score for score, _ in scored(judge, ROLLOUTS).values()}) > 1
