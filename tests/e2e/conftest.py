"""A real browser without a window: Debian's Chromium or another that is installed."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
"""It needs no screen, and asks nobody but the page."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install -r requirements/dev.txt"
    )
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    # Chromium's own sandbox refuses to run as root, as in most containers.
    options = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=options)
        yield running
        running.close()
