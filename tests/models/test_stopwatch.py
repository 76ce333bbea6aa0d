"""One timer for all that is under way."""

import asyncio

import pytest

from dikast.models.stopwatch import Stopwatch


async def test_what_takes_too_long_ends_in_a_timeout():
    watch = Stopwatch(0.05)
    started = asyncio.get_running_loop().time()

    with pytest.raises(TimeoutError), watch.timed():
        await asyncio.sleep(60)

    assert 0.04 <= asyncio.get_running_loop().time() - started < 1.0


async def test_after_a_timeout_the_task_goes_on():
    watch = Stopwatch(0.01)

    with pytest.raises(TimeoutError), watch.timed():
        await asyncio.sleep(60)
    await asyncio.sleep(0.01)

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_ends_in_time_is_left_alone():
    watch = Stopwatch(0.05)

    with watch.timed():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)


async def test_each_is_stopped_when_its_own_time_is_over():
    started = asyncio.get_running_loop().time()
    watch = Stopwatch(0.2)
    ended: list[float] = []

    async def one(begin: float) -> None:
        await asyncio.sleep(begin)
        with pytest.raises(TimeoutError), watch.timed():
            await asyncio.sleep(60)
        ended.append(asyncio.get_running_loop().time() - started)

    await asyncio.gather(*(one(at / 20) for at in range(4)))

    assert [round(at, 1) for at in ended] == pytest.approx([0.2, 0.25, 0.3, 0.35], abs=0.06)


async def test_a_cancellation_from_outside_is_no_timeout():
    watch = Stopwatch(0.2)

    async def hanging() -> None:
        with watch.timed():
            await asyncio.sleep(60)

    task = asyncio.create_task(hanging())
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_that_was_stopped_by_the_watch_and_by_others_ends_as_the_others_wish():
    watch = Stopwatch(60)
    timed = watch.timed()

    async def hanging() -> None:
        nonlocal timed
        timed = watch.timed()
        with timed:
            await asyncio.sleep(60)

    task = asyncio.create_task(hanging())
    await asyncio.sleep(0.01)
    timed.stop()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_many_need_one_timer():
    watch = Stopwatch(30)
    loop = asyncio.get_running_loop()
    armed: list[float] = []
    call_at = loop.call_at

    def counted(when, callback, *args, context=None):
        armed.append(when)
        return call_at(when, callback, *args, context=context)

    loop.call_at = counted
    try:
        for _ in range(100):
            with watch.timed():
                pass
    finally:
        loop.call_at = call_at

    assert len(armed) == 1
