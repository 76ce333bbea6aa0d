"""How much a reward server takes, with a judge that answers at once: recorded verdicts.

    python bench/serve.py                    # rates as high as they go, then half of the aims, and the latency at that
    python bench/serve.py --seconds 20

The server is a process of its own, and so is what asks it: two cores are shared by both. "As high as it goes" keeps a
fixed number of requests under way; at a given rate each request is sent when its time has come, however long the
earlier ones take, and its time counts from then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import DOCUMENT, in_child, show

REWARD = """
name: bench
objective: You judge whether an answer follows from the document.
inputs: {Document: contract}
checks:
  - {check: length, max_words: 60, weight: 0.1}
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: follows, ask: "Does the answer follow from the document?", pass: It does., fail: It does not.}
"""
ROLLOUTS = 4096
BATCH, ROLLOUTS_A_SECOND, REQUESTS_A_SECOND = 64, 3000, 600
"""The aims."""
CONNECTIONS = 16
MAIN = "import sys; from dikast.cli.main import run; sys.exit(run(sys.argv[1:]))"


def main() -> None:
    """Starts a server and asks it in every way, each from a process of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--one", type=int, help="rollouts in a request")
    options.add_argument("--rate", type=float, default=0.0, help="requests a second; 0 for as many as go")
    options.add_argument("--url")
    given = options.parse_args()
    if given.one:
        print(json.dumps(asyncio.run(load(given.url, given.one, given.rate, given.seconds))))
        return
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        write(Path(name))
        with serving(Path(name) / "reward.yaml") as (url, pid):
            for batch, aim in ((BATCH, ROLLOUTS_A_SECOND / BATCH), (1, REQUESTS_A_SECOND)):
                for rate in (0.0, aim / 2):
                    before = cpu_seconds(pid)
                    arguments = (
                        "--one",
                        str(batch),
                        "--rate",
                        str(rate),
                        "--url",
                        url,
                        "--seconds",
                        str(given.seconds),
                    )
                    found = in_child(Path(__file__), *arguments)
                    rows.append(
                        {
                            "rollouts a request": batch,
                            "asked": f"{rate:.0f} requests a second" if rate else "as high as it goes",
                            **found,
                            "server CPU ms a rollout": 1000 * (cpu_seconds(pid) - before) / found["rollouts"],
                            "server MB": resident_mb(pid),
                        }
                    )
    show("the reward server, recorded verdicts", rows, list(rows[0]))


def write(folder: Path) -> None:
    """Writes the reward and its verdicts."""
    (folder / "reward.yaml").write_text(REWARD)
    with (folder / "verdicts.jsonl").open("w") as out:
        for at in range(ROLLOUTS):
            out.write(f'{{"id": "r{at}", "verdicts": {{"follows": {at % 100 / 100}}}}}\n')


@contextmanager
def serving(*rewards: Path, options: tuple[str, ...] = ()) -> Iterator[tuple[str, int]]:
    """Runs `dikast serve`, and gives its address and process."""
    folder = rewards[0].parent
    command = [sys.executable, "-c", MAIN, "serve", *map(str, rewards), "--port", "0"]
    command += ["--journal", str(folder / "journal.db"), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.wait(30)


def bodies(batch: int) -> list[bytes]:
    """Requests of so many rollouts, eight to a prompt."""
    rows = [
        {
            "id": f"r{at}",
            "group": f"g{at // 8}",
            "prompt": f"Question {at // 8}: when do the goods come?",
            "completion": f"Answer {at}: the goods come within ten days.",
            "contract": DOCUMENT,
        }
        for at in range(ROLLOUTS)
    ]
    return [json.dumps({"rollouts": rows[at : at + batch]}).encode() for at in range(0, ROLLOUTS, batch)]


class Connection:
    """One kept-alive connection; as little of HTTP as it takes, so that the client is not what is measured."""

    def __init__(self, url: str) -> None:
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> int:
        """Sends a body, reads the answer to its end, and gives the status."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = int(told.lower().partition(b"content-length:")[2].partition(b"\r")[0])
        await reader.readexactly(length)
        return int(told.split(b" ", 2)[1])


async def load(url: str, batch: int, rate: float, seconds: float) -> dict[str, float]:
    """Asks for so many seconds, and says how it went."""
    sent = bodies(batch)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS if rate == 0 else 4 * CONNECTIONS):
        free.put_nowait(Connection(url))
    times: list[float] = []
    statuses: set[int] = set()

    async def one(at: int, due: float) -> None:
        connection = await free.get()
        statuses.add(await connection.post("/v1/score", sent[at % len(sent)]))
        times.append(time.perf_counter() - due)
        free.put_nowait(connection)

    await asyncio.gather(*(one(at, time.perf_counter()) for at in range(CONNECTIONS)))
    times.clear()
    began = time.perf_counter()
    await (_paced(one, rate, seconds) if rate else _flat_out(one, seconds))
    took = time.perf_counter() - began
    if statuses != {200}:
        raise RuntimeError(f"answers with {statuses}")
    quantiles = statistics.quantiles(times, n=1000)
    return {
        "rollouts": batch * len(times),
        "requests a second": len(times) / took,
        "rollouts a second": batch * len(times) / took,
        "p50 ms": 1000 * quantiles[499],
        "p99 ms": 1000 * quantiles[989],
        "p99.9 ms": 1000 * quantiles[998],
    }


async def _flat_out(one: Callable[[int, float], Any], seconds: float) -> None:
    until = time.perf_counter() + seconds

    async def work(first: int) -> None:
        at = first
        while (now := time.perf_counter()) < until:
            await one(at, now)
            at += CONNECTIONS

    await asyncio.gather(*(work(first) for first in range(CONNECTIONS)))


async def _paced(one: Callable[[int, float], Any], rate: float, seconds: float) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as running:
        for at in range(int(rate * seconds)):
            due = began + at / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            running.create_task(one(at, due))


def cpu_seconds(pid: int) -> float:
    """What a process has used until now."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_mb(pid: int) -> float:
    """What a process holds of memory now."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
