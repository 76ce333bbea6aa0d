"""Runs the patterns of a reward's owner over what the policy wrote, for a bounded time.

Python's own `re` can take for ever on a pattern such as (a|a)*$, and the policy chooses the text. The
`regex` package stops: the check is then missing, which the coverage shows, and nothing hangs.
"""

from __future__ import annotations

import regex

from dikast.errors import ConfigError

MAX_SECONDS = 0.25
"""For one pattern over one text. An honest pattern takes microseconds."""


def compile_pattern(pattern: str, *, where: str) -> regex.Pattern[str]:
    """Compiles a pattern. Raises `ConfigError`, starting with `where`, when it is none."""
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError) as error:
        raise ConfigError(f"{where}: {pattern!r} is no regular expression ({error})") from error


def matches(pattern: regex.Pattern[str], text: str) -> bool:
    """Whether a pattern matches anywhere in a text. Raises `TimeoutError` after `MAX_SECONDS`."""
    return pattern.search(text, timeout=MAX_SECONDS) is not None
