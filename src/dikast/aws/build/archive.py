"""Writes a zip that holds the same bytes whenever and wherever it is made of the same files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO

from dikast.errors import NotGoodEnoughError

LIMIT = 50_000_000
"""Bytes that Lambda takes of a zip."""
UNZIPPED_LIMIT = 250 * 1024 * 1024

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_UNIX = 3


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Zips files, sorted by name, with one date and one mode. Raises `NotGoodEnoughError` where Lambda would refuse it."""
    unzipped = sum(map(len, files.values()))
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _READABLE, _UNIX
            archive.writestr(entry, files[name])
    made = buffer.getvalue()
    if len(made) > LIMIT or unzipped > UNZIPPED_LIMIT:
        largest = ", ".join(f"{name} ({len(files[name]) / 1e6:.1f} MB)" for name in _largest(files))
        raise NotGoodEnoughError(
            f"the package has {len(made) / 1e6:.1f} MB ({unzipped / 1e6:.0f} MB unzipped), and Lambda takes 50 "
            f"(262 unzipped); its largest files are {largest}"
        )
    return made


def _largest(files: Mapping[str, bytes]) -> list[str]:
    return sorted(files, key=lambda name: -len(files[name]))[:3]
