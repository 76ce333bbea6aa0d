"""`dikast certify --anchors` from the files to the exit code, with a judge that changes behind its name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from changing_judge import ChangingJudge, running

from dikast.certify.anchors import read_anchors
from dikast.cli.main import run

CRITERIA = {"sound": "Is it sound?", "useful": "Is it useful?"}


def right(_question: str, number: int) -> bool:
    return number % 2 == 0


@pytest.fixture
def judge() -> Iterator[ChangingJudge]:
    with running(right) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, judge: ChangingJudge) -> Path:
    criteria = [{"id": name, "ask": ask, "paraphrases": [f"{ask} Really?"]} for name, ask in CRITERIA.items()]
    reward = {
        "name": "suite",
        "objective": "Judge the answer.",
        "inputs": {"Document": "contract"},
        "judge": {"model": "openai:judge", "criteria": criteria},
    }
    (tmp_path / "reward.yaml").write_text(json.dumps(reward))
    serve(tmp_path, judge)
    write_labels(tmp_path / "labels.jsonl", 160)
    return tmp_path


def serve(folder: Path, judge: ChangingJudge, *, model: str = "m", logprobs: bool = True) -> None:
    (folder / "models.yaml").write_text(
        f"judge: {{provider: openai, model: {model}, endpoint: '{judge.endpoint}', logprobs: {str(logprobs).lower()}}}"
    )


def write_labels(path: Path, count: int) -> None:
    rows = [
        {
            "id": f"r{number}",
            "group": f"g{number // 2}",
            "prompt": "p",
            "completion": f"answer {number}",
            "contract": "c",
            "labels": {name: {"ann": right(name, number)} for name in CRITERIA},
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def certify(folder: Path, *options: str) -> int:
    return run(["certify", str(folder / "reward.yaml"), *options])


def draw(folder: Path) -> int:
    labels, anchors = str(folder / "labels.jsonl"), str(folder / "anchors.json")
    return certify(folder, labels, "--anchors", anchors, "--attack-units", "0")


def look(folder: Path, *options: str) -> int:
    return certify(folder, "--anchors", str(folder / "anchors.json"), *options)


def ten_points_lower(question: str, number: int) -> bool:
    """Of 100 answers 50 pass; ten of those do not any more."""
    return right(question, number) and number % 10 != 4


def test_anchors_are_drawn_with_the_certificate_and_cost_no_further_question(folder, judge, capsys):
    certify(folder, str(folder / "labels.jsonl"), "--attack-units", "0")
    asked = judge.asked.total()

    code = draw(folder)

    anchors = read_anchors(folder / "anchors.json")
    assert (code, judge.asked.total()) == (0, asked)
    assert (anchors.verdicts, anchors.passes) == (300, ())
    assert "anchors: 300 verdicts on 150 candidates" in capsys.readouterr().out


def test_each_time_after_that_asks_all_of_them_anew(folder, judge, capsys):
    draw(folder)
    asked = judge.asked.total()

    codes = [look(folder), look(folder)]

    anchors = read_anchors(folder / "anchors.json")
    assert (codes, judge.asked.total() - asked) == ([0, 0], 600)
    assert [len(once.changed) for once in anchors.passes] == [0, 0]
    assert anchors.passes[0].epoch < anchors.passes[1].epoch
    assert "sound: unchanged, 0.000 of 300 changed so far" in capsys.readouterr().out


def test_a_judge_that_silently_got_stricter_by_ten_points_is_an_alarm(folder, judge, capsys):
    draw(folder)
    assert look(folder) == 0
    judge.says = ten_points_lower

    code = look(folder)

    out, err = capsys.readouterr()
    assert code == 1
    assert re.search(r"^sound: drifted, .*, e = [1-9]", out, re.MULTILINE)
    assert re.search(r"^changed: useful of r\d*4, yes when drawn, no now$", out, re.MULTILINE)
    assert re.search(r"^error: .*anchors.json: the judge changed \(sound, useful\); ", err, re.MULTILINE)
    judge.says = right
    assert look(folder) == 1


@pytest.mark.parametrize("flips", [0.0, 0.026])
def test_a_judge_that_samples_is_told_from_one_that_changed(folder, judge, flips):
    """An error in 2.6 % of the cases makes two answers differ in 5 %."""
    judge.flips = flips
    serve(folder, judge, logprobs=False)
    draw(folder)

    unchanged = [look(folder) for _ in range(3)]
    judge.says = ten_points_lower
    changed = [look(folder) for _ in range(2)]

    assert unchanged == [0, 0, 0]
    assert changed[-1] == 1
    assert read_anchors(folder / "anchors.json").asked_again == 1500


def test_a_policy_that_got_worse_leaves_the_anchors_as_they_are(folder, judge, capsys):
    """The judge is the same, and calls what the policy writes now by its name: no anchor changes."""
    rollouts, scores = folder / "rollouts.jsonl", folder / "scores.jsonl"
    draw(folder)
    means = []
    for worse in (0, 1):
        rows = [{"prompt": "p", "completion": f"answer {2 * n + worse}", "contract": "c"} for n in range(200, 220)]
        rollouts.write_text("".join(json.dumps(row) + "\n" for row in rows))
        run(["score", str(folder / "reward.yaml"), str(rollouts), "-o", str(scores)])
        found = [json.loads(line)["score"] for line in scores.read_text().splitlines()]
        means.append(sum(found) / len(found))

    code = look(folder)

    assert means[0] - means[1] > 0.5
    assert code == 0
    assert "unchanged: the judge answers as before: what moved in a run's scores meanwhile, the policy moved" in (
        capsys.readouterr().out
    )


def test_a_pass_that_was_begun_and_killed_goes_on_where_it_was(folder, judge):
    draw(folder)
    look(folder)
    path = folder / "anchors.json"
    before = json.loads(path.read_text())
    [done] = before["passes"]
    path.write_text(json.dumps(before | {"passes": [], "under_way": done["epoch"]}))
    asked = judge.asked.total()

    code = look(folder)

    assert (code, judge.asked.total()) == (0, asked)
    anchors = read_anchors(path)
    assert (anchors.passes[0].epoch, anchors.under_way) == (done["epoch"], None)


def test_new_anchors_with_the_same_journal_are_not_answered_from_an_earlier_files_passes(folder, judge):
    draw(folder)
    look(folder)
    (folder / "anchors.json").unlink()
    draw(folder)
    judge.says = ten_points_lower

    assert look(folder) == 1


def test_too_few_labels_are_said_before_anything_is_asked(folder, judge, capsys):
    write_labels(folder / "labels.jsonl", 100)

    code = draw(folder)

    assert (code, judge.asked.total()) == (3, 0)
    assert "200 anchors, and 300 are needed; 100 are missing, so add 50 rows" in capsys.readouterr().err


def test_a_model_that_is_known_to_be_another_is_no_silent_change(folder, judge, capsys):
    draw(folder)
    serve(folder, judge, model="other")
    asked = judge.asked.total()

    code = look(folder)

    assert (code, judge.asked.total()) == (2, asked)
    assert "drawn for another model" in capsys.readouterr().err


def test_without_labels_and_without_anchors_there_is_nothing_to_do(folder, judge, capsys):
    assert certify(folder) == 2
    assert "LABELS is missing" in capsys.readouterr().err
    assert look(folder) == 2
    assert "anchors.json: no anchors yet; draw them with" in capsys.readouterr().err
    assert judge.asked.total() == 0


def test_the_result_as_json_has_a_word_and_an_e_value_and_no_candidate(folder, capsys):
    draw(folder)
    capsys.readouterr()

    look(folder, "--json")

    result = json.loads(capsys.readouterr().out)
    assert (result["word"], result["tests"]["sound"]["word"]) == ("unchanged", "unchanged")
    assert 0 < result["tests"]["sound"]["e"] < 1
    assert "anchors" not in result


def test_beside_a_certificate_as_json_the_anchors_are_told_on_standard_error(folder, capsys):
    labels, anchors = str(folder / "labels.jsonl"), str(folder / "anchors.json")

    certify(folder, labels, "--anchors", anchors, "--attack-units", "0", "--json")

    out, err = capsys.readouterr()
    assert json.loads(out)["level"] == "green"
    assert "anchors: 300 verdicts" in err


def test_a_pass_with_too_many_failures_is_finished_by_the_next_run(folder, judge, capsys):
    draw(folder)
    before = judge.asked.total()
    judge.fails = lambda number: number % 4 == 0

    code = look(folder)
    asked = judge.asked.total() - before
    judge.fails = lambda _number: False

    assert code == 3
    assert "too many could not be had" in capsys.readouterr().err
    assert look(folder) == 0
    assert judge.asked.total() - before == 300 > asked > 0
    assert read_anchors(folder / "anchors.json").passes[0].verdicts == 300
