"""A whole run through the command line: a tiny policy, a judge over HTTP on loopback, every stage, and taking it up again."""

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

REWARD = """
name: tiny
objective: Judge the answer.
inputs: {Document: text}
checks:
  - {check: length, max_words: 60, weight: 0.1}
judge:
  model: openai:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""
RUN = """
reward: reward.yaml
policy: tiny
data: {train: rows.jsonl, valid: rows.jsonl, test: rows.jsonl}
sft: {examples: 8, steps: 2, batch_size: 4, learning_rate: 1.0e-3, long_valid_every: 1, long_patience: 1}
rl: {max_steps: 3, max_completion_length: 12, save_steps: 1}
eval: {gold: "gold:score", known: reference, documents: 4, judged: 4, sampled_documents: 2, best_of: 2}
"""
GOLD = "def score(rollout):\n    return float('a' in rollout.completion)\n"


class Judge(BaseHTTPRequestHandler):
    """Says yes with a probability that depends on the question's length, with log-probabilities."""

    asked = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked += 1
        p = 0.2 + 0.6 * (len(body) % 7) / 7
        top = [{"token": "Yes", "logprob": math.log(p)}, {"token": "No", "logprob": math.log(1 - p)}]
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Yes"},
            "logprobs": {"content": [{"token": "Yes", "logprob": math.log(p), "top_logprobs": top}]},
        }
        raw = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with a run file and all that it names, and a judge that answers."""
    Judge.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = [
        {"prompt": f"Say {word}:", "reference": f"{word} {word}", "text": word}
        for word in ("apple", "pear", "plum", "quince", "cherry", "medlar", "fig", "sloe")
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "reward.yaml").write_text(REWARD)
    (tmp_path / "run.yaml").write_text(RUN)
    (tmp_path / "gold.py").write_text(GOLD)
    (tmp_path / "models.yaml").write_text(
        f"judge: {{provider: openai, endpoint: 'http://127.0.0.1:{server.server_port}/v1', logprobs: true}}\n"
    )
    yield tmp_path
    server.shutdown()
    server.server_close()


def start(project: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from dikast.cli.main import main; main()", "train", *options],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OPENAI_API_KEY": "none", "OMP_WAIT_POLICY": "PASSIVE"},
    )


def test_a_run_needs_a_certificate(project: Path):
    process = start(project, "run.yaml", "-o", "out")
    said, _ = process.communicate(timeout=120)

    assert process.returncode == 1, said
    assert "no certificate" in said
    assert "dikast certify" in said


def test_a_run_that_was_killed_goes_on_and_asks_nothing_twice(project: Path):
    process = start(project, "run.yaml", "-o", "out", "--uncertified")
    log = project / "out" / "rl" / "log.jsonl"
    deadline = time.monotonic() + 240
    while not log.is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert log.is_file()

    again = start(project, "out", "--uncertified")
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    asked = Judge.asked

    third = start(project, "out", "--uncertified")
    told, _ = third.communicate(timeout=120)

    assert "sft: done before" in said
    assert third.returncode == 0, told
    assert Judge.asked == asked
    report = json.loads((project / "out" / "report.json").read_text())
    assert set(report["arms"]) == {"base", "sft_start", "sft_long", "rft"}
    assert {"reward", "gold", "judge_score", "best_of_k"} <= set(report["arms"]["rft"])
    assert "<script" not in (project / "out" / "report.html").read_text()
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps[-1] == 3
