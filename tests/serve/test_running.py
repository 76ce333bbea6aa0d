"""The command as a process: what it prints, how it ends, and what it refuses to start with."""

import http.client
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running_serve import COMMAND, RunningServe

REWARD = """
name: hashed
objective: You judge whether an answer follows.
inputs: {Question: prompt}
judge:
  model: openai:judge
  criteria:
    - {id: follows, ask: "Does the answer follow?", pass: It does., fail: It does not.}
"""
BODY = {"rollouts": [{"prompt": "Q", "completion": "a"}]}


@pytest.fixture
def start(tmp_path: Path, judge_server: Callable[..., Any]) -> Iterator[Callable[..., RunningServe]]:
    running: list[RunningServe] = []

    def begin(*options: str, latency: float = 0.001) -> RunningServe:
        url = judge_server("--latency", str(latency)).url
        (tmp_path / "models.yaml").write_text(f"judge: {{provider: openai, endpoint: '{url}/v1'}}")
        (tmp_path / "reward.yaml").write_text(REWARD)
        running.append(RunningServe(tmp_path / "reward.yaml", "--journal", str(tmp_path / "journal.db"), *options))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


def test_sigterm_ends_an_idle_server_at_once_with_0(start: Callable[..., RunningServe]):
    server = start()
    assert server.ask("/readyz") == {"status": "ready"}

    began = time.monotonic()
    code, told = server.end(signal.SIGTERM)

    assert code == 0
    assert time.monotonic() - began < 5
    assert "UNCERTIFIED" in told


def test_ctrl_c_ends_it_with_130(start: Callable[..., RunningServe]):
    code, _ = start().end(signal.SIGINT)

    assert code == 130


def test_what_is_under_way_is_answered_before_it_ends_and_new_requests_are_sent_away(
    start: Callable[..., RunningServe],
):
    server = start(latency=1.5)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(server.ask("/v1/score", BODY)))
    asking.start()
    until_under_way(server)

    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    refused, _, headers = server.request("/v1/score", BODY)
    not_ready, _, _ = server.request("/readyz")
    alive = server.ask("/healthz")
    asking.join(10)
    _, told = server.process.communicate(timeout=10)

    assert answers[0]["scores"][0]["status"] == "scored"
    assert (refused, not_ready) == (503, 503)
    assert headers["Retry-After"]
    assert alive == {"status": "alive"}
    assert server.process.returncode == 0
    assert "1 requests are still answered" in told


@pytest.mark.parametrize("how", ["time", "second signal"])
def test_it_does_not_wait_for_ever(start: Callable[..., RunningServe], how: str):
    server = start("--drain", "0.5" if how == "time" else "60", latency=20)
    asking = threading.Thread(target=hang_on, args=(server, BODY))
    asking.start()
    until_under_way(server)

    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    if how == "second signal":
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
    _, told = server.process.communicate(timeout=15)
    asking.join(10)

    assert time.monotonic() - began < 6
    assert server.process.returncode == 0
    assert "stopped unanswered" in told


def test_a_client_that_hangs_up_costs_nothing_twice_and_leaves_nothing_under_way(start: Callable[..., RunningServe]):
    server = start(latency=0.3)
    with pytest.raises(TimeoutError):
        server.ask("/v1/score", BODY, seconds=0.1)
    time.sleep(1)

    again = server.ask("/v1/score", BODY)

    assert again["scores"][0]["usage"]["asked"] == 0
    figures = server.figures()
    assert figures["dikast_requests_under_way"] == "0"
    assert figures["dikast_rollouts_under_way"] == "0"


def test_a_body_that_is_not_packed_as_it_says_is_told_and_leaves_no_line_in_the_log(start: Callable[..., RunningServe]):
    server = start()

    status, told, headers = server.request("/v1/score", BODY, headers={"Content-Encoding": "gzip"})
    _, log = server.end(signal.SIGTERM)

    assert (status, headers["Connection"]) == (400, "close")
    assert "Content-Encoding" in told["error"]
    assert "Traceback" not in log


def until_under_way(server: RunningServe) -> None:
    """Waits until the server has a request to answer."""
    give_up = time.monotonic() + 30
    while server.figures()["dikast_rollouts_under_way"] == "0":
        assert time.monotonic() < give_up
        time.sleep(0.02)


def hang_on(server: RunningServe, body: object) -> None:
    """Asks, and is left without an answer."""
    with pytest.raises((OSError, http.client.HTTPException)):  # how a connection breaks is the system's business
        server.ask("/v1/score", body)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--host", "0.0.0.0"), "a token is needed"),
        (("--on-missing", "maybe"), "none of native, group_mean"),
        (("--on-missing", "7"), "outside the reward's range"),
        (("--token-file", "nowhere"), "cannot be read"),
        (("--certificate", "a", "--certificate", "b"), "2 for 1 rewards"),
        (("--budget-usd", "5"), "nobody knows the price"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_it_listens(tmp_path: Path, options: tuple[str, ...], told: str):
    (tmp_path / "reward.yaml").write_text(REWARD)

    done = subprocess.run(
        [*COMMAND, str(tmp_path / "reward.yaml"), "--port", "0", "--journal", str(tmp_path / "j.db"), *options],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_a_port_that_is_taken_is_told(start: Callable[..., RunningServe], tmp_path: Path):
    port = start().address.rpartition(":")[2]

    done = subprocess.run(
        [*COMMAND, str(tmp_path / "reward.yaml"), "--port", port, "--journal", str(tmp_path / "other.db")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 4
    assert f"port {port} of 127.0.0.1 cannot be had" in done.stderr
