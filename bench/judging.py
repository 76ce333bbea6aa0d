"""What dikast adds to an HTTP call: judgments a second and CPU time for each, beside a plain loop in this same run.

    python bench/judging.py                  # 4,000 judgments, 256 at once, a server that takes 50 ms
    python bench/judging.py --rounds 5
    python bench/judging.py --one sockets --url http://127.0.0.1:PORT

The plain loop has the same client, renders the prompt and parses the verdict, and has nothing else: no retries, no limits,
no journal, no parts. Everything is on in dikast. Each run is a process of its own; rounds alternate, and the medians count.
`sockets` sends the same bodies from bare sockets and reads nothing of the answers: what the server gives at the most.
One judgment goes before those that are measured, as with the peers: what is loaded once is not what a judgment costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from measuring import AT_ONCE, DOCUMENT, answers_to_judge, costs, in_child, judge_server, show

JUDGMENTS = 4000
REWARD = """
name: bench
objective: You judge whether an answer follows from the document.
inputs: {Document: contract}
judge:
  model: openai:judge
  criteria:
    - {id: follows, ask: "Does the answer follow from the document?", pass: It does., fail: It does not.}
"""
WAYS = ("sockets", "plain aiohttp", "dikast aiohttp", "plain pyreqwest", "dikast pyreqwest")


def main() -> None:
    """Runs all ways in turn, or one of them as a child."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--one", choices=WAYS)
    options.add_argument("--url")
    options.add_argument("--judgments", type=int, default=JUDGMENTS)
    given = options.parse_args()
    if given.one:
        print(json.dumps(run_one(given.one, given.url, given.judgments)), flush=True)
        # A thread of pyreqwest that is still at work when the interpreter ends crashes it, one time in ten in the plain loop.
        os._exit(0)
    compare("judgments, 50 ms", latency=0.05, judgments=given.judgments, rounds=given.rounds)
    compare("judgments, 1 s", latency=1.0, judgments=given.judgments, rounds=1)


def compare(title: str, *, latency: float, judgments: int, rounds: int) -> None:
    """Measures every way, and each of dikast's against the plain loop with the same client."""
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with judge_server(latency) as url:
        for _ in range(rounds):
            for way in WAYS:
                arguments = ("--one", way, "--url", url, "--judgments", str(judgments))
                runs[way].append(in_child(Path(__file__), *arguments))
    medians = {way: {name: statistics.median(run[name] for run in runs[way]) for name in runs[way][0]} for way in WAYS}
    rows: list[dict[str, Any]] = []
    for way, found in medians.items():
        plain = medians.get(way.replace("dikast", "plain"), {})
        rows.append(
            {
                "way": way,
                "a second": found["per_second"],
                "of ideal": found["per_second"] / (AT_ONCE / latency),
                "CPU s / 1000": found["cpu_ms"],
                "peak MB": found["peak_mb"],
                "throughput / plain": found["per_second"] / plain["per_second"] if way != "sockets" else None,
                "CPU / plain": found["cpu_ms"] / plain["cpu_ms"] if way != "sockets" else None,
            }
        )
    show(f"{title}, {AT_ONCE} at once, {judgments} judgments, median of {rounds}", rows, list(rows[0]))


def run_one(way: str, url: str, judgments: int) -> dict[str, float]:
    """Judges so many different answers and says what it cost."""
    kind, _, client = way.partition(" ")
    answers = answers_to_judge(judgments + 1)
    if kind == "sockets":
        return over_sockets(url, answers)
    return with_dikast(url, answers, client) if kind == "dikast" else plainly(url, answers, client)


def with_dikast(url: str, answers: list[str], client: str) -> dict[str, float]:
    """Through a reward, with a journal on disk."""
    import dikast

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "reward.yaml").write_text(REWARD)
        connection = {"provider": "openai", "endpoint": f"{url}/v1", "concurrency": AT_ONCE, "transport": client}
        (folder / "models.yaml").write_text(json.dumps({"judge": connection}))
        reward = dikast.load(folder / "reward.yaml", journal=folder / "journal.db")
        rollouts = [
            dikast.Rollout(
                id=str(at), group=str(at), prompt=f"Question {at}?", completion=text, columns={"contract": DOCUMENT}
            )
            for at, text in enumerate(answers)
        ]

        def work() -> int:
            return sum(score.score is not None for score in reward.score(rollouts[1:]))

        reward.score(rollouts[:1])
        found = costs(work)
        reward.close()
    if found["units"] != len(answers) - 1:
        raise RuntimeError(f"{found['units']} of {len(answers) - 1} were scored")
    return found


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


PROMPT = """You judge whether an answer follows from the document.

Answer this question about the candidate:
- follows: Does the answer follow from the document? Yes: It does. No: It does not.

Reply with one JSON object and nothing else: {{"verdicts": {{"follows": {{"reason": "<one sentence>", "answer": "yes" or "no"}}}}}}

# Document
{document}

# Candidate
<{fence}>
{answer}
</{fence}>"""
FORM = {
    "type": "object",
    "properties": {"verdicts": {"type": "object", "properties": {"follows": {"type": "object", "properties": {
        "reason": {"type": "string"}, "answer": {"type": "string", "enum": ["yes", "no"]}}}}}},
}  # fmt: skip


def plainly(url: str, answers: list[str], client: str) -> dict[str, float]:
    """A loop with a client and a semaphore."""
    with asyncio.Runner() as runner:
        opened = _aiohttp if client == "aiohttp" else _pyreqwest
        send, close = runner.run(opened(f"{url}/v1/chat/completions"))
        runner.run(_loop(send, answers[:1]))
        found = costs(lambda: runner.run(_loop(send, answers[1:])))
        runner.run(close())
    return found


async def _loop(send: Callable[[bytes], Awaitable[bytes]], answers: list[str]) -> int:
    slots = asyncio.Semaphore(AT_ONCE)
    decode = msgspec.json.Decoder(_Completion).decode

    async def one(answer: str) -> bool:
        body = _body(answer)
        async with slots:
            raw = await send(body)
        verdicts = msgspec.json.decode(decode(raw).choices[0].message.content)["verdicts"]
        return verdicts["follows"]["answer"] in ("yes", "no")

    return sum(await asyncio.gather(*(one(answer) for answer in answers)))


def _body(answer: str) -> bytes:
    prompt = PROMPT.format(document=DOCUMENT, answer=answer, fence="0123456789abcdef")
    form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": FORM}}
    return msgspec.json.encode(
        {"model": "judge", "messages": [{"role": "user", "content": prompt}], "response_format": form}
    )


def over_sockets(url: str, answers: list[str]) -> dict[str, float]:
    """As many connections, each of which sends its next body when something has come."""
    bodies = [_body(answer) for answer in answers[1:]]
    return costs(lambda: asyncio.run(_exchanged(int(url.rpartition(":")[2]), bodies)))


async def _exchanged(port: int, bodies: list[bytes]) -> int:
    loop = asyncio.get_running_loop()
    making = (loop.create_connection(partial(Exchange, bodies), "127.0.0.1", port) for _ in range(AT_ONCE))
    lines = await asyncio.gather(*making)
    return sum(await asyncio.gather(*(exchange.done for _, exchange in lines)))


class Exchange(asyncio.Protocol):
    """One connection."""

    def __init__(self, bodies: list[bytes]) -> None:
        self.bodies = bodies
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.answered = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the first."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Sends the next; this server writes an answer in one piece."""
        self.answered += 1
        self._send()

    def _send(self) -> None:
        assert self.transport is not None
        if not self.bodies:
            self.done.set_result(self.answered)
            return
        body = self.bodies.pop()
        self.transport.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _aiohttp(url: str) -> tuple[Any, Any]:
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))

    async def send(body: bytes) -> bytes:
        async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            return await answer.read()

    return send, session.close


async def _pyreqwest(url: str) -> tuple[Any, Any]:
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().max_connections(AT_ONCE).build()

    async def send(body: bytes) -> bytes:
        answer = await client.post(url).header("Content-Type", "application/json").body_bytes(body).build().send()
        return bytes(await answer.bytes())

    return send, client.close


if __name__ == "__main__":
    main()
