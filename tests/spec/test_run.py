"""run.yaml: what it must name, and what its numbers may be."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dikast.errors import ConfigError
from dikast.spec.run import Constant, read_run


@pytest.fixture
def write_run(tmp_path: Path):
    for name in ("reward.yaml", "train.jsonl", "valid.jsonl", "test.jsonl"):
        (tmp_path / name).touch()

    def write(**changes: Any) -> Path:
        plain: dict[str, Any] = {
            "reward": "reward.yaml",
            "policy": "tiny",
            "data": {"train": "train.jsonl", "valid": "valid.jsonl", "test": "test.jsonl"},
        }
        path = tmp_path / "run.yaml"
        path.write_text(yaml.safe_dump(plain | changes))
        return path

    return write


def test_paths_are_relative_to_the_run_file_and_the_certificate_lies_beside_the_reward(write_run, tmp_path: Path):
    spec = read_run(write_run())

    assert spec.reward == tmp_path / "reward.yaml"
    assert spec.certificate == tmp_path / "certificate.json"
    assert spec.file.on_missing == "native"
    assert spec.file.sft is None


def test_another_certificate_can_be_named(write_run, tmp_path: Path):
    assert read_run(write_run(certificate="other/c.json")).certificate == tmp_path / "other" / "c.json"


@pytest.mark.parametrize("setting", ["native", "group_mean", "drop", "raise"])
def test_each_way_with_missing_scores_can_be_named(write_run, setting: str):
    assert read_run(write_run(on_missing=setting)).file.on_missing == setting


def test_a_constant_for_missing_scores_is_asked_for_by_name(write_run):
    assert read_run(write_run(on_missing={"constant": 0.25})).file.on_missing == Constant(constant=0.25)


@pytest.mark.parametrize("setting", [0, 0.5, "zero", {"constant": "low"}, {"value": 0}])
def test_a_bare_number_or_another_word_for_missing_scores_is_refused(write_run, setting: Any):
    with pytest.raises(ConfigError, match="on_missing"):
        read_run(write_run(on_missing=setting))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reward": "none.yaml"}, "it names 'none.yaml', and"),
        ({"data": {"train": "none", "valid": "valid.jsonl", "test": "test.jsonl"}}, "it names 'none', and"),
        ({"sft": {"steps": 0}}, "sft: examples, batch_size and steps must be at least 1"),
        ({"sft": {"stpes": 3}}, "sft: unknown key 'stpes'; did you mean 'steps'?"),
        ({"eval": {"documents": 0}}, "eval: documents must be at least 1, not 0"),
        ({"eval": {"best_of": -1}}, "eval: best_of must be at least 1, not -1"),
        ({"eval": {"sampled_documents": -1}}, "eval: sampled_documents must be at least 0, not -1"),
        ({"eval": {"gold": "../gold:score"}}, "eval: gold '../gold:score' must be written as module:function"),
        ({"eval": {"gold": "..gold:score"}}, "eval: gold '..gold:score' must be written as module:function"),
        ({"eval": {"ask": ""}}, "eval: 'ask' is empty; write one yes/no question"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(write_run, changes: dict[str, Any], said: str):
    path = write_run(**changes)

    with pytest.raises(ConfigError) as error:
        read_run(path)

    assert str(error.value).startswith(f"{path}: {said}")
