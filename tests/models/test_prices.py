"""What a reply costs: by the user's price, else by the table, never by a guess."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.models.base import Reply
from dikast.models.prices import cost_of, cost_of_tokens, known_prices, price_of
from dikast.spec.models import ModelConnection, Price

PRICE = Price(input=2.0, cached=0.2, output=10.0, date="2026-11")


@pytest.mark.parametrize("name", known_prices())
def test_every_price_that_comes_with_dikast_has_a_date_and_is_sane(name):
    price = known_prices()[name]

    assert datetime.date(2026, 1, 1) <= datetime.date.fromisoformat(f"{price.date}-01")
    assert 0 < price.input < 100
    assert 0 <= price.output < 500
    assert price.cached is None or 0 <= price.cached <= price.input
    # Only a decision model, which writes nothing, has output for nothing.
    assert price.output >= price.input or price.output == 0


def test_the_models_that_the_documents_name_have_a_price():
    assert {"gpt-oss-120b", "openai.gpt-oss-120b-1:0", "gpt-6-luna"} <= known_prices().keys()


@pytest.mark.parametrize("name", ["openai:gpt-oss-120b", "bedrock:openai.gpt-oss-120b-1:0", "decisions:gpt-6-luna"])
def test_a_known_model_has_its_price_from_the_table(name):
    price = price_of(name, ModelConnection(provider=name.partition(":")[0]))

    assert price == known_prices()[name.partition(":")[2]]


def test_a_model_under_a_name_of_the_users_own_has_the_price_of_what_is_asked():
    connection = ModelConnection(provider="openai", model="gpt-oss-120b")

    assert price_of("openai:judge", connection) == known_prices()["gpt-oss-120b"]


def test_the_users_price_comes_before_the_table_and_before_free():
    connection = ModelConnection(provider="openai", model="gpt-oss-120b", price=PRICE)

    assert price_of("openai:gpt-oss-120b", connection) == PRICE
    assert price_of("local:small", ModelConnection(provider="local", price=PRICE)) == PRICE


@pytest.mark.parametrize("name", ["local:qwen2.5-coder-1.5b-instruct-q4", "local:own.gguf", "recorded:run/journal.db"])
def test_what_runs_here_or_ran_before_is_free(name):
    price = price_of(name, ModelConnection(provider=name.partition(":")[0]))

    assert price is not None
    assert cost_of(price, Reply(text="", prompt_tokens=10**9, completion_tokens=10**9)) == 0


def test_nobody_guesses_the_price_of_an_unknown_model():
    assert price_of("openai:unheard-of", ModelConnection(provider="openai")) is None
    assert price_of("openai:gpt-oss-120b", ModelConnection(provider="openai", model="unheard-of")) is None


def test_a_reply_costs_its_tokens_and_those_from_the_cache_less():
    reply = Reply(text="", prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=100_000)

    assert cost_of(PRICE, reply) == pytest.approx(0.6 * 2.0 + 0.4 * 0.2 + 0.1 * 10.0)


def test_without_a_price_for_the_cache_its_tokens_cost_as_any():
    plain = Price(input=2.0, output=10.0, date="2026-11")
    free = Price(input=2.0, cached=0.0, output=10.0, date="2026-11")

    assert cost_of_tokens(plain, prompt=1e6, cached=1e6, completion=0) == pytest.approx(2.0)
    assert cost_of_tokens(free, prompt=1e6, cached=1e6, completion=0) == 0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_no_count_of_tokens_costs_less_than_nothing_or_more_than_without_a_cache(prompt, cached, completion):
    with_cache = cost_of_tokens(PRICE, prompt=prompt, cached=cached, completion=completion)
    without = cost_of_tokens(PRICE, prompt=max(prompt, cached), cached=0, completion=completion)

    assert 0 <= with_cache <= without * (1 + 1e-12)
