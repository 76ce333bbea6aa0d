"""A run's folder: begun, taken up again, never mixed with another run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dikast.errors import ConfigError, UnavailableError
from dikast.spec.run import RunSpec, read_run
from dikast.train.folder import RunFolder


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., RunSpec]:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("reward.yaml", "train.jsonl", "valid.jsonl", "test.jsonl"):
        (home / name).touch()

    def make(**changes: Any) -> RunSpec:
        plain: dict[str, Any] = {
            "reward": "reward.yaml",
            "policy": "tiny",
            "data": {"train": "train.jsonl", "valid": "valid.jsonl", "test": "test.jsonl"},
            "rl": {"max_steps": 3, "learning_rate": 1e-5},
            "on_missing": {"constant": 0.0},
        }
        (home / "run.yaml").write_text(yaml.safe_dump(plain | changes))
        return read_run(home / "run.yaml")

    return make


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "one")


def test_a_run_begins_with_its_settings_kept(folder: RunFolder, spec_of: Callable[..., RunSpec]):
    spec = spec_of()

    folder.begin(spec)

    assert folder.spec() == spec
    assert (folder.path / "run.yaml").read_bytes() == spec.path.read_bytes()


def test_the_same_run_is_taken_up_again(folder: RunFolder, spec_of: Callable[..., RunSpec]):
    folder.begin(spec_of())
    folder.finish("sft", {"steps": 3})

    RunFolder(folder.path).begin(spec_of())

    assert RunFolder(folder.path).done("sft") == {"steps": 3}


def test_a_whole_number_where_fractions_may_stand_is_the_same_settings_again(
    folder: RunFolder, spec_of: Callable[..., RunSpec]
):
    folder.begin(spec_of(aws={"max_hours": 24}))

    RunFolder(folder.path).begin(spec_of(aws={}))


@pytest.mark.parametrize("changes", [{"seed": 1}, {"rl": {"max_steps": 4}}, {"on_missing": "native"}, {"sft": {}}])
def test_other_settings_are_refused_and_nothing_of_the_run_is_touched(
    folder: RunFolder, spec_of: Callable[..., RunSpec], changes: dict[str, Any]
):
    folder.begin(spec_of())
    before = {path: path.read_bytes() for path in folder.path.iterdir()}

    with pytest.raises(ConfigError, match="holds a run with other settings; name another folder with -o"):
        folder.begin(spec_of(**changes))

    assert {path: path.read_bytes() for path in folder.path.iterdir()} == before


def test_another_layout_of_the_same_settings_is_the_same_run(folder: RunFolder, spec_of: Callable[..., RunSpec]):
    spec = spec_of()
    folder.begin(spec)
    spec.path.write_text("# a comment\n" + spec.path.read_text())

    folder.begin(read_run(spec.path))


def test_a_folder_with_something_else_in_it_is_refused(folder: RunFolder, spec_of: Callable[..., RunSpec]):
    folder.path.mkdir(parents=True)
    (folder.path / "thesis.tex").touch()

    with pytest.raises(ConfigError, match="is not empty and holds no run; name another folder with -o"):
        folder.begin(spec_of())

    assert [path.name for path in folder.path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("left", [(), ("origin",), ("origin", "run.yaml"), ("origin", "run.yaml", "run.json.partial")])
def test_a_beginning_that_was_killed_is_begun_again(
    folder: RunFolder, spec_of: Callable[..., RunSpec], left: tuple[str, ...]
):
    folder.path.mkdir(parents=True)
    for name in left:
        (folder.path / name).write_text("cut sh")
    spec = spec_of()

    folder.begin(spec)

    assert folder.spec() == spec
    assert (folder.path / "origin").read_text() == str(spec.path.resolve())


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, spec_of: Callable[..., RunSpec]):
    (tmp_path / "file").touch()

    with pytest.raises(UnavailableError, match=r"cannot be written .*; name another with -o"):
        RunFolder(tmp_path / "file" / "run").begin(spec_of())


def test_a_run_goes_on_with_its_own_settings_even_where_its_file_was_changed_since(
    folder: RunFolder, spec_of: Callable[..., RunSpec]
):
    folder.begin(spec_of())
    changed = spec_of(seed=7)

    spec = folder.spec()

    assert spec.file.seed == 0
    assert spec.path == changed.path
    assert spec.resolve("train.jsonl") == changed.path.parent / "train.jsonl"


def test_a_folder_that_is_no_run_is_told(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"is no run folder \(no run.json\); give a run file or a run's folder"):
        RunFolder(tmp_path).spec()


def test_a_stage_is_done_when_it_was_finished_and_not_before(folder: RunFolder, spec_of: Callable[..., RunSpec]):
    folder.begin(spec_of())

    assert folder.done("rl") is None
    folder.finish("rl", {"steps": 3})
    folder.finish("sft", {})

    assert (folder.done("rl"), folder.done("sft"), folder.done("evaluation")) == ({"steps": 3}, {}, None)


def test_a_kill_while_a_stage_is_marked_leaves_the_marks_before_it(
    folder: RunFolder, spec_of: Callable[..., RunSpec], monkeypatch: pytest.MonkeyPatch
):
    folder.begin(spec_of())
    folder.finish("sft", {"steps": 3})

    def killed(_path: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.finish("rl", {"steps": 4})

    assert RunFolder(folder.path).done("sft") == {"steps": 3}
    assert RunFolder(folder.path).done("rl") is None


def test_a_log_grows_by_a_line_a_step(folder: RunFolder):
    folder.append("rl", {"step": 1, "reward": 0.5})
    folder.append("rl", {"step": 2, "reward": None})

    assert [json.loads(line) for line in folder.log("rl").read_text().splitlines()] == [
        {"step": 1, "reward": 0.5},
        {"step": 2, "reward": None},
    ]


def test_every_arm_has_its_own_files(folder: RunFolder):
    paths = [
        folder.model("rft"),
        folder.model("base"),
        folder.answers("rft", "greedy"),
        folder.answers("rft", "sampled"),
    ]

    assert len(set(paths)) == 4
    assert all(path.is_relative_to(folder.path) for path in paths)
