"""A question is paid for once; a failure is missing, is told, and is never kept."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dikast.errors import ModelError, UnavailableError
from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.budget import Budget
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import MISSING_REASONS, Message, Missing, Usage
from dikast.spec.models import Price

AskerOf = Callable[..., Any]


def question(text: str = "Is it good?") -> Request:
    return Request(messages=(Message(role="user", content=text),), max_tokens=1)


async def test_the_answer_comes_with_what_it_cost(scripted_model: Any, asker_of: AskerOf):
    asker = asker_of(scripted_model(0.75))

    reply, usage = await asker.ask(question())

    assert isinstance(reply, Reply)
    assert usage == Usage(questions=1, asked=1, prompt_tokens=10, cached_tokens=4, completion_tokens=1)


async def test_a_question_asked_again_comes_from_the_journal_and_costs_nothing(scripted_model: Any, asker_of: AskerOf):
    asker = asker_of(scripted_model(0.75))
    first, _ = await asker.ask(question())

    again, usage = await asker.ask(question())

    assert again == first
    assert usage == Usage(questions=1)
    assert len(asker.model.asked) == 1


async def test_equal_questions_under_way_at_once_are_asked_once(scripted_model: Any, asker_of: AskerOf):
    asker = asker_of(scripted_model(0.75, concurrency=16))

    outcomes = await asyncio.gather(*(asker.ask(question()) for _ in range(5)))

    assert len({reply for reply, _ in outcomes}) == 1
    assert sum(usage.asked for _, usage in outcomes) == len(asker.model.asked) == 1
    assert all(usage.questions == 1 for _, usage in outcomes)


async def test_in_another_epoch_everything_is_asked_anew_once(scripted_model: Any):
    journal, model = Journal.open(None), scripted_model(0.75)
    await Asker(model, journal).ask(question())

    for _ in range(2):
        await Asker(model, journal, epoch=1).ask(question())

    assert len(model.asked) == 2


@pytest.mark.parametrize(
    "other",
    [{"repeat": 1}, {"request": question("Is it useful?")}, {"fingerprint": "beef"}, {"name": "scripted:other"}],
)
async def test_another_question_is_asked_anew(scripted_model: Any, asker_of: AskerOf, other: dict[str, Any]):
    journal = Journal.open(None)
    await asker_of(scripted_model(0.75), journal).ask(question())
    model = scripted_model(0.25)
    model.fingerprint = other.get("fingerprint", model.fingerprint)
    model.name = other.get("name", model.name)

    await asker_of(model, journal).ask(other.get("request", question()), repeat=other.get("repeat", 0))

    assert len(model.asked) == 1


@pytest.mark.parametrize("reason", MISSING_REASONS)
async def test_a_failed_request_is_missing_with_its_reason_and_not_kept(
    scripted_model: Any, asker_of: AskerOf, reason: Any
):
    asker = asker_of(scripted_model(ModelError(reason, "scripted")))

    outcome, usage = await asker.ask(question())

    assert outcome == Missing(reason, "scripted")
    assert usage == Usage(questions=1, asked=1)
    assert asker.journal.count() == 0


async def test_a_failed_request_is_asked_again_the_next_time(scripted_model: Any, asker_of: AskerOf):
    answers = iter([ModelError("timeout", "scripted"), 0.75])
    asker = asker_of(scripted_model(lambda _request: next(answers)))
    await asker.ask(question())

    reply, _ = await asker.ask(question())

    assert isinstance(reply, Reply)
    assert asker.journal.count() == 1


async def test_those_who_wait_for_a_failed_request_are_told_the_same(scripted_model: Any, asker_of: AskerOf):
    asker = asker_of(scripted_model(ModelError("timeout", "scripted"), concurrency=16))

    outcomes = await asyncio.gather(*(asker.ask(question()) for _ in range(3)))

    assert [outcome for outcome, _ in outcomes] == [Missing("timeout", "scripted")] * 3
    assert len(asker.model.asked) == 1


async def test_what_no_request_can_work_with_is_raised_to_everyone(scripted_model: Any, asker_of: AskerOf):
    asker = asker_of(scripted_model(UnavailableError("no such key"), concurrency=16))

    outcomes = await asyncio.gather(*(asker.ask(question()) for _ in range(3)), return_exceptions=True)

    assert [(type(outcome), str(outcome)) for outcome in outcomes] == [(UnavailableError, "no such key")] * 3
    assert asker.journal.count() == 0


async def test_stopping_the_one_who_asked_does_not_stop_those_who_wait_for_the_same(
    scripted_model: Any, asker_of: AskerOf
):
    asker = asker_of(scripted_model(0.75, concurrency=16))
    first = asyncio.create_task(asker.ask(question()))
    second = asyncio.create_task(asker.ask(question()))
    await asyncio.sleep(0)

    first.cancel()
    reply, usage = await second

    assert isinstance(reply, Reply)
    assert usage.asked == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_one_who_waits_can_be_stopped_and_the_question_goes_on(scripted_model: Any, asker_of: AskerOf):
    asker = asker_of(scripted_model(0.75, concurrency=16))
    first = asyncio.create_task(asker.ask(question()))
    second = asyncio.create_task(asker.ask(question()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    second.cancel()

    with pytest.raises(asyncio.CancelledError):
        await second
    reply, _ = await first
    assert isinstance(reply, Reply)
    assert len(asker.model.asked) == 1


class Hanging:
    """A model that answers when it is told to, or never."""

    name, fingerprint, capabilities = "scripted:slow", "f00d", Capabilities(concurrency=16)

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.asked = self.stopped = 0

    async def reply(self, request: Request) -> Reply:
        self.asked += 1
        try:
            await self.answered.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return Reply(text="said")

    async def close(self) -> None:
        pass


def in_seconds(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_what_is_open_at_the_deadline_is_expired_and_its_request_is_stopped(asker_of: AskerOf):
    model = Hanging()
    asker = asker_of(model)
    until = in_seconds(0.05)

    outcome, usage = await asker.ask(question(), until=until)

    assert outcome == Missing("expired", "the batch's deadline came first")
    assert usage == Usage(questions=1)
    assert 0 <= in_seconds(0) - until < 1
    assert (model.asked, model.stopped) == (1, 1)
    assert asker.journal.count() == 0


async def test_after_the_deadline_nothing_is_put_to_the_model_and_the_journal_still_answers(asker_of: AskerOf):
    model = Hanging()
    asker = asker_of(model)
    model.answered.set()
    await asker.ask(question("known"))

    known, _ = await asker.ask(question("known"), until=in_seconds(-1))
    new, _ = await asker.ask(question("new"), until=in_seconds(-1))

    assert known == Reply(text="said")
    assert new == Missing("expired", "the batch's deadline came first")
    assert (model.asked, asker.budget.calls) == (1, 1)


async def test_an_answer_before_the_deadline_is_given_and_kept(asker_of: AskerOf):
    model = Hanging()
    asker = asker_of(model)
    asyncio.get_running_loop().call_later(0.02, model.answered.set)

    reply, _ = await asker.ask(question(), until=in_seconds(60))

    assert reply == Reply(text="said")
    assert asker.journal.count() == 1


async def test_all_who_wait_for_one_question_expire_at_their_own_deadline(asker_of: AskerOf):
    model = Hanging()
    asker = asker_of(model)
    soon = [asyncio.create_task(asker.ask(question(), until=in_seconds(0.03))) for _ in range(3)]
    patient = asyncio.create_task(asker.ask(question(), until=in_seconds(60)))

    outcomes = [outcome for outcome, _ in await asyncio.gather(*soon)]
    while model.asked < 2:  # noqa: ASYNC110  the model has no event to wait for
        await asyncio.sleep(0)
    model.answered.set()
    reply, usage = await patient

    assert outcomes == [Missing("expired", "the batch's deadline came first")] * 3
    assert reply == Reply(text="said")
    assert usage.asked == 1


async def test_a_deadline_does_not_hide_a_timeout_error_that_is_a_bug(scripted_model: Any, asker_of: AskerOf):
    with pytest.raises(TimeoutError, match="a bug"):
        await asker_of(scripted_model(TimeoutError("a bug"))).ask(question(), until=in_seconds(60))


async def test_over_the_budget_nothing_is_asked_and_the_journal_still_answers(scripted_model: Any):
    model = scripted_model(0.75)
    asker = Asker(model, Journal.open(None), budget=Budget(calls=1))
    await asker.ask(question("first"))

    second, usage = await asker.ask(question("second"))
    first, _ = await asker.ask(question("first"))

    assert second == Missing("over_budget", "the budget of 1 calls is spent")
    assert usage == Usage(questions=1)
    assert isinstance(first, Reply)
    assert len(model.asked) == 1


async def test_equal_questions_at_once_take_one_call_of_the_budget(scripted_model: Any):
    asker = Asker(scripted_model(0.75, concurrency=16), Journal.open(None), budget=Budget(calls=1))

    outcomes = await asyncio.gather(*(asker.ask(question()) for _ in range(4)))

    assert all(isinstance(outcome, Reply) for outcome, _ in outcomes)


async def test_an_amount_of_money_is_kept_however_many_ask_at_once(scripted_model: Any):
    model = scripted_model(0.75, concurrency=64)
    prices = {model.name: Price(input=100_000.0, output=0.0, date="2026-11-01")}
    budget = Budget(usd=5.0, prices=prices)
    asker = Asker(model, Journal.open(None), budget=budget)

    outcomes = await asyncio.gather(*(asker.ask(question(str(at // 2))) for at in range(64)))

    # Ten tokens a question, a dollar each; every question is asked twice and paid for once.
    assert budget.usd == pytest.approx(5.0)
    assert sum(isinstance(outcome, Reply) for outcome, _ in outcomes) == 10
    assert {outcome.reason for outcome, _ in outcomes if isinstance(outcome, Missing)} == {"over_budget"}
    assert len(model.asked) == 5


@pytest.mark.parametrize("failure", [ModelError("timeout", "late"), UnavailableError("no key"), ZeroDivisionError()])
async def test_a_call_that_fails_is_settled_with_the_budget(scripted_model: Any, failure: Exception):
    budget = Budget(calls=5)
    asker = Asker(scripted_model(failure), Journal.open(None), budget=budget)

    await asyncio.gather(asker.ask(question()), return_exceptions=True)

    assert (budget.calls, budget.under_way) == (1, 0)


async def test_a_call_that_the_deadline_stops_is_settled_with_the_budget(asker_of: AskerOf):
    asker = asker_of(Hanging())

    await asker.ask(question(), until=in_seconds(0.02))

    assert (asker.budget.calls, asker.budget.under_way) == (1, 0)
