"""`dikast train` begins with no judge that is not certified. The training itself is in tests/train and tests/e2e."""

import json
import re
from pathlib import Path

import pytest

from dikast.cli.main import run

REWARD = """
name: suite
objective: Judge the answer.
inputs: {Document: contract}
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: sound, ask: "Is it sound?"}
"""
RUN = """
reward: reward.yaml
policy: tiny
data: {train: rows.jsonl, valid: rows.jsonl, test: rows.jsonl}
rl: {max_steps: 1}
eval: {gold: "gold:score"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    rows = [{"prompt": f"Say {word}:", "contract": word} for word in ("apple", "pear", "plum", "fig")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "gold.py").write_text("def score(rollout):\n    return 0.0\n")
    (tmp_path / "reward.yaml").write_text(REWARD)
    (tmp_path / "run.yaml").write_text(RUN)
    return tmp_path


def certified(project: Path, *, rows: int, wrong: int) -> int:
    """A certificate of recorded verdicts of which every so manyeth is wrong; gives the exit code."""
    labels, verdicts = [], []
    for number in range(rows):
        good = number % 2 == 0
        labels.append(
            {
                "id": f"r{number}",
                "group": f"g{number}",
                "prompt": "p",
                "completion": f"answer {number}",
                "contract": "c",
                "labels": {"sound": {"ann": good}},
            }
        )
        verdicts.append({"id": f"r{number}", "verdicts": {"sound": good != (number // 2 % wrong == 0)}})
    for name, lines in (("labels.jsonl", labels), ("verdicts.jsonl", verdicts)):
        (project / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run(["certify", str(project / "reward.yaml"), str(project / "labels.jsonl"), "--attack-units", "0"])


@pytest.mark.parametrize(
    ("level", "exit_code", "rows", "wrong", "mend"),
    [("red", 1, 200, 2, "mend the criteria"), ("insufficient", 3, 40, 40, "label more")],
)
def test_it_refuses_a_certificate_that_lets_nothing_train(
    project, capsys, monkeypatch, level, exit_code, rows, wrong, mend
):
    monkeypatch.chdir(project)
    assert certified(project, rows=rows, wrong=wrong) == exit_code
    capsys.readouterr()

    code = run(["train", "run.yaml", "-o", "out"])

    assert code == 1
    assert re.fullmatch(
        rf"error: \S*certificate\.json: the certificate is {level}; {mend} and certify again, or say --uncertified\n",
        capsys.readouterr().err,
    )
    assert not (project / "out" / "rl").exists()
    assert not (project / "out" / "models").exists()


def test_it_refuses_a_certificate_of_another_reward(project, capsys, monkeypatch):
    monkeypatch.chdir(project)
    assert certified(project, rows=200, wrong=50) == 0
    (project / "reward.yaml").write_text(REWARD.replace("Is it sound?", "Is it right?"))
    capsys.readouterr()

    assert run(["train", "run.yaml", "-o", "out"]) == 2
    assert "made for another reward" in capsys.readouterr().err
