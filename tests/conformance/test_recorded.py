"""The rollouts that every adapter is held to: what they are there for comes about."""

import importlib.util
import re
from collections import Counter
from pathlib import Path

import pytest

from dikast.conform.recorded import CASE, SOURCE, Recorded, lay_out
from dikast.records import Score
from dikast.rollouts import group_of

REQUIREMENTS = Path(__file__).parents[2] / "conformance" / "requirements"
PIN = re.compile(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.+!-]*")


def test_every_rollout_becomes_what_it_is_there_for(recorded: Recorded, expected: dict[str, Score]):
    became = {
        name: score.status if score.missing is None else f"missing:{score.missing}" for name, score in expected.items()
    }

    assert became == {rollout.id: rollout.columns[CASE] for rollout in recorded.rollouts()}


def test_all_that_decides_a_score_occurs(recorded: Recorded, expected: dict[str, Score]):
    values = [score.score for score in expected.values() if score.score is not None]
    parts = [part for score in expected.values() for part in score.parts]
    text = "".join(rollout.completion for rollout in recorded.rollouts())

    assert len(expected) == 200
    assert (min(values), max(values)) == (-1.0, 2.0)
    assert len(set(values)) > 80
    assert {score.missing for score in expected.values()} - {None} == {
        "refused", "truncated", "unparsable", "bad_evidence", "rejected", "check_error", "not_applicable",
    }  # fmt: skip
    assert any(part.na for part in parts if part.missing is None)
    assert not text.isascii()


def test_groups_have_none_some_and_all_of_their_four_missing(expected: dict[str, Score]):
    sizes = Counter(score.group for score in expected.values())
    missing = Counter(score.group for score in expected.values() if score.missing)

    assert set(sizes.values()) == {4}
    assert set(missing.values()) == {1, 2, 3, 4}
    # Less than a tenth, or the coverage limit would stop what drives all of them.
    assert sum(missing.values()) < 20


def test_a_group_is_the_rollouts_of_one_prompt(recorded: Recorded):
    by_prompt: dict[str, set[str]] = {}
    for rollout in recorded.rollouts():
        by_prompt.setdefault(group_of(rollout.prompt), set()).add(rollout.group)

    assert [len(groups) for groups in by_prompt.values()] == [1] * 50


def test_they_are_laid_out_again_without_harm_and_score_the_same(recorded: Recorded, expected: dict[str, Score]):
    again = lay_out(recorded.folder)

    assert {score.id: score for score in again.expected()} == expected


def test_the_script_that_made_them_makes_them_again(tmp_path: Path):
    spec = importlib.util.spec_from_file_location("make_rollouts", Path(__file__).with_name("make_rollouts.py"))
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    script.main(tmp_path)

    for name in ("rollouts.jsonl", "replies.jsonl"):
        assert (tmp_path / name).read_bytes() == (SOURCE / name).read_bytes()


@pytest.mark.parametrize("name", sorted(path.name for path in REQUIREMENTS.glob("*.txt")))
def test_every_trainers_environment_is_pinned(name: str):
    lines = (REQUIREMENTS / name).read_text("utf-8").splitlines()

    assert [line for line in lines if not line.startswith("#") and not PIN.fullmatch(line)] == []
