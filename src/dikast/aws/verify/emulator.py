"""Runs a handler as Lambda does: in the vendor's runtime interface emulator, with the real runtime client.

    with Emulator(package, seconds=30) as running:
        reply = running.invoke(event)

One emulator is one execution environment. It dies of two events at once, so whoever calls side by side takes
several (`targets.LocalTarget`). Its binary comes inside the wheel of aws-sam-cli, whose own dependencies are
not needed (`INSTALL`).
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from dikast.aws.payload import as_sent
from dikast.errors import UnavailableError

INSTALL = "pip install --no-deps aws-sam-cli awslambdaric snapshot-restore-py simplejson"
MEMORY_MB = 1024
_PATH = "/2015-03-31/functions/function/invocations"
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_START_SECONDS = 15.0
_GRACE_SECONDS = 15.0
"""After a function's own time: the emulator ends it, not we."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """What is run: a folder as Lambda would unpack it, and the handler in it."""

    folder: Path
    handler: str
    environment: Mapping[str, str] = {}
    python_path: tuple[str, ...] = ()
    """Where modules are looked for beside the folder."""
    alone: bool = False
    """Whether no other module than those is to be found: as in Lambda."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one event."""

    answer: Any
    """The decoded answer; None where there is an error."""
    error: str | None
    seconds: float
    size: int
    """Bytes of the answer."""
    init_seconds: float | None = None
    """Of a new environment, where it is known."""


def find_emulator() -> Path | None:
    """The emulator's binary: of aws-sam-cli where that is installed, else one in the path."""
    machine = _MACHINES.get(platform.machine().lower()) if sys.platform == "linux" else None
    found = importlib.util.find_spec("samcli")
    if machine and found and found.submodule_search_locations:
        path = Path(found.submodule_search_locations[0], "local", "rapid", f"aws-lambda-rie-{machine}")
        if path.is_file():
            return path
    named = shutil.which("aws-lambda-rie")
    return Path(named) if named else None


def is_installed() -> bool:
    """Whether handlers can be run as Lambda runs them: emulator and runtime client are here."""
    return find_emulator() is not None and importlib.util.find_spec("awslambdaric") is not None


class Emulator:
    """One execution environment. Starts the function's process with the first event, as Lambda does."""

    def __init__(self, package: Package, *, seconds: float, name: str = "SageMaker-local") -> None:
        binary = find_emulator()
        if binary is None:
            raise UnavailableError(f"the Lambda runtime emulator is not installed; {INSTALL}")
        self._seconds = seconds
        self._port = _free_port()
        self._log = tempfile.TemporaryFile("a+b")  # noqa: SIM115  closed with the emulator; appended to, so that reading moves no writer
        self._process = subprocess.Popen(
            [
                str(_runnable(binary)),
                "--log-level", "error",
                "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}",
                "--runtime-api-address", f"127.0.0.1:{_free_port()}",
                sys.executable, *(["-S"] if package.alone else []), "-m", "awslambdaric", package.handler,
            ],
            cwd=package.folder,
            env=_environment(package, seconds, name),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            self._wait_for_port()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def invoke(self, event: Any) -> Reply:
        """Sends one event and waits for its answer. Never two at once."""
        body = as_sent(event)
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._seconds + _GRACE_SECONDS)
        try:
            connection.request("POST", _PATH, body)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            return _failed(f"no answer ({error or type(error).__name__}){self._last_words()}", started)
        finally:
            connection.close()
        return read_reply(raw, time.monotonic() - started)

    @property
    def is_running(self) -> bool:
        """Whether it takes another event."""
        return self._process.poll() is None

    def log(self) -> str:
        """What the function and its runtime have printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        """Ends the emulator and the function's process."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def _wait_for_port(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            time.sleep(0.02)
        raise UnavailableError(f"the Lambda runtime emulator did not start{self._last_words()}")

    def _last_words(self) -> str:
        lines = [line for line in self.log().splitlines() if line.strip()]
        return f": {' | '.join(lines[-3:])[:300]}" if lines else ""


def read_reply(raw: bytes, seconds: float) -> Reply:
    """Reads what the emulator or Lambda sent. An error comes as an object, a time-out of the emulator as a line."""
    try:
        # The standard reader takes NaN, as the vendor's own code does: it is for the checks to find.
        answer = _loads(raw)
    except ValueError:
        return Reply(answer=None, error=raw.decode(errors="replace")[:300], seconds=seconds, size=len(raw))
    if isinstance(answer, dict) and "errorMessage" in answer:
        kind = answer.get("errorType", "an error")
        return Reply(answer=None, error=f"{kind}: {answer['errorMessage']}"[:500], seconds=seconds, size=len(raw))
    return Reply(answer=answer, error=None, seconds=seconds, size=len(raw))


def _loads(raw: bytes) -> Any:
    import json

    return json.loads(raw)


def _failed(error: str, started: float) -> Reply:
    return Reply(answer=None, error=error, seconds=time.monotonic() - started, size=0)


def _environment(package: Package, seconds: float, name: str) -> dict[str, str]:
    path = os.pathsep.join([str(package.folder), *package.python_path])
    return {
        **os.environ,
        **package.environment,
        "PYTHONPATH": path,
        "LAMBDA_TASK_ROOT": str(package.folder),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(max(1, round(seconds))),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
    }


def _runnable(binary: Path) -> Path:
    """A wheel's files come without the right to be run, and where they stand may not be ours to change."""
    if os.access(binary, os.X_OK):
        return binary
    copy = Path(tempfile.gettempdir(), f"dikast-{os.getuid()}", binary.name)
    if not copy.is_file() or copy.stat().st_size != binary.stat().st_size:
        copy.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(binary, copy)
        copy.chmod(0o700)
    return copy


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
