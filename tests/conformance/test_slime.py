"""slime's own source, where a clone of it is: DIKAST_SLIME names the folder that holds the package."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from dikast.conform.finding import Finding, problems
from dikast.conform.recorded import Recorded
from dikast.records import Score

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def test_slime_gets_what_the_engine_gives_and_masks_what_is_missing(
    python_of: Callable[[str], Path], recorded: Recorded, expected: dict[str, Score]
):
    source = os.environ.get("DIKAST_SLIME")
    if source is None:
        pytest.skip("DIKAST_SLIME names no clone of slime, which is not on PyPI")

    done = subprocess.run(
        [str(python_of("verl")), "-m", "dikast.conform.drivers.slime", str(recorded.folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), source])},
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert list(problems(msgspec.json.decode(done.stdout, type=Finding), expected)) == []
