"""A judge behind a real socket that may change its mind, at random or for good, and tells nobody."""

import hashlib
import json
import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answers = Callable[[str, int], bool]
"""(criterion, or its question where that stands alone; number of the answer) → yes."""


class ChangingJudge(ThreadingHTTPServer):
    """Speaks the chat-completions format: log-probabilities where they are asked for, else JSON.

    `flips` is the share of the answers that come out the other way, drawn anew each time a question is asked; `fails`
    says about which answers it refuses to be asked.
    """

    def __init__(self, says: Answers) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says = says
        self.flips = 0.0
        self.fails: Callable[[int], bool] = lambda _number: False
        self.asked: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def answer(self, question: str, number: int) -> bool:
        with self._lock:
            self.asked[question, number] += 1
            times = self.asked[question, number]
        drawn = hashlib.sha256(f"{question} {number} {times}".encode()).digest()
        flipped = int.from_bytes(drawn[:8], "big") < self.flips * 2**64
        return self.says(question, number) != flipped


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if not isinstance(self.server, ChangingJudge):
            raise TypeError("this handler belongs to a ChangingJudge")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = "\n".join(message["content"] for message in body["messages"])
        found = re.search(r"answer (\d+)", text)
        number = int(found[1]) if found else -1
        if self.server.fails(number):
            self.send_error(400)
            return
        choice = _by_logprobs if "logprobs" in body else _as_json
        answer = json.dumps({"choices": [choice(self.server, text, number)]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _by_logprobs(judge: ChangingJudge, text: str, number: int) -> dict[str, object]:
    [question] = re.findall(r"Question: (.*)", text)
    p = 0.95 if judge.answer(question, number) else 0.05
    tops = [{"token": word, "logprob": math.log(x)} for word, x in (("Yes", p), ("No", 1 - p))]
    return {
        "message": {"content": "Yes"},
        "finish_reason": "stop",
        "logprobs": {"content": [{"top_logprobs": tops}]},
    }


def _as_json(judge: ChangingJudge, text: str, number: int) -> dict[str, object]:
    asked = re.findall(r"^- (\w+): ", text, flags=re.MULTILINE)
    verdicts = {name: {"reason": "", "answer": "yes" if judge.answer(name, number) else "no"} for name in asked}
    return {"message": {"content": json.dumps({"verdicts": verdicts})}, "finish_reason": "stop"}


@contextmanager
def running(says: Answers) -> Iterator[ChangingJudge]:
    with ChangingJudge(says) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
