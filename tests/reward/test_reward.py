"""A reward put together: what it refuses, what it names, and how it is called without a loop."""

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_reward import TWO

from dikast.errors import ConfigError, DataError, NotGoodEnoughError, UnavailableError
from dikast.journal import Journal
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Part, Rollout
from dikast.reward.assembly import Judges
from dikast.reward.parts import Reading
from dikast.reward.reward import Reward
from dikast.spec.reward import RewardFile, RewardSpec

Make = Callable[..., Rollout]

QUOTING = TWO.replace('"Is it good?"', '"Is it good?", evidence: Document')


def test_it_scores_without_an_event_loop(judged_by: Any, scripted_model: Any, rollout: Make):
    scores = judged_by(TWO, scripted_model(0.75)).score([rollout("a"), rollout("b")])

    assert [score.score for score in scores] == pytest.approx([0.75, 0.75])


def test_a_rollout_may_be_a_mapping_as_a_line_of_a_file_is(judged_by: Any, scripted_model: Any, rollout: Make):
    row = {"prompt": "p", "completion": "c", "contract": "d"}

    scores = judged_by(TWO, scripted_model(0.75)).score([row, row | {"id": "a", "group": None}, rollout("b")])

    assert [score.id for score in scores] == ["line-1", "a", "b"]
    assert [score.score for score in scores] == pytest.approx([0.75] * 3)


def test_a_mapping_that_is_no_rollout_is_told_with_its_place(judged_by: Any, scripted_model: Any, rollout: Make):
    reward = judged_by(TWO, scripted_model(0.75))

    with pytest.raises(DataError, match=r"^rollouts:2: no 'prompt'"):
        reward.score([rollout("a"), {"completion": "c"}])


async def test_it_scores_without_an_event_loop_even_where_one_runs(judged_by: Any, scripted_model: Any, rollout: Make):
    [score] = judged_by(TWO, scripted_model(0.75)).score([rollout("a")])

    assert score.score == pytest.approx(0.75)


def test_an_error_reaches_the_caller_as_it_is(judged_by: Any, scripted_model: Any, rollout: Make):
    reward = judged_by(TWO, scripted_model(UnavailableError("no such key"), concurrency=16))

    with pytest.raises(UnavailableError, match=r"^no such key$"):
        reward.score([rollout("a"), rollout("b", group="other")])


def test_its_hash_is_the_files(judged_by: Any, scripted_model: Any):
    reward = judged_by(TWO, scripted_model(0.5))

    assert reward.hash == reward.spec.hash


def test_evidence_with_a_model_that_cannot_quote_is_refused_when_it_is_put_together(
    judged_by: Any, scripted_model: Any
):
    with pytest.raises(ConfigError, match="evidence needs a model that can quote, and scripted:judge cannot"):
        judged_by(QUOTING, scripted_model(0.5))

    assert judged_by(QUOTING, scripted_model("", logprobs=False, quote=True))


def test_a_certificate_that_turns_every_criterion_off_leaves_nothing_to_judge(judged_by: Any, scripted_model: Any):
    off = {"good": Reading(factor=0.0), "useful": Reading(factor=0.0)}

    with pytest.raises(NotGoodEnoughError, match="the certificate turns every criterion off"):
        judged_by(TWO, scripted_model(0.5), readings=off)


def test_closing_lets_go_of_the_model_and_the_journal(judged_by: Any, scripted_model: Any, rollout: Make):
    model = scripted_model(0.5)
    reward = judged_by(TWO, model)
    reward.score([rollout()])

    reward.close()

    assert model.closed


RULES = TWO.replace("inputs:", "checks: [{check: length, max_words: 2, weight: 0.3}]\ninputs:")
COMPARED = """
name: plain
objective: Judge the answer.
inputs: {Document: contract}
judge: {mode: preference, model: "scripted:judge", compare: MODE, prefer: The better one.}
"""


class ByHash:
    """Gives the first of its two words a probability that rests on nothing but what was asked."""

    name = "scripted:judge"
    fingerprint = "f00d"
    capabilities = Capabilities(logprobs=True, concurrency=16)

    async def reply(self, request: Request) -> Reply:
        text = "\n".join(message.content for message in request.messages)
        share = 0.02 + 0.96 * int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8
        first, second = ("Yes", "No") if "good" in text else ("A", "B")
        return Reply(text="", first_token=((first, math.log(share)), (second, math.log(1 - share))))

    async def close(self) -> None:
        pass


def scored(text: str, rollouts: Sequence[Rollout]) -> dict[str, tuple[float | None, tuple[Part, ...]]]:
    spec = RewardSpec(file=msgspec.yaml.decode(text, type=RewardFile), path=Path("reward.yaml"))
    reward = Reward(Judges(spec, [ByHash()], Journal.open(None)))
    try:
        return {score.id: (score.score, score.parts) for score in reward.score(rollouts)}
    finally:
        reward.close()


@pytest.mark.parametrize(
    "text", [RULES, *(COMPARED.replace("MODE", mode) for mode in ("reference", "swiss", "round_robin"))]
)
@given(
    completions=st.lists(st.sampled_from(["one", "two words", "three words now", "four"]), min_size=2, max_size=6),
    order=st.permutations(range(12)),
)
def test_the_order_of_the_rollouts_changes_nothing(text: str, completions: list[str], order: list[int]):
    rollouts = [
        Rollout(id=f"{group}{at}", group=group, prompt=group, completion=one, reference="R", columns={"contract": "c"})
        for group in "ab"
        for at, one in enumerate(completions)
    ]
    turned = sorted(rollouts, key=lambda rollout: order[rollouts.index(rollout)])

    assert scored(text, turned) == scored(text, rollouts)
