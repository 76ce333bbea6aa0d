"""Takes a model's file from a hub, where one answers and names the catalogue's SHA-256 for it.

The hub is asked for the sum before a byte is fetched. Whatever goes wrong is no error: the caller
says it in one line and takes another way.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO

from dikast.models.catalog import KnownModel

HUB_VARIABLE = "DIKAST_MODEL_HUB"
_HUGGING_FACE = "https://huggingface.co"
_CHUNK = 1 << 20
_ASK_SECONDS = 5
_READ_SECONDS = 30


class NotFromHubError(Exception):
    """The hub cannot give the file; the message says why, for people."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a hub tells the sum in the first answer, before it sends one elsewhere for the bytes."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def fetch(model: KnownModel, partial: Path, grown: Callable[[int], None]) -> None:
    """Brings the file to `partial`, going on where an earlier attempt stopped. Raises `NotFromHubError`."""
    url = _address(model)
    try:
        named = _named_sum(url)
        if named != model.sha256:
            raise NotFromHubError("its file is another one")
        _download(url, partial, model.size, grown)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotFromHubError(str(getattr(error, "reason", error))) from error
    with partial.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == model.sha256:
            return
    partial.unlink()
    raise NotFromHubError("what it sent has another sum than it named")


def _address(model: KnownModel) -> str:
    hub = os.environ.get(HUB_VARIABLE) or os.environ.get("HF_ENDPOINT") or _HUGGING_FACE
    offline = os.environ.get("HF_HUB_OFFLINE", "").casefold() in ("1", "true", "yes", "on")
    if model.hub is None or offline or hub.casefold() == "off":
        raise NotFromHubError("switched off")
    return f"{hub.rstrip('/')}/{model.hub.repository}/resolve/main/{model.hub.path}"


def _named_sum(url: str) -> str:
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=_ASK_SECONDS) as answer:
            headers: Message = answer.headers
    except urllib.error.HTTPError as error:
        if not 300 <= error.code < 400:
            raise
        headers = error.headers
    etag = headers["X-Linked-Etag"] or headers["ETag"] or ""
    return etag.removeprefix("W/").strip('"')


def _download(url: str, partial: Path, size: int, grown: Callable[[int], None]) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    if have == size:
        return
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_READ_SECONDS) as answer:
        go_on = answer.status == http.client.PARTIAL_CONTENT
        done = have if go_on else 0
        with partial.open("ab" if go_on else "wb") as file:
            while done <= size and (chunk := answer.read(_CHUNK)):
                file.write(chunk)
                done += len(chunk)
                grown(done)
    if done < size:
        # Kept: the next pull goes on from here.
        raise NotFromHubError(f"it stopped after {done} of {size} bytes")
