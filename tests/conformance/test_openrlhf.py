"""The traps of OpenRLHF's remote reward, in the package itself, and what our server's answers do there."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

HEAD = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from dikast.conform.drivers import openrlhf as driver
from dikast.train.tiny import make_tokenizer

tokenizer = make_tokenizer(["one two three"])
asked = []

class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Type", self.server.kind)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.told).encode())

    def log_message(self, *given):
        pass

def answer(told, kind="application/json"):
    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.told, server.kind = told, kind
    threading.Thread(target=server.serve_forever, daemon=True).start()
    executor = driver.SingleTurnAgentExecutor(f"http://127.0.0.1:{server.server_port}/")
    params = SimpleNamespace(max_tokens=8, logprobs=None)
    engine = driver.Engine(SimpleNamespace(completion="three"), tokenizer)
    told = asyncio.run(executor.execute("one two", "label", params, 64, tokenizer, engine))
    server.shutdown()
    return told

def experience(told):
    return driver.SamplesGenerator._process_response_into_experience(None, told)
"""


def test_it_asks_about_one_rollout_at_a_time_with_the_marks_in_the_text(asked_in: Any):
    told = asked_in("openrlhf", HEAD + 'answer({"rewards": [0.5]})\nprint(json.dumps(asked))')

    assert told == [{"query": ["one twothree<|im_end|>"], "prompts": ["one two"], "labels": ["label"]}]


def test_a_list_of_one_number_is_a_reward_and_its_score_and_numbers_are_logged(asked_in: Any):
    told = asked_in(
        "openrlhf",
        HEAD
        + """
made = experience(answer({"rewards": [0.5], "scores": [0.25], "extra_logs": {"dikast_missing": [1.0]}}))
print(json.dumps([made.rewards.tolist(), made.scores.tolist(), made.info["dikast_missing"].tolist()]))
""",
    )

    assert told == [[[0.5]], [[0.25]], [[1.0]]]


def test_a_text_among_the_logs_would_stop_it(asked_in: Any):
    told = asked_in(
        "openrlhf",
        HEAD
        + """
try:
    experience(answer({"rewards": [0.5], "extra_logs": {"reason": ["because"]}}))
except ValueError as error:
    print(json.dumps(str(error)))
""",
    )

    assert "str" in told


def test_an_answer_that_is_not_called_json_is_no_answer(asked_in: Any):
    told = asked_in(
        "openrlhf",
        HEAD
        + """
import asyncio as real
nap = real.sleep
real.sleep = lambda seconds: nap(0)
print(json.dumps([answer({"rewards": [0.5]}, kind="text/plain")["reward"], len(asked)]))
""",
    )

    assert told == [None, 5]
