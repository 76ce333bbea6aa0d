"""How often and how long a request is tried."""

import asyncio
import datetime
import email.utils
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import ModelError
from dikast.models.attempts import LONGEST_RETRY_AFTER, Attempts, TryAgain, seconds_of, seconds_of_reset, tried
from dikast.models.base import Reply
from dikast.models.limiter import Limiter
from dikast.models.stopwatch import Stopwatch

SWIFT = Attempts(most=3, first_pause=0.01)


class Failing:
    """Fails a number of times, then answers."""

    def __init__(self, times: int, *, after: float = 0.0, too_much: bool = False) -> None:
        self.times, self.after, self.too_much = times, after, too_much
        self.at: list[float] = []
        """When it was called, by the loop's clock."""

    @property
    def calls(self) -> int:
        return len(self.at)

    async def __call__(self) -> Reply | TryAgain:
        self.at.append(asyncio.get_running_loop().time())
        if self.calls <= self.times:
            return TryAgain(
                reason="transport", detail=f"failure {self.calls}", after=self.after, too_much=self.too_much
            )
        return Reply(text="yes")

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.at, self.at[1:], strict=False)]


async def test_a_failure_that_passes_is_tried_again():
    once = Failing(2)

    reply = await tried(once, SWIFT, limiter=Limiter(1), watch=Stopwatch(5.0), dice=random.Random(0))

    assert reply.text == "yes"
    assert once.calls == 3


async def test_the_last_failure_is_the_reason():
    once = Failing(9)

    with pytest.raises(ModelError, match=r"transport: failure 3 \(3 attempts\)"):
        await tried(once, SWIFT, limiter=Limiter(1), watch=Stopwatch(5.0), dice=random.Random(0))

    assert once.calls == 3


async def test_the_place_is_free_while_a_request_waits():
    limiter = Limiter(1)
    waiting = asyncio.create_task(
        tried(Failing(1, after=0.5), SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0))
    )
    await asyncio.sleep(0.05)

    async with asyncio.timeout(0.15):
        reply = await tried(Failing(0), SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0))

    assert reply.text == "yes"
    assert not waiting.done()
    assert (await waiting).text == "yes"


def pauses_of(once: Failing, attempts: Attempts, seed: int):
    """How long one request waits between its attempts."""

    async def all_of_them() -> list[float]:
        limiter = Limiter(1, clock=asyncio.get_running_loop().time)
        await tried(once, attempts, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(seed))
        return once.pauses

    return all_of_them()


@given(st.integers(0, 2**32), st.floats(0.1, 2.0), st.floats(0.0, 60.0))
def test_each_pause_is_what_the_server_asks_and_anything_up_to_a_bound_that_doubles(
    in_virtual_time, seed, first, after
):
    attempts = Attempts(most=12, first_pause=first)

    pauses = in_virtual_time(pauses_of(Failing(11, after=after), attempts, seed))

    assert len(pauses) == 11
    for number, pause in enumerate(pauses):
        assert -1e-6 <= pause - after <= min(first * 2**number, attempts.longest_pause) + 1e-6


def test_the_jitter_is_full(in_virtual_time):
    attempts = Attempts(most=2, first_pause=1.0)

    pauses = [in_virtual_time(pauses_of(Failing(1), attempts, seed))[0] for seed in range(200)]

    assert min(pauses) < 0.05
    assert max(pauses) > 0.95
    assert 0.4 < sum(pauses) / len(pauses) < 0.6


async def test_what_cannot_pass_is_not_tried_again():
    calls = 0

    async def rejected() -> Reply:
        nonlocal calls
        calls += 1
        raise ModelError("rejected", "context too long")

    limiter = Limiter(1)

    with pytest.raises(ModelError, match="rejected"):
        await tried(rejected, SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0))

    assert calls == 1
    assert limiter.under_way == 0


async def test_an_attempt_that_is_stopped_gives_its_place_back():
    async def hanging() -> Reply:
        await asyncio.sleep(60)
        return Reply(text="never")

    limiter = Limiter(1)
    task = asyncio.create_task(tried(hanging, SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0)))
    await asyncio.sleep(0.01)
    assert limiter.under_way == 1

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert limiter.under_way == 0


async def test_an_attempt_that_takes_too_long_is_a_timeout():
    async def hanging() -> Reply:
        await asyncio.sleep(60)
        return Reply(text="never")

    limiter = Limiter(1)

    with pytest.raises(ModelError, match=r"timeout: no answer within 0\.02 s \(2 attempts\)"):
        await tried(
            hanging, Attempts(most=2, first_pause=0.01), limiter=limiter, watch=Stopwatch(0.02), dice=random.Random(0)
        )

    assert limiter.under_way == 0


def test_a_server_that_gets_too_much_gets_less_and_is_left_alone_for_as_long_as_it_asks(in_virtual_time):
    async def asked() -> tuple[list[float], float]:
        limiter = Limiter(8, clock=asyncio.get_running_loop().time)
        refused, others = Failing(1, after=10, too_much=True), Failing(0)
        first = asyncio.create_task(tried(refused, SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0)))
        await asyncio.sleep(1)
        await tried(others, SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0))
        await first
        return [*refused.at, *others.at], limiter.limit

    (refused_at, again_at, other_at), limit = in_virtual_time(asked())

    assert refused_at == 0
    assert other_at == pytest.approx(10)
    assert 10 <= again_at <= 10 + SWIFT.first_pause
    assert limit == 4


def test_a_failure_that_does_not_mean_too_much_leaves_the_limit_and_the_others_alone(in_virtual_time):
    async def asked() -> tuple[float, float]:
        limiter = Limiter(8, clock=asyncio.get_running_loop().time)
        failing, others = Failing(1, after=10), Failing(0)
        first = asyncio.create_task(tried(failing, SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0)))
        await asyncio.sleep(1)
        await tried(others, SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0))
        await first
        return others.at[0], limiter.limit

    assert in_virtual_time(asked()) == (1, 8)


def test_every_attempt_counts_towards_the_minute(in_virtual_time):
    async def asked() -> list[float]:
        limiter = Limiter(8, tokens_per_minute=6100, clock=asyncio.get_running_loop().time)
        once = Failing(2)
        await tried(once, SWIFT, limiter=limiter, watch=Stopwatch(5.0), dice=random.Random(0), tokens=1000)
        return once.at

    assert in_virtual_time(asked()) == pytest.approx([0, 10, 20])


async def test_waiting_for_a_place_does_not_count_as_an_attempts_time():
    limiter = Limiter(1)

    async def slow() -> Reply:
        await asyncio.sleep(0.15)
        return Reply(text="yes")

    brisk = Attempts(most=1)

    replies = await asyncio.gather(
        *(tried(slow, brisk, limiter=limiter, watch=Stopwatch(0.4), dice=random.Random(0)) for _ in range(4))
    )

    assert len(replies) == 4


async def test_a_deadline_from_outside_is_not_taken_for_an_attempts_timeout():
    async def hanging() -> Reply:
        await asyncio.sleep(60)
        return Reply(text="never")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await tried(hanging, SWIFT, limiter=Limiter(1), watch=Stopwatch(5.0), dice=random.Random(0))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("", 0), ("2", 2), ("0.5", 0.5), ("-3", 0), ("1e9", 60), ("nan", 0), ("inf", 0), ("soon", 0)],
)
def test_retry_after_is_read_in_seconds_and_bounded(header, seconds):
    assert seconds_of(header) == seconds


def test_retry_after_may_be_a_date():
    in_ten_seconds = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=10)

    assert 7 < seconds_of(email.utils.format_datetime(in_ten_seconds, usegmt=True)) <= 10
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert seconds_of("Wed, 21 Oct 2099 07:28:00 -0000") == LONGEST_RETRY_AFTER


@given(st.text())
def test_no_retry_after_makes_anyone_wait_longer_than_the_bound(header):
    assert 0.0 <= seconds_of(header) <= LONGEST_RETRY_AFTER


def test_a_wait_may_be_told_in_milliseconds():
    assert seconds_of("1500", unit=0.001) == 1.5
    assert seconds_of("90000", unit=0.001) == LONGEST_RETRY_AFTER
    assert seconds_of("1e400", unit=0.001) == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("12", 12),
        ("0.5", 0.5),
        ("250ms", 0.25),
        ("7.66s", 7.66),
        ("1m30s", 60),
        ("1m", 60),
        ("0m20.5s", 20.5),
        (" 3s ", 3),
        ("2h", 60),
        ("9" * 400 + "s", 60),
        ("1s later", 0),
        ("s", 0),
        ("-1s", 0),
        ("1d", 0),
        ("soon", 0),
    ],
)
def test_the_time_of_a_reset_is_read_in_its_units_and_bounded(header, seconds):
    assert seconds_of_reset(header) == pytest.approx(seconds)


@given(st.one_of(st.text(), st.from_regex(r"([0-9]{0,5}\.?[0-9]{0,3}(ms|s|m|h| |d)?){1,4}", fullmatch=True)))
def test_no_reset_makes_anyone_wait_longer_than_the_bound(header):
    assert 0.0 <= seconds_of_reset(header) <= LONGEST_RETRY_AFTER


@given(st.integers(0, 59_999))
def test_a_reset_says_the_same_in_every_unit(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)

    for header in (f"{milliseconds}ms", f"{seconds}s{rest}ms", f"{seconds}.{rest:03d}s", f"{seconds}.{rest:03d}"):
        assert seconds_of_reset(header) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize("header", ["9" * 100_000, "9s" * 50_000 + "x", "1." * 50_000, "(" * 100_000])
def test_a_header_without_end_is_read_in_no_time(header):
    started = time.process_time()

    seconds_of(header)
    seconds_of_reset(header)

    assert time.process_time() - started < 1
