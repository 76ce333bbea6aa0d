"""One background loop for callers that cannot await."""

import asyncio
import os
import signal
import threading
import time

import pytest

from dikast.reward.blocking import run_blocking


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_every_call_runs_on_the_same_loop_from_any_thread():
    loops = [run_blocking(running_loop())]
    thread = threading.Thread(target=lambda: loops.append(run_blocking(running_loop())))
    thread.start()
    thread.join()

    assert loops[0] is loops[1]
    assert loops[0].is_running()


def test_what_is_raised_comes_to_the_caller():
    async def fail() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        run_blocking(fail())


@pytest.fixture
def _interruptible():
    # A shell starts background jobs with Ctrl-C ignored, and this process inherits that.
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_stops_what_is_under_way_and_goes_on_to_the_caller():
    started, stopped = threading.Event(), threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    def interrupt() -> None:
        started.wait(10)
        time.sleep(0.2)  # until the caller waits too
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()

    with pytest.raises(KeyboardInterrupt):
        run_blocking(wait())

    assert stopped.wait(10)
