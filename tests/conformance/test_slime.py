"""slime's own source, where a clone of it is: DIKAST_SLIME names the folder that holds the package."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dikast.conform.finding import problems
from dikast.conform.recorded import Recorded
from dikast.conform.running import run_driver
from dikast.records import Score

pytestmark = pytest.mark.slow


def test_slime_gets_what_the_engine_gives_by_our_function_and_by_its_own_client(
    python_of: Callable[[str], Path],
    recorded: Recorded,
    expected: dict[str, Score],
    monkeypatch: pytest.MonkeyPatch,
):
    source = os.environ.get("DIKAST_SLIME")
    if source is None:
        pytest.skip("DIKAST_SLIME names no clone of slime, which is not on PyPI")
    monkeypatch.setenv("PYTHONPATH", source)

    ours, remote = run_driver("slime", recorded, python=python_of("verl"))

    assert list(problems(ours, expected)) == []
    assert list(problems(remote, expected)) == []
