"""What is verified: a deployed function, or a handler here. All that a check needs is to send events to it."""

from __future__ import annotations

import queue
import re
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Protocol, Self

import msgspec

from dikast.aws.payload import as_sent
from dikast.aws.settings import FILE_NAME
from dikast.aws.verify.emulator import Emulator, Package, Reply, is_installed, read_reply
from dikast.aws.verify.runtime import link_modules
from dikast.errors import DataError, UnavailableError, UsageError

HANDLER = "dikast.aws.handler.handler"
_ARN = re.compile(r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):\d{12}:function:.+")
_COMPILED = re.compile(r"\.cpython-(\d+)-(\w+)-linux-gnu\.so$")
_INIT = re.compile(r"Init Duration: ([0-9.]+) ms")
_NAMES = ("lambda_handler", "handler")


class Target(Protocol):
    """Something that answers events."""

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        ...

    def invoke(self, event: Any) -> Reply:
        """Sends an event and waits."""
        ...

    def invoke_together(self, events: Sequence[Any]) -> list[Reply]:
        """Sends events side by side, each to an environment of its own; gives the replies in order."""
        ...

    def invoke_cold(self, event: Any) -> Reply:
        """Sends an event to a new environment where that can be had."""
        ...

    def close(self) -> None:
        """Lets go of what was started."""
        ...


class LocalTarget:
    """A handler in emulators: one process is one environment, and takes one event at a time."""

    def __init__(self, package: Package, *, seconds: float, environments: int = 4) -> None:
        self.name = f"{package.handler} in the Lambda runtime emulator"
        self.folder = package.folder
        self._package = package
        self._seconds = seconds
        self._idle: queue.LifoQueue[Emulator] = queue.LifoQueue()
        self._room = environments
        self._all: list[Emulator] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def invoke(self, event: Any) -> Reply:
        """Sends an event to an idle environment, or to a new one."""
        try:
            running = self._idle.get_nowait()
        except queue.Empty:
            running = self._new()
        reply = running.invoke(event)
        if running.is_running:
            self._idle.put(running)
        return reply

    def invoke_together(self, events: Sequence[Any]) -> list[Reply]:
        """Sends events side by side."""
        return _side_by_side(self.invoke, events, self._room)

    def invoke_cold(self, event: Any) -> Reply:
        """Sends an event to a new environment, which is ended after it. All of its time is the start's."""
        with Emulator(self._package, seconds=self._seconds) as fresh:
            reply = fresh.invoke(event)
        return msgspec.structs.replace(reply, init_seconds=reply.seconds)

    def close(self) -> None:
        """Ends the environments."""
        for running in self._all:
            running.close()

    def _new(self) -> Emulator:
        running = Emulator(self._package, seconds=self._seconds)
        self._all.append(running)
        return running


class InProcessTarget:
    """A handler called in this process: where there is no emulator, and for the tests of the checks."""

    def __init__(
        self,
        handler: Callable[[Any, Any], Any],
        *,
        seconds: float,
        name: str = "the handler",
        folder: Path | None = None,
    ) -> None:
        self.name = f"{name} in this process, without Lambda's runtime"
        self.folder = folder
        self._handler = handler
        self._seconds = seconds

    def invoke(self, event: Any) -> Reply:
        """Calls the handler, with the event and the answer as they would travel."""
        import json

        started = time.monotonic()
        sent = json.loads(json.dumps(event))
        try:
            raw = json.dumps(self._handler(sent, _Context(self._seconds)))
        except Exception as error:  # noqa: BLE001  whatever a handler raises, Lambda turns into an error of the event
            raw = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
        return read_reply(raw.encode(), time.monotonic() - started)

    def invoke_together(self, events: Sequence[Any]) -> list[Reply]:
        """Calls the handler in several threads: nearest to several environments."""
        return _side_by_side(self.invoke, events, len(events))

    def invoke_cold(self, event: Any) -> Reply:
        """There is no new environment to be had."""
        return self.invoke(event)

    def close(self) -> None:
        """Nothing was started."""


class DeployedTarget:
    """A function in the cloud, called as a trainer calls it."""

    def __init__(self, arn: str, *, seconds: float, client: Any = None) -> None:
        self.name = arn
        self._arn = arn
        self._client = client or _client(arn, seconds)

    def invoke(self, event: Any) -> Reply:
        """Calls the function and waits."""
        from botocore.exceptions import BotoCoreError, ClientError

        started = time.monotonic()
        try:
            response = self._client.invoke(
                FunctionName=self._arn,
                InvocationType="RequestResponse",
                LogType="Tail",
                Payload=as_sent(event),
            )
            raw = response["Payload"].read()
        except ClientError as error:
            told: Any = error.response.get("Error", {})
            if told.get("Code") == "RequestTooLargeException":
                return Reply(answer=None, error=f"{told['Code']}: {told.get('Message')}", seconds=0.0, size=0)
            raise UnavailableError(f"{self._arn}: {error}") from error
        except BotoCoreError as error:
            raise UnavailableError(f"{self._arn}: {error}; set AWS credentials and a region") from error
        reply = read_reply(raw, time.monotonic() - started)
        if response.get("FunctionError") and reply.error is None:
            reply = msgspec.structs.replace(reply, answer=None, error=str(response["FunctionError"]))
        return msgspec.structs.replace(reply, init_seconds=_init_seconds(response.get("LogResult", "")))

    def invoke_together(self, events: Sequence[Any]) -> list[Reply]:
        """Calls the function side by side; Lambda takes as many environments as that needs."""
        return _side_by_side(self.invoke, events, len(events))

    def invoke_cold(self, event: Any) -> Reply:
        """Whether an environment is new is Lambda's to say: it does in the log's last lines."""
        return self.invoke(event)

    def close(self) -> None:
        """Nothing was started."""


class _Context:
    aws_request_id = "local"
    function_name = "SageMaker-local"

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._end - time.monotonic()))


def open_target(
    named: str,
    *,
    handler: str | None,
    seconds: float,
    environments: int,
    stack: ExitStack,
    variables: Mapping[str, str] | None = None,
) -> Target:
    """Opens what the user named: an ARN, a zip or a folder that `build` made, or a Python file with a handler.

    `variables` are environment variables of a local one.
    """
    if found := _ARN.fullmatch(named):
        return DeployedTarget(found[0], seconds=seconds)
    package = msgspec.structs.replace(package_of(Path(named), handler, stack), environment=variables or {})
    if is_installed():
        target: Target = LocalTarget(package, seconds=seconds, environments=environments)
    else:
        target = InProcessTarget(_imported(package), seconds=seconds, name=package.handler, folder=package.folder)
    stack.callback(target.close)
    return target


def package_of(path: Path, handler: str | None, stack: ExitStack) -> Package:
    """The package of a local target. Raises `UsageError` where there is none."""
    if path.suffix == ".zip" and path.is_file():
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dikast-verify-")))
        try:
            with zipfile.ZipFile(path) as packed:
                packed.extractall(folder)
        except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
            raise DataError(f"{path}: cannot be unpacked ({error}); build it again with 'dikast aws build'") from error
        _require_runnable(folder, path)
        return _package(folder, handler, stack)
    if path.suffix == ".py" and path.is_file():
        name = handler or next((name for name in _NAMES if f"def {name}(" in path.read_text("utf-8", "replace")), None)
        if name is None:
            raise UsageError(f"{path}: no function lambda_handler or handler; name it with --handler")
        named = f"{path.stem}.{name.removeprefix(f'{path.stem}.')}"
        return Package(folder=path.parent.resolve(), handler=named, python_path=tuple(filter(None, sys.path)))
    if path.is_dir():
        return _package(path.resolve(), handler, stack)
    raise UsageError(
        f"{path}: no ARN of a function, and no zip, folder or Python file; build one with 'dikast aws build'"
    )


def _package(folder: Path, handler: str | None, stack: ExitStack) -> Package:
    if handler is None and not (folder / FILE_NAME).is_file():
        packed = sorted(folder.glob("*.zip"))
        mend = f"give the package, {packed[0]}" if packed else "name its handler with --handler"
        raise UsageError(f"{folder}: holds no {FILE_NAME}, so it is no unpacked package that dikast built; {mend}")
    handler = handler or HANDLER
    if (folder / handler.partition(".")[0]).exists() or (folder / f"{handler.partition('.')[0]}.py").is_file():
        # Whole as it will be uploaded: what it lacks must not come from here.
        modules = link_modules(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dikast-runtime-"))))
        return Package(folder=folder, handler=handler, python_path=(str(modules),), alone=True)
    return Package(folder=folder, handler=handler, python_path=tuple(filter(None, sys.path)))


def _imported(package: Package) -> Callable[[Any, Any], Any]:
    import importlib
    import os

    sys.path.insert(0, str(package.folder))
    os.environ.update(package.environment, LAMBDA_TASK_ROOT=str(package.folder))
    module, _, function = package.handler.rpartition(".")
    try:
        return getattr(importlib.import_module(module), function)
    except Exception as error:  # noqa: BLE001  whatever a module raises, Lambda turns into an error of its first event
        return _failing(error)


def _failing(error: Exception) -> Callable[[Any, Any], Any]:
    def fails(_event: Any, _context: Any) -> Any:
        raise error

    return fails


def _require_runnable(folder: Path, path: Path) -> None:
    """Raises `UsageError` for a package whose compiled libraries are another Python's or another processor's."""
    compiled = [found for one in folder.rglob("*.so") if (found := _COMPILED.search(one.name))]
    if compiled and not any(found[0] in EXTENSION_SUFFIXES for found in compiled):
        python, machine = compiled[0].groups()
        raise UsageError(
            f"{path}: is built for Python {python[0]}.{python[1:]} on {machine}, which does not run here; deploy it and "
            "verify its ARN, or build one for here without --python and --arch"
        )


def _client(arn: str, seconds: float) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise UnavailableError("a deployed function needs boto3; install it: pip install 'dikast[aws]'") from None
    config = Config(read_timeout=seconds + 30, max_pool_connections=64, retries={"total_max_attempts": 1})
    try:
        make: Any = boto3.client
        return make("lambda", region_name=arn.split(":")[3], config=config)
    except BotoCoreError as error:
        raise UnavailableError(f"{arn}: {error}; set AWS credentials") from error


def _init_seconds(log: str) -> float | None:
    import base64

    found = _INIT.search(base64.b64decode(log).decode(errors="replace"))
    return float(found[1]) / 1000 if found else None


def _side_by_side(invoke: Callable[[Any], Reply], events: Sequence[Any], at_once: int) -> list[Reply]:
    with ThreadPoolExecutor(max(1, min(at_once, len(events)))) as threads:
        return list(threads.map(invoke, events))
