import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import DataError, UnavailableError, UsageError
from dikast.web.review.answers import Answers, Given, Question, answers_path


def given_of(answer, *, unit="r1", blind=True, annotator="Ada", criterion="good"):
    return Given(
        unit=unit,
        item=0,
        criterion=criterion,
        annotator=annotator,
        answer=answer,
        asked="f00d",
        drawn="random",
        blind=blind,
        at="2026-11-24T12:00:00.000+00:00",
    )


def question(unit="r1", annotator="Ada"):
    return Question(unit, 0, "good", annotator)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "labels.answers.jsonl"


@pytest.fixture
def opened(path):
    held = []

    def again(seed=None):
        for answers in held:
            answers.close()
        held.clear()
        held.append(Answers.open(path, seed=seed))
        return held[0]

    yield again
    for answers in held:
        answers.close()


def test_an_answer_is_on_the_disk_when_it_is_kept(opened, path):
    answers = opened()

    answers.add(given_of(True))

    [_head, line] = path.read_text().splitlines()
    assert json.loads(line) == {
        "unit": "r1",
        "item": 0,
        "criterion": "good",
        "annotator": "Ada",
        "answer": True,
        "asked": "f00d",
        "drawn": "random",
        "blind": True,
        "at": "2026-11-24T12:00:00.000+00:00",
    }


def test_opened_again_the_last_answer_counts_and_the_blind_one_is_known(opened):
    answers = opened()
    answers.add(given_of(True))
    answers.add(given_of(False, blind=False))
    answers.add(given_of("n/a", annotator="Bob"))

    again = opened()

    assert again.last[question()].answer is False
    assert again.blind[question()].answer is True
    assert again.last[question(annotator="Bob")].answer == "n/a"


@given(cut=st.integers(1, 60))
def test_a_line_that_was_cut_short_is_dropped_and_the_next_answer_stands_alone(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("answers") / "a.jsonl"
    answers = Answers.open(path, seed=0)
    answers.add(given_of(True))
    answers.add(given_of(True, unit="r2"))
    answers.close()
    path.write_bytes(path.read_bytes()[:-cut])

    again = Answers.open(path, seed=0)
    again.add(given_of(False, unit="r3"))
    again.close()
    last = Answers.open(path, seed=0)
    last.close()

    assert set(last.last) == {question(), question("r3")}


def test_even_a_head_that_was_cut_short_is_begun_anew(opened, path):
    path.parent.mkdir()
    path.write_text('{"see')

    assert opened(seed=4).seed == 4


def test_a_broken_line_in_the_middle_is_told_with_its_place(opened, path):
    answers = opened()
    answers.add(given_of(True))
    with path.open("a") as file:
        file.write("{}\n")

    with pytest.raises(DataError, match=r"labels\.answers\.jsonl:3: not an answer"):
        opened()


def test_a_file_goes_on_with_the_seed_that_it_began_with(opened):
    opened(seed=7)

    assert opened().seed == 7
    with pytest.raises(UsageError, match="begun with --seed 7"):
        opened(seed=8)


def test_two_reviews_do_not_write_one_file(opened, path):
    opened()

    with pytest.raises(UsageError, match="another review is writing it"):
        Answers.open(path, seed=None)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UnavailableError, match="name another with -o"):
        Answers.open(tmp_path / "file" / "a.jsonl", seed=0)


def test_the_disk_that_is_full_leaves_neither_half_a_line_nor_an_answer(opened, path, monkeypatch):
    answers = opened()
    answers.add(given_of(True))
    whole = path.read_bytes()

    def half(descriptor, raw):
        path.write_bytes(whole + raw[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", half)
    with pytest.raises(UnavailableError, match="free space"):
        answers.add(given_of(False))

    assert path.read_bytes() == whole
    assert answers.last[question()].answer is True


def test_the_answers_stand_beside_the_labels(tmp_path):
    assert answers_path(tmp_path / "x.labels.jsonl") == tmp_path / "x.labels.answers.jsonl"
