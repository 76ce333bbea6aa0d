"""The suite's rollouts, laid out once for all tests of this folder."""

from pathlib import Path

import pytest

from dikast.conform.recorded import Recorded, lay_out
from dikast.records import Score


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return lay_out(Path(tmp_path_factory.mktemp("conformance")))


@pytest.fixture(scope="session")
def expected(recorded: Recorded) -> dict[str, Score]:
    """The in-process engine's score of each rollout, by its id."""
    return {score.id: score for score in recorded.expected()}
