"""What a function is asked: rollouts and trainers' rows as samples, in every form, and poisoned."""

import pytest

from dikast.aws.events import read_event
from dikast.aws.verify.samples import BUILT_IN, batch_of, forms, poisoned, raw, read_samples, with_history
from dikast.errors import DataError
from dikast.rollouts import write_rows

ROLLOUT = {"id": "a", "prompt": "Review.", "completion": "Fine.", "reference": "No.", "contract": "The term."}
TURN = {"role": "user", "content": "Review."}


@pytest.mark.parametrize(
    ("row", "completion", "contract"),
    [
        (ROLLOUT, "Fine.", "The term."),
        ({**ROLLOUT, "prompt": [TURN]}, "Fine.", "The term."),
        ({name: value for name, value in ROLLOUT.items() if name != "completion"}, "No.", "The term."),
        ({"messages": [TURN], "reference_answer": "No.", "contract": "The term."}, "No.", "The term."),
        (
            {"messages": [TURN, {"role": "assistant", "content": "Fine."}], "metadata": {"contract": "The term."}},
            "Fine.",
            "The term.",
        ),
    ],
)
def test_rollouts_and_rows_become_samples_that_a_model_has_answered(tmp_path, row, completion, contract):
    write_rows(tmp_path / "rows.jsonl", [row])

    [sample] = read_samples(tmp_path / "rows.jsonl", 8)

    [read] = read_event([sample])
    assert read.rollout is not None
    assert (read.rollout.completion, read.rollout.columns["contract"]) == (completion, contract)


def test_a_row_that_is_neither_is_told_with_its_line(tmp_path):
    write_rows(tmp_path / "rows.jsonl", [ROLLOUT, {"text": "?"}])

    with pytest.raises(DataError, match=r"rows\.jsonl:2: neither 'messages' nor 'prompt'"):
        read_samples(tmp_path / "rows.jsonl", 8)


@pytest.mark.parametrize("prompt", [5, {"role": "user"}, True])
def test_a_prompt_that_is_neither_text_nor_turns_is_told_with_its_line(tmp_path, prompt):
    write_rows(tmp_path / "rows.jsonl", [{**ROLLOUT, "prompt": prompt}])

    with pytest.raises(DataError, match=r"rows\.jsonl:1: 'prompt' must be a text or a list"):
        read_samples(tmp_path / "rows.jsonl", 8)


@pytest.mark.parametrize("odd", [{"metadata": 5}, {"messages": [{"role": "user"}, {"role": "assistant"}]}])
def test_a_sample_without_contents_or_with_odd_metadata_has_its_forms_too(odd):
    assert len(forms({"id": "a", "messages": [TURN], **odd})) == 5


def test_no_more_rows_are_read_than_asked_for(tmp_path):
    write_rows(tmp_path / "rows.jsonl", [ROLLOUT, ROLLOUT, {"text": "?"}])

    assert len(read_samples(tmp_path / "rows.jsonl", 2)) == 2


@pytest.mark.parametrize("form", forms(BUILT_IN[0]))
def test_every_form_is_the_same_rollout(form):
    [plain], [other] = read_event([BUILT_IN[0]]), read_event(forms(BUILT_IN[0])[form])

    assert plain.rollout is not None
    assert other.rollout is not None
    assert (plain.rollout.prompt, plain.rollout.completion) == (other.rollout.prompt, other.rollout.completion)


def test_a_raw_row_has_neither_answer_nor_id():
    row = raw(BUILT_IN[0])

    assert "id" not in row
    assert read_event([row])[0].rollout is None


def test_the_last_of_two_answers_is_the_samples_own():
    [read] = read_event([with_history(BUILT_IN[0])])

    assert read.rollout is not None
    assert read.rollout.completion == BUILT_IN[0]["messages"][-1]["content"]


def test_samples_of_a_batch_and_poisoned_ones_can_be_told_apart_by_their_ids():
    batch = batch_of(BUILT_IN, 10)
    bad = list(poisoned(BUILT_IN[0]).values())

    assert len({sample["id"] for sample in [*batch, *bad]}) == 10 + len(bad)
