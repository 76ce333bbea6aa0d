"""What the reward Lambda is told: `dikast-handler.json` in its package, environment variables laid over it.

`build` writes the file with `written`, the handler reads it with `read_settings`. A variable is named after
its field, `DIKAST_ON_MISSING`, and holds JSON or a plain word. What the vendor's pages contradict each other
about, or only let guess, is a field here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from dikast.errors import ConfigError
from dikast.spec.reading import convert
from dikast.spec.run import Constant

FILE_NAME = "dikast-handler.json"
VARIABLES = "DIKAST_"

Target = Literal["smtj", "serverless", "hyperpod", "bedrock", "open_weight"]
SAMPLE_BY_SAMPLE: frozenset[Target] = frozenset({"hyperpod"})
"""Targets that send one sample an event: no sibling is ever there."""


class HandlerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one reward Lambda."""

    reward: str
    """The reward file, from the package's root."""
    certificate: str | None = None
    on_missing: Literal["group_mean", "raise"] | Constant = "group_mean"
    """A row needs a number, so `native` and `drop` are not to be had here."""
    alone: Constant | Literal["fail"] | None = None
    """What a missing score becomes where no sibling of the event has one. `group_mean` needs it; there is no default."""
    target: Target = "smtj"
    envelope: bool = False
    """Whether the rows go in `{"statusCode": 200, "body": "[...]"}`, as open-weight models want them."""
    parts_as: Literal["Metric", "Reward"] = "Metric"
    """Type of the parts' entries in `metrics_list`. Whether a trainer counts `Reward` once more is not documented."""
    warm_up: bool = True
    """Whether the judge is asked one short question before the first event, so that a schema is compiled by then."""
    log_texts: bool = False
    """Whether logs may hold prompts, completions and a judge's reasons."""
    namespace: str = "dikast"
    """Of the CloudWatch metrics."""
    deadline_margin_s: float = 3.0
    """Seconds of the Lambda's time that are kept for the answer; what is open then is missing as `expired`."""
    journal: str | None = None
    """A file below /tmp where answers outlive the memory's; None keeps them in memory, as long as the environment lives."""


def read_settings(folder: Path, environment: Mapping[str, str]) -> HandlerSettings:
    """Reads the package's settings. Raises `ConfigError` with the file, the place and the mend."""
    path = folder / FILE_NAME
    try:
        held: Any = msgspec.json.decode(path.read_bytes()) if path.is_file() else {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); build the package again") from error
    if not isinstance(held, dict):
        raise ConfigError(f"{path}: must be a JSON object; build the package again")
    names = HandlerSettings.__struct_fields__
    laid = {name: _plain(environment[key]) for name in names if (key := VARIABLES + name.upper()) in environment}
    return convert({**held, **laid}, HandlerSettings, where=f"{path} and {VARIABLES}* variables" if laid else str(path))


def written(settings: HandlerSettings) -> bytes:
    """Gives the bytes of `dikast-handler.json`: the same for the same settings."""
    return msgspec.json.format(msgspec.json.encode(settings, order="deterministic")) + b"\n"


def require_answerable(settings: HandlerSettings, limits: tuple[float, float]) -> None:
    """Raises `ConfigError` where a missing score would leave a row without a number, or with one out of range."""
    if settings.on_missing == "group_mean" and settings.alone is None:
        why = (
            f"{settings.target} sends one sample an event"
            if settings.target in SAMPLE_BY_SAMPLE
            else "a group may be alone in its event, or missing as a whole"
        )
        raise ConfigError(
            f"alone: {why}, and a mean needs siblings; say what a missing score becomes then: "
            "{constant: NUMBER} or fail (--alone 0.5, or --alone fail)"
        )
    low, high = limits
    for name, value in (("on_missing", settings.on_missing), ("alone", settings.alone)):
        if isinstance(value, Constant) and not low <= value.constant <= high:
            raise ConfigError(f"{name}: constant {value.constant} is outside the reward's range [{low}, {high}]")
    if not settings.deadline_margin_s >= 0:
        raise ConfigError(f"deadline_margin_s must be at least 0 seconds, not {settings.deadline_margin_s}")


def _plain(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value
