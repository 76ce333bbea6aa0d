"""Every adapter in its trainer's own calling code, the reward named by the address of a `dikast serve`."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import running_serve

from dikast.conform.finding import problems
from dikast.conform.recorded import Recorded
from dikast.conform.running import TRAINERS, run_driver
from dikast.records import Score

OWN_SERVER = {"openrlhf"}
"""Asks over HTTP anyway: its driver starts a server of its own."""


@pytest.fixture(scope="module")
def served(recorded: Recorded) -> Iterator[Recorded]:
    server = running_serve.RunningServe(recorded.reward, "--journal", str(recorded.folder / "over-http.db"))
    yield msgspec.structs.replace(recorded, served=f"{server.address}/conformance")
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRAINERS if name not in OWN_SERVER])
def test_a_trainer_gets_over_http_what_the_engine_gives(
    name: str, served: Recorded, expected: dict[str, Score], python_of: Callable[[str], Path]
):
    environment = TRAINERS[name].environment
    python = sys.executable if environment is None else python_of(environment)

    found = run_driver(TRAINERS[name].driver, served, python=python)

    for finding in found:
        assert list(problems(finding, expected)) == [], finding.trainer
        assert sum(reward is not None for reward in finding.rewards.values()) > 100
