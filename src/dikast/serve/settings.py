"""How a server is set: where it listens, who may ask, how much at once, and what a trainer gets for a missing score."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import msgspec

from dikast.errors import UsageError
from dikast.remote.terms import TOKEN_VARIABLE
from dikast.spec.run import Constant, OnMissing

DEFAULT_PORT = 8600
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Hosts that a request to this machine may name."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about a server."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """0 takes any that is free."""
    token: str | None = None
    deadline: float = 110.0
    """Seconds for a request that names none: under the 120 after which slime gives up, and the 180 of OpenRLHF."""
    on_missing: OnMissing | Constant = "group_mean"
    max_body: int = 32 * 1024 * 1024
    """Bytes of one request."""
    max_bytes: int = 256 * 1024 * 1024
    """Bytes of requests that are being read, all together."""
    max_rollouts: int = 4096
    """Rollouts that are being judged."""
    max_requests: int = 8192
    """Requests that are being answered, those that wait for a sibling among them."""
    drain: float = 60.0
    """Seconds for what is under way when the server is asked to end."""


def read_token(file: Path | None) -> str | None:
    """Gives the token from a file, or from the environment. Raises `UsageError` where it cannot be one."""
    try:
        given = file.read_text("utf-8") if file else os.environ.get(TOKEN_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {file}: cannot be read ({error})") from None
    token, where = given.strip(), f"--token-file {file}" if file else TOKEN_VARIABLE
    if file and not token:
        raise UsageError(f"{where}: is empty; put one long random word into it")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError(f"{where}: a token is one word of ASCII letters, digits and signs")
    return token or None


def require_safe(settings: Settings) -> None:
    """Raises `UsageError` where others could reach a server that asks for no token."""
    if settings.token is None and not is_loopback(settings.host):
        raise UsageError(
            f"--host {settings.host}: others can reach it, so a token is needed; set {TOKEN_VARIABLE} "
            "or --token-file, or listen on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
