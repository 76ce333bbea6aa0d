"""`dikast review` as a process of its own: what it prints, what it keeps when it is killed, how it ends."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from dikast.certify.labels import read_labels
from dikast.cli.main import run

REWARD = """
name: notes
objective: Judge the answer.
inputs: {Document: contract}
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: sound, ask: "Is it sound?"}
"""
COMMAND = [sys.executable, "-c", "import sys; from dikast.cli.main import run; sys.exit(run(sys.argv[1:]))", "review"]
UNITS = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reward.yaml").write_text(REWARD)
    rows = [{"id": f"r{n}", "prompt": "p", "completion": f"answer {n}", "contract": "c"} for n in range(UNITS)]
    (tmp_path / "rollouts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [{"id": f"r{n}", "verdicts": {"sound": n / UNITS}} for n in range(UNITS)]
    (tmp_path / "verdicts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    return tmp_path


class Running:
    """The command, once it serves."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, str(folder / "rollouts.jsonl"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def ask(self, path: str, body: object = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def answer(self, at: int, vote: object) -> None:
        unit = self.ask(f"api/unit?annotator=Ada&at={at}")["page"]["unit"]
        self.ask("api/answer", {"annotator": "Ada", "unit": unit, "criterion": "sound", "answer": vote})

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Ends it, and gives its exit code and what it said."""
        self.process.send_signal(how)
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, told


@pytest.fixture
def running(folder):
    started: list[Running] = []

    def start(*options: str) -> Running:
        started.append(Running(folder, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def test_killed_in_the_middle_nothing_is_lost(folder, running):
    first = running("--seed", "2")
    for at in range(5):
        first.answer(at, at % 2 == 0)
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
    review.answer(0, True)

    code, told = review.end(signal.SIGINT)

    assert code == 130
    assert f"written: {folder / 'new' / 'mine.jsonl'}, 1 labelled units" in told
    assert "what was done is kept" in told
    [row] = read_labels(folder / "new" / "mine.jsonl").rows
    assert row.labels == {"sound": {"Ada": True}}


def test_asked_to_end_it_writes_the_labels_file_and_exits_with_0(folder, running):
    review = running()
    review.answer(0, False)

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
        review.answer(at, True)
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
