"""`dikast serve` in a process of its own."""

import json
import signal
import subprocess
import sys
import urllib.request
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

    def ask(self, path: str, body: object = None) -> Any:
        """Asks, and gives the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Ends it, and gives its exit code and what it said."""
        self.process.send_signal(how)
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, told

    def stop(self) -> None:
        """Ends it if it still runs."""
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
