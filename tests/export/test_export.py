"""What is written for each trainer. Whether the trainer's own loader takes it is asked in tests/conformance."""

import ast
import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from exported_run import export, write_run
from hypothesis import given
from hypothesis import strategies as st

from dikast.cli.main import run as dikast
from dikast.errors import ConfigError, DataError, UsageError
from dikast.export.run import exported
from dikast.export.trainers import TRAINERS, left_out
from dikast.export.writing import as_python, as_toml
from dikast.spec.run import read_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "contract_review" / "run.yaml"


@pytest.fixture
def run_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run into a folder with a space in its name; keywords change the file."""
    return lambda **changes: write_run(tmp_path / "a run", **changes)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_every_file_can_be_read_and_the_command_names_one_of_them(trainer: str, run_file: Callable[..., Path]):
    folder, command = export(trainer, run_file())

    files = [path for path in folder.rglob("*") if path.is_file()]
    readers: dict[str, Callable[[str], Any]] = {
        ".py": ast.parse,
        ".yaml": yaml.safe_load,
        ".toml": tomllib.loads,
        ".jsonl": lambda text: [json.loads(line) for line in text.split("\n") if line],
        ".sh": lambda text: subprocess.run(["bash", "-n"], input=text.encode(), check=True),
        ".txt": str,
    }
    for path in files:
        readers[path.suffix](path.read_text("utf-8"))
    assert any(path.stem in command for path in files)
    assert str(folder) in " ".join(shlex.split(command))


@pytest.mark.parametrize("trainer", [name for name in TRAINERS if name not in ("trl", "unsloth")])
def test_every_prompt_of_the_training_data_goes_along_with_what_the_reward_reads(
    trainer: str, run_file: Callable[..., Path]
):
    folder, _ = export(trainer, run_file())

    [train] = folder.rglob("train.jsonl")
    rows = [json.loads(line) for line in train.read_text("utf-8").split("\n") if line]
    assert len(rows) == 40
    for row in rows:
        said = json.dumps(row, ensure_ascii=False)
        assert "Comment on clause" in said
        assert "shall" in said
        assert "rule" in said


@pytest.mark.parametrize("trainer", TRAINERS)
def test_files_are_named_by_absolute_paths_since_a_worker_has_a_folder_of_its_own(
    trainer: str, run_file: Callable[..., Path]
):
    run = run_file()

    folder, _ = export(trainer, run)

    text = "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.suffix != ".jsonl" and path.is_file())
    assert str(run.parent / "reward.yaml") in text
    assert str(run.parent / "policy") in text or trainer in ("nemo-gym", "axolotl")


def test_verl_gets_the_manager_that_sees_the_prompt_and_the_trainer_that_drops(run_file: Callable[..., Path]):
    folder, _ = export("verl", run_file())

    config = yaml.safe_load((folder / "verl.yaml").read_text("utf-8"))
    assert config["reward"]["reward_manager"] == {
        "source": "importlib",
        "name": "DikastRewardManager",
        "module": {"path": "pkg://dikast.adapters.verl"},
    }
    assert config["trainer"]["use_v1"] is True
    assert config["trainer"]["v1"]["sampler"]["sync_refill_failed_groups"] is True
    assert config["data"]["train_batch_size"] == 4
    assert config["actor_rollout_ref"]["rollout"]["n"] == 4
    row = json.loads((folder / "train.jsonl").read_text("utf-8").split("\n")[0])
    assert set(row["extra_info"]) == {"index", "split", "contract", "rule"}


@pytest.mark.parametrize("trainer", ["verl", "prime-rl", "nemo-gym"])
def test_a_trainer_that_knows_no_group_drops_what_is_missing(trainer: str, run_file: Callable[..., Path]):
    folder, _ = export(trainer, run_file(on_missing="group_mean"))

    text = "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in (".yaml", ".toml"))
    assert "group_mean" not in text
    assert "native" in text


def test_openrlhf_trains_once_the_server_listens_and_not_against_another_that_holds_the_port(
    run_file: Callable[..., Path], tmp_path: Path
):
    script = export("openrlhf", run_file())[0] / "train.sh"
    (tmp_path / "bin").mkdir()

    def told(server: str) -> tuple[int, str]:
        for name, text in (("dikast", server), ("python", "echo trains")):
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(["bash", script], env={"PATH": path}, capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout

    assert told("sleep 0.3; echo http://127.0.0.1:8600; exec sleep 20 >&2") == (0, "trains\n")
    code, said = told("exit 4")
    assert code != 0
    assert said == ""


def test_openrlhf_filters_only_where_the_server_says_nan(run_file: Callable[..., Path]):
    native = (export("openrlhf", run_file())[0] / "train.sh").read_text("utf-8")
    mean = (export("openrlhf", run_file(on_missing="group_mean"))[0] / "train.sh").read_text("utf-8")

    assert "siblings=3&on_missing=native&dynamic_filtering=true" in native
    assert "--algo.dynamic_filtering_enable" in native
    # The reward's range is [-1, 2]: no group's mean is outside, and nothing but NaN is filtered.
    assert "--algo.dynamic_filtering_range -2.0 3.0" in native
    assert "siblings=3&on_missing=group_mean'" in mean
    assert "filtering" not in mean


def test_a_constant_goes_along_by_name(run_file: Callable[..., Path]):
    run = run_file(on_missing={"constant": 0.5})

    trl = (export("trl", run)[0] / "train.py").read_text("utf-8")
    verl = yaml.safe_load((export("verl", run)[0] / "verl.yaml").read_text("utf-8"))
    openrlhf = (export("openrlhf", run)[0] / "train.sh").read_text("utf-8")

    assert '"on_missing": Constant(constant=0.5),' in trl
    assert "from dikast.spec.run import Constant" in trl
    assert verl["reward"]["reward_kwargs"]["on_missing"] == {"constant": 0.5}
    assert "on_missing=0.5'" in openrlhf


def test_what_the_files_do_not_hold_is_told(run_file: Callable[..., Path]):
    run = exported(read_run(run_file(rl={"epsilon": 0.2, "max_steps": 5})), gpus=1, uncertified=True)

    assert left_out("trl", run) == []
    assert left_out("verl", run) == ["epsilon"]
    assert left_out("openrlhf", run) == ["epsilon", "max_steps"]
    assert left_out("nemo-gym", run) == ["epsilon", "max_steps", "policy"]


CHANGES: dict[str, Any] = {
    "max_steps": 9,
    "num_generations": 2,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "max_completion_length": 32,
    "learning_rate": 3e-4,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 5,
    "beta": 0.1,
    "save_steps": 7,
    "scale_rewards": "none",
    "epsilon": 0.3,
}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_setting_is_told_as_left_out_exactly_where_it_changes_nothing(trainer: str, run_file: Callable[..., Path]):
    path = run_file()
    plain = read_run(path).file.rl

    def told_and_written(rl: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
        run = run_file(rl=rl)
        folder, _ = export(trainer, run)
        written = {str(one.relative_to(folder)): one.read_text("utf-8") for one in folder.rglob("*") if one.is_file()}
        return left_out(trainer, exported(read_run(run), gpus=2, uncertified=True)), written

    _, before = told_and_written(plain)
    for name, value in CHANGES.items():
        told, written = told_and_written({**plain, name: value})

        assert (name in told) == (written == before), name


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("tiny", "'tiny' is made from scratch"),
        ("smollm2-135m-instruct", "'smollm2-135m-instruct' is a file of dikast's own"),
    ],
)
def test_a_policy_that_only_dikast_has_is_refused_by_all_who_write_it(
    policy: str, told: str, run_file: Callable[..., Path]
):
    run = run_file(policy=policy)

    for trainer in TRAINERS:
        if trainer != "nemo-gym":
            with pytest.raises(ConfigError, match=rf"run.yaml: policy: {told}"):
                export(trainer, run)

    assert not (run.parent / "exports").exists()


def test_gyms_server_judges_for_any_policy_so_none_is_asked_for(run_file: Callable[..., Path]):
    own = run_file(policy="smollm2-135m-instruct")

    folder, command = export("nemo-gym", own, gpus=0)

    assert "smollm2" not in "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())
    assert command.endswith("--model-type vllm_model --model NAME --model-url URL --model-api-key KEY")


def test_a_policy_of_the_command_line_takes_its_place(
    run_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    spec = read_run(run_file(policy="smollm2-135m-instruct"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)

    def policy_of(given: str) -> str:
        return exported(spec, gpus=1, uncertified=True, policy=given).policy

    assert policy_of("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    assert policy_of("mine") == str(tmp_path / "mine")
    with pytest.raises(ConfigError, match=r"^--policy: 'tiny' is made from scratch"):
        policy_of("tiny")


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_example_that_help_and_page_name_is_exported(
    trainer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    named = ["--policy", "HuggingFaceTB/SmolLM2-135M-Instruct", "--gpus", "8"]

    assert dikast(["export", trainer, str(EXAMPLE), "-o", str(tmp_path), *named]) == 0

    assert str(tmp_path) in capsys.readouterr().out


def test_a_name_that_a_hub_knows_is_left_to_the_trainer(run_file: Callable[..., Path]):
    run = exported(read_run(run_file(policy="Qwen/Qwen3-0.6B")), gpus=1, uncertified=True)

    assert run.policy == "Qwen/Qwen3-0.6B"


def test_a_judge_without_a_certificate_is_refused_but_where_it_was_asked_for(run_file: Callable[..., Path]):
    with pytest.raises(ConfigError, match="no certificate; measure the judge with 'dikast certify', or export with"):
        exported(read_run(run_file()), gpus=1, uncertified=False)


def test_a_trainer_without_an_export_is_told_with_those_that_have_one(run_file: Callable[..., Path]):
    with pytest.raises(UsageError, match="no export for 'ppo'; there is one for trl, verl, openrlhf"):
        export("ppo", run_file())


def test_of_those_that_train_only_trl_does_without_a_gpu(run_file: Callable[..., Path]):
    run = run_file()

    script = (export("trl", run, gpus=0)[0] / "train.py").read_text("utf-8")

    assert '"use_cpu": True' in script
    with pytest.raises(UsageError, match="--gpus 0: verl trains on GPUs only"):
        export("verl", run, gpus=0)


def test_a_row_that_cannot_be_read_leaves_nothing_behind(run_file: Callable[..., Path]):
    run = run_file()
    (run.parent / "train.jsonl").write_text("{", "utf-8")

    with pytest.raises(DataError, match=r"train\.jsonl:1"):
        export("verl", run)

    assert not (run.parent / "exports" / "verl").exists()


PLAIN = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=4))
def test_a_literal_reads_as_what_was_written(values: dict[str, Any]):
    assert ast.literal_eval(as_python(values)) == values


KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
# Arrays of one kind: TOML has no null, and ours writes none.
SCALAR = st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(exclude_categories=["Cs", "Cc"]))
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALAR | st.lists(SCALAR, max_size=3), max_size=3),
    lambda inner: st.dictionaries(KEYS, SCALAR | inner | st.lists(inner, min_size=1, max_size=2), max_size=3),
    max_leaves=5,
)


@given(TABLES)
def test_toml_reads_as_what_was_written(document: dict[str, Any]):
    assert tomllib.loads(as_toml(document, "head")) == document


def test_the_command_writes_the_files_and_prints_what_starts_the_training(run_file: Callable[..., Path]):
    run = run_file()
    command = [sys.executable, "-c", "from dikast.cli.main import main; main()", "export", "trl", str(run)]

    done = subprocess.run([*command, "-o", str(run.parent / "out"), "--uncertified"], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert shlex.split(done.stdout)[-1] == str(run.parent / "out" / "train.py")
    assert "UNCERTIFIED" in done.stderr
