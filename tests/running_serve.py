"""`dikast serve` in a process of its own."""

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

# A shell in the background ignores the signal of Ctrl-C, and its children inherit that.
MAIN = """
import signal, sys
from dikast.cli.main import run
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(run(sys.argv[1:]))
"""
COMMAND = [sys.executable, "-c", MAIN, "serve"]


class RunningServe:
    """The command, once it serves."""

    def __init__(self, reward: Path, *options: str, port: int = 0) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, str(reward), "--port", str(port), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.end(signal.SIGKILL)

    def ask(self, path: str, body: object = None, *, seconds: float = 30) -> Any:
        """Asks, and gives the JSON of the answer, which must be a good one."""
        status, told, _ = self.request(path, body, seconds=seconds)
        assert status == 200, told
        return told

    def request(
        self, path: str, body: object = None, *, seconds: float = 30, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Asks, and gives status, what was said and the headers. Its connection is closed, whatever comes."""
        with closing(http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=seconds)) as connection:
            data = None if body is None else json.dumps(body).encode()
            sent = {"Content-Type": "application/json", **(headers or {})}
            connection.request("GET" if data is None else "POST", path, data, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(text) if is_json else text, dict(answer.headers)

    def figures(self) -> dict[str, str]:
        """The server's figures that have no labels."""
        _, text, _ = self.request("/metrics")
        return dict(line.split(" ", 1) for line in text.splitlines() if not line.startswith("#") and "{" not in line)

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Ends it, and gives its exit code and what it said."""
        self.process.send_signal(how)
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, told

    def stop(self) -> None:
        """Ends it if it still runs."""
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
