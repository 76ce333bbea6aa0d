"""The gold measure: a user's function that knows the answer, or people's. The reward never sees it.

def score(rollout):                     # gold.py, beside the run file
    return 1.0 if rollout.completion == rollout.columns["answer"] else 0.0
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dikast.checks.base import NOT_JSON, Checked
from dikast.checks.user import python_check
from dikast.errors import ConfigError
from dikast.records import Missing, Rollout


class LoadedGold:
    """Measures a rollout: a number in 0..1, or None where the function failed; `errors` says why."""

    def __init__(self, source: Path, function: str, *, where: str) -> None:
        self._check = python_check(source, function, where=where)
        self._errors: dict[str, None] = {}

    def __call__(self, rollout: Rollout) -> float | None:
        outcome = self._check(Checked(rollout=rollout, documents=(), parsed=NOT_JSON, items=None))
        if isinstance(outcome, Missing):
            self._errors[outcome.detail] = None
            return None
        return outcome.value

    @property
    def errors(self) -> tuple[str, ...]:
        """Each reason once, in the order in which they came up."""
        return tuple(self._errors)


Gold = Callable[[Rollout], float | None]


def load_gold(call: str, folder: Path) -> LoadedGold:
    """Loads `module:function` from a folder. Raises `ConfigError` where it is not there or cannot be called."""
    module, colon, function = call.partition(":")
    if not (colon and module and function.isidentifier() and all(word.isidentifier() for word in module.split("."))):
        raise ConfigError(f"gold '{call}' must be written as module:function")
    source = folder / (module.replace(".", "/") + ".py")
    if not source.is_file():
        raise ConfigError(f"gold '{call}': {source} is not there; put {module}.py into {folder}")
    return LoadedGold(source, function, where=f"gold '{call}'")
