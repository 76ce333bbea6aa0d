"""The suite's rollouts, laid out once for all tests of this folder."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from environments import Environments

from dikast.conform.recorded import Recorded, lay_out
from dikast.records import Score

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return lay_out(Path(tmp_path_factory.mktemp("conformance")))


@pytest.fixture(scope="session")
def expected(recorded: Recorded) -> dict[str, Score]:
    """The in-process engine's score of each rollout, by its id."""
    return {score.id: score for score in recorded.expected()}


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], Path]:
    """Finds the Python of an environment; skips where it is not made."""
    environments = Environments(PROJECT / "conformance")

    def find(name: str) -> Path:
        python = environments.made(name) if name in environments.names() else None
        if python is None:
            pytest.skip(f"conformance/.environments/{name} is not made; 'make conformance-{name}' makes it")
        return python

    return find


@pytest.fixture
def asked_in(python_of: Callable[[str], Path], recorded: Recorded) -> Callable[[str | None, str], Any]:
    """Runs a script in an environment, or where the tests run, with `folder` set to the suite's; gives what it prints as JSON in its last line."""

    def ask(environment: str | None, script: str) -> Any:
        python = sys.executable if environment is None else python_of(environment)
        head = f"import asyncio, json\nfolder = {str(recorded.folder)!r}\n"
        done = subprocess.run(
            [str(python), "-c", head + textwrap.dedent(script)],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "PYTHONPATH": str(PROJECT / "src"), "PYTHONWARNINGS": "ignore"},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    return ask
