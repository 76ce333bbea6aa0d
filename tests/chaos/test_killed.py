"""Killed at any moment, a run begins again, finishes, and asks nothing twice but what was in flight."""

import json
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from running_server import score

ROLLOUTS = 1_200
KILLS = 20
GRACE = 0.25
"""Seconds that an answer may be on its way into the journal, on a busy machine."""


def test_after_twenty_kills_no_question_was_asked_twice_but_those_in_flight(
    judge_server: Callable[..., Any], work: Callable[..., Path]
):
    server = judge_server("--latency", "0.1")
    folder = work(server, ROLLOUTS, concurrency=4)
    dice = random.Random(3)
    kills: list[float] = []
    while len(kills) < KILLS:
        before = len(server.asked())
        process = subprocess.Popen(score(folder), stderr=subprocess.DEVNULL)
        # The moment is drawn from when the first question is asked, not from the start of Python.
        give_up = time.monotonic() + 60
        while len(server.asked()) == before and process.poll() is None:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        time.sleep(dice.uniform(0.0, 0.6))
        assert process.poll() is None, "it was done before it could be killed; let it take longer"
        process.send_signal(signal.SIGKILL)
        kills.append(time.monotonic())
        process.wait()

    done = subprocess.run(score(folder, "--json"), capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["coverage"] == 1.0
    assert len((folder / "scores.jsonl").read_text().splitlines()) == ROLLOUTS
    by_question: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in server.asked():
        by_question[one["question"]].append(one)
    assert len(by_question) == ROLLOUTS
    again = 0
    for requests in by_question.values():
        *earlier, _ = sorted(requests, key=lambda one: one["start"])
        again += len(earlier)
        for one in earlier:
            end = one["end"] or float("inf")
            assert any(one["start"] <= kill <= end + GRACE for kill in kills), (one, kills)
    assert again <= KILLS * 4


def test_a_second_run_asks_nothing(judge_server: Callable[..., Any], work: Callable[..., Path]):
    server = judge_server()
    folder = work(server, 200)
    subprocess.run(score(folder), check=True, capture_output=True)
    asked = len(server.asked())

    done = subprocess.run(score(folder, "--json"), check=True, capture_output=True, text=True)

    assert len(server.asked()) == asked
    assert json.loads(done.stdout)["asked"] == 0
