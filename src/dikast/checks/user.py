"""Runs a user's own function as a check.

    def no_party_names(rollout):            # my_checks.py, beside the reward file
        return "Acme" not in rollout.completion

It gets the rollout and gives a number in 0..1, a bool, or a pair of one of them and a reason. Whatever else
it gives, and whatever it raises, leaves the check missing. Only the file itself belongs to the reward's
hash: what it imports must be installed, other files beside it are not found.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, SupportsFloat

from dikast.checks.base import PASSED, Checked, CheckFunction, Outcome, short
from dikast.errors import ConfigError
from dikast.records import Missing, Rollout


def python_check(source: Path, function: str, *, where: str) -> CheckFunction:
    """Loads `function` from a source file. Raises `ConfigError` when it cannot be loaded or called."""
    source = source.resolve()
    call = load_function(source, function, where=where)

    def run(checked: Checked) -> Outcome | Missing:
        try:
            return _outcome(call(checked.rollout))
        # A user's code may raise anything, and a bug in it must not stop a training; nowhere else is this right.
        except (Exception, SystemExit) as error:  # noqa: BLE001  a user's code may raise anything
            return Missing("check_error", short(_told(error, source)))

    return run


def load_function(source: Path, name: str, *, where: str) -> Callable[[Rollout], Any]:
    """Loads a function from a source file, under a module name of our own. Raises `ConfigError`."""
    function = getattr(_load_module(source.resolve(), where), name, None)
    if not callable(function):
        raise ConfigError(f"{where}: {source} has no function '{name}'")
    if inspect.iscoroutinefunction(function):
        raise ConfigError(f"{where}: '{name}' in {source} is async; a check is a plain function")
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: '{name}' in {source} must take one argument, the rollout ({error})") from error
    return function


def _load_module(source: Path, where: str) -> ModuleType:
    """Runs a source file once; the name holds its bytes, so that a file that changed is another module."""
    content = source.read_bytes()
    digest = hashlib.sha256(str(source).encode() + b"\x00" + content).hexdigest()
    name = f"_dikast_check_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{where}: {source} is no Python source file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by its name
    try:
        spec.loader.exec_module(module)
    # As above: the file is the user's, and whatever it raises is told where it stands.
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigError(f"{where}: {short(f'{source} cannot be loaded: {_told(error, source)}')}") from error
    return module


def _outcome(given: Any) -> Outcome | Missing:
    match given:
        case (value, reason):
            pass
        case value:
            reason = None
    if not isinstance(value, SupportsFloat) or not isinstance(reason, str | None):
        return Missing("check_error", short(f"it gave {given!r}, not a number in 0..1, a bool, or (number, reason)"))
    number = float(value)
    if not 0 <= number <= 1:
        return Missing("check_error", short(f"it gave {number}, which is outside 0..1"))
    if number == 1:
        return PASSED
    return Outcome(value=number, reason=short(reason) if reason else None)


def _told(error: Exception | SystemExit, source: Path) -> str:
    """Says what was raised, and in which line of the user's file."""
    line = _last_line(error.__traceback__, source)
    place = f"{source.name}:{line}: " if line else ""
    return f"{place}{type(error).__name__}: {error}"


def _last_line(traceback: TracebackType | None, source: Path) -> int | None:
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(source):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
