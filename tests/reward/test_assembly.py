"""The models that a reward names are put together, each as what it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_reward import ONE, TWO

from dikast.errors import ConfigError, DataError
from dikast.journal import Journal
from dikast.judges.recorded import RecordedJudge
from dikast.records import Rollout
from dikast.reward.assembly import Judges, budget_of
from dikast.reward.reward import Reward
from dikast.spec.models import Price
from dikast.spec.reward import RewardSpec, read_reward

Make = Callable[..., Rollout]

RECORDED = TWO.replace("scripted:judge", "recorded:verdicts.jsonl")
PREFERENCE = """
name: plain
objective: Judge the answer.
inputs: {Document: contract}
judge: {mode: preference, model: "recorded:verdicts.jsonl", compare: swiss, prefer: "It cites the clause."}
"""


@pytest.fixture
def spec_of(reward_file: Callable[..., Path]):
    def make(text: str, *rows: Any, models: str | None = None) -> RewardSpec:
        files = {"verdicts.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}
        return read_reward(reward_file(text, files | ({} if models is None else {"models.yaml": models})))

    return make


def row(name: str, **verdicts: Any) -> dict[str, Any]:
    return {"id": name, "verdicts": verdicts}


async def scored(spec: RewardSpec, *rollouts: Rollout) -> list[Any]:
    reward = Reward(Judges.open(spec, Journal.open(None)))
    scores = await reward.ascore(rollouts)
    await reward.judges.close()
    reward.journal.close()
    return [score.score if score.score is not None else score.missing for score in scores]


async def test_recorded_verdicts_are_scored_like_a_models(spec_of: Any, rollout: Make):
    spec = spec_of(RECORDED, row("a", good=1, useful=0.5), row("b", good=0), row("c", good=0.25, useful=0.75))

    scores = await scored(spec, rollout("a"), rollout("b"), rollout("c", group="h"), rollout("d"))

    assert scores == [0.75, "rejected", 0.5, "rejected"]


async def test_recorded_verdicts_on_items_are_found_by_their_number(spec_of: Any, rollout: Make):
    text = ONE.replace("scripted:judge", "recorded:verdicts.jsonl") + "items: notes\n"
    spec = spec_of(text, row("a", good=1) | {"item": 1}, row("a", good=0.5) | {"item": 0})

    assert await scored(spec, rollout("a", {"notes": ["one", "two"]})) == [0.75]


async def test_recorded_verdicts_of_a_rollout_that_a_gate_stopped_are_passed_over(spec_of: Any, rollout: Make):
    gated = RECORDED + "checks:\n  - {check: length, max_words: 3, gate: true}\n"
    spec = spec_of(gated, *(row(name, good=1, useful=1) for name in "abc"))

    assert await scored(spec, rollout("a"), rollout("b", "far too many words"), rollout("c")) == [1.0, 0.0, 1.0]


async def test_recorded_verdicts_may_be_members_of_a_panel(spec_of: Any, rollout: Make, scripted_model: Any):
    spec = spec_of(TWO.replace("scripted:judge", '["scripted:judge", "recorded:verdicts.jsonl"]'), row("a", good=0))
    people = RecordedJudge("recorded:verdicts.jsonl", spec.folder / "verdicts.jsonl")
    reward = Reward(Judges(spec, [scripted_model(1.0), people], Journal.open(None)))

    [score] = await reward.ascore([rollout("a")])
    await reward.judges.close()

    assert [(part.value, part.votes) for part in score.parts] == [(0.5, (1.0, 0.0)), (1.0, (1.0, None))]


def test_recorded_verdicts_compare_nothing(spec_of: Any):
    with pytest.raises(
        ConfigError, match=r"recorded:verdicts\.jsonl holds verdicts on criteria, and nothing is compar"
    ):
        Judges.open(spec_of(PREFERENCE), Journal.open(None))


def test_recorded_verdicts_that_are_not_there_are_told(spec_of: Any):
    spec = spec_of(RECORDED.replace("verdicts", "others"))

    with pytest.raises(DataError, match=r"others\.jsonl: cannot be read"):
        Judges.open(spec, Journal.open(None))


PRICED = """
big: {provider: openai, price: {input: 2, output: 10, date: 2026-11-01}}
"""


def test_the_budget_knows_the_price_of_every_model_that_may_be_asked(spec_of: Any):
    text = ONE.replace("scripted:judge", '["openai:big", "local:small"]\n  fallback: {model: "openai:big"}')
    spec = spec_of(text.replace('model: "openai:big"', 'model: "local:other"'), models=PRICED)

    budget = budget_of(spec, calls=7, usd=1.5)

    assert (budget.most_calls, budget.most_usd) == (7, 1.5)
    assert budget.prices["openai:big"] == Price(input=2, output=10, date="2026-11-01")
    assert budget.prices["local:small"].output == budget.prices["local:other"].output == 0


@pytest.mark.parametrize("model", ["openai:unknown", "openai:big\n  fallback: {model: 'openai:unknown'}"])
def test_money_cannot_be_limited_where_nobody_knows_a_price(spec_of: Any, model: str):
    spec = spec_of(ONE.replace("scripted:judge", model), models=PRICED)

    with pytest.raises(ConfigError, match=r"--budget-usd: nobody knows the price of openai:unknown; write its 'price'"):
        budget_of(spec, calls=None, usd=1.0)

    assert budget_of(spec, calls=3, usd=None).most_calls == 3


@pytest.mark.parametrize("model", ["scripted:judge", '["scripted:judge", "scripted:third"]'])
def test_a_certificate_of_the_judge_is_one_of_the_reward_also_where_a_second_model_stands_behind(
    judged_by: Any, scripted_model: Any, model: str
):
    text = ONE.replace("scripted:judge", f"{model}\n  fallback: {{model: 'scripted:other'}}")
    members = [scripted_model(1.0) for _ in range(model.count(":"))]

    judges = judged_by(text, members, fallback=scripted_model(0.0)).judges

    # What certify writes down is what a reward is opened with.
    assert judges.rubric().fingerprint == judges.fingerprint
