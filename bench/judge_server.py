"""A chat-completions server with a judge that thinks by hash: fast, always the same answer, faults on demand.

    python bench/judge_server.py --latency 0.05 --port-file port.txt

The tests and the benchmark run it in a process of its own. What it answers to a question rests on the
candidate behind its fence and the criterion alone, so that a question asked again in other words, or
after a fault, is answered as before. `GET /stats` tells what was asked how often and when; `POST /reset` forgets it.

Faults (`--faults`) are drawn by a seed from the request's bytes and how often they came: 10 % 429 with
Retry-After, 5 % 500, 5 % that never answer, 5 % cut bodies, 5 % replies that are no JSON, 3 % refusals, 2 %
replies cut by max_tokens. An answer that is streamed (Converse's alone) begins after `--begins` seconds and ends after
`--latency`. `--throttled 0.3` refuses that share of the requests as Amazon Bedrock does, drawn in the same way.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import peer_replies

from dikast.aws.verify.event_stream import CONTENT_TYPE, PATH, events_of

FENCED = re.compile(r"<([0-9a-f]{16})>\n(.*?)\n</\1>", re.DOTALL)
DOCUMENT = re.compile(r"^# .*\n(.+)$", re.MULTILINE)
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
FAULTS = (
    ("too_many", 0.10),
    ("broken", 0.05),
    ("hangs", 0.05),
    ("cut", 0.05),
    ("no_json", 0.05),
    ("refuses", 0.03),
    ("length", 0.02),
)
RETRY_AFTER = "0.05"
UNANSWERED = frozenset({"too_many", "throttled", "broken"})
"""Faults that are told in place of an answer's beginning."""


class Asked(msgspec.Struct):
    """One request, in seconds of the system's monotonic clock."""

    question: str
    start: float
    end: float | None = None


class State:
    """What the server does and remembers."""

    def __init__(self, *, latency: float, begins: float, faults: bool, seed: int, throttled: float = 0.0) -> None:
        self.latency = latency
        self.begins = min(begins, latency)
        self.faults = faults
        self.throttled = throttled
        self.seed = seed
        self.asked: list[Asked] = []
        self.times: dict[str, int] = {}

    def fault_of(self, question: str) -> str | None:
        """Draws the fault of a request from its bytes and how often they came."""
        number = self.times[question]
        if self.throttled and share_of(f"throttled {self.seed} {question} {number}") < self.throttled:
            return "throttled"
        if not self.faults:
            return None
        draw = share_of(f"{self.seed} {question} {number}")
        for name, share in FAULTS:
            if draw < share:
                return name
            draw -= share
        return None


class Connection(asyncio.Protocol):
    """HTTP/1.1 with kept-alive connections, as little of it as the clients need."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remembers where to write."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Takes the requests that are whole."""
        self.buffer = self.buffer + data if self.buffer else data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            found = LENGTH.search(head)
            length = int(found[1]) if found else 0
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            self.answer(head.split(b" ", 2)[1].decode(), body)

    def answer(self, path: str, body: bytes) -> None:
        """Answers one request, at once or after the latency."""
        if path == "/stats":
            self.send(msgspec.json.encode({"asked": self.state.asked}))
        elif path == "/reset":
            self.state.asked, self.state.times = [], {}
            self.send(b"{}")
        else:
            self.judge(path, body)

    def judge(self, path: str, body: bytes) -> None:
        """Answers a question, in the form of the path that it came to."""
        question = hashlib.sha256(body).hexdigest()[:24]
        entry = Asked(question=question, start=time.monotonic())
        self.state.asked.append(entry)
        self.state.times[question] = self.state.times.get(question, 0) + 1
        fault = self.state.fault_of(question)
        if fault == "hangs":
            return
        if path.endswith(PATH) and fault not in UNANSWERED:
            asyncio.get_running_loop().call_later(self.state.begins, self.begin, entry, body)
            return
        if self.state.latency and fault != "throttled":
            asyncio.get_running_loop().call_later(self.state.latency, self.finish, entry, path, body, fault)
        else:
            self.finish(entry, path, body, fault)

    def begin(self, entry: Asked, body: bytes) -> None:
        """Sends the first event of an answer, and the others when it is to end."""
        first, *others = events_of(json.loads(converse(body)))
        if self.transport is not None and not self.transport.is_closing():
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
            self.transport.write(head.encode() + chunk(first))
        asyncio.get_running_loop().call_later(self.state.latency - self.state.begins, self.end, entry, others)

    def end(self, entry: Asked, events: list[bytes]) -> None:
        """Sends the rest of an answer that has begun."""
        entry.end = time.monotonic()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"".join(map(chunk, events)) + chunk(b""))

    def finish(self, entry: Asked, path: str, body: bytes, fault: str | None) -> None:
        """Sends the answer, or the fault."""
        entry.end = time.monotonic()
        if fault == "too_many":
            self.send(b"slow down", status="429 Too Many Requests", headers=f"Retry-After: {RETRY_AFTER}\r\n")
        elif fault == "throttled":
            headers = "x-amzn-ErrorType: ThrottlingException\r\n"
            self.send(b'{"message": "Too many requests"}', status="429 Too Many Requests", headers=headers)
        elif fault == "broken":
            self.send(b"oops", status="500 Internal Server Error")
        elif path.endswith("/decisions"):
            self.send(decision(body))
        elif path.endswith("/converse"):
            self.send(converse(body))
        elif fault == "cut":
            whole = completion(body, None)
            self.send(whole[: len(whole) // 2], length=len(whole))
            if self.transport:
                self.transport.close()
        else:
            self.send(completion(body, fault))

    def send(self, body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> None:
        """Writes one answer."""
        if self.transport is None or self.transport.is_closing():
            return
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {size}\r\n\r\n"
        self.transport.write(head.encode() + body)


def chunk(data: bytes) -> bytes:
    """A piece of a body whose length nobody tells beforehand; the empty one is the last."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def share_of(text: str) -> float:
    """A number in 0..1 that the text decides."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:6], "big") / 2**48


def completion(body: bytes, fault: str | None) -> bytes:
    """The body of a chat completion."""
    request = msgspec.json.decode(body)
    text = "\n".join(message["content"] for message in request["messages"] if message["role"] != "assistant")
    candidates = [found[2] for found in FENCED.finditer(text)]
    if not candidates:  # dikast always fences one
        return peer_replies.completion(request, text)
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    if request.get("logprobs"):
        choice["logprobs"] = {"content": [{"token": "Yes", "top_logprobs": yes_no(candidates[-1] + text[-200:])}]}
    else:
        choice["message"]["content"] = written(request, candidates, text)
    if fault == "no_json":
        choice["message"]["content"] = "I would rather talk about the weather: 1.0"
    elif fault == "refuses":
        choice["message"] = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    elif fault == "length":
        choice["message"]["content"] = choice["message"]["content"][:20]
        choice["finish_reason"] = "length"
    usage = {"prompt_tokens": len(text) // 4, "completion_tokens": 20}
    return msgspec.json.encode({"choices": [choice], "usage": usage})


def decision(body: bytes) -> bytes:
    """The answer of a decision model."""
    request = json.loads(body)
    text = "\n".join(message["content"] for message in request["input"])
    return json.dumps(
        {
            "model": request["model"],
            "answers": [decided(question, text) for question in request["questions"]],
            "usage": {"input_tokens": len(text) // 4, "output_tokens": 0, "input_tokens_details": {"cached_tokens": 0}},
        }
    ).encode()


def decided(question: dict[str, Any], text: str) -> dict[str, Any]:
    """The answer to one question, by the hash of the input and its name."""
    yes = 0.02 + 0.96 * share_of(text + question["name"])
    if question["type"] == "predicate":
        return {"type": "predicate", "name": question["name"], "probability": yes}
    labels = question.get("levels") or question["choices"]
    shares = [yes, 1 - yes, *[0.0] * (len(labels) - 2)]
    return {
        "type": question["type"],
        "name": question["name"],
        "probabilities": [one | {"probability": share} for one, share in zip(labels, shares, strict=True)],
    }


def converse(body: bytes) -> bytes:
    """The answer of Amazon Bedrock's Converse to a request in a given form."""
    request = json.loads(body)
    text = "\n".join(block.get("text", "") for message in request["messages"] for block in message["content"])
    schema = json.loads(request["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])
    asked = {"response_format": {"json_schema": {"schema": schema}}}
    said = written(asked, [found[2] for found in FENCED.finditer(text)], text)
    return json.dumps(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": said}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": len(text) // 4, "outputTokens": 20, "totalTokens": len(text) // 4 + 20},
            "metrics": {"latencyMs": 1},
        }
    ).encode()


def yes_no(about: str) -> list[dict[str, Any]]:
    """Alternatives of the first token."""
    yes = 0.02 + 0.96 * share_of(about)
    return [{"token": "Yes", "logprob": math.log(yes)}, {"token": "No", "logprob": math.log(1 - yes)}]


def written(request: dict[str, Any], candidates: list[str], text: str) -> str:
    """A reply in the form that the request's schema asks for."""
    schema = request["response_format"]["json_schema"]["schema"]["properties"]
    if "better" in schema:
        first, second = candidates[-2:]
        return json.dumps({"reason": "by hash", "better": "A" if share_of(first) > share_of(second) else "B"})
    if "ranking" in schema:
        order = sorted(range(len(candidates)), key=lambda at: -share_of(candidates[at]))
        return json.dumps({"reason": "by hash", "ranking": [at + 1 for at in order]})
    found = DOCUMENT.search(text)
    quote = found[1] if found else ""
    if "candidates" in schema:
        one = schema["candidates"]["properties"]["1"]["properties"]["verdicts"]["properties"]
        said = {str(at): {"verdicts": verdicts(one, each, quote)} for at, each in enumerate(candidates, start=1)}
        return json.dumps({"candidates": said})
    said = verdicts(schema["verdicts"]["properties"], candidates[-1], quote)
    return msgspec.json.encode({"verdicts": said}).decode()


def verdicts(criteria: dict[str, Any], candidate: str, quote: str) -> dict[str, Any]:
    """Yes or no to each criterion, by the hash of candidate and id."""
    return {name: answered(form["properties"], quote, share_of(candidate + name)) for name, form in criteria.items()}


def answered(form: dict[str, Any], quote: str, share: float) -> dict[str, Any]:
    """One verdict: yes or no, or a level, with a reason and a quote where the form has them."""
    offered = form["answer"]["enum"]
    answer = offered[int(share * len(offered))] if isinstance(offered[0], int) else "yes" if share > 0.5 else "no"
    quoted = {"evidence": quote} if "evidence" in form else {}
    return quoted | {"reason": "by hash", "answer": answer}


async def serve(state: State, port_file: Path) -> None:
    """Listens on a free port of the loopback, whose number goes into a file."""
    # glibc asks the kernel anew for each 256 kB that asyncio reads into, until it was given back a larger piece.
    bytes(4 * 1024 * 1024)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=1024)
    partial = port_file.with_suffix(".partial")
    partial.write_text(str(server.sockets[0].getsockname()[1]))
    partial.replace(port_file)
    await server.serve_forever()


def main() -> None:
    """Reads the options and serves until it is stopped."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    options.add_argument(
        "--begins", type=float, help="seconds before an answer's first event; the latency, if not given"
    )
    options.add_argument("--faults", action="store_true")
    options.add_argument("--throttled", type=float, default=0.0, help="share of the requests that are throttled")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--port-file", type=Path, required=True)
    given = options.parse_args()
    begins = given.latency if given.begins is None else given.begins
    state = State(latency=given.latency, begins=begins, faults=given.faults, seed=given.seed, throttled=given.throttled)
    asyncio.run(serve(state, given.port_file))


if __name__ == "__main__":
    main()
