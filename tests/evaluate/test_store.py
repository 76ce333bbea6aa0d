"""Evaluations on disk: what is broken is told, what is alike is pooled."""

import msgspec
import pytest

from dikast.errors import DataError
from dikast.evaluate.records import About, Judge, Value
from dikast.evaluate.store import evaluation_of, read_evaluation, read_pooled, save

ABOUT = About(
    reward="notes",
    reward_hash="aa",
    certificate_hash=None,
    judge=Judge(name="scripted:judge", fingerprint="f00d"),
    range=(0.0, 1.0),
    items=None,
    best_of=2,
    ask="Does it agree?",
    seeds=(0,),
    documents=2,
    date="2026-01-01",
    made_with={},
)


def kept(folder, seed, numbers, **changed):
    about = msgspec.structs.replace(ABOUT, seeds=(seed,), **changed)
    values = [Value(seed=seed, arm="a", metric="gold", document=f"d{i}", value=x) for i, x in enumerate(numbers)]
    save(evaluation_of(about, values, [], []), folder)
    return folder


def test_runs_of_several_seeds_are_one_evaluation(tmp_path):
    folders = [kept(tmp_path / "a", 1, [0.0, 1.0]), kept(tmp_path / "b", 2, [0.5, 0.5])]

    pooled = read_pooled(folders)

    assert pooled.about.seeds == (1, 2)
    assert pooled.arms["a"]["gold"].value == 0.5
    assert pooled.arms["a"]["gold"].n == 2
    assert len(pooled.values) == 4


def test_runs_with_different_rewards_are_not_pooled(tmp_path):
    folders = [kept(tmp_path / "a", 1, [0.0]), kept(tmp_path / "b", 2, [0.5], reward_hash="bb")]

    with pytest.raises(DataError, match="another reward_hash"):
        read_pooled(folders)


def test_the_same_seed_is_not_counted_twice(tmp_path):
    folder = kept(tmp_path / "a", 1, [0.0])

    with pytest.raises(DataError, match="seed 1 stands in"):
        read_pooled([folder, folder])


def test_a_folder_without_an_evaluation_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no evaluation"):
        read_evaluation(tmp_path)


def test_a_broken_line_is_told_with_its_place(tmp_path):
    kept(tmp_path, 0, [0.5, 0.5])
    values = tmp_path / "eval" / "values.jsonl"
    values.write_text(values.read_text() + '{"seed": 0}\n')

    with pytest.raises(DataError, match=r"values\.jsonl:3: not what an evaluation writes"):
        read_evaluation(tmp_path)
