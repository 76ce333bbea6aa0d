"""The gold measure that a user writes."""

import pytest

from dikast.errors import ConfigError
from dikast.evaluate.gold import load_gold
from dikast.records import Rollout

ROLLOUT = Rollout(id="r", group="g", prompt="p", completion="right")


def test_gold_is_the_users_number(tmp_path):
    (tmp_path / "mine.py").write_text("def score(rollout):\n    return rollout.completion == 'right'\n")

    assert load_gold("mine:score", tmp_path)(ROLLOUT) == 1.0


def test_gold_that_fails_is_missing_and_says_why(tmp_path):
    (tmp_path / "mine.py").write_text("def score(rollout):\n    return rollout.columns['answer']\n")
    gold = load_gold("mine:score", tmp_path)

    assert gold(ROLLOUT) is None
    assert gold(ROLLOUT) is None
    assert gold.errors == ("mine.py:2: KeyError: 'answer'",)


def test_gold_outside_its_range_is_missing(tmp_path):
    (tmp_path / "mine.py").write_text("def score(rollout):\n    return 7\n")

    assert load_gold("mine:score", tmp_path)(ROLLOUT) is None


@pytest.mark.parametrize("call", ["mine", "mine:", ":score", "../mine:score", "mine:score()", "os.path;x:y"])
def test_gold_is_written_as_module_and_function(call, tmp_path):
    with pytest.raises(ConfigError, match="module:function"):
        load_gold(call, tmp_path)


def test_gold_that_is_not_there_is_told_with_its_place(tmp_path):
    with pytest.raises(ConfigError, match=r"mine\.py is not there"):
        load_gold("mine:score", tmp_path)
