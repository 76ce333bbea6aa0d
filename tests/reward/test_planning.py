"""A plan asks nothing and counts what the engine then asks: exactly, where nothing depends on the answers."""

import hashlib
import json
import math
import random
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_reward import ONE, TWO

from dikast.errors import ConfigError, DataError, ModelError, NotGoodEnoughError, UsageError
from dikast.journal import Journal
from dikast.judges.preference import candidates_in
from dikast.judges.recorded import RecordedJudge
from dikast.models.base import Capabilities, Reply, Request, request_bytes
from dikast.records import Rollout
from dikast.reward.assembly import Judges
from dikast.reward.parts import Reading
from dikast.reward.planning import ANSWER_SHARE, Plan, Planner, Training
from dikast.reward.reward import Reward
from dikast.reward.standing_in import BLOCK, PrefixCache, StandIn, made_up, prompt_of
from dikast.spec.reward import read_reward

Make = Callable[..., Rollout]

LOGPROBS = Capabilities(logprobs=True, concurrency=8)
DECISIONS = Capabilities(decisions=True, na=True, concurrency=8)
WRITES = Capabilities(quote=True, reason=True, na=True, concurrency=8)

PREFER = """
name: plain
objective: Judge the answer.
inputs: {Document: contract}
judge:
  mode: preference
  model: scripted:judge
  prefer: It is the better answer.
"""
SCALE = ONE + "    - {id: clear, ask: 'Is it clear?', scale: [1, 2], levels: {1: 'No.', 2: 'Yes.'}}\n"
QUOTES = TWO.replace('ask: "Is it good?"', 'ask: "Is it good?", evidence: Document')
SET = TWO + "items: notes\nchecks:\n  - {check: json, gate: true}\n"
RECALL = SET + "recall: {issues: issues}\n"
PANEL = TWO.replace("model: scripted:judge", "model: [scripted:judge, scripted:other]")


def with_key(text: str, key: str) -> str:
    """The reward with one more key of its judge."""
    return text.replace("judge:\n", f"judge:\n  {key}\n")


class Opinionated:
    """A model of any kind with an opinion on everything, which a question's bytes decide."""

    fingerprint = "f00d"

    def __init__(self, can: Capabilities, name: str = "scripted:judge", *, tie: bool = False) -> None:
        self.name = name
        self.capabilities = can
        self.asked: list[Request] = []
        self._tie = tie

    async def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        told = self._told(request, random.Random(hashlib.sha256(request_bytes(request)).digest()))
        return msgspec.structs.replace(told, prompt_tokens=10, completion_tokens=request.max_tokens // 4, seconds=2.0)

    async def close(self) -> None:
        """Holds nothing."""

    def _told(self, request: Request, dice: random.Random) -> Reply:
        share = 0.5 if self._tie else 0.01 + 0.98 * dice.random()
        if isinstance(request.choices, tuple):
            chosen = [
                tuple(zip(one.labels, (share, 1 - share, *[0.0] * len(one.labels)), strict=False))
                for one in request.choices
            ]
            return Reply(text="", chosen=tuple(chosen))
        if request.top_logprobs:
            words = ("Yes", "A", "1"), ("No", "B", "2")
            held = [(word, math.log(p)) for some, p in zip(words, (share, 1 - share), strict=True) for word in some]
            return Reply(text="", first_token=tuple(held))
        return Reply(text=json.dumps(self._written(request, request.form.schema if request.form else {}, dice)))

    def _written(self, request: Request, schema: dict[str, Any], dice: random.Random) -> Any:
        if "enum" in schema:
            return "tie" if self._tie and "tie" in schema["enum"] else dice.choice(schema["enum"])
        if schema["type"] == "object":
            return {name: self._written(request, field, dice) for name, field in schema["properties"].items()}
        if schema["type"] == "array":
            places = list(range(1, candidates_in(request) + 1))
            dice.shuffle(places)
            return places
        return "contract"


def sets(rollout: Make) -> list[Rollout]:
    """Sets of several sizes, one with an item twice, an empty one, an equal one and one that is no JSON."""
    notes = [["one", "two"], ["one", "one", "three"], [], ["one", "two"], ["four"]]
    made = [
        rollout(f"r{at}", {"notes": some}, group=f"g{at % 2}", issues=["an issue", "another"])
        for at, some in enumerate(notes)
    ]
    return [*made, rollout("broken", "no JSON at all", issues=[])]


def texts(rollout: Make, *, groups: int = 3, size: int = 4) -> list[Rollout]:
    return [
        rollout(f"r{group}-{at}", f"answer {group} {at} " + "word " * at, group=f"g{group}", contract="a contract")
        for group in range(groups)
        for at in range(size)
    ]


@pytest.fixture
def planner_of(reward_file: Callable[..., Path]) -> Generator[Callable[..., Planner]]:
    """Plans a reward's text with models that must not be asked."""
    made: list[Planner] = []

    def make(text: str, *models: Opinionated, journal: Path | None = None, files: Any = None, **more: Any) -> Planner:
        made.append(Planner(read_reward(reward_file(text, files)), models, journal=journal, **more))
        return made[-1]

    yield make
    for planner in made:
        planner.close()


@pytest.fixture
def score(reward_file: Callable[..., Path]) -> Callable[..., None]:
    """Scores rollouts, so that the models are asked."""

    def go(text: str, rollouts: Sequence[Rollout], *models: Opinionated, journal: Path | None = None) -> None:
        reward = Reward(Judges(read_reward(reward_file(text)), models, Journal.open(journal)))
        try:
            reward.score(rollouts)
        finally:
            reward.close()

    return go


def assert_asked(plan: Plan, *models: Opinionated) -> None:
    """The plan counted what these models were asked: each call and the length of each prompt."""
    assert [one.model for one in plan.models] == [model.name for model in models]
    assert [one.calls for one in plan.models] == [len(model.asked) for model in models]
    for one, model in zip(plan.models, models, strict=True):
        assert one.prompt_tokens == round(sum(len(prompt_of(request)) for request in model.asked) / 4)


RUBRICS = {
    "one criterion": ONE,
    "two criteria": TWO,
    "a scale": SCALE,
    "one criterion a call": with_key(TWO, "max_criteria_per_call: 1"),
    "samples": with_key(TWO, "samples: 3"),
    "a gate": TWO + "checks:\n  - {check: length, max_words: 4, gate: true}\n",
}


@pytest.mark.parametrize("can", [LOGPROBS, DECISIONS, WRITES], ids=["logprobs", "decisions", "writes"])
@pytest.mark.parametrize("text", RUBRICS.values(), ids=RUBRICS)
def test_a_plan_of_a_rubric_counts_what_the_engine_asks(
    planner_of: Any, score: Any, rollout: Make, text: str, can: Capabilities
):
    rollouts = texts(rollout)
    model = Opinionated(can)

    plan = planner_of(text, model).plan(rollouts)

    assert not model.asked
    score(text, rollouts, model)
    assert plan.file.calls > 0
    assert_asked(plan, model)


@pytest.mark.parametrize("can", [LOGPROBS, DECISIONS, WRITES], ids=["logprobs", "decisions", "writes"])
@pytest.mark.parametrize("text", [SET, RECALL], ids=["set", "recall"])
def test_a_plan_of_sets_counts_items_and_issues_and_leaves_out_what_is_not_asked(
    planner_of: Any, score: Any, rollout: Make, text: str, can: Capabilities
):
    rollouts = sets(rollout)
    model = Opinionated(can)

    plan = planner_of(text, model).plan(rollouts)

    score(text, rollouts, model)
    assert plan.gated == 1
    assert_asked(plan, model)


def test_a_criterion_that_must_quote_is_planned_once_and_the_second_question_is_told_as_left_out(
    planner_of: Any, score: Any, rollout: Make
):
    model = Opinionated(WRITES)

    plan = planner_of(QUOTES, model).plan(texts(rollout))

    score(QUOTES, texts(rollout), model)
    assert_asked(plan, model)
    assert "a reply that cannot be read is asked once more; that is not counted" in plan.notes


@pytest.mark.parametrize("extra", ["panel: min", "samples: 2"])
def test_every_member_of_a_panel_is_counted(planner_of: Any, score: Any, rollout: Make, extra: str):
    text = with_key(PANEL, extra)
    models = Opinionated(LOGPROBS), Opinionated(WRITES, "scripted:other")

    plan = planner_of(text, *models).plan(texts(rollout))

    score(text, texts(rollout), *models)
    assert_asked(plan, *models)
    assert plan.file.calls == sum(one.calls for one in plan.models)


SCHEDULES = ["compare: reference", "compare: round_robin", "compare: swiss\n  rounds: 3"]
DUELS = [(compare, can) for compare in SCHEDULES for can in (LOGPROBS, DECISIONS, WRITES)]


@pytest.mark.parametrize("swap", ["swap: false", "swap: true"])
@pytest.mark.parametrize(("compare", "can"), [*DUELS, ("compare: listwise", WRITES)])
def test_a_plan_of_a_preference_judge_counts_the_duels_of_its_schedule(
    planner_of: Any, score: Any, rollout: Make, compare: str, can: Capabilities, swap: str
):
    text = with_key(with_key(PREFER, compare), swap)
    # With four players, whoever wins, everybody can meet somebody new in each of three rounds.
    rollouts = [msgspec.structs.replace(one, reference="the reference") for one in texts(rollout)]
    model = Opinionated(can)

    plan = planner_of(text, model).plan(rollouts)

    score(text, rollouts, model)
    assert plan.file.calls > 0
    assert [one.calls for one in plan.models] == [len(model.asked)]
    assert plan.file.prompt_tokens == pytest.approx(sum(len(prompt_of(request)) for request in model.asked) / 4, abs=1)


def test_a_panel_that_compares_is_counted_member_by_member(planner_of: Any, score: Any, rollout: Make):
    text = with_key(PREFER, "compare: round_robin").replace(
        "model: scripted:judge", "model: [scripted:judge, scripted:other]"
    )
    models = Opinionated(LOGPROBS), Opinionated(WRITES, "scripted:other")

    plan = planner_of(text, *models).plan(texts(rollout))

    score(text, texts(rollout), *models)
    assert_asked(plan, *models)


def test_swiss_rounds_are_those_of_ties_and_near_those_of_any_outcome(planner_of: Any, score: Any, rollout: Make):
    text = with_key(PREFER, "compare: swiss\n  rounds: 4")
    rollouts = texts(rollout, groups=4, size=7)
    ties, real = Opinionated(LOGPROBS, tie=True), Opinionated(LOGPROBS)

    plan = planner_of(text, real).plan(rollouts)

    score(text, rollouts, ties)
    score(text, rollouts, real)
    assert_asked(plan, ties)
    assert plan.file.calls == pytest.approx(len(real.asked), rel=0.15)
    assert any("who meets whom depends on the outcomes" in note for note in plan.notes)


def test_a_rollout_alone_in_its_group_meets_nobody_and_is_told(planner_of: Any, rollout: Make):
    plan = planner_of(with_key(PREFER, "compare: round_robin"), Opinionated(LOGPROBS)).plan([rollout()])

    assert (plan.file.calls, plan.missing) == (0, {"not_applicable": 1})


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", "z", "far too many words here"])), max_size=9
    ),
    can=st.sampled_from([LOGPROBS, DECISIONS, WRITES, Capabilities(logprobs=True, concurrency=1)]),
    judge=st.sampled_from([None, "compare: round_robin", "compare: listwise"]),
    twice=st.booleans(),
)
def test_whatever_repeats_and_is_gated_the_plan_counts_what_is_asked(
    planner_of: Any,
    score: Any,
    rollout: Make,
    rows: list[tuple[str, str]],
    can: Capabilities,
    judge: str | None,
    twice: bool,
):
    if not rows or (judge == "compare: listwise" and can is not WRITES):
        return
    text = with_key(PREFER, judge) if judge else with_key(TWO, "samples: 2" if twice else "samples: 1")
    text += "checks:\n  - {check: length, max_words: 2, gate: true}\n"
    rollouts = [rollout(f"r{at}", completion, group=group) for at, (group, completion) in enumerate(rows)]
    model = Opinionated(can)

    plan = planner_of(text, model).plan(rollouts)

    score(text, rollouts, model)
    assert_asked(plan, model)
    assert plan.gated == sum(" " in completion for _, completion in rows)
    assert plan.questions - plan.repeated == plan.file.calls


def test_equal_questions_are_counted_once(planner_of: Any, rollout: Make):
    rollouts = [rollout(f"r{at}", text) for at, text in enumerate(["same", "other", "same", "same"])]

    plan = planner_of(TWO, Opinionated(LOGPROBS)).plan(rollouts)

    assert (plan.questions, plan.repeated, plan.in_journal, plan.file.calls) == (8, 4, 0, 4)


def test_what_the_journal_answers_is_not_asked_and_the_journal_stays_as_it_is(
    planner_of: Any, score: Any, rollout: Make, tmp_path: Path
):
    journal = tmp_path / "journal.db"
    rollouts = texts(rollout)
    score(TWO, rollouts[:5], Opinionated(LOGPROBS), journal=journal)
    before = journal.read_bytes()
    planner = planner_of(TWO, Opinionated(LOGPROBS), journal=journal)

    plan = planner.plan(rollouts)

    planner.close()
    assert (plan.questions, plan.in_journal, plan.file.calls) == (24, 10, 14)
    assert journal.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("journal")] == ["journal.db"]


def test_answers_of_another_model_are_no_answers(planner_of: Any, score: Any, rollout: Make, tmp_path: Path):
    journal = tmp_path / "journal.db"
    score(TWO, texts(rollout), Opinionated(LOGPROBS, "scripted:other"), journal=journal)

    plan = planner_of(TWO, Opinionated(LOGPROBS), journal=journal).plan(texts(rollout))

    assert (plan.in_journal, plan.file.calls) == (0, 24)


def test_a_reply_in_the_journal_that_nobody_can_read_costs_its_second_question(
    planner_of: Any, score: Any, rollout: Make, tmp_path: Path, scripted_model: Any
):
    journal = tmp_path / "journal.db"

    def broken(request: Request) -> str | Exception:
        return ModelError("timeout", "late") if len(request.messages) > 2 else "nothing to be read"

    score(TWO, [rollout()], scripted_model(broken, logprobs=False), journal=journal)

    plan = planner_of(TWO, scripted_model("", logprobs=False), journal=journal).plan([rollout()])

    assert (plan.in_journal, plan.file.calls) == (1, 1)


def test_duels_that_the_journal_knows_decide_who_meets_next(planner_of: Any, score: Any, rollout: Make, tmp_path: Path):
    text = with_key(PREFER, "compare: swiss\n  rounds: 4")
    rollouts = texts(rollout, groups=2, size=7)
    journal = tmp_path / "journal.db"
    score(text, rollouts, Opinionated(LOGPROBS), journal=journal)

    plan = planner_of(text, Opinionated(LOGPROBS), journal=journal).plan(rollouts)

    assert plan.file.calls == 0


def test_how_long_answers_are_and_take_is_learnt_from_the_journal(
    planner_of: Any, score: Any, rollout: Make, tmp_path: Path
):
    journal = tmp_path / "journal.db"
    score(TWO, texts(rollout, groups=1), Opinionated(WRITES), journal=journal)
    room = 2 * 160 + 64
    others = [rollout(f"n{at}", f"new {at}") for at in range(16)]

    plan = planner_of(TWO, Opinionated(WRITES), journal=journal).plan(others, latency=99.0)

    [one] = plan.models
    assert (one.answer_share, one.answer_share_from) == (0.25, "journal")
    assert one.completion_tokens == 16 * room // 4
    assert (one.latency, one.latency_from) == (2.0, "journal")
    assert one.seconds == 16 * 2.0 / 8


def test_without_a_journal_answers_fill_a_stated_share_and_a_call_takes_what_is_said(planner_of: Any, rollout: Make):
    rollouts = [rollout(f"n{at}", f"new {at}") for at in range(16)]
    planner = planner_of(TWO, Opinionated(WRITES))

    plan = planner.plan(rollouts, latency=3.0, concurrency=4)

    [one] = plan.models
    assert (one.answer_share, one.answer_share_from) == (ANSWER_SHARE, "assumed")
    assert one.completion_tokens == 16 * (2 * 160 + 64) * ANSWER_SHARE
    assert (one.latency_from, one.concurrency, one.seconds) == ("option", 4, 16 * 3.0 / 4)
    assert planner.plan(rollouts, latency=3.0, concurrency=64).file.seconds == 3.0
    silent = planner.plan(rollouts)
    assert (silent.models[0].latency_from, silent.file.seconds) == (None, None)


@pytest.mark.parametrize(("can", "written"), [(LOGPROBS, 12), (DECISIONS, 0)], ids=["logprobs", "decisions"])
def test_an_answer_that_is_one_token_is_counted_as_one_and_a_decision_as_none(
    planner_of: Any, rollout: Make, can: Capabilities, written: int
):
    plan = planner_of(ONE, Opinionated(can)).plan(texts(rollout))

    assert (plan.file.calls, plan.file.completion_tokens) == (12, written)
    assert plan.models[0].answer_share is None


def test_a_model_that_answers_one_at_a_time_does_so_whatever_is_wished_for(planner_of: Any, rollout: Make):
    alone = Opinionated(Capabilities(logprobs=True, concurrency=1))

    plan = planner_of(ONE, alone).plan(texts(rollout), latency=1.0, concurrency=64)

    assert (plan.models[0].concurrency, plan.file.seconds) == (1, 12.0)


def test_a_panel_takes_as_long_as_its_slowest_member(planner_of: Any, rollout: Make):
    models = Opinionated(LOGPROBS), Opinionated(Capabilities(logprobs=True, concurrency=1), "scripted:other")

    plan = planner_of(PANEL, *models).plan(texts(rollout), latency=1.0)

    assert [one.seconds for one in plan.models] == [3.0, 24.0]
    assert plan.file.seconds == 24.0


LONG = "word " * 1200
"""1,500 tokens of a document."""


@pytest.mark.parametrize(("can", "calls"), [(WRITES, 12), (DECISIONS, 12)], ids=["writes", "decisions"])
def test_what_siblings_share_is_expected_in_the_cache_for_all_but_the_first(
    planner_of: Any, rollout: Make, can: Capabilities, calls: int
):
    rollouts = [
        rollout(f"r{at}", f"answer {at}", group=f"g{at % 3}", contract=f"contract {at % 3} {LONG}") for at in range(12)
    ]

    plan = planner_of(TWO, Opinionated(can)).plan(rollouts)

    shared = (len(LONG) + len("contract 0 ")) / 4
    assert plan.file.calls == calls
    assert 9 * (shared - BLOCK / 4) <= plan.file.cached_tokens <= 9 * (shared + 200)
    assert plan.file.cached_tokens < plan.file.prompt_tokens


def test_of_one_question_a_criterion_all_but_a_groups_first_finds_the_documents_in_the_cache(
    planner_of: Any, rollout: Make
):
    rollouts = [rollout(f"r{at}", f"answer {at}", contract=LONG) for at in range(4)]

    plan = planner_of(TWO, Opinionated(LOGPROBS)).plan(rollouts)

    shared = len(LONG) / 4
    assert 7 * (shared - BLOCK / 4) <= plan.file.cached_tokens <= 7 * (shared + 100)


def test_a_short_prefix_is_not_cached(planner_of: Any, rollout: Make):
    rollouts = [rollout(f"r{at}", f"answer {at}", contract="word " * 600) for at in range(8)]

    assert planner_of(TWO, Opinionated(LOGPROBS)).plan(rollouts).file.cached_tokens == 0


def test_a_local_model_takes_over_what_the_question_before_shares_however_short(planner_of: Any, rollout: Make):
    rollouts = [rollout(f"r{at}", f"answer {at}", contract="word " * 40) for at in range(3)]
    text = ONE.replace("scripted:judge", "local:judge")
    local = Opinionated(Capabilities(logprobs=True, concurrency=1), "local:judge")

    plan = planner_of(text, local).plan(rollouts)

    assert 0 < plan.file.cached_tokens < plan.file.prompt_tokens * 2 / 3
    assert (plan.file.usd, plan.models[0].price.date) == (0.0, "always")


def test_samples_of_one_question_asked_at_once_find_nothing_of_each_other(planner_of: Any, rollout: Make):
    text = with_key(ONE, "samples: 4")

    plan = planner_of(text, Opinionated(LOGPROBS)).plan([rollout(contract=LONG)])

    assert (plan.file.calls, plan.file.cached_tokens) == (4, 0)


PRICED = "judge: {provider: scripted, price: {input: 2, cached: 0.5, output: 8, date: 2026-11-01}}\n"


def test_money_is_counted_at_the_models_price_and_its_date_goes_with_it(planner_of: Any, rollout: Make):
    rollouts = [rollout(f"r{at}", f"answer {at}", contract=LONG) for at in range(4)]

    plan = planner_of(TWO, Opinionated(WRITES), files={"models.yaml": PRICED}).plan(rollouts)

    fresh, cached = plan.file.prompt_tokens - plan.file.cached_tokens, plan.file.cached_tokens
    assert cached > 0
    assert plan.file.usd == pytest.approx((2 * fresh + 0.5 * cached + 8 * plan.file.completion_tokens) / 1e6, rel=1e-3)
    assert plan.models[0].price.date == "2026-11-01"
    assert plan.models[0].hint is None


def test_an_unknown_price_is_no_number_and_one_in_a_panel_leaves_the_whole_without(planner_of: Any, rollout: Make):
    models = Opinionated(WRITES), Opinionated(WRITES, "scripted:other")

    plan = planner_of(PANEL, *models, files={"models.yaml": PRICED}).plan(texts(rollout))

    assert plan.models[0].usd > 0
    assert (plan.models[1].usd, plan.file.usd) == (None, None)
    assert plan.models[1].hint == "nobody knows the price of scripted:other; write its 'price' into models.yaml"


def test_what_is_not_asked_costs_nothing_whatever_its_price(planner_of: Any, rollout: Make):
    text = ONE + "checks:\n  - {check: length, max_words: 1, gate: true}\n"

    plan = planner_of(text, Opinionated(WRITES)).plan(texts(rollout))

    assert (plan.gated, plan.file.calls, plan.file.usd, plan.file.seconds) == (12, 0, 0.0, 0.0)


def test_a_run_is_its_steps_and_a_step_so_many_rollouts_like_the_files(planner_of: Any, rollout: Make):
    planner = planner_of(TWO, Opinionated(WRITES), files={"models.yaml": PRICED})

    plan = planner.plan(texts(rollout), training=Training(steps=50, per_step=36), latency=4.0)

    file, step, run = plan.file, plan.step, plan.run
    assert step
    assert run
    assert (file.rollouts, step.rollouts, run.rollouts) == (12, 36, 1800)
    assert (file.calls, step.calls, run.calls) == (12, 36, 1800)
    assert step.prompt_tokens == pytest.approx(3 * file.prompt_tokens, abs=3)
    assert step.usd == pytest.approx(3 * file.usd)
    assert run.usd == pytest.approx(50 * step.usd)
    assert (step.seconds, run.seconds) == (36 * 4.0 / 8, 50 * 36 * 4.0 / 8)


def test_the_journal_spares_the_file_and_not_a_run_on_new_rollouts(
    planner_of: Any, score: Any, rollout: Make, tmp_path: Path
):
    journal = tmp_path / "journal.db"
    score(TWO, texts(rollout), Opinionated(WRITES), journal=journal)

    plan = planner_of(TWO, Opinionated(WRITES), journal=journal).plan(
        texts(rollout), training=Training(steps=2, per_step=12)
    )

    assert plan.step
    assert plan.run
    assert (plan.file.calls, plan.step.calls, plan.run.calls) == (0, 12, 24)
    assert plan.models[0].answer_share_from == "journal"


def test_a_second_model_is_told_and_not_counted(planner_of: Any, rollout: Make):
    text = with_key(TWO, "fallback: {model: 'scripted:second', after: 0.000001}")
    second = Opinionated(WRITES, "scripted:second")

    plan = planner_of(text, Opinionated(WRITES), fallback=second).plan(texts(rollout))

    assert [one.model for one in plan.models] == ["scripted:judge"]
    assert plan.file.calls == 12
    assert "scripted:second is asked only what is left open; that is not counted" in plan.notes


def test_recorded_verdicts_are_asked_nothing(reward_file: Any, rollout: Make, tmp_path: Path):
    (tmp_path / "verdicts.jsonl").write_text('{"id": "r", "verdicts": {"good": true}}\n')
    spec = read_reward(reward_file(ONE.replace("scripted:judge", "recorded:../verdicts.jsonl")))
    planner = Planner(spec, [RecordedJudge("recorded:../verdicts.jsonl", tmp_path / "verdicts.jsonl")])

    plan = planner.plan([rollout()], training=Training(steps=2, per_step=2))

    planner.close()
    assert (plan.models, plan.questions, plan.repeated) == ((), 0, 0)
    assert (plan.file.calls, plan.file.usd, plan.file.seconds) == (0, 0.0, 0.0)


def test_criteria_that_a_certificate_turns_off_are_not_asked(planner_of: Any, rollout: Make):
    planner = planner_of(TWO, Opinionated(LOGPROBS))

    assert planner.plan(texts(rollout), readings={"useful": Reading(factor=0.0)}).file.calls == 12
    with pytest.raises(NotGoodEnoughError, match="turns every criterion off"):
        planner.plan(texts(rollout), readings={name: Reading(factor=0.0) for name in ("good", "useful")})


def test_what_cannot_be_scored_cannot_be_planned(planner_of: Any, rollout: Make, tmp_path: Path):
    with pytest.raises(ConfigError, match="evidence needs a model that can quote"):
        planner_of(QUOTES, Opinionated(LOGPROBS))
    with pytest.raises(DataError, match="no column 'contract'"):
        planner_of(ONE, Opinionated(LOGPROBS)).plan([Rollout(id="r", group="g", prompt="p", completion="c")])
    with pytest.raises(DataError, match="there are no rollouts to plan for"):
        planner_of(ONE, Opinionated(LOGPROBS)).plan([])
    with pytest.raises(UsageError, match=r"nowhere\.db: there is no journal"):
        planner_of(ONE, Opinionated(LOGPROBS), journal=tmp_path / "nowhere.db")
    assert not (tmp_path / "nowhere.db").exists()


async def test_a_request_of_more_questions_than_a_server_takes_is_several_calls():
    [choice] = made_up_choices(1)
    small, large = StandIn(Opinionated(DECISIONS), share=0.5), StandIn(Opinionated(DECISIONS), share=0.5)
    request = Request(messages=(), max_tokens=1, choices=(choice,) * 400)

    await small.reply(request)
    await large.reply(msgspec.structs.replace(request, choices=(choice,) * 401))

    assert (small.asked.calls, large.asked.calls) == (1, 2)


def made_up_choices(count: int) -> tuple[Any, ...]:
    from dikast.models.base import Choice

    return tuple(Choice(name=f"c{at}", ask="Is it?", labels=("yes", "no")) for at in range(count))


def test_an_answer_out_of_thin_air_is_undecided():
    reply = made_up(Request(messages=(), max_tokens=1, choices=made_up_choices(2)))

    assert reply.chosen == ((("yes", 0.5), ("no", 0.5)),) * 2
    assert made_up(Request(messages=(), max_tokens=9)).text == ""


@given(st.text("ab", max_size=300), st.text("ab", max_size=300), st.text("ab", max_size=300))
def test_a_cache_gives_no_more_than_what_is_shared_and_a_block_less_at_the_most(prefix: str, one: str, other: str):
    cache = PrefixCache(alone=True)
    cache.add(prefix + one)

    found = cache.shared(prefix + other)

    same = [a == b for a, b in zip(prefix + one, prefix + other, strict=False)]
    really = same.index(False) if False in same else len(same)
    assert really - 16 < found <= really


def test_a_cache_that_holds_one_prompt_forgets_the_one_before_it():
    alone, server = PrefixCache(alone=True), PrefixCache()

    for cache in (alone, server):
        cache.add("a" * 8000)
        cache.add("b" * 8000)

    assert (alone.shared("a" * 8000), server.shared("a" * 8000)) == (0, 8000)
