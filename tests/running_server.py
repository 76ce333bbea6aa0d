"""A judge server in a process of its own, for the tests that ask over the wire."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]


class JudgeServer:
    """A running bench/judge_server.py: its address, and what it says it was asked."""

    def __init__(self, port_file: Path, *options: str) -> None:
        command = [sys.executable, str(PROJECT / "bench" / "judge_server.py"), "--port-file", str(port_file), *options]
        self._process = subprocess.Popen(command)
        give_up = time.monotonic() + 60
        while not port_file.exists():
            assert self._process.poll() is None, "the server ended before it listened"
            assert time.monotonic() < give_up
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{int(port_file.read_text())}"

    def asked(self) -> list[dict[str, Any]]:
        """Every request with its start and end."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=30) as answer:
            return json.load(answer)["asked"]

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()


def score(folder: Path, *options: str) -> list[str]:
    """The command that scores the folder's rollouts."""
    run = "import sys; from dikast.cli.main import run; sys.exit(run(sys.argv[1:]))"
    names = ("reward.yaml", "rollouts.jsonl", "-o", "scores.jsonl", "--journal", "journal.db")
    paths = [name if name == "-o" or name.startswith("--") else str(folder / name) for name in names]
    return [sys.executable, "-c", run, "score", *paths, *options]
