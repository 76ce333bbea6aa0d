"""A question is paid for once; a failure is missing, is told, and is never kept."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dikast.errors import ModelError, UnavailableError
from dikast.journal import Journal
from dikast.models.base import Reply, Request
from dikast.records import MISSING_REASONS, Message, Missing, Usage

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
