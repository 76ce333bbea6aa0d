"""`dikast review` as a process of its own: what it prints, what it keeps when it is killed, how it ends."""

import json
import signal
from pathlib import Path

import pytest
from running_review import RunningReview

from dikast.certify.labels import read_labels
from dikast.cli.main import run
from dikast.evaluate.records import About, Answer, Judge
from dikast.evaluate.store import evaluation_of, save
from dikast.records import Part, Score
from dikast.spec.reward import read_reward

REWARD = """
name: notes
objective: Judge the answer.
inputs: {Document: contract}
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: sound, ask: "Is it sound?"}
"""
UNITS = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reward.yaml").write_text(REWARD)
    rows = [{"id": f"r{n}", "prompt": "p", "completion": f"answer {n}", "contract": "c"} for n in range(UNITS)]
    (tmp_path / "rollouts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [{"id": f"r{n}", "verdicts": {"sound": n / UNITS}} for n in range(UNITS)]
    (tmp_path / "verdicts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    return tmp_path


@pytest.fixture
def running(folder):
    started: list[RunningReview] = []

    def start(*options: str) -> RunningReview:
        started.append(RunningReview(folder / "rollouts.jsonl", *options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_killed_in_the_middle_nothing_is_lost(folder, running):
    first = running("--seed", "2")
    for at in range(5):
        first.answer(at, "sound", at % 2 == 0)
    code, _ = first.end(signal.SIGKILL)
    with (folder / "rollouts.labels.answers.jsonl").open("a") as file:
        file.write('{"unit": "r1", "ite')

    again = running()
    state = again.ask("api/start?annotator=Ada")
    given = [again.ask(f"api/unit?annotator=Ada&at={at}")["page"]["answers"] for at in range(6)]
    again.end(signal.SIGINT)

    assert code == -signal.SIGKILL
    assert (state["page"]["at"], state["progress"]["labelled"]) == (5, 5)
    assert given == [{"sound": {"answer": at % 2 == 0, "judge": None}} for at in range(5)] + [{}]
    assert len(read_labels(folder / "rollouts.labels.jsonl").rows) == 5


def test_ctrl_c_writes_the_labels_file_and_exits_as_interrupted(folder, running):
    review = running("-o", str(folder / "new" / "mine.jsonl"))
    review.answer(0, "sound", True)

    code, told = review.end(signal.SIGINT)

    assert code == 130
    assert f"written: {folder / 'new' / 'mine.jsonl'}, 1 labelled units" in told
    assert "what was done is kept" in told
    [row] = read_labels(folder / "new" / "mine.jsonl").rows
    assert row.labels == {"sound": {"Ada": True}}


def test_asked_to_end_it_writes_the_labels_file_and_exits_with_0(folder, running):
    review = running()
    review.answer(0, "sound", False)

    code, _ = review.end(signal.SIGTERM)

    assert code == 0
    assert (folder / "rollouts.labels.jsonl").is_file()


def test_the_address_is_all_that_standard_output_holds(running):
    review = running("--annotator", "Ada")

    about = review.ask("api/about")
    review.process.send_signal(signal.SIGTERM)
    out, told = review.process.communicate(timeout=30)

    assert about["annotator"] == "Ada"
    assert review.address.startswith("http://127.0.0.1:")
    assert out == ""
    assert "12 units to label; the judge's verdict is there for 0" in told
    assert review.address not in told


def test_the_scores_that_dikast_score_writes_are_the_judges_verdicts(folder, running):
    files = [str(folder / name) for name in ("reward.yaml", "rollouts.jsonl", "scores.jsonl", "j.db")]
    assert run(["score", files[0], files[1], "-o", files[2], "--journal", files[3]]) == 0

    review = running("--scores", files[2])
    for at in range(UNITS):
        review.answer(at, "sound", True)
    progress = review.ask("api/start?annotator=Ada")["progress"]
    review.end(signal.SIGTERM)

    both = [progress["random"]["sound"]["agreement"], progress["unsure"]["sound"]["agreement"]]
    assert sum(one["n"] for one in both) == UNITS
    assert sum(one["value"] * one["n"] for one in both) == pytest.approx(UNITS / 2)
    assert {row.rollout.columns["drawn"] for row in read_labels(folder / "rollouts.labels.jsonl").rows} == {
        "random",
        "unsure",
    }


def test_two_reviews_of_one_file_are_refused(folder, running, capsys):
    running()

    code = run(["review", str(folder / "rollouts.jsonl")])

    assert code == 2
    assert "another review is writing it" in capsys.readouterr().err


def test_what_it_keeps_is_for_the_user_alone(folder, running):
    running()

    assert (folder / "rollouts.labels.answers.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["gone.jsonl", "--reward", "reward.yaml"], "no such file"),
        (["elsewhere/rollouts.jsonl"], "name the reward with --reward"),
        (["rollouts.jsonl", "-o", "rollouts.jsonl"], "is the input"),
        (["rollouts.jsonl", "-o", ""], "name a file in it"),
        (["rollouts.jsonl", "--scores", "verdicts.jsonl"], "not a score"),
        (["rollouts.jsonl", "--scores", "others.jsonl"], "no verdict on anything"),
        (["rollouts.jsonl", "--annotator", " "], "1 to 40 letters"),
        (["elsewhere", "--scores", "others.jsonl"], "a run's answers hold their scores"),
        (["elsewhere"], "holds no evaluation"),
    ],
)
def test_what_cannot_be_reviewed_is_one_line(folder, monkeypatch, capsys, options, told):
    monkeypatch.chdir(folder)
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "rollouts.jsonl").write_text((folder / "rollouts.jsonl").read_text())
    score = {"id": "x", "group": "g", "score": 1, "status": "scored"}
    (folder / "others.jsonl").write_text(json.dumps(score) + "\n")

    code = run(["review", *options])

    assert code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert told in err


def test_the_help_has_examples(capsys):
    assert run(["review", "--help"]) == 0
    assert "dikast review runs/demo --annotator Ada" in capsys.readouterr().out


# --- a run's folder ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run_folder(folder: Path) -> Path:
    """A run whose one arm answered every prompt, and whose reward stands elsewhere."""
    spec = read_reward(folder / "reward.yaml")
    rows = [json.loads(line) for line in (folder / "rollouts.jsonl").read_text().splitlines()]
    answers = []
    for number, row in enumerate(rows):
        part = Part(name="sound", kind="criterion", value=number / UNITS, weight=1)
        score = Score(id=row["id"], group=row["id"], score=0.5, status="scored", parts=(part,))
        answers.append(
            Answer(seed=0, arm="rft", document=row["id"], sample=None, completion=row["completion"], score=score)
        )
    about = About(
        reward=spec.file.name,
        reward_hash=spec.hash,
        certificate_hash=None,
        judge=Judge(name="recorded:verdicts.jsonl", fingerprint="f00d"),
        range=(0.0, 1.0),
        items=None,
        best_of=1,
        ask="?",
        seeds=(0,),
        documents=UNITS,
        date="2026-11-24",
        made_with={},
    )
    save(evaluation_of(about, [], answers, []), folder / "run")
    (folder / "run" / "eval" / "rft.greedy.jsonl").write_text(
        "".join(json.dumps(row | {"group": row["id"]}) + "\n" for row in rows)
    )
    return folder / "run"


@pytest.mark.parametrize(("change", "judged"), [("", UNITS), ("\nrange: [0, 2]\n", 0)])
def test_a_run_is_labelled_with_its_verdicts_if_its_reward_is_still_the_same(run_folder, folder, change, judged):
    reward = folder / "reward.yaml"
    reward.write_text(reward.read_text() + change)

    review = RunningReview(run_folder, "--reward", str(reward))
    review.answer(0, "sound", True)
    code, told = review.end(signal.SIGTERM)

    assert code == 0
    assert f"{UNITS} units to label; the judge's verdict is there for {judged}" in told
    assert ("its verdicts are left out" in told) == (judged == 0)
    [row] = read_labels(run_folder / "labels.jsonl").rows
    assert row.rollout.id.startswith("rft/r")


def test_the_labels_of_a_run_tell_its_report_what_people_would_pass(run_folder, folder):
    reward = folder / "reward.yaml"
    review = RunningReview(run_folder, "--reward", str(reward))
    for at in range(UNITS):
        review.answer(at, "sound", at % 3 == 0)
    _, told = review.end(signal.SIGTERM)
    labels = run_folder / "labels.jsonl"
    drawn = [row for row in read_labels(labels).rows if row.rollout.columns["drawn"] == "random"]
    assert f"dikast eval {run_folder} --labels {labels}" in told

    code = run(["eval", str(run_folder), "--reward", str(reward), "--labels", str(labels)])

    assert code == 0
    rate = json.loads((run_folder / "report.json").read_text())["corrected"]["rft"]["sound"]
    assert 0 < len(drawn) < UNITS
    assert (rate["labelled"], rate["unlabelled"]) == (len(drawn), UNITS - len(drawn))
    assert rate["corrected"]["value"] == pytest.approx(sum(row.labels["sound"]["Ada"] for row in drawn) / len(drawn))
    assert rate["judge"]["value"] == pytest.approx(sum(range(UNITS)) / UNITS / UNITS)


def test_a_run_whose_reward_is_gone_asks_for_it(run_folder, capsys):
    assert run(["review", str(run_folder)]) == 2
    assert "name it with --reward REWARD" in capsys.readouterr().err
