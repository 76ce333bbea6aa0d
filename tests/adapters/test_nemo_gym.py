"""What NeMo Gym's verify is read as and answered with, as plain values; the server itself is driven in tests/conformance."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_reward import ONE

from dikast.adapters.nemo_gym import _adding_up, components, rollout_of, verdict_of
from dikast.adapters.single import SingleScorer
from dikast.errors import DataError, ModelError
from dikast.records import Message, Part, Score
from dikast.reward.about import AboutReward
from dikast.spec.run import Constant

WEIGHED = ONE.replace("judge:", "checks:\n  - {check: length, max_words: 5, weight: 0.25}\njudge:", 1)
MISSING = Score(id="r", group="g", score=None, status="missing", missing="timeout", detail="good: late")


def body(given: Any = "p", *output: dict[str, Any], **row: Any) -> dict[str, Any]:
    return {"responses_create_params": {"input": given}, "response": {"output": list(output)}, **row}


def said(text: str, role: str = "assistant") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "output_text", "text": text}]}


@pytest.fixture
def scorer_of(judged_by: Any, scripted_model: Any):
    def make(**settings: Any) -> SingleScorer:
        return SingleScorer(judged_by(WEIGHED, scripted_model(0.5)), trainer="NeMo Gym", **settings)

    return make


def test_the_fields_of_the_row_are_columns_and_only_what_the_policy_wrote_is_the_completion():
    call = {"type": "function_call", "name": "look", "arguments": "{}"}
    asked = body("p", said("first "), call, said("last"), contract="c", reference="ref", _ng_rollout_id="7", id=3)

    made = rollout_of(asked)

    assert (made.completion, made.columns, made.reference, made.id) == ("first last", {"contract": "c"}, "ref", "3")


def test_turns_and_instructions_are_the_prompt():
    turns = [{"role": "user", "content": "u"}, {"type": "function_call_output", "output": "x", "call_id": "c"}]
    asked = body(turns, said("a"))
    asked["responses_create_params"]["instructions"] = "Be brief."

    assert rollout_of(asked).prompt == (Message(role="system", content="Be brief."), Message(role="user", content="u"))
    assert rollout_of(body("plain", said("a"))).prompt == "plain"


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"responses_create_params": {"input": "p"}},
        {"response": {"output": []}},
        {"responses_create_params": {"input": "p"}, "response": {"output": "a"}},
        {"responses_create_params": {"input": [{"content": "p"}]}, "response": {"output": []}},
    ],
)
def test_a_request_without_prompt_or_answer_is_told(broken: dict[str, Any]):
    with pytest.raises(DataError, match=r"'input'|'response' must hold an 'output'"):
        rollout_of(broken)


def test_a_missing_score_is_masked_and_says_why(scorer_of: Any):
    told = verdict_of(scorer_of(), MISSING)

    assert (told["reward"], told["mask_sample"], told["failure_kind"]) == (0.0, True, "judge_failed")
    assert told["failure_reason"] == "timeout: good: late"
    assert told["share_missing"] == 1.0


def test_the_other_settings_are_followed(scorer_of: Any):
    constant = verdict_of(scorer_of(on_missing=Constant(constant=0.25)), MISSING)

    assert (constant["reward"], constant["mask_sample"]) == (0.25, False)
    with pytest.raises(ModelError, match="timeout: rollout 'r'"):
        verdict_of(scorer_of(on_missing="raise"), MISSING)


@given(total=st.floats(-1, 2), share=st.floats(0, 1), status=st.sampled_from(["scored", "gated", "missing"]))
def test_components_add_up_and_have_the_same_names_whatever_comes(total: float, share: float, status: Any):
    about = AboutReward(
        name="n", hash="h", certificate_hash=None, range=(-1.0, 2.0), model="scripted:judge", mode="rubric",
        compares_siblings=False, criteria=["good"], parts=["length", "good"], checks={"length": 0.75},
    )  # fmt: skip
    part = Part(name="length", kind="check", value=share, weight=0.25)

    told = components(about, Score(id="r", group="g", score=total, status=status, parts=(part,)), total)

    assert list(told) == ["length", "judge"]
    assert sum(told.values()) == pytest.approx(total, abs=1e-12)
    assert told["length"] == pytest.approx(0.75 * share if status == "scored" else 0.0)


@given(
    terms=st.lists(st.floats(0, 0.2, allow_subnormal=False), min_size=1, max_size=4),
    judge=st.floats(0, 0.2, allow_subnormal=False),
    low=st.sampled_from([0.0, 0.0, -1.0]),
)
def test_the_judge_is_what_the_checks_leave_of_the_reward_to_the_last_bit(terms: list[float], judge: float, low: float):
    total = low + math.fsum(terms) + judge

    parts = _adding_up(total, terms)

    assert parts[:-1] == pytest.approx(terms, abs=1e-12)
    assert sum(parts) == total if low == 0 else sum(parts) == pytest.approx(total, abs=1e-15)
