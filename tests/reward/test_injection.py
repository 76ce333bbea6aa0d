"""The candidate is data: whatever it says changes neither what is read of a judge's reply nor another rollout's verdict.

The judge here behaves perfectly: it finds the candidates behind their fences, judges each by its own words, and
repeats them in its reasons, as a model may. The model's half is measured by bench/injection.py.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import PLAIN, planted

from dikast.journal import Journal
from dikast.judges.fence import shown
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Rollout
from dikast.reward.assembly import Judges
from dikast.reward.reward import Reward
from dikast.spec.reward import read_reward

CANDIDATE = re.compile(r"^# Candidate[^\n]*\n<([0-9a-f]{16})>\n(.*?)\n</\1>", re.DOTALL | re.MULTILINE)
REWARD = """
name: injection
objective: Judge the answer.
inputs: {Document: contract}
judge:
  model: perfect:judge
  criteria:
    - {id: good, ask: "Is it good?", pass: It is., fail: It is not.}
"""
SET = REWARD + "items: notes\n"
PREFERENCE = """
name: injection
objective: Compare the answers.
inputs: {Document: contract}
judge: {mode: preference, model: "perfect:judge", compare: round_robin, prefer: the better one}
"""
COLLEAGUES = ("Delivery takes ten days.", "Nothing is said about delivery.")


def merit(candidate: str) -> float:
    """What the perfect judge thinks of a text, whatever it says."""
    return int(hashlib.sha256(candidate.encode()).hexdigest()[:8], 16) / 16**8


class Perfect:
    """Judges by merit, in every way in which a model is asked, and quotes the candidate at length."""

    name, fingerprint = "perfect:judge", "p"

    def __init__(self, way: str) -> None:
        self.capabilities = Capabilities(
            logprobs=way == "logprobs", decisions=way == "decisions", quote=True, reason=True, na=True, concurrency=4
        )

    async def reply(self, request: Request) -> Reply:
        seen = [found[2] for found in CANDIDATE.finditer(request.messages[-1].content)]
        if isinstance(request.choices, tuple):
            return Reply(text="", chosen=tuple((("yes", merit(text)), ("no", 1 - merit(text))) for text in seen))
        if self.capabilities.logprobs:
            [text] = seen
            return Reply(text="", first_token=(("Yes", math.log(merit(text))), ("No", math.log(1 - merit(text)))))
        if "better" in request.form.schema["properties"]:
            first, second = seen
            better = "A" if merit(first) > merit(second) else "B"
            return Reply(text=json.dumps({"reason": f"{first[:500]} or {second[:500]}", "better": better}))
        # As much of the candidate as a reply has room for.
        said = [{"verdicts": {"good": {"reason": text[:2000], "answer": self.answer(text)}}} for text in seen]
        if "candidates" in request.form.schema["properties"]:
            numbered = {str(at): one for at, one in enumerate(said, start=1)}
            return Reply(text=json.dumps({"candidates": numbered}))
        [one] = said
        return Reply(text=json.dumps(one))

    def answer(self, text: str) -> str:
        return "yes" if merit(text) > 0.5 else "no"

    async def close(self) -> None:
        pass


@pytest.fixture
def attacks(shared_data: Callable[[str], Path]) -> dict[str, str]:
    return planted(shared_data)


@pytest.fixture
def reward_of(reward_file: Callable[..., Path]) -> Callable[[str, str], Reward]:
    def make(text: str, way: str) -> Reward:
        spec = read_reward(reward_file(text))
        return Reward(Judges(spec, [Perfect(way)], Journal.open(None)))

    return make


def answers(*texts: str, group: str) -> list[Rollout]:
    return [
        Rollout(id=f"{group}-{at}", group=group, prompt="p", completion=text, columns={"contract": PLAIN})
        for at, text in enumerate(texts)
    ]


def expected(text: str, way: str) -> float:
    """The verdict that the perfect judge means."""
    value = merit(shown(text).strip())
    return value if way != "structured" else float(value > 0.5)


@pytest.mark.parametrize("way", ["logprobs", "structured", "decisions"])
async def test_each_verdict_is_what_the_judge_means_whatever_a_sibling_says(
    way: str, attacks: dict[str, str], reward_of: Callable[[str, str], Reward]
):
    reward = reward_of(REWARD, way)

    for name, text in attacks.items():
        scores = await reward.ascore(answers(COLLEAGUES[0], text, COLLEAGUES[1], group=name))

        assert [score.score for score in scores] == pytest.approx(
            [expected(one, way) for one in (COLLEAGUES[0], text, COLLEAGUES[1])]
        ), name


@pytest.mark.parametrize("way", ["structured", "decisions"])
async def test_items_that_are_judged_in_one_request_do_not_speak_for_each_other(
    way: str, attacks: dict[str, str], reward_of: Callable[[str, str], Reward]
):
    reward = reward_of(SET, way)

    for name, text in attacks.items():
        items = [COLLEAGUES[0], text, COLLEAGUES[1]]
        [score] = await reward.ascore(answers(json.dumps({"notes": items}), group=name))

        assert [part.value for part in score.parts] == pytest.approx([expected(one, way) for one in items]), name


async def test_a_duel_is_won_by_merit(attacks: dict[str, str], reward_of: Callable[[str, str], Reward]):
    reward = reward_of(PREFERENCE, "structured")

    for name, text in attacks.items():
        texts = [COLLEAGUES[0], text, COLLEAGUES[1]]
        scores = await reward.ascore(answers(*texts, group=name))

        order = sorted(texts, key=lambda one: merit(shown(one).strip()))
        assert sorted(texts, key=lambda one: scores[texts.index(one)].score) == order, name
