"""What a journal logged of a run: its phases, and its groups one after another."""

from pathlib import Path

import msgspec
import pytest

from dikast.errors import DataError
from dikast.evaluate.logged import ScoredBy, chosen_phase, logged_groups, phases_of, rows_of
from dikast.journal import Journal, LoggedScore
from dikast.records import Rollout, Score


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path / "journal.db")


def entry(step: int, position: int, group: str) -> LoggedScore:
    name = f"step-{step}-{position}"
    rollout = Rollout(id=name, group=group, prompt="p", completion=f"é {position}", columns={"a": [1]})
    score = Score(id=name, group=group, score=position / 10, status="scored")
    return LoggedScore(
        step=step, position=position, rollout=msgspec.json.encode(rollout), score=msgspec.json.encode(score)
    )


def test_siblings_are_those_of_one_step_and_group_in_the_order_of_the_run(journal: Journal):
    # Two ranks: the second's places begin at a million, and a prompt's rollouts stand apart.
    entries = [entry(0, 0, "a"), entry(0, 1, "b"), entry(0, 1_000_000, "a"), entry(1, 0, "a")]
    journal.log_scores(entries, reward="h", certificate="", phase="rl")

    groups = logged_groups(journal, "rl")

    assert [(group.step, group.group, [place.number for place in group.places]) for group in groups] == [
        (0, "a", [0, 2]),
        (0, "b", [1]),
        (1, "a", [3]),
    ]
    rows = rows_of(journal, "rl", groups[0])
    assert [(row.rollout.id, row.rollout.completion, row.score.score) for row in rows] == [
        ("step-0-0", "é 0", 0.0),
        ("step-0-1000000", "é 1000000", 100_000.0),
    ]


def test_a_group_larger_than_a_query_is_read_whole(journal: Journal):
    journal.log_scores([entry(0, at, "a") for at in range(1201)], reward="h", certificate="", phase="rl")

    [group] = logged_groups(journal, "rl")

    assert [row.rollout.id for row in rows_of(journal, "rl", group)] == [f"step-0-{at}" for at in range(1201)]


def test_a_phase_says_who_scored_it(journal: Journal):
    journal.log_scores([entry(0, 0, "a"), entry(0, 1, "a")], reward="old", certificate="", phase="rl")
    journal.log_scores([entry(1, 0, "a")], reward="new", certificate="c", phase="rl")

    [phase] = phases_of(journal)

    assert (phase.name, phase.rollouts) == ("rl", 3)
    assert phase.scored_by == (
        ScoredBy(reward_hash="new", certificate_hash="c", rollouts=1),
        ScoredBy(reward_hash="old", certificate_hash=None, rollouts=2),
    )


def test_one_phase_is_taken_by_itself_and_of_several_one_is_named(journal: Journal):
    with pytest.raises(
        DataError, match=r"no rollouts are logged in it; 'dikast train' logs .*'dikast aws eval DIR --read"
    ):
        chosen_phase(journal, None)
    journal.log_scores([entry(0, 0, "a")], reward="h", certificate="", phase="rl")
    assert chosen_phase(journal, None).name == "rl"
    journal.log_scores([entry(0, 0, "a")], reward="h", certificate="", phase="aws")

    with pytest.raises(DataError, match=r"choose with --phase: aws \(1 rollouts\), rl \(1 rollouts\)"):
        chosen_phase(journal, None)
    assert chosen_phase(journal, "aws").name == "aws"
    with pytest.raises(DataError, match="no phase 'sft' is logged; there is aws"):
        chosen_phase(journal, "sft")


def test_what_is_logged_anew_while_it_is_read_is_told(journal: Journal):
    journal.log_scores([entry(0, 0, "a"), entry(0, 1, "a")], reward="h", certificate="", phase="aws")
    [group] = logged_groups(journal, "aws")
    journal.log_scores([entry(0, 0, "a")], reward="h", certificate="", phase="aws", whole=True)

    with pytest.raises(DataError, match="step 0 was logged anew while it was read"):
        rows_of(journal, "aws", group)


def test_a_row_that_is_no_rollout_is_told_with_its_place(journal: Journal):
    broken = LoggedScore(step=2, position=7, rollout=b'{"group": "a"}', score=b"{}")
    journal.log_scores([broken], reward="h", certificate="", phase="rl")
    [group] = logged_groups(journal, "rl")

    with pytest.raises(DataError, match="step 2, position 7: no rollout with its score"):
        rows_of(journal, "rl", group)
