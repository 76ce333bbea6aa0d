"""Scoring one rollout at a time: what is refused, kept within a deadline, told for missing, and logged."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dikast.adapters.opening import read_settings
from dikast.adapters.single import SingleScorer
from dikast.errors import ConfigError, ModelError, NotGoodEnoughError
from dikast.models.base import Reply, Request
from dikast.records import Rollout
from dikast.spec.run import Constant

PLAIN = """
name: plain
objective: Judge the answer.
inputs: {Document: contract}
checks:
  - {check: length, max_words: 5, gate: true}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""
COMPARING = """
name: comparing
objective: Judge the answer.
inputs: {}
judge:
  mode: preference
  model: scripted:judge
  compare: %s
  prefer: The better one.
"""


def believed(request: Request) -> float | Exception:
    """What the candidate says: "fail", or P(yes) as its last word."""
    word = request.messages[-1].content.partition("# Candidate\n")[2].splitlines()[1].split()[-1]
    return ModelError("timeout", "late") if word == "fail" else float(word)


def rollout(text: str, **columns: Any) -> Rollout:
    return Rollout(id="r", group="g", prompt="p", completion=text, columns={"contract": "text", **columns})


async def test_a_score_becomes_a_number_and_a_missing_one_an_error_with_its_reason(judged_by: Any, scripted_model: Any):
    scorer = SingleScorer(judged_by(PLAIN, scripted_model(believed)), trainer="T")

    assert scorer.number(await scorer.score(rollout("a 0.25"))) == pytest.approx(0.25)
    with pytest.raises(ModelError, match="timeout: rollout 'r': good: late"):
        scorer.number(await scorer.score(rollout("b fail")))


async def test_a_constant_stands_for_missing_where_it_was_asked_for(judged_by: Any, scripted_model: Any):
    scorer = SingleScorer(judged_by(PLAIN, scripted_model(believed)), trainer="T", on_missing=Constant(constant=0.5))

    assert scorer.number(await scorer.score(rollout("b fail"))) == 0.5


def test_a_group_mean_needs_siblings_that_are_not_there(judged_by: Any, scripted_model: Any):
    with pytest.raises(ConfigError, match=r"on_missing: T asks about one rollout at a time.*'dikast serve'"):
        SingleScorer(judged_by(PLAIN, scripted_model(0.5)), trainer="T", on_missing="group_mean")


def test_a_constant_outside_the_range_is_refused(judged_by: Any, scripted_model: Any):
    with pytest.raises(ConfigError, match="outside the reward's range"):
        SingleScorer(judged_by(PLAIN, scripted_model(0.5)), trainer="T", on_missing=Constant(constant=2.0))


def test_a_judge_that_compares_siblings_is_refused_and_one_that_compares_with_the_reference_is_not(
    judged_by: Any, scripted_model: Any
):
    with pytest.raises(ConfigError, match="compares the rollouts of a prompt with each other, and T asks"):
        SingleScorer(judged_by(COMPARING % "swiss", scripted_model(0.5)), trainer="T")

    SingleScorer(judged_by(COMPARING % "reference", scripted_model(0.5)), trainer="T")


async def test_the_deadline_of_a_call_is_kept(judged_by: Any, scripted_model: Any):
    class Slow(scripted_model):
        async def reply(self, request: Request) -> Reply:
            await asyncio.sleep(30)
            return await super().reply(request)

    scorer = SingleScorer(judged_by(PLAIN, Slow(0.5)), trainer="T", deadline=0.2)
    started = time.monotonic()

    score = await scorer.score(rollout("a 0.25"))

    assert score.missing == "expired"
    assert time.monotonic() - started < 5


def test_a_loop_that_ends_with_the_call_does_no_harm(judged_by: Any, scripted_model: Any):
    scorer = SingleScorer(judged_by(PLAIN, scripted_model(believed)), trainer="T")

    scores = [asyncio.run(scorer.score(rollout(f"a {p}"))).score for p in (0.25, 0.5, 0.75)]

    assert scores == pytest.approx([0.25, 0.5, 0.75])
    assert scorer.score_now(rollout("a 0.125")).score == pytest.approx(0.125)


async def test_every_score_has_the_same_parts_whatever_became_of_it(judged_by: Any, scripted_model: Any):
    scorer = SingleScorer(judged_by(PLAIN, scripted_model(believed)), trainer="T")

    parts = [
        scorer.part_values(await scorer.score(rollout(text)))
        for text in ("a 0.25", "b fail", "far too many words for it 1.0")
    ]

    assert parts == [
        {"length": 1.0, "good": 0.25},
        {"length": 1.0, "good": None},
        {"length": pytest.approx(0.4), "good": None},
    ]


async def test_the_run_stops_where_a_tenth_of_the_scores_is_missing(judged_by: Any, scripted_model: Any):
    scorer = SingleScorer(judged_by(PLAIN, scripted_model(ModelError("timeout", "late"))), trainer="T")
    for at in range(19):
        await scorer.score(rollout(f"a {at}"))

    with pytest.raises(NotGoodEnoughError, match="20 of the last 20 scores are missing"):
        await scorer.score(rollout("one more"))


async def test_what_was_scored_is_kept_as_lines_that_can_be_scored_again(
    judged_by: Any, scripted_model: Any, tmp_path: Path
):
    from dikast.rollouts import read_rollouts

    scorer = SingleScorer(judged_by(PLAIN, scripted_model(believed)), trainer="T", log=tmp_path / "scores")

    await scorer.score(rollout("a 0.25"), step=3)
    await scorer.score(rollout("b fail"), step=4)

    [file] = (tmp_path / "scores").iterdir()
    lines = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert [(line["step"], line["score"], line["status"], line["missing"]) for line in lines] == [
        (3, pytest.approx(0.25), "scored", None),
        (4, None, "missing", "timeout"),
    ]
    assert [part["name"] for part in lines[0]["parts"]] == ["length", "good"]
    assert [(one.completion, one.columns["contract"]) for one in read_rollouts(file)] == [
        ("a 0.25", "text"),
        ("b fail", "text"),
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "T: Object missing required field `reward`"),
        ({"reward": "r.yaml", "rewards": 1}, "T: Object contains unknown field `rewards`"),
        ({"reward": "r.yaml", "on_missing": "zero"}, "T: .*on_missing"),
        ({"reward": "r.yaml", "deadline": 0}, "T: deadline must be more than 0 seconds, not 0.0"),
        ({"reward": "r.yaml", "deadline": float("nan")}, "T: deadline must be more than 0 seconds"),
    ],
)
def test_settings_that_mean_nothing_are_told_with_their_place(given: dict[str, Any], told: str):
    with pytest.raises(ConfigError, match=told):
        read_settings(given, where="T")


def test_settings_are_read_as_a_trainers_configuration_has_them():
    settings = read_settings({"reward": "r.yaml", "on_missing": {"constant": 0}, "deadline": "60"}, where="T")

    assert (settings.on_missing, settings.deadline) == (Constant(constant=0.0), 60.0)
