"""A judge that fails at 5 %, in every stack: what the table in docs/trainers.md says of it is what is measured."""

import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from failed_judgments import effect, failed_of, failing, rows, siblings_of, with_us

from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.conform.running import TRAINERS, run_driver
from dikast.records import Score

PAGE = (Path(__file__).parents[2] / "docs" / "trainers.md").read_text("utf-8")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return failing(Path(tmp_path_factory.mktemp("failing")))


@pytest.fixture(scope="module")
def scores(suite: Recorded) -> dict[str, Score]:
    return {score.id: score for score in suite.expected()}


def test_the_judge_fails_at_one_in_twenty_as_was_drawn_and_the_page_says_so(scores: dict[str, Score]):
    failed = failed_of(scores)
    reasons = {scores[name].missing for name in failed}

    assert set(Counter(score.group for score in scores.values()).values()) == {8}
    assert reasons == {"rejected", "refused", "truncated", "unparsable", "bad_evidence"}
    assert 0.04 < len(failed) / len(scores) < 0.06
    assert {score.status for score in scores.values()} == {"scored", "missing"}
    assert f"{len(scores)} rollouts in 50 groups of eight, {len(failed)} without a judgment" in PAGE
    assert f"They have {len(siblings_of(scores))} siblings" in PAGE


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINERS)
def test_what_the_page_says_of_a_trainer_is_what_is_measured(
    name: str, suite: Recorded, scores: dict[str, Score], python_of: Callable[[str], Path]
):
    environment = TRAINERS[name].environment
    python = Path(sys.executable) if environment is None else python_of(environment)

    measured = list(rows(run_driver(TRAINERS[name].driver, suite, python=python), suite, scores, python))

    assert measured
    assert [row for row in measured if row not in PAGE] == []


# One group of three, one of them failed, and one in which nothing did.
EXPECTED = {
    name: Score(id=name, group=name[0], score=value, status="missing" if value is None else "scored")
    for name, value in {"a0": 0.5, "a1": None, "a2": 0.75, "b0": 1.0}.items()
}
ALONE = {"a0": -1.0, "a2": 1.0, "b0": 0.0}


def found(**changes: object) -> Finding:
    return Finding(**{"trainer": "t", "version": "1", "rewards": {}, "alone": ALONE, **changes})  # type: ignore[arg-type]


def test_who_gets_an_advantage_and_who_is_changed_is_counted_in_the_groups_of_the_failed():
    assert failed_of(EXPECTED) == ["a1"]
    assert siblings_of(EXPECTED) == ["a0", "a2"]
    worth = {"a0": -1.0, "a1": -1.23, "a2": 1.4, "b0": 7.0}

    told = effect(worth, ALONE, EXPECTED)

    assert told == "1 of 1 get an advantage, −1.23 to −1.23; 1 of 2 siblings are changed"
    assert (
        effect(worth | ALONE | {"a1": 0.0}, ALONE, EXPECTED) == "0 of 1 get an advantage; 0 of 2 siblings are changed"
    )
    assert effect(dict.fromkeys(worth, math.nan), ALONE, EXPECTED) == "3 of 3 advantages are NaN"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"advantages": {"a0": -1.0, "a1": 0.0, "a2": 1.0, "b0": 0.0}}, ("0", "as if it had not been there")),
        ({"advantages": {"a0": -1.0, "a1": None, "a2": 1.0}}, ("none: left out", "as if it had not been there")),
        ({"advantages": {"a0": -1.4, "a1": 0.0, "a2": 1.4}, "siblings": "scaled"}, ("0", "× √((G−1)/(m−1))")),
        ({"advantages": {"b0": 0.0}}, ("none: left out", "left out with it")),
        ({"advantages": {"a1": None}, "alone": {}}, ("none: left out", "left to the trainer")),
    ],
)
def test_what_becomes_of_the_failed_and_their_siblings_is_said_in_a_word(
    changes: dict[str, object], told: tuple[str, str]
):
    assert with_us(found(**changes), EXPECTED) == told
