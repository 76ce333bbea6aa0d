"""Verdicts that are there become scores as a judge's own do: of whole completions, of sets, in any order of the lines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import dikast
from dikast.records import Score

Scored = Callable[..., list[Score]]


@pytest.fixture
def scored(tmp_path: Path) -> Scored:
    """The scores of completions r0, r1, … under a reward of one criterion, with these verdicts on record."""

    def score(completions: list[str], verdicts: list[dict[str, Any]], **changes: Any) -> list[Score]:
        judge = {"model": "recorded:verdicts.jsonl", "criteria": [{"id": "good", "ask": "Is it good?"}]}
        file = {"name": "n", "objective": "o", "inputs": {"Document": "contract"}, "judge": judge} | changes
        (tmp_path / "reward.yaml").write_text(yaml.safe_dump(file))
        (tmp_path / "verdicts.jsonl").write_text("\n".join(map(json.dumps, verdicts)))
        reward = dikast.load(tmp_path / "reward.yaml")
        rows = [
            {"id": f"r{at}", "group": "g", "prompt": "p", "completion": text, "contract": "c"}
            for at, text in enumerate(completions)
        ]
        try:
            return reward.score(rows)
        finally:
            reward.close()

    return score


def said(name: str, good: Any, **more: Any) -> dict[str, Any]:
    return {"id": name, "verdicts": {"good": good}, **more}


@pytest.mark.parametrize("order", ["abc", "cab"])
def test_each_completion_has_the_verdict_on_record(scored: Scored, order: str):
    verdicts = {"a": said("r0", 0.25), "b": said("r1", True), "c": said("r2", 0)}

    scores = scored(["x", "y", "z"], [verdicts[name] for name in order])

    assert [score.score for score in scores] == [0.25, 1.0, 0.0]
    assert {score.usage.questions for score in scores} == {1}


def test_what_is_not_on_record_is_missing_and_touches_no_other(scored: Scored):
    scores = scored(["x", "y", "z"], [said("r0", 0.25), said("r1", None)])

    assert [(score.score, score.missing) for score in scores] == [(0.25, None), (None, "rejected"), (None, "rejected")]


def test_the_items_of_a_set_have_verdicts_of_their_own(scored: Scored):
    completions = [json.dumps({"notes": [{"text": "a"}, {"text": "b"}]}), json.dumps({"notes": [{"text": "c"}]})]

    scores = scored(completions, [said("r0", 1, item=0), said("r0", 0, item=1), said("r1", 1, item=0)], items="notes")

    assert [score.score for score in scores] == [0.5, 1.0]
    assert [score.usage.questions for score in scores] == [2, 1]


def test_a_completion_that_a_gate_stops_needs_no_verdict(scored: Scored):
    gate = {"check": "length", "max_words": 1, "gate": True}

    scores = scored(["x", "two words", "z"], [said("r0", 1), said("r2", 0.5)], checks=[gate])

    assert [(score.score, score.status) for score in scores] == [(1.0, "scored"), (0.0, "gated"), (0.5, "scored")]
