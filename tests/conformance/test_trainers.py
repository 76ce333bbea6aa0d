"""Every adapter in its trainer's own calling code: what the engine gives, and nothing for what is missing."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dikast.conform.recorded import Recorded
from dikast.conform.running import TRAINERS, conform
from dikast.records import Score


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINERS)
def test_a_trainer_gets_what_the_engine_gives_and_nothing_for_what_is_missing(
    name: str, recorded: Recorded, expected: dict[str, Score], python_of: Callable[[str], Path]
):
    environment = TRAINERS[name].environment
    python = sys.executable if environment is None else python_of(environment)

    results = conform(name, recorded, expected, python=python)

    assert results
    for result in results:
        assert result.problems == (), result.trainer
        assert result.rollouts == 200
        assert result.missing >= 17
