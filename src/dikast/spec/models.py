"""models.yaml: names of models, where they answer and with what limits.

Looked for beside the reward file, then in the working folder. Without one, `openai:NAME` takes
OPENAI_BASE_URL and OPENAI_API_KEY from the environment. Keys stand in the environment, never in the file.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from dikast.errors import ConfigError
from dikast.spec.reading import read_struct

FILE_NAME = "models.yaml"


class ModelConnection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one model is reached."""

    provider: str
    model: str | None = None
    """The name that the endpoint knows; the entry's own name where not given."""
    endpoint: str | None = None
    key_variable: str | None = None
    """Environment variable that holds the key."""
    concurrency: int = 16
    """Requests under way at once."""
    timeout: float = 120.0
    """Seconds for one attempt."""
    attempts: int = 4
    logprobs: bool = False
    """Whether the endpoint gives log-probabilities; verdicts are then read from them, one question a request."""
    path: str | None = None
    """A local model's file."""
    threads: int | None = None


def read_connections(folder: Path) -> dict[str, ModelConnection]:
    """Reads models.yaml beside a reward or in the working folder; an empty mapping where there is none."""
    for path in (folder / FILE_NAME, Path(FILE_NAME)):
        if path.is_file():
            connections = read_struct(path, dict[str, ModelConnection])
            for name, connection in connections.items():
                if connection.concurrency < 1 or connection.attempts < 1 or not connection.timeout > 0:
                    raise ConfigError(f"{path}: {name}: concurrency, attempts and timeout must be above 0")
            return connections
    return {}
