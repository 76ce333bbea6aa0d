"""How often and how long a request is tried."""

import asyncio
import datetime
import email.utils
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import ModelError
from dikast.models.attempts import LONGEST_RETRY_AFTER, Attempts, TryAgain, seconds_of, tried
from dikast.models.base import Reply
from dikast.models.limiter import Limiter

SWIFT = Attempts(most=3, timeout=5.0, first_pause=0.01)


class Failing:
    """Fails a number of times, then answers."""

    def __init__(self, times: int, *, after: float = 0.0) -> None:
        self.times, self.after, self.calls = times, after, 0

    async def __call__(self) -> Reply | TryAgain:
        self.calls += 1
        if self.calls <= self.times:
            return TryAgain(reason="transport", detail=f"failure {self.calls}", after=self.after)
        return Reply(text="yes")


async def test_a_failure_that_passes_is_tried_again():
    once = Failing(2)

    reply = await tried(once, SWIFT, limiter=Limiter(1), dice=random.Random(0))

    assert reply.text == "yes"
    assert once.calls == 3


async def test_the_last_failure_is_the_reason():
    once = Failing(9)

    with pytest.raises(ModelError, match=r"transport: failure 3 \(3 attempts\)"):
        await tried(once, SWIFT, limiter=Limiter(1), dice=random.Random(0))

    assert once.calls == 3


async def test_the_place_is_free_while_a_request_waits():
    limiter = Limiter(1)
    waiting = asyncio.create_task(tried(Failing(1, after=0.5), SWIFT, limiter=limiter, dice=random.Random(0)))
    await asyncio.sleep(0.05)

    async with asyncio.timeout(0.15):
        reply = await tried(Failing(0), SWIFT, limiter=limiter, dice=random.Random(0))

    assert reply.text == "yes"
    assert not waiting.done()
    assert (await waiting).text == "yes"


async def test_waiting_for_a_place_does_not_count_as_an_attempts_time():
    limiter = Limiter(1)

    async def slow() -> Reply:
        await asyncio.sleep(0.15)
        return Reply(text="yes")

    brisk = Attempts(most=1, timeout=0.4)

    replies = await asyncio.gather(*(tried(slow, brisk, limiter=limiter, dice=random.Random(0)) for _ in range(4)))

    assert len(replies) == 4


async def test_a_deadline_from_outside_is_not_taken_for_an_attempts_timeout():
    async def hanging() -> Reply:
        await asyncio.sleep(60)
        return Reply(text="never")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await tried(hanging, SWIFT, limiter=Limiter(1), dice=random.Random(0))


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
