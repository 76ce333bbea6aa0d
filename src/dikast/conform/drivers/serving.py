"""`dikast serve` beside a driver, for trainers that ask over HTTP in shapes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dikast.conform.recorded import Recorded


@contextmanager
def served(recorded: Recorded) -> Iterator[str]:
    """Runs the reward server, and gives its address."""
    command = "from dikast.cli.main import main; main()"
    arguments = ["serve", str(recorded.reward), "--port", "0", "--journal", str(recorded.folder / "served.db")]
    server = subprocess.Popen([sys.executable, "-c", command, *arguments], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        address = server.stdout.readline().strip()
        if not address:
            raise RuntimeError("dikast serve did not start")
        yield address
    finally:
        server.terminate()
        server.wait()
