"""`dikast lint` from the files to the exit code."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from good_rubric import criteria

from dikast.cli.main import run
from dikast.spec.reward import read_reward

EXAMPLE = Path(__file__).parents[2] / "examples" / "contract_review"


@pytest.fixture
def reward(tmp_path: Path) -> Path:
    """A reward that is good but for what a test changes."""
    return write(tmp_path)


def write(folder: Path, *, required: bool = False, **changes: object) -> Path:
    asked = criteria()
    asked[0]["required"] = required
    content = {
        "name": "contract-review",
        "objective": "You are an expert contract reviewer.",
        "inputs": {"TargetDocument": "contract"},
        "judge": {"model": "openai:judge", "criteria": asked},
    }
    path = folder / "reward.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def spoil(path: Path, ask: str) -> None:
    path.write_text(path.read_text().replace("Is the comment about what the quoted excerpt says?", ask))


def test_a_good_rubric_passes(reward, capsys):
    assert run(["lint", str(reward)]) == 0
    assert capsys.readouterr().out == f"{reward}: nothing to say\n"


def test_an_error_exits_with_1_and_says_so(reward, capsys):
    spoil(reward, "Is the comment clear and concise?")

    code = run(["lint", str(reward)])

    out, err = capsys.readouterr()
    assert code == 1
    assert "judge.criteria[0] (on_the_excerpt) [compound]" in out
    assert err == f"error: {reward}: 1 error; mend the errors\n"


def test_warnings_exit_with_0(tmp_path, capsys):
    assert run(["lint", str(write(tmp_path, items="comments"))]) == 0
    assert "[no_recall]" in capsys.readouterr().out


def test_json_is_all_that_stands_on_standard_output(reward, capsys):
    spoil(reward, "How clear is it?")

    code = run(["lint", str(reward), "--json"])

    shown = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [finding["rule"] for finding in shown["findings"]] == ["open_question"]


@pytest.mark.parametrize("content", ["{", "name: x", "[" * 5000, "name: !!python/object:os.system x"])
def test_a_file_that_cannot_be_read_exits_with_2(reward, content: str, capsys):
    reward.write_text(content)

    assert run(["lint", str(reward)]) == 2
    assert re.fullmatch(r"error: .*reward\.yaml: .*\n", capsys.readouterr().err)


def test_a_file_that_is_named_and_not_there_exits_with_2(tmp_path, capsys):
    reward = write(tmp_path, checks=[{"check": "json", "schema": "none.json", "gate": True}])

    assert run(["lint", str(reward)]) == 2
    assert "none.json" in capsys.readouterr().err


def test_what_other_commands_refuse_is_listed_with_the_rest(tmp_path, capsys):
    reward = write(tmp_path, range=[1, 1], items="comments")

    code = run(["lint", str(reward)])

    out = capsys.readouterr().out
    assert code == 1
    assert "range [refused]" in out
    assert "items [no_recall]" in out


def write_labels(path: Path, *, always: str) -> Path:
    rows = [
        {
            "prompt": "p",
            "completion": f"c{at}",
            "labels": {c["id"]: {"ann": c["id"] == always or (at % 2 == 0) != c["negative"]} for c in criteria()},
        }
        for at in range(40)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_labels_show_a_criterion_without_signal(reward, tmp_path, capsys):
    labels = write_labels(tmp_path / "labels.jsonl", always="step")

    assert run(["lint", str(reward), "--labels", str(labels)]) == 0
    assert "judge.criteria[2] (step) [no_signal]" in capsys.readouterr().out


def test_labels_of_another_reward_exit_with_2(reward, tmp_path, capsys):
    labels = write_labels(tmp_path / "labels.jsonl", always="step")
    labels.write_text(labels.read_text().replace('"step"', '"stride"'))

    assert run(["lint", str(reward), "--labels", str(labels)]) == 2
    assert "'stride'" in capsys.readouterr().err


def test_labels_say_nothing_of_a_preference_judge(tmp_path, capsys):
    judge = {"model": "openai:judge", "mode": "preference", "compare": "swiss", "prefer": "It names the broken rule."}
    labels = write_labels(tmp_path / "labels.jsonl", always="step")
    reward = write(tmp_path, judge=judge)

    assert run(["lint", str(reward)]) == 0
    assert run(["lint", str(reward), "--labels", str(labels)]) == 2
    assert "no criteria" in capsys.readouterr().err


def test_the_example_has_no_errors_and_its_certificate_counts(capsys):
    code = run(["lint", str(EXAMPLE / "reward.yaml"), "--labels", str(EXAMPLE / "data" / "labels.jsonl")])

    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert re.findall(r"\[(\w+)\]$", out, flags=re.MULTILINE) == ["pass_fail", "few_criteria", "no_recall"]


def stale(folder: Path) -> Path:
    """The example's certificate, beside a reward that it was not made for."""
    path = folder / "certificate.json"
    path.write_bytes((EXAMPLE / "certificate.json").read_bytes())
    return path


def test_a_certificate_of_another_reward_beside_it_is_told_and_not_used(reward, capsys):
    stale(reward.parent)

    assert run(["lint", str(reward)]) == 0
    assert "made for another reward" in capsys.readouterr().err


def test_a_certificate_of_another_reward_that_is_named_exits_with_2(reward, capsys):
    path = stale(reward.parent)

    assert run(["lint", str(reward), "--certificate", str(path)]) == 2
    assert "measure again with 'dikast certify" in capsys.readouterr().err


def test_a_certificate_that_is_named_and_not_there_exits_with_2(reward, tmp_path, capsys):
    assert run(["lint", str(reward), "--certificate", str(tmp_path / "none.json")]) == 2
    assert "no such certificate" in capsys.readouterr().err


def test_a_certificate_of_this_reward_lets_a_veto_pass(tmp_path, capsys):
    reward = write(tmp_path, required=True, aggregate="veto")
    content = json.loads((EXAMPLE / "certificate.json").read_text())
    one = content["criteria"].pop("same_point")
    one |= {"tpr": {"value": 0.98, "low": 0.93, "high": 1.0, "n": 100}}
    one |= {"tnr": {"value": 0.97, "low": 0.92, "high": 0.99, "n": 100}}
    content |= {"criteria": {"on_the_excerpt": one}, "reward_hash": read_reward(reward).hash}

    assert run(["lint", str(reward)]) == 1
    assert "[veto_uncertified]" in capsys.readouterr().out
    (tmp_path / "certificate.json").write_text(json.dumps(content))
    assert run(["lint", str(reward)]) == 0


def test_it_needs_no_numpy(reward):
    program = "import sys; sys.modules['numpy'] = None; from dikast.cli.main import run; sys.exit(run(sys.argv[1:]))"
    labels = EXAMPLE / "data" / "labels.jsonl"

    alone = subprocess.run([sys.executable, "-c", program, "lint", str(reward)], capture_output=True, text=True)
    example = [str(EXAMPLE / "reward.yaml"), "--labels", str(labels)]
    with_labels = subprocess.run([sys.executable, "-c", program, "lint", *example], capture_output=True, text=True)

    assert (alone.returncode, alone.stderr) == (0, "")
    assert (with_labels.returncode, with_labels.stderr) == (0, "")


def test_the_help_has_examples(capsys):
    code = run(["lint", "--help"])

    assert code == 0
    assert "dikast lint reward.yaml --labels labels.jsonl" in capsys.readouterr().out
