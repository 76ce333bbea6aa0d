"""`dikast replay` as a user calls it; the judge is scripted or recorded, everything else is real."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from changing_judge import running

from dikast.certify.certificate import (
    Certificate,
    ChosenReading,
    Consistency,
    CriterionCertificate,
    ModelIdentity,
    certificate_hash,
)
from dikast.certify.files import write_whole
from dikast.certify.labels import Split
from dikast.cli.main import run
from dikast.errors import ModelError
from dikast.journal import Journal, LoggedScore
from dikast.loading import open_reward, open_uncertified
from dikast.models.base import Request
from dikast.models.opening import open_model
from dikast.records import Part, Rollout, Score
from dikast.stats.intervals import unknown

REAL = open_model
REWARD = """\
name: first
objective: Judge the answer.
range: [0, 1]
inputs: {Document: contract}
checks:
  - {check: length, max_words: 8, gate: true}
judge:
  model: openai:big
  criteria:
    - id: good
      ask: Is it good?
"""
KIND = REWARD.replace("name: first", "name: second") + "    - id: kind\n      ask: Is it kind?\n"
PREFERENCE = """\
name: compared
objective: Judge.
inputs: {Document: contract}
judge: {mode: preference, model: "openai:big", compare: round_robin, prefer: More is better.}
"""


class Judge:
    """Believes what a candidate says of itself, `good=0.75 kind=0.5`; fails where that says so; the larger good is better."""

    def __init__(self) -> None:
        self.failing = True

    def __call__(self, request: Request) -> Any:
        text = request.messages[-1].content
        if "More is better" in "".join(message.content for message in request.messages):
            first, second = (float(found) for found in re.findall(r"good=([\d.]+)", text))
            return json.dumps({"reason": "", "better": "A" if first > second else "B" if second > first else "tie"})
        [question] = re.findall(r"Question: Is it (\w+)\?", text)
        [said] = re.findall(rf"{question}=(\S+)", text)
        if said == "fail" and self.failing:
            return ModelError("timeout", "late")
        return 0.5 if said == "fail" else float(said)


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def model(judge: Judge, monkeypatch: pytest.MonkeyPatch, scripted_model: Any) -> Any:
    """A scripted judge in the place of every model that a reward names."""
    made = scripted_model(judge)
    monkeypatch.setattr("dikast.reward.assembly.open_model", lambda _name, _folder: made)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("first", REWARD), ("second", KIND), ("compared", PREFERENCE)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.fixture
def logged(folder: Path, model: Any) -> Callable[..., Path]:
    """Scores steps of (group, completions) with a reward, and logs them as a training does. Gives the run's folder."""

    def log(*steps: Sequence[tuple[str, Sequence[str]]], reward: str = "first.yaml", phase: str = "rl") -> Path:
        opened = open_reward(Path(reward), None, Path("run/journal.db"))
        for step, groups in enumerate(steps):
            rollouts = [
                Rollout(id="", group=group, prompt=group, completion=text, columns={"contract": "text"})
                for group, texts in groups
                for text in texts
            ]
            named = [msgspec.structs.replace(one, id=f"step-{step}-{at}") for at, one in enumerate(rollouts)]
            keep(opened.journal, step, named, opened.score(named), reward=opened.hash, phase=phase)
        opened.close()
        model.asked.clear()
        return Path("run")

    return log


def keep(
    journal: Journal, step: int, rollouts: Sequence[Rollout], scores: Sequence[Score], *, reward: str, phase: str
) -> None:
    entries = [
        LoggedScore(step=step, position=at, rollout=msgspec.json.encode(one), score=msgspec.json.encode(score))
        for at, (one, score) in enumerate(zip(rollouts, scores, strict=True))
    ]
    journal.log_scores(entries, reward=reward, certificate="", phase=phase)


STEPS = [
    [
        ("a", ["good=0.25 kind=0.75", "good=0.75 kind=0.125"]),
        ("b", ["good=0.5 kind=1", "far too many words, more than anybody would ever want to read"]),
    ],
    [("a", ["good=0.25 kind=0.75", "good=fail kind=0.5"]), ("b", ["good=0.5 kind=0", "good=1 kind=1"])],
]


def replay(*options: str) -> int:
    return run(["replay", "run", *options])


def replayed(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    capsys.readouterr()
    assert replay(*options, "--json", "--min-coverage", "0") == 0
    return json.loads(capsys.readouterr().out)


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_with_the_same_reward_nothing_is_asked_and_nothing_changes(
    logged: Any, judge: Judge, model: Any, capsys: pytest.CaptureFixture[str]
):
    judge.failing = False
    logged(*STEPS)

    found = replayed(capsys, "first.yaml", "-o", "scores.jsonl")

    assert model.asked == []
    assert found["same"]
    assert found["verdict"][0] == "Nothing changes: every score is what it was, to the last digit."
    assert found["mean"]["difference"]["value"] == 0.0
    assert found["changes"] == []
    then = Journal.look(Path("run/journal.db"))
    before = [json.loads(one.score) for one in then.scores("rl")]
    then.close()
    for one in before + (now := lines("scores.jsonl")):
        del one["usage"]
    assert now == before


def test_another_reward_says_what_would_have_changed(logged: Any, capsys: pytest.CaptureFixture[str]):
    logged(*STEPS)

    found = replayed(capsys, "second.yaml")

    assert [found[name] for name in ("run", "phase", "rollouts", "groups", "steps")] == ["run", "rl", 8, 4, 2]
    assert [one["reward"] for one in found["then"]] == [None]
    assert (found["now"]["reward"], found["now"]["certificate_hash"]) == ("second", None)
    assert found["transitions"]["scored"] == {"scored": 6, "gated": 0, "missing": 0}
    assert found["transitions"]["gated"]["gated"] == found["transitions"]["missing"]["missing"] == 1
    assert found["coverage"]["value"] == pytest.approx(7 / 8)
    assert found["missing"] == {"timeout": 1}
    # Four pairs of siblings, of which one has a missing score: 0.25, 0.75 became 0.5, 0.4375.
    assert found["order"]["pairs"] == 3
    assert found["order"]["swapped"]["value"] == pytest.approx(1 / 3)
    assert list(found["parts"]) == ["length", "good"]
    assert found["parts"]["good"]["n"] == 6
    assert found["parts_now_only"] == ["kind"]
    assert found["mean"]["difference"] is None
    assert "is not known any more" in found["mean"]["why"]
    assert found["changes_by"] == "rank"


def test_a_run_that_names_its_reward_has_a_range_and_differences(logged: Any, capsys: pytest.CaptureFixture[str]):
    logged(*STEPS)
    name_reward("first.yaml")

    found = replayed(capsys, "second.yaml", "--show", "2")

    assert found["then"][0]["reward"] == "first"
    # Six scored ones: then 0.25 0.75 0.5 0.25 0.5 1, now 0.5 0.4375 0.75 0.5 0.25 1, and the gated one 0 and 0.
    assert found["mean"]["then"]["value"] == pytest.approx(3.25 / 7)
    assert found["mean"]["now"]["value"] == pytest.approx(3.4375 / 7)
    assert found["mean"]["difference"]["value"] == pytest.approx(0.1875 / 7)
    assert [(one["id"], one["by"]) for one in found["changes"]] == [
        ("step-0-1", pytest.approx(-0.3125)),
        ("step-0-0", pytest.approx(0.25)),
    ]


def name_reward(reward: str) -> None:
    """Makes the folder that of a run, as far as it says which reward it had."""
    spec = {"reward": reward, "policy": "tiny", "data": dict.fromkeys(("train", "valid", "test"), "rows.jsonl")}
    Path("rows.jsonl").touch()
    Path("run.yaml").write_text(json.dumps(spec))
    Path("run/run.json").write_text(json.dumps(spec))
    Path("run/origin").write_text(str(Path("run.yaml").resolve()))


def test_a_reward_with_another_range_is_compared_by_rank(logged: Any, folder: Path, capsys: pytest.CaptureFixture[str]):
    logged(*STEPS)
    name_reward("first.yaml")
    (folder / "wide.yaml").write_text(KIND.replace("[0, 1]", "[-1, 1]"))

    found = replayed(capsys, "wide.yaml")

    assert found["mean"]["difference"] is None
    assert found["mean"]["why"] == "the range was [0.0, 1.0] and is [-1.0, 1.0]; what goes by rank stands"
    assert found["order"]["swapped"]["value"] == pytest.approx(1 / 3)
    assert found["changes_by"] == "rank"


def test_what_was_missing_or_gated_then_may_be_scored_now(
    logged: Any, judge: Judge, folder: Path, capsys: pytest.CaptureFixture[str]
):
    logged([("a", ["good=fail kind=0.5", "good=0.5 kind=1 and so many more words than that"])])
    judge.failing = False
    (folder / "longer.yaml").write_text(REWARD.replace("max_words: 8", "max_words: 30"))

    found = replayed(capsys, "longer.yaml")

    assert found["transitions"]["missing"]["scored"] == found["transitions"]["gated"]["scored"] == 1
    assert (found["coverage_then"]["value"], found["coverage"]["value"]) == (pytest.approx(0.5), 1.0)
    assert found["missing_then"] == {"timeout": 1}
    # What was missing then is in no mean.
    assert found["mean"]["now"] == {"value": 0.5, "low": None, "high": None, "n": 1}


def test_a_gate_that_decides_now_is_told(logged: Any, folder: Path, capsys: pytest.CaptureFixture[str]):
    logged([("a", ["good=0.5 kind=1", "good=1 x"])])
    name_reward("first.yaml")
    (folder / "short.yaml").write_text(REWARD.replace("max_words: 8", "max_words: 3"))

    assert replay("short.yaml", "--show", "1") == 0

    out = capsys.readouterr().out
    assert "step-0-0, step 0: 0.500 → 0.000" in out
    assert "gated now by length" in out


def test_a_preference_judge_meets_the_same_siblings_as_then(
    logged: Any, model: Any, capsys: pytest.CaptureFixture[str]
):
    model.capabilities = msgspec.structs.replace(model.capabilities, logprobs=False, reason=True)
    step = [("a", ["good=1 x", "good=2 x", "good=3 x"])]
    logged(step, [("a", ["good=4 x", "good=2 x"])], reward="compared.yaml")

    found = replayed(capsys, "compared.yaml")

    assert (found["same"], found["groups"], found["questions"] > 0) == (True, 2, True)
    assert model.asked == []


def test_some_groups_are_spread_over_the_run_and_the_scores_keep_its_order(
    logged: Any, model: Any, capsys: pytest.CaptureFixture[str]
):
    logged(*[[(name, [f"good=0.5 kind=0.{step}"]) for name in "ab"] for step in range(1, 7)])

    found = replayed(capsys, "second.yaml", "--groups", "3", "-o", "scores.jsonl")

    assert (found["rollouts"], found["groups"], found["logged_rollouts"], found["logged_groups"]) == (3, 3, 12, 12)
    assert [one["id"] for one in lines("scores.jsonl")] == ["step-0-0", "step-2-0", "step-4-0"]
    assert len(model.asked) == 3


def test_rollouts_of_a_group_that_stand_apart_come_out_in_the_run_s_order(
    logged: Any, capsys: pytest.CaptureFixture[str]
):
    logged([("a", ["good=0.25 x"]), ("b", ["good=0.5 x"]), ("a", ["good=0.75 x"])])

    replayed(capsys, "first.yaml", "-o", "scores.jsonl")

    assert [(one["id"], one["score"]) for one in lines("scores.jsonl")] == [
        ("step-0-0", 0.25),
        ("step-0-1", 0.5),
        ("step-0-2", 0.75),
    ]


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_stopped_and_run_again_it_asks_nothing_twice(folder: Path, how: signal.Signals, code: int):
    reached, go_on = threading.Event(), threading.Event()

    def says(_question: str, _number: int) -> bool:
        # An answer that is there at once is kept in the same turn of the loop as the one before.
        time.sleep(0.02)
        if judge.asked.total() == 6 and not go_on.is_set():
            reached.set()
            go_on.wait(60)
        return True

    with running(says) as judge:
        Path("models.yaml").write_text(
            f"big: {{provider: openai, endpoint: '{judge.endpoint}', concurrency: 1, logprobs: true}}"
        )
        rollouts = [
            Rollout(id=f"r{at}", group=f"g{at}", prompt="p", completion=f"answer {at}", columns={"contract": "c"})
            for at in range(8)
        ]
        scores = [Score(id=one.id, group=one.group, score=0.5, status="scored") for one in rollouts]
        journal = Journal.open(Path("run/journal.db"))
        keep(journal, 0, rollouts, scores, reward="aa", phase="rl")
        journal.close()
        command = "from dikast.cli.main import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", command, "replay", "run", "first.yaml", "-o", "scores.jsonl"],
            stderr=subprocess.DEVNULL,
        )
        try:
            assert reached.wait(60)
            process.send_signal(how)
            assert process.wait(60) == code
        finally:
            process.kill()
            process.wait()
            go_on.set()
        assert not Path("scores.jsonl").exists()

        assert replay("first.yaml", "-o", "scores.jsonl") == 0

    assert len(lines("scores.jsonl")) == 8
    # One was under way when it was stopped, and answers before it may have come in the same turn of the loop.
    times = [judge.asked["Is it good?", at] for at in range(8)]
    assert min(times) == 1
    assert sum(times) - 8 in (1, 2, 3)


def test_too_little_coverage_is_not_good_enough_and_all_is_told(logged: Any, capsys: pytest.CaptureFixture[str]):
    logged(*STEPS)

    assert replay("first.yaml") == 1

    told = capsys.readouterr()
    assert "87.5% of the scores could be had (--min-coverage 90%); missing: {'timeout': 1}" in told.err
    assert "1 of 7 questions asked now" in told.out
    assert "missing then: timeout 1" in told.out


def test_a_budget_that_is_spent_is_told(logged: Any, capsys: pytest.CaptureFixture[str]):
    logged(*STEPS)

    assert replay("second.yaml", "--budget-calls", "0", "--min-coverage", "0") == 0

    assert "the budget of 0 calls is spent" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_the_environment(
    logged: Any, judge: Judge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    logged([("a", ["good=0.5 kind=1"])])
    monkeypatch.setattr("dikast.reward.assembly.open_model", REAL)
    Path("models.yaml").write_text(
        "big: {provider: openai, endpoint: 'http://127.0.0.1:9/v1', attempts: 1, logprobs: true}"
    )

    assert replay("second.yaml") == 4

    assert "nobody answered" in capsys.readouterr().err


@pytest.mark.parametrize("named", ["run", "run/journal.db"])
def test_the_folder_or_its_journal_may_be_named(logged: Any, named: str, capsys: pytest.CaptureFixture[str]):
    logged(*STEPS)

    assert run(["replay", named, "second.yaml", "--min-coverage", "0"]) == 0

    out = capsys.readouterr().out
    assert f"{named}, phase rl: 8 rollouts, 4 groups, 2 steps" in out
    assert "pairs of siblings the other way round" in out


def test_the_answers_go_where_the_journal_is_named(logged: Any, model: Any, capsys: pytest.CaptureFixture[str]):
    logged(*STEPS)

    replayed(capsys, "second.yaml", "--journal", "mine.db")

    assert Path("mine.db").is_file()
    # The run's own answers are in the other journal, so all is asked.
    assert any("good" in str(one.messages) for one in model.asked)
    kept = Journal.look(Path("run/journal.db"))
    assert kept.count() == 5
    kept.close()


def certified(reward: str, factor: float) -> Certificate:
    """Writes the run's certificate, made for a reward."""
    opened = open_reward(Path(reward), None, None)
    names = ("tpr", "tnr", "precision", "j", "kappa", "ac1", "auc", "flip_rate", "variance", "within_group")
    criteria = {
        one.id: CriterionCertificate(
            n=0,
            yes=0,
            no=0,
            level="amber",
            factor=factor if one.id == "kind" else 1.0,
            reading=ChosenReading(threshold=0.5),
            why="made by a test",
            base_rate=None,
            **dict.fromkeys(names, unknown()),
        )
        for one in opened.criteria
    }
    made = Certificate(
        reward=opened.about.name,
        reward_hash=opened.hash,
        model=ModelIdentity(name=opened.model, fingerprint=opened.fingerprint),
        level="amber",
        criteria=criteria,
        annotators=("author-pass-1",),
        labels_hash="",
        split=Split(by="hash", tuning=(), certificate=(), hash=""),
        consistency=Consistency(units=0, variants={}),
        seed=0,
        made_with={},
        date="2026-01-01",
    )
    opened.close()
    write_whole(made, Path("run/certificate.json"))
    return made


class TestCertificate:
    def test_the_run_s_own_is_taken_where_it_was_made_for_the_reward(
        self, logged: Any, capsys: pytest.CaptureFixture[str]
    ):
        logged([("a", ["good=0.75 kind=0.25"])])
        made = certified("second.yaml", 0.5)

        assert replay("second.yaml", "-o", "scores.jsonl", "--json") == 0

        told = capsys.readouterr()
        assert "certificate: run/certificate.json, which was made for this reward" in told.err
        assert json.loads(told.out)["now"]["certificate_hash"] == certificate_hash(made)
        # Read at 0.5: good yes, kind no at half its weight.
        assert lines("scores.jsonl")[0]["score"] == pytest.approx(1 / 1.5)

    def test_none_is_taken_where_it_was_made_for_another(self, logged: Any, capsys: pytest.CaptureFixture[str]):
        logged([("a", ["good=0.75 kind=0.25"])])
        certified("second.yaml", 0.5)

        assert replay("compared.yaml", "--min-coverage", "0") == 0

        assert "certificate: none" in capsys.readouterr().err

    def test_a_run_that_set_it_aside_is_replayed_as_it_was_scored(
        self, logged: Any, model: Any, capsys: pytest.CaptureFixture[str]
    ):
        logged()
        certified("second.yaml", 0.5)
        reward, _ = open_uncertified(Path("second.yaml"), Path("run/certificate.json"), Path("run/journal.db"))
        rollout = Rollout(id="r", group="a", prompt="a", completion="good=0.75 kind=0.25", columns={"contract": "c"})
        keep(reward.journal, 0, [rollout], reward.score([rollout]), reward=reward.hash, phase="rl")
        reward.close()
        model.asked.clear()

        found = replayed(capsys, "second.yaml")

        assert (found["same"], found["now"]["certificate_hash"], model.asked) == (True, None, [])

    def test_it_may_be_set_aside_or_another_be_named_and_not_both(
        self, logged: Any, capsys: pytest.CaptureFixture[str]
    ):
        logged([("a", ["good=0.75 kind=0.25"])])
        certified("second.yaml", 0.5)

        assert replay("second.yaml", "-o", "scores.jsonl", "--uncertified") == 0
        assert lines("scores.jsonl")[0]["score"] == pytest.approx(0.5)
        assert replay("second.yaml", "--uncertified", "--certificate", "run/certificate.json") == 2


HOSTILE = "\x1b[31mred\x1b[0m\u202etxt.exe"


def test_hostile_text_steers_no_terminal(logged: Any, folder: Path, capsys: pytest.CaptureFixture[str]):
    logged([("a", ["good=0.5 kind=1", "good=0.5 kind=0.5"])])
    rollouts = [
        Rollout(
            id=f"{HOSTILE}{at}", group=HOSTILE, prompt="p", completion=f"good=0.{at} x", columns={"contract": HOSTILE}
        )
        for at in (2, 7)
    ]
    part = Part(
        name="good", kind="criterion", value=0.0, weight=1.0, reason=f"it says {HOSTILE}\nerror: fake" + "x" * 500
    )
    scores = [Score(id=one.id, group=one.group, score=0.0, status="scored", parts=(part,)) for one in rollouts]
    journal = Journal.open(folder / "run" / "journal.db")
    keep(journal, 0, rollouts, scores, reward="aa", phase="aws")
    journal.close()

    assert replay("first.yaml", "--phase", "aws") == 0

    told = capsys.readouterr()
    assert "�[31mred" in told.out
    assert "it says" in told.out
    assert "\nerror: fake" not in told.out
    assert not {"\x1b", "\u202e"} & set(told.out + told.err)
    assert "x" * 200 not in told.out


class TestMistakes:
    def test_of_several_phases_one_is_named(self, logged: Any, capsys: pytest.CaptureFixture[str]):
        logged(*STEPS)
        logged(*STEPS, phase="aws")

        assert replay("first.yaml") == 2

        assert "choose with --phase: aws (8 rollouts), rl (8 rollouts)" in capsys.readouterr().err
        assert replay("first.yaml", "--phase", "aws", "--min-coverage", "0") == 0

    def test_a_journal_without_rollouts_says_how_they_get_there(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        Journal.open(folder / "run" / "journal.db").close()

        assert replay("first.yaml") == 2

        assert "'dikast train' logs those of its training" in capsys.readouterr().err

    def test_a_folder_without_a_journal_is_told(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        (folder / "run").mkdir()

        assert replay("first.yaml") == 2

        assert "run: there is no journal in this folder" in capsys.readouterr().err

    def test_a_column_that_is_not_logged_is_told_before_anything_is_asked(
        self, logged: Any, model: Any, folder: Path, capsys: pytest.CaptureFixture[str]
    ):
        logged(*STEPS)
        (folder / "more.yaml").write_text(KIND.replace("{Document: contract}", "{Document: contract, Rules: playbook}"))

        assert replay("more.yaml") == 2

        assert "run/journal.db: step 0: rollout 'step-0-0': no column 'playbook'" in capsys.readouterr().err
        assert model.asked == []

    def test_the_scores_never_take_the_place_of_what_is_read(self, logged: Any, capsys: pytest.CaptureFixture[str]):
        logged(*STEPS)

        assert replay("first.yaml", "-o", "run/journal.db") == 2

        assert "is what is read" in capsys.readouterr().err
