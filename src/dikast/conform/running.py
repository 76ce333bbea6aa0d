"""Runs drivers, each in a process of its own, and holds what they find to the engine.

for result in conform("trl", folder): ...          # in this Python
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dikast.conform.finding import Finding, problems
from dikast.conform.recorded import Recorded
from dikast.records import Score

SECONDS = 900
"""How long a driver may take: the slowest starts a cluster."""
TOLD = 3
"""Problems of a trainer that are told; the others are counted."""


class Trainer(msgspec.Struct, frozen=True, kw_only=True):
    """A trainer that has a driver."""

    distribution: str
    """What pip calls it."""
    driver: str
    """Module under `conform.drivers`."""
    environment: str | None = None
    """Under `conformance/`, for our own tests; None for the environment that dikast itself trains in."""
    before: tuple[int, int] | None = None
    since: tuple[int, int] | None = None
    """Versions that the driver is for."""


TRAINERS: dict[str, Trainer] = {
    "trl": Trainer(distribution="trl", driver="trl", since=(1, 6)),
    "trl-older": Trainer(distribution="trl", driver="trl_older", environment="trl-older", before=(1, 6)),
    "verifiers": Trainer(distribution="verifiers", driver="verifiers", environment="verifiers"),
    "tinker": Trainer(distribution="tinker-cookbook", driver="tinker", environment="tinker"),
    "art": Trainer(distribution="openpipe-art", driver="art", environment="art"),
    "nemo-gym": Trainer(distribution="nemo-gym", driver="nemo_gym", environment="nemo-gym"),
    "verl": Trainer(distribution="verl", driver="verl", environment="verl"),
    "openrlhf": Trainer(distribution="openrlhf", driver="openrlhf", environment="openrlhf"),
    "ms-swift": Trainer(distribution="ms-swift", driver="ms_swift", environment="ms-swift"),
    "skyrl-gym": Trainer(distribution="skyrl-gym", driver="skyrl_gym", environment="skyrl-gym"),
    "areal": Trainer(distribution="areal", driver="areal", environment="areal"),
}
"""By the name that `dikast conform` takes."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one trainer, or of one of its ways."""

    trainer: str
    version: str
    conforms: bool
    rollouts: int = 0
    missing: int = 0
    """Of them, those without a score."""
    problems: tuple[str, ...] = ()


def installed() -> list[str]:
    """The trainers that this Python has."""
    return [name for name, trainer in TRAINERS.items() if _is_here(trainer)]


def conform(
    name: str, recorded: Recorded, expected: Mapping[str, Score], *, python: str | Path = sys.executable
) -> list[Result]:
    """Runs a trainer's driver and says what came of it: one result, or several where it can be called in several ways."""
    trainer = TRAINERS[name]
    try:
        found = run_driver(trainer.driver, recorded, python=python)
    except DriverFailedError as error:
        return [Result(trainer=name, version="", conforms=False, problems=(str(error),))]
    return [_result(finding, expected) for finding in found]


class DriverFailedError(Exception):
    """A driver ended without a finding; the message is the last thing it said."""


def run_driver(driver: str, recorded: Recorded, *, python: str | Path = sys.executable) -> list[Finding]:
    """Runs a driver in a Python that has its trainer. Raises `DriverFailedError`."""
    command = [str(python), "-m", f"dikast.conform.drivers.{driver}", str(recorded.folder)]
    command += [] if recorded.served is None else [recorded.served]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS, env=environment_of(python)
        )
    except subprocess.TimeoutExpired:
        raise DriverFailedError(f"not done after {SECONDS} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise DriverFailedError(said[-1])
    return [msgspec.json.decode(line, type=Finding) for line in done.stdout.splitlines()]


def environment_of(python: str | Path) -> dict[str, str]:
    """The variables for a Python that has a trainer and what dikast needs: another than this takes dikast from here."""
    environment = dict(os.environ)
    if str(python) != sys.executable:
        here = str(Path(__file__).parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (here, environment.get("PYTHONPATH"))))
    return environment


def _result(finding: Finding, expected: Mapping[str, Score]) -> Result:
    found = list(problems(finding, expected))
    return Result(
        trainer=finding.trainer,
        version=finding.version,
        conforms=not found,
        rollouts=len(finding.rewards),
        missing=sum(reward is None for reward in finding.rewards.values()),
        problems=_shortened(found),
    )


def _shortened(found: Sequence[str]) -> tuple[str, ...]:
    more = len(found) - TOLD
    return (*found[:TOLD], *([f"and {more} more"] if more > 0 else []))


def _is_here(trainer: Trainer) -> bool:
    try:
        version = importlib.metadata.version(trainer.distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    numbers = re.match(r"(\d+)\.(\d+)", version)
    have = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    return (trainer.since is None or have >= trainer.since) and (trainer.before is None or have < trainer.before)
