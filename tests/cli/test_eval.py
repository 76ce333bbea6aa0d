"""`dikast eval` as a user calls it; the judge is scripted, everything else is real."""

import json
import math

import pytest

from dikast.cli.main import run
from dikast.evaluate.records import About, Judge, Value
from dikast.evaluate.store import evaluation_of, save
from dikast.journal import Journal
from dikast.models.base import Capabilities, Reply
from dikast.reward.assembly import Judges
from dikast.reward.reward import Reward
from dikast.spec.reward import read_reward

REWARD = """
name: notes
objective: Judge the note.
inputs: {Document: text}
checks:
  - {check: json, gate: true}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""


class ScriptedJudge:
    """Believes an answer that says yes."""

    name = "scripted:judge"
    fingerprint = "f00d"
    capabilities = Capabilities(logprobs=True, concurrency=1)

    async def reply(self, request):
        p = 0.9 if '"yes' in request.messages[-1].content else 0.1
        return Reply(text="", first_token=(("Yes", math.log(p)), ("No", math.log(1 - p))))

    async def close(self):
        pass


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A reward with a gold measure beside it, two files of completions, and a judge that needs no model."""
    (tmp_path / "reward.yaml").write_text(REWARD)
    (tmp_path / "mine.py").write_text("def score(rollout):\n    return rollout.completion.startswith('\"yes')\n")
    for name, word in (("before", "no"), ("after", "yes")):
        rows = [
            {"prompt": f"prompt {at}", "text": "t", "completion": json.dumps(f"{word} {sample}")}
            for at in range(12)
            for sample in range(2)
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))

    def opened(reward, certificate, journal):
        spec = read_reward(reward)
        return Reward(Judges(spec, [ScriptedJudge()], Journal.open(journal)))

    monkeypatch.setattr("dikast.cli.eval.open_reward", opened)
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMPARE = ["eval", "--arm", "before=before.jsonl", "--arm", "after=after.jsonl", "--reward", "reward.yaml"]


def run_folder(folder, seed):
    about = About(
        reward="notes",
        reward_hash="aa",
        certificate_hash=None,
        judge=Judge(name="scripted:judge", fingerprint="f00d"),
        range=(0.0, 1.0),
        items=None,
        best_of=2,
        ask="Does it agree?",
        seeds=(seed,),
        documents=12,
        date="2026-01-01",
        made_with={},
    )
    values = [
        Value(seed=seed, arm=arm, metric="gold", document=f"d{at}", value=gold)
        for arm, gold in (("sft_start", 0.2), ("rft", 0.5))
        for at in range(12)
    ]
    save(evaluation_of(about, values, [], []), folder)
    return str(folder)


def test_files_of_completions_are_compared(project, capsys):
    code = run([*COMPARE, "--gold", "mine:score", "-o", "out"])

    assert code == 0
    assert "after is better than before in gold" in " ".join(capsys.readouterr().out.split())
    report = json.loads((project / "out" / "report.json").read_text())
    assert report["arms"]["after"]["gold"]["value"] == 1.0
    assert report["arms"]["before"]["gold"]["value"] == 0.0
    assert report["arms"]["after"]["reward"]["value"] == pytest.approx(0.9)
    assert report["arms"]["after"]["reward"]["n"] == 12
    assert report["best_of"] == 2
    assert [(c["a"], c["b"]) for c in report["contrasts"] if c["metric"] == "gold"] == [("after", "before")]
    assert "<h1>notes: before, after</h1>" in (project / "out" / "report.html").read_text()
    assert (project / "out" / "journal.db").is_file()


def test_labels_of_some_answers_correct_the_pass_rates_of_the_arms(project, capsys):
    with (project / "labels.jsonl").open("w") as out:
        for at in range(12):
            row = {
                "prompt": f"prompt {at}",
                "completion": json.dumps("yes 0"),
                "labels": {"good": {"ann": at % 2 == 0}},
            }
            out.write(json.dumps(row) + "\n")

    code = run([*COMPARE, "-o", "out", "--labels", "labels.jsonl"])

    assert code == 0
    rate = json.loads((project / "out" / "report.json").read_text())["corrected"]["after"]["good"]
    assert (rate["labelled"], rate["unlabelled"]) == (12, 12)
    assert (rate["judge"]["value"], rate["corrected"]["value"]) == (pytest.approx(0.9), 0.5)
    out = " ".join(capsys.readouterr().out.split())
    assert "pass rates of all judged answers" in out
    assert "12 of 24" in out
    assert "<h2>What people would pass</h2>" in (project / "out" / "report.html").read_text()


def test_without_labels_nothing_is_said_of_what_people_would_pass(project, capsys):
    run([*COMPARE, "-o", "out"])

    assert json.loads((project / "out" / "report.json").read_text())["corrected"] == {}
    assert "pass rates" not in capsys.readouterr().out
    assert "What people would pass" not in (project / "out" / "report.html").read_text()


def test_json_goes_to_standard_output_alone(project, capsys):
    run([*COMPARE, "-o", "out", "--judged", "3", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert report["arms"]["after"]["reward"]["n"] == 3


def test_a_run_is_reported_anew_without_a_model(tmp_path, capsys):
    folder = run_folder(tmp_path / "run", 0)

    assert run(["eval", folder, "--banner", "a trial"]) == 0
    assert "a trial" in capsys.readouterr().out
    assert (tmp_path / "run" / "report.html").is_file()


def test_runs_of_several_seeds_are_pooled_into_a_folder(tmp_path):
    folders = [run_folder(tmp_path / f"s{seed}", seed) for seed in (0, 1)]

    assert run(["eval", *folders, "-o", str(tmp_path / "pooled")]) == 0
    assert json.loads((tmp_path / "pooled" / "report.json").read_text())["seeds"] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["eval"], "give folders of runs, or files to compare"),
        (["eval", "run", "--arm", "a=b"], "one of the two"),
        (["eval", "--arm", "before=before.jsonl"], "needs --reward"),
        (["eval", "run", "--reward", "reward.yaml"], "--reward: a run's evaluation is not made again"),
        (["eval", "one", "two"], "name it with -o"),
        (["eval", "nowhere"], "holds no evaluation"),
        (["eval", "--arm", "before", "--reward", "reward.yaml", "-o", "out"], "write it as NAME=FILE"),
        (["eval", "--arm", "a=absent.jsonl", "--reward", "reward.yaml", "-o", "out"], "absent.jsonl: no such file"),
        ([*COMPARE, "--arm", "after=before.jsonl", "-o", "out"], "the name 'after' is taken"),
        ([*COMPARE, "--gold", "other:score", "-o", "out"], "other.py is not there"),
        ([*COMPARE, "--known", "answer", "-o", "out"], "no column 'answer'"),
        ([*COMPARE, "--labels", "absent.jsonl", "-o", "out"], "absent.jsonl: no such file"),
        ([*COMPARE, "--labels", "before.jsonl", "-o", "out"], "before.jsonl:1: no 'labels'"),
    ],
)
def test_misuse_is_one_line_that_says_how_to_mend_it(project, capsys, arguments, said):
    code = run(arguments)

    error = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len(error) == 1
    assert said in error[0]
