"""Reads what botocore describes AWS by, for a session that needs one service: quickly, and the same.

Its own reader makes an ordered dictionary of each object, which takes longer than all else that a client's making does.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

_UNPACKED: dict[str, Callable[[bytes], bytes]] = {".json": bytes, ".json.gz": gzip.decompress}
"""A file's ending → how its bytes become JSON."""


class ServiceFiles:
    """In the place of botocore's `JSONFileLoader`. Paths come without their ending."""

    def exists(self, path: str) -> bool:
        """Says whether there is such a file."""
        return any(Path(path + ending).is_file() for ending in _UNPACKED)

    def load_file(self, path: str) -> Any:
        """Gives what the file holds, or None where there is none."""
        for ending, unpacked in _UNPACKED.items():
            file = Path(path + ending)
            if file.is_file():
                return msgspec.json.decode(unpacked(file.read_bytes()))
        return None


def know_one_service(session: Any, service: str) -> None:
    """Has a session read its files like that, and spares it a look at the folders of the services that it does not need."""

    def services(_type_name: str) -> list[str]:
        return [service]

    loader = session.get_component("data_loader")
    loader.file_loader = ServiceFiles()
    loader.list_available_services = services
