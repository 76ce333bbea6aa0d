import json

import msgspec
import pytest

from dikast.errors import DataError, UsageError
from dikast.evaluate.records import About, Answer, Document, Judge
from dikast.evaluate.store import evaluation_of, read_evaluation, save
from dikast.records import Score
from dikast.spec.reward import read_reward
from dikast.web.review.units import units_of_file, units_of_run
from dikast.web.review.verdicts import read_scores, verdicts_of

WHOLE = """
name: whole
objective: Judge it.
inputs: {Question: prompt}
judge: {model: "scripted:judge", criteria: [{id: good, ask: "Is it good?"}]}
"""


@pytest.fixture
def spec(reward):
    return read_reward(reward)


def names(unit):
    return [(field.name, field.judged) for field in unit.candidate]


def test_a_row_without_labels_stands_for_all_items_of_its_set(spec, lines, row):
    path = lines("rollouts.jsonl", [row(1, [{"note": "a"}, {"note": "b"}]), row(2)])

    units = units_of_file(spec, path)

    assert [(unit.id, unit.item) for unit in units] == [("r1", 0), ("r1", 1), ("r2", 0)]
    assert units[1].row["item"] == 1


def test_what_the_judge_sees_comes_first_and_the_rest_says_so(spec, lines, row):
    [unit] = units_of_file(spec, lines("rollouts.jsonl", [row(1)]))

    assert names(unit) == [("note", True), ("excerpt", True), ("priority", False)]
    assert [name for name, _ in unit.documents] == ["Contract", "Playbook"]
    assert unit.prompt == "prompt 1"


def test_a_whole_completion_is_one_text_and_a_prompt_that_is_a_document_is_shown_once(reward_file, lines):
    spec = read_reward(reward_file(WHOLE))

    [unit] = units_of_file(spec, lines("rollouts.jsonl", [{"prompt": "Why?", "completion": "So."}]))

    assert (names(unit), unit.candidate[0].text, unit.prompt) == ([("", True)], "So.", None)
    assert (unit.id, unit.row["id"], unit.row["group"]) == ("line-1", "line-1", unit.row["group"])


def test_labels_that_are_there_already_are_taken_over(spec, lines, row):
    labelled = row(1, item=0, labels={"on_topic": {"Bob": True}}, split="tuning")

    [unit] = units_of_file(spec, lines("labels.jsonl", [labelled]))

    assert unit.labels == {"on_topic": {"Bob": True}}
    assert unit.row == labelled


def test_an_item_that_repeats_an_earlier_one_is_known(spec, lines, row):
    units = units_of_file(spec, lines("rollouts.jsonl", [row(1, [{"note": "a"}, {"note": "A ", "x": 1}])]))

    assert [unit.repeats for unit in units] == [False, True]


def test_keys_tell_nothing_and_differ(spec, lines, row):
    units = units_of_file(spec, lines("rollouts.jsonl", [row(1, ["a", "b"]), row(2, ["a"])]))

    keys = {unit.key for unit in units}
    assert len(keys) == 3
    assert not any("r1" in key for key in keys)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"item": 3}, r"rollouts\.jsonl:1: no item 3 to label; the completion has 1 under 'notes'"),
        ({"labels": {"on_topic": {"Bob": True}}}, r"names no 'item'"),
        ({"contract": None}, r"rollouts\.jsonl:1: rollout 'r1': no column 'contract'"),
    ],
)
def test_what_cannot_be_labelled_is_told_with_its_place(spec, lines, row, change, told):
    with pytest.raises(DataError, match=told):
        units_of_file(spec, lines("rollouts.jsonl", [row(1, **change)]))


def test_an_item_that_stands_in_two_rows_is_told(spec, lines, row):
    path = lines("rollouts.jsonl", [row(1), row(1, item=0, labels={})])

    with pytest.raises(DataError, match="item 0 of 'r1' stands in two rows"):
        units_of_file(spec, path)


def test_verdicts_are_found_by_rollout_and_item(spec, score):
    found = verdicts_of([score(1, on_topic=0.8), score(1, item=1, on_topic=0.1)], spec.file.judge.criteria)

    assert found["r1", 0]["on_topic"].value == 0.8
    assert found["r1", 1]["on_topic"].value == 0.1


def test_a_yes_to_a_negative_criterion_is_a_yes_again(spec, score):
    criteria = [msgspec.structs.replace(c, negative=True) for c in spec.file.judge.criteria]

    assert verdicts_of([score(1, on_topic=0.25)], criteria)["r1", 0]["on_topic"].value == 0.75


def test_a_scores_file_that_is_none_is_told_with_its_place(lines):
    with pytest.raises(DataError, match=r"s\.jsonl:1: not a score"):
        read_scores(lines("s.jsonl", [{"id": "r1"}]))


# --- a run's answers ------------------------------------------------------------------------------------------------


def about(seeds=(0,)):
    return About(
        reward="contract-notes",
        reward_hash="aa",
        certificate_hash=None,
        judge=Judge(name="scripted:judge", fingerprint="f00d"),
        range=(0.0, 1.0),
        items="notes",
        best_of=2,
        ask="?",
        seeds=seeds,
        documents=1,
        date="2026-11-24",
        made_with={},
    )


@pytest.fixture
def run_of(tmp_path, row, score):
    """Writes a run of two arms: what each answered to one prompt, and what became of it."""

    def make(answers, *, kept=True, seeds=(0,)):
        folder = tmp_path / "run"
        found = []
        for arm, notes, status in answers:
            rollout = row(1, notes)
            if kept:
                (folder / "eval").mkdir(parents=True, exist_ok=True)
                (folder / "eval" / f"{arm}.greedy.jsonl").write_text(json.dumps(rollout) + "\n")
            judged = (
                score(1, on_topic=0.9) if status == "scored" else Score(id="r1", group="g1", score=0, status=status)
            )
            found.append(
                Answer(seed=0, arm=arm, document="g1", sample=None, completion=rollout["completion"], score=judged)
            )
        document = Document(document="g1", id="r1", inputs={})
        save(evaluation_of(about(seeds), [], found, [document]), folder)
        return folder, read_evaluation(folder)

    return make


def test_the_answers_of_a_run_are_labelled_with_all_their_columns(spec, run_of):
    units, scores = units_of_run(spec, *run_of([("base", [{"note": "a"}], "scored"), ("rft", ["b"], "scored")]))

    assert [(unit.id, unit.item) for unit in units] == [("base/r1", 0), ("rft/r1", 0)]
    assert {"contract", "playbook", "prompt", "completion", "group", "id", "item"} <= units[0].row.keys()
    assert units[0].row["id"] == "base/r1"
    assert [one.id for one in scores] == ["base/r1", "rft/r1"]


def test_what_a_gate_stopped_and_what_was_said_before_is_not_labelled(spec, run_of):
    answers = [("base", ["a"], "gated"), ("sft", ["b"], "scored"), ("rft", ["b", "c", "c"], "scored")]

    units, _ = units_of_run(spec, *run_of(answers))

    assert [(unit.id, unit.item) for unit in units] == [("sft/r1", 0), ("rft/r1", 1)]


def test_a_comparison_of_files_says_which_file_to_label(spec, run_of):
    with pytest.raises(DataError, match="dikast review FILE"):
        units_of_run(spec, *run_of([("base", ["a"], "scored")], kept=False))


def test_several_runs_in_one_are_refused(spec, run_of):
    with pytest.raises(UsageError, match="pools several runs"):
        units_of_run(spec, *run_of([("base", ["a"], "scored")], seeds=(0, 1)))
