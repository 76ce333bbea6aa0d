"""A budget lets through so many calls and so much money, and says which limit was reached."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.judges.budget import Budget
from dikast.models.base import Reply
from dikast.records import Missing
from dikast.spec.models import Price

MODEL = "openai:big"
PRICES = {MODEL: Price(input=2.0, cached=1.0, output=10.0, date="2026-11-01")}
"""US dollars for a million tokens."""


def reply(dollars: float) -> Reply:
    return Reply(text="", completion_tokens=round(dollars * 100_000))


def test_without_limits_it_only_counts():
    budget = Budget(prices=PRICES)

    for _ in range(3):
        assert budget.take()
        budget.settle(Reply(text="", prompt_tokens=1000, cached_tokens=400, completion_tokens=50), MODEL)

    assert (budget.calls, budget.refused, budget.under_way) == (3, 0, 0)
    assert budget.usd == pytest.approx(3 * (600 * 2.0 + 400 * 1.0 + 50 * 10.0) / 1e6)


def test_the_calls_end_at_their_limit_answered_or_not():
    budget = Budget(calls=2)

    assert [budget.take() for _ in range(4)] == [True, True, False, False]
    assert (budget.calls, budget.refused) == (2, 2)
    assert budget.spent_what == "the budget of 2 calls is spent"


def test_a_budget_of_nothing_lets_nothing_through():
    assert not Budget(calls=0).take()
    assert not Budget(usd=0.0).take()


def test_the_money_ends_where_the_next_call_would_pass_the_limit():
    budget = Budget(usd=1.0, prices=PRICES)
    for _ in range(3):
        assert budget.take()
        budget.settle(reply(0.3), MODEL)

    assert not budget.take()
    assert budget.usd == pytest.approx(0.9)
    assert budget.spent_what == "the budget of 1.0 USD is spent"


def test_calls_under_way_are_taken_to_cost_what_the_dearest_did():
    budget = Budget(usd=1.0, prices=PRICES)
    assert budget.take()
    budget.settle(reply(0.3), MODEL)

    assert [budget.take() for _ in range(4)] == [True, True, False, False]


def test_a_call_that_failed_was_free_and_gives_its_reservation_back():
    budget = Budget(usd=0.5, prices=PRICES)
    assert budget.take()
    budget.settle(reply(0.2), MODEL)
    assert budget.take()
    assert not budget.take()

    budget.settle(Missing("timeout"), MODEL)

    assert budget.usd == pytest.approx(0.2)
    assert budget.take()


def test_a_model_without_a_price_costs_nothing():
    budget = Budget(usd=0.5, prices=PRICES)

    assert budget.take()
    budget.settle(reply(100.0), "local:small")

    assert budget.usd == 0
    assert budget.take()


def test_of_two_limits_the_one_that_was_reached_is_named():
    budget = Budget(calls=10, usd=0.1, prices=PRICES)
    assert budget.take()
    budget.settle(reply(0.1), MODEL)

    assert not budget.take()
    assert budget.spent_what == "the budget of 0.1 USD is spent"


def test_before_the_first_reply_calls_are_taken_to_cost_the_most_they_can():
    budget = Budget(usd=1.0, prices=PRICES)
    at_most = budget.at_most(MODEL, size=400_000, max_tokens=10_000)

    assert at_most == pytest.approx(0.2 + 0.1)
    assert [budget.take(at_most) for _ in range(5)] == [True, True, True, False, False]


def test_the_first_call_may_cost_more_than_there_is():
    budget = Budget(usd=0.1, prices=PRICES)

    assert [budget.take(5.0), budget.take(5.0)] == [True, False]


async def test_whoever_would_pass_the_limit_waits_for_what_the_others_cost():
    budget = Budget(usd=1.0, prices=PRICES)
    done: list[int] = []

    async def call(number: int) -> None:
        await budget.room(0.6)
        if budget.take(0.6):
            await asyncio.sleep(0)
            budget.settle(reply(0.2), MODEL)
            done.append(number)

    await asyncio.gather(*(call(number) for number in range(8)))

    assert done == [0, 1, 2, 3, 4]
    assert budget.usd == pytest.approx(1.0)
    assert budget.refused == 3


async def test_who_is_stopped_while_waiting_leaves_the_budget_as_it_was():
    budget = Budget(usd=1.0, prices=PRICES)
    assert budget.take(0.9)
    waiting = asyncio.create_task(budget.room(0.9))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    budget.settle(reply(0.5), MODEL)

    assert budget.take(0.9)


@given(st.lists(st.sampled_from(["take", "settle", "fail"]), max_size=60), st.floats(0.01, 3.0), st.floats(0.01, 1.0))
def test_where_calls_cost_alike_and_no_more_than_the_most_only_the_first_can_pass_the_limit(
    steps: list[str], limit: float, cost: float
):
    budget = Budget(usd=limit, prices=PRICES)
    for step in steps:
        if step == "take":
            budget.take(1.0)
        elif budget.under_way:
            budget.settle(reply(cost) if step == "settle" else None, MODEL)

    assert budget.usd <= max(limit, reply(cost).completion_tokens / 100_000) + 1e-9
    assert budget.under_way >= 0
    assert budget.calls == steps.count("take") - budget.refused
