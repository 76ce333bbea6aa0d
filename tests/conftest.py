"""What all tests share. Sockets are limited to loopback by pytest's options in pyproject.toml."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Before any test imports transformers: nothing here may ask a model hub.
os.environ["HF_HUB_OFFLINE"] = "1"

# The machine may be busy: how long an example takes says nothing about the code.
settings.register_profile("dikast", deadline=None)
settings.load_profile("dikast")

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Finds a reference data set by name, in DIKAST_SHARED or in `shared` beside the project; skips without it."""

    def find(name: str) -> Path:
        shared = Path(os.environ.get("DIKAST_SHARED") or PROJECT.parent / "shared")
        found = shared / "data" / name
        if not found.exists():
            pytest.skip(f"no reference data at {found}; DIKAST_SHARED names the folder that holds data/{name}")
        return found

    return find
