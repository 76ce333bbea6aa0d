"""How many requests are under way at once, and how many a minute."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.models.limiter import FIRST_LIMIT, Limiter


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def at_loops_clock(most: int, **rates: float) -> Limiter:
    return Limiter(most, clock=asyncio.get_running_loop().time, **rates)


async def limits_of_rounds(limiter: Limiter, rounds: int, *, crowd: int) -> list[float]:
    """The limit before each round of answers, where every answer takes a second and a crowd wants in."""

    async def one() -> None:
        await limiter.enter(1)
        await asyncio.sleep(1)
        limiter.well()
        limiter.leave()

    waiting = [asyncio.create_task(one()) for _ in range(crowd)]
    limits: list[float] = []
    for _ in range(rounds):
        await asyncio.sleep(0.5)
        limits.append(limiter.limit)
        await asyncio.sleep(0.5)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return limits


async def test_it_begins_at_the_ceiling_where_that_is_low():
    assert Limiter(4).limit == 4
    assert Limiter(1000).limit == FIRST_LIMIT


def test_it_doubles_each_round_until_the_server_objects(in_virtual_time):
    async def limits() -> list[float]:
        return await limits_of_rounds(at_loops_clock(2000), 3, crowd=3000)

    assert in_virtual_time(limits()) == [256, 512, 1024]


def test_after_the_server_objected_it_rises_by_one_a_round(in_virtual_time):
    async def limits() -> list[float]:
        limiter = at_loops_clock(1000)
        limiter.too_much(entered=await limiter.enter(1), after=0)
        limiter.leave()
        return await limits_of_rounds(limiter, 4, crowd=1000)

    assert in_virtual_time(limits()) == pytest.approx([128, 129, 130, 131], abs=0.2)


def test_it_never_rises_over_the_ceiling(in_virtual_time):
    async def limits() -> list[float]:
        return await limits_of_rounds(at_loops_clock(FIRST_LIMIT + 3), 3, crowd=1000)

    assert in_virtual_time(limits()) == [256, 259, 259]


@pytest.mark.parametrize("taken", [1, FIRST_LIMIT // 2, FIRST_LIMIT - 1])
async def test_it_learns_nothing_from_answers_while_places_are_free(taken):
    limiter = Limiter(1000)
    for _ in range(taken):
        await limiter.enter(1)

    for _ in range(100):
        limiter.well()

    assert limiter.limit == FIRST_LIMIT


async def test_one_request_at_a_time_says_nothing_about_more_than_two():
    clock = Clock()
    limiter = Limiter(2, clock=clock)
    for _ in range(2):
        limiter.too_much(entered=await limiter.enter(1), after=0)
        limiter.leave()
        clock.now += 1

    for _ in range(50):
        await limiter.enter(1)
        limiter.well()
        limiter.leave()

    assert limiter.limit == 2


async def test_it_halves_once_for_the_requests_that_were_under_way_together():
    clock = Clock()
    limiter = Limiter(32, clock=clock)
    entered = [await limiter.enter(1) for _ in range(32)]
    clock.now += 1

    for at in entered:
        limiter.too_much(entered=at, after=0)
        limiter.leave()

    assert limiter.limit == 16


async def test_it_halves_again_for_a_request_that_came_later():
    clock = Clock()
    limiter = Limiter(32, clock=clock)

    for limit in (16, 8, 4, 2, 1, 1, 1):
        clock.now += 1
        limiter.too_much(entered=await limiter.enter(1), after=0)
        limiter.leave()
        assert limiter.limit == limit


async def test_a_lower_limit_lets_nobody_in_until_enough_have_left():
    limiter = Limiter(4)
    entered = [await limiter.enter(1) for _ in range(4)]
    next_one = asyncio.create_task(limiter.enter(1))
    limiter.too_much(entered=entered[0], after=0)

    for under_way in (3, 2):
        limiter.leave()
        await asyncio.sleep(0)
        assert limiter.under_way == under_way
    assert not next_one.done()

    limiter.leave()
    await next_one
    assert limiter.under_way == 2


def test_nobody_is_let_in_for_as_long_as_the_server_asks(in_virtual_time):
    async def entries() -> list[float]:
        limiter = at_loops_clock(8)
        entered = await limiter.enter(1)
        limiter.too_much(entered=entered, after=10)
        limiter.leave()
        return await asyncio.gather(*(limiter.enter(1) for _ in range(4)))

    assert in_virtual_time(entries()) == pytest.approx([10] * 4)


def test_a_longer_wait_that_is_named_later_counts_and_a_shorter_one_does_not(in_virtual_time):
    async def entry(*waits: float) -> float:
        limiter = at_loops_clock(8)
        limiter.close_for(waits[0])
        waiting = asyncio.create_task(limiter.enter(1))
        await asyncio.sleep(1)
        for wait in waits[1:]:
            limiter.close_for(wait)
        return await waiting

    assert in_virtual_time(entry(5, 20)) == pytest.approx(21)
    assert in_virtual_time(entry(5, 2)) == pytest.approx(5)


async def test_who_came_first_is_let_in_first():
    limiter = Limiter(1)
    await limiter.enter(1)
    order: list[int] = []

    async def one(number: int) -> None:
        await limiter.enter(1)
        order.append(number)
        limiter.leave()

    waiting = [asyncio.create_task(one(number)) for number in range(5)]
    await asyncio.sleep(0)
    limiter.leave()
    # Whoever comes while others wait stands behind them.
    waiting.append(asyncio.create_task(one(5)))
    await asyncio.gather(*waiting)

    assert order == [0, 1, 2, 3, 4, 5]


async def test_one_that_gives_up_waiting_takes_no_place_and_holds_nobody_up():
    limiter = Limiter(1)
    await limiter.enter(1)
    impatient = [asyncio.create_task(limiter.enter(1)) for _ in range(3)]
    patient = asyncio.create_task(limiter.enter(1))
    await asyncio.sleep(0)

    for task in impatient:
        task.cancel()
    await asyncio.gather(*impatient, return_exceptions=True)
    limiter.leave()
    await patient

    assert limiter.under_way == 1
    limiter.leave()
    assert limiter.under_way == 0


async def test_one_that_is_stopped_just_as_it_is_let_in_hands_its_place_on():
    limiter = Limiter(1)
    await limiter.enter(1)
    stopped, next_one = (asyncio.create_task(limiter.enter(1)) for _ in range(2))
    await asyncio.sleep(0)

    limiter.leave()  # lets the first one in, which learns of it in the loop's next turn
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    await next_one

    assert stopped.cancelled()
    assert limiter.under_way == 1


def test_those_who_gave_up_use_up_nothing_of_the_minute(in_virtual_time):
    async def entry() -> float:
        limiter = at_loops_clock(64, requests_per_minute=30)
        await limiter.enter(1)
        crowd = [asyncio.create_task(limiter.enter(1)) for _ in range(50)]
        await asyncio.sleep(1)
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return await limiter.enter(1)

    assert in_virtual_time(entry()) == pytest.approx(61 / 30)


def test_one_that_waits_for_the_minutes_share_holds_no_place(in_virtual_time):
    async def most_under_way() -> tuple[int, float]:
        limiter = at_loops_clock(1000, requests_per_minute=60)
        most = 0

        async def one() -> None:
            nonlocal most
            await limiter.enter(1)
            most = max(most, limiter.under_way)
            await asyncio.sleep(0.5)
            limiter.well()
            limiter.leave()

        await asyncio.gather(*(one() for _ in range(40)))
        return most, limiter.limit

    assert in_virtual_time(most_under_way()) == (1, FIRST_LIMIT)


def entries_at(arrivals: list[tuple[float, int]], **rates: float):
    """When requests of so many tokens, that arrive so many seconds after one another, are let in."""

    async def all_of_them() -> list[float]:
        limiter = at_loops_clock(10_000, **rates)
        limiter.limit = 10_000

        async def one(tokens: int) -> float:
            entered = await limiter.enter(tokens)
            limiter.leave()
            return entered

        tasks = []
        for gap, tokens in arrivals:
            await asyncio.sleep(gap)
            tasks.append(asyncio.create_task(one(tokens)))
        return await asyncio.gather(*tasks)

    return all_of_them()


def most_in_a_minute(entries: list[float], amounts: list[int]) -> int:
    """The largest sum of amounts that any sixty seconds hold. Times are compared to the microsecond."""
    return max(
        sum(amount for at, amount in zip(entries, amounts, strict=True) if start - 1e-6 <= at < start + 60 - 1e-6)
        for start in entries
    )


GAPS = st.sampled_from([0.0, 0.0, 0.0, 0.1, 1.0, 20.0])


@given(st.lists(GAPS, min_size=1, max_size=150), st.integers(1, 90))
def test_no_minute_holds_more_requests_than_it_may(in_virtual_time, gaps, per_minute):
    entries = in_virtual_time(entries_at([(gap, 1) for gap in gaps], requests_per_minute=per_minute))

    assert entries == sorted(entries)
    assert most_in_a_minute(entries, [1] * len(entries)) <= per_minute


@given(st.lists(st.tuples(GAPS, st.integers(0, 3000)), min_size=1, max_size=60), st.integers(100, 10_000))
def test_no_minute_holds_more_tokens_than_it_may_but_for_the_last_request(in_virtual_time, arrivals, per_minute):
    entries = in_virtual_time(entries_at(arrivals, tokens_per_minute=per_minute))
    amounts = [tokens for _, tokens in arrivals]

    assert most_in_a_minute(entries, amounts) <= per_minute + max(amounts)


@pytest.mark.parametrize(("per_minute", "seconds"), [(600, 100), (60, 1000), (6000, 10)])
def test_a_thousand_requests_take_no_longer_than_the_rate_asks(in_virtual_time, per_minute, seconds):
    entries = in_virtual_time(entries_at([(0, 1)] * 1000, requests_per_minute=per_minute))

    assert seconds - 1 <= entries[-1] <= 1.03 * seconds


@pytest.mark.parametrize("rates", [{"requests_per_minute": 0.5}, {"tokens_per_minute": 10}])
def test_the_first_request_waits_for_nothing_however_low_the_rate(in_virtual_time, rates):
    assert in_virtual_time(entries_at([(0, 5000)], **rates)) == [0]


def test_both_rates_are_kept_at_once(in_virtual_time):
    rates = {"requests_per_minute": 61, "tokens_per_minute": 6100}

    few_tokens = in_virtual_time(entries_at([(0, 1)] * 10, **rates))
    many_tokens = in_virtual_time(entries_at([(0, 1000)] * 10, **rates))

    assert few_tokens[-1] == pytest.approx(9)
    assert many_tokens[-1] == pytest.approx(90)


@dataclass(frozen=True)
class Caller:
    """Comes, waits, is served and goes, unless it is stopped on the way."""

    arrives: float
    takes: float
    outcome: str
    patience: float | None
    tokens: int


TIMES = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0, 3.0])
CALLERS = st.builds(
    Caller,
    arrives=TIMES,
    takes=TIMES,
    outcome=st.sampled_from(["well", "well", "too much", "fails"]),
    patience=st.one_of(st.none(), TIMES),
    tokens=st.integers(0, 500),
)
RATES = st.fixed_dictionaries(
    {}, optional={"requests_per_minute": st.integers(5, 600), "tokens_per_minute": st.integers(500, 60_000)}
)


@given(st.lists(CALLERS, max_size=40), st.integers(1, 40), RATES)
def test_whatever_happens_every_place_comes_back_and_nobody_is_forgotten(in_virtual_time, callers, most, rates):
    arrived: list[int] = []
    let_in: dict[int, float] = {}
    stopped: set[int] = set()
    cuts: set[float] = set()

    async def call(limiter: Limiter, number: int, caller: Caller) -> None:
        await asyncio.sleep(caller.arrives)
        arrived.append(number)
        try:
            async with asyncio.timeout(caller.patience):
                entered = await limiter.enter(caller.tokens)
                try:
                    let_in[number] = entered
                    # A place may have been given in the moment before the limit was cut.
                    assert limiter.under_way <= int(limiter.limit) or entered in cuts
                    assert 1 <= limiter.under_way <= most
                    await asyncio.sleep(caller.takes)
                    if caller.outcome == "well":
                        limiter.well()
                    elif caller.outcome == "too much":
                        limiter.too_much(entered=entered, after=caller.takes)
                        cuts.add(asyncio.get_running_loop().time())
                finally:
                    limiter.leave()
        except TimeoutError:
            stopped.add(number)

    async def all_of_them() -> Limiter:
        limiter = at_loops_clock(most, **rates)
        await asyncio.gather(*(call(limiter, number, caller) for number, caller in enumerate(callers)))
        assert limiter.under_way == 0
        # And it still serves.
        await limiter.enter(1)
        limiter.leave()
        return limiter

    limiter = in_virtual_time(all_of_them())

    entries = [let_in[number] for number in arrived if number in let_in]
    assert entries == sorted(entries)
    assert let_in.keys() | stopped == set(range(len(callers)))
    assert limiter.under_way == 0
    assert 1 <= limiter.limit <= most
