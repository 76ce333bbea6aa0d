"""What Lambda's own Python runtime has besides a package: a package that needs more fails here as it would there."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

_MODULES = (
    "awslambdaric",
    "runtime_client",
    "simplejson",
    "snapshot_restore_py",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "six",
    "urllib3",
)


def link_modules(into: Path) -> Path:
    """Links the runtime's modules, as far as they are here, into a folder for the path of modules."""
    for name in _MODULES:
        found = importlib.util.find_spec(name)
        place = None if found is None else _place_of(found)
        if place is not None:
            (into / place.name).symlink_to(place)
    return into


def _place_of(spec: ModuleSpec) -> Path | None:
    if spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0])
    return Path(spec.origin) if spec.origin else None
