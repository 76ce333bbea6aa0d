"""The journal: what was answered stays, whatever happens to the process."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import UnavailableError, UsageError
from dikast.journal import Answered, Journal, LoggedScore, Usual, question_key, size_on_disk

WRITER = """
import sys
from pathlib import Path
from dikast.journal import Answered, Journal

journal = Journal.open(Path(sys.argv[1]))
for number in range(1_000_000):
    journal.keep([Answered(key=number.to_bytes(8, "big"), model="m", request=b"?", reply=str(number).encode() * 200)])
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".dikast" / "journal.db"


def answered(key: bytes, reply: bytes, model: str = "m") -> Answered:
    return Answered(key=key, model=model, request=b"?" + key, reply=reply)


def entry(step: int, position: int, score: bytes = b"{}") -> LoggedScore:
    return LoggedScore(step=step, position=position, rollout=b"{}", score=score)


def test_what_was_answered_is_there_when_the_journal_is_opened_again(path: Path):
    journal = Journal.open(path)
    journal.keep([answered(b"key", b"yes")])
    journal.close()

    again = Journal.open(path)

    assert again.answer(b"key") == b"yes"
    assert again.answer(b"other") is None
    assert again.count() == 1


def test_the_first_answer_to_a_question_stands(path: Path):
    journal = Journal.open(path)

    journal.keep([answered(b"key", b"yes")])
    journal.keep([answered(b"key", b"no")])

    assert journal.answer(b"key") == b"yes"


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    journal = Journal.open(None)

    journal.keep([answered(b"key", b"yes")])

    assert journal.answer(b"key") == b"yes"
    assert not list(tmp_path.iterdir())


FIELDS = {"request": b"?", "model": "m", "fingerprint": "f", "repeat": 0, "epoch": 0}


@pytest.mark.parametrize(
    "change", [{"request": b"!"}, {"model": "n"}, {"fingerprint": "g"}, {"repeat": 1}, {"epoch": 1}]
)
def test_everything_that_makes_a_question_another_one_is_in_its_key(change: dict):
    assert question_key(**FIELDS) == question_key(**FIELDS)
    assert question_key(**FIELDS) != question_key(**FIELDS | change)


@given(st.binary(max_size=8), st.text(max_size=8), st.text(max_size=8), st.integers(1, 8))
def test_bytes_cannot_move_from_one_field_of_a_key_into_the_next(request: bytes, model: str, fingerprint: str, at: int):
    joined = model + fingerprint
    moved = (joined[:at], joined[at:])

    same = (model, fingerprint) == moved

    assert (
        question_key(request, model=model, fingerprint=fingerprint)
        == question_key(request, model=moved[0], fingerprint=moved[1])
    ) is same


def test_scores_come_back_in_the_order_of_the_run_and_a_step_done_again_replaces_the_old_one(path: Path):
    journal = Journal.open(path)
    first = [entry(2, 0), entry(1, 1), entry(1, 0)]

    journal.log_scores(first, reward="h", certificate="c", phase="rl")
    journal.log_scores([entry(2, 0, b'{"again": 1}')], reward="h", certificate="c", phase="rl")
    journal.log_scores([entry(9, 9)], reward="h", certificate="c", phase="other")

    assert journal.scores("rl") == [entry(1, 0), entry(1, 1), entry(2, 0, b'{"again": 1}')]


def test_scores_that_are_the_whole_phase_leave_nothing_else_of_it():
    journal = Journal.open(None)
    journal.log_scores([entry(0, at) for at in range(3)], reward="h", certificate="", phase="aws")
    journal.log_scores([entry(0, 0)], reward="h", certificate="", phase="rl")

    journal.log_scores([entry(0, 0, b'{"again": 1}')], reward="h", certificate="", phase="aws", whole=True)

    assert journal.scores("aws") == [entry(0, 0, b'{"again": 1}')]
    assert journal.scores("rl") == [entry(0, 0)]


def test_threads_may_share_it(path: Path):
    journal = Journal.open(path)

    def write(number: int) -> None:
        for at in range(50):
            journal.keep([answered(f"{number}-{at}".encode(), b"yes")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert journal.count() == 200


def test_two_processes_may_write_into_one_journal(path: Path):
    one, other = Journal.open(path), Journal.open(path)

    one.keep([answered(b"a", b"yes")])
    other.keep([answered(b"b", b"no")])

    assert (one.answer(b"b"), other.answer(b"a")) == (b"no", b"yes")


def test_every_answer_whose_write_returned_survives_sigkill(path: Path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(40):
        writer.stdout.readline()

    writer.send_signal(signal.SIGKILL)
    told = writer.stdout.read().split()
    writer.stdout.close()
    writer.wait()

    last = max(map(int, told), default=39)
    journal = Journal.open(path)
    kept = [journal.answer(number.to_bytes(8, "big")) for number in range(last + 1)]
    assert kept == [str(number).encode() * 200 for number in range(last + 1)]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database " * 50)
    before = path.read_bytes()

    with pytest.raises(UnavailableError, match=r"the journal cannot be opened .*; name another with --journal"):
        Journal.open(path)

    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(UnavailableError, match="the journal cannot be opened"):
        Journal.open(tmp_path / "file" / "journal.db")


def test_a_damaged_journal_is_told_not_read(path: Path):
    journal = Journal.open(path)
    for number in range(200):
        journal.keep([answered(number.to_bytes(8, "big"), b"yes" * 200)])
    journal.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))

    damaged = Journal.open(path)

    with pytest.raises(UnavailableError, match=r"the journal cannot be read .*; move it away"):
        [damaged.answer(number.to_bytes(8, "big")) for number in range(200)]


def test_a_full_disk_is_told_and_what_was_kept_stays(path: Path):
    journal = Journal.open(path)
    journal.keep([answered(b"key", b"yes")])
    journal._connection.execute("PRAGMA max_page_count = 8")

    with pytest.raises(UnavailableError, match="free disk space and run the same command again"):
        journal.keep([answered(b"big", b"x" * 1_000_000)])

    assert journal.answer(b"key") == b"yes"
    assert journal.answer(b"big") is None


def replied(number: int, *, model: str = "m", padding: str = "", **used: float) -> Answered:
    """An answer as an asker keeps it, of a request that allowed 100 tokens."""
    return Answered(
        key=f"{model}{number}".encode(),
        model=model,
        request=json.dumps({"max_tokens": 100, "messages": [padding]}).encode(),
        reply=json.dumps({"text": str(number), **used}).encode(),
    )


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch):
    """Keeps answers as if it had been so many days ago."""

    def keep(journal: Journal, answers: list[Answered], *, days: float) -> float:
        at = time.time() - days * 86_400
        with monkeypatch.context() as patch:
            patch.setattr("dikast.journal.time.time", lambda: at)
            journal.keep(answers)
        return at

    return keep


def test_of_each_model_it_says_what_is_kept_and_from_when(path: Path, aged):
    journal = Journal.open(path)
    first = aged(journal, [replied(0, prompt_tokens=100, cached_tokens=40, completion_tokens=7)], days=3)
    last = aged(journal, [replied(1, prompt_tokens=50, cached_tokens=0, completion_tokens=3)], days=1)
    other = [replied(at, model="a") for at in range(3)]
    aged(journal, other, days=2)

    a, m = journal.models()

    assert (a.model, a.answers, a.prompt_tokens, a.cached_tokens, a.completion_tokens) == ("a", 3, 0, 0, 0)
    assert a.bytes == sum(len(one.request) + len(one.reply) for one in other)
    assert (m.model, m.answers, m.prompt_tokens, m.cached_tokens, m.completion_tokens) == ("m", 2, 150, 40, 10)
    assert (m.oldest, m.newest) == (first, last)


def test_an_empty_journal_knows_no_model_and_nothing_usual(path: Path):
    journal = Journal.open(path)

    assert journal.models() == []
    assert journal.usual("m") == Usual(answers=0, share=None, seconds=None)


def test_what_is_usual_is_a_mean_over_the_answers_that_say_it(path: Path):
    journal = Journal.open(path)
    journal.keep([replied(0, completion_tokens=10, seconds=1.0), replied(1, completion_tokens=50, seconds=3.0)])
    journal.keep([replied(2), replied(3, completion_tokens=0, seconds=0.0)])
    journal.keep([replied(4, model="other", completion_tokens=100, seconds=60.0), replied(5, model="silent")])

    assert journal.usual("m") == Usual(answers=4, share=0.3, seconds=2.0)
    assert journal.usual("silent") == Usual(answers=1, share=None, seconds=None)


def test_pruning_removes_what_is_old_and_gives_its_room_back(path: Path, aged):
    journal = Journal.open(path)
    aged(journal, [replied(at, padding="x" * 5000) for at in range(200)], days=40)
    aged(journal, [replied(at, padding="x" * 5000) for at in range(200, 210)], days=20)
    before = time.time() - 30 * 86_400
    full = size_on_disk(path)

    old, room = journal.older(before)
    removed = journal.prune(before)

    assert (old, removed, journal.count()) == (200, 200, 10)
    assert room > 200 * 5000
    assert full - size_on_disk(path) > room / 2
    assert path.stat().st_size < 20 * 5000
    assert journal.answer(b"m205") is not None
    assert journal.answer(b"m5") is None


def test_pruning_leaves_the_scores_of_a_run(path: Path, aged):
    journal = Journal.open(path)
    aged(journal, [replied(0)], days=40)
    journal.log_scores([entry(1, 0)], reward="h", certificate="c", phase="rl")

    assert journal.prune(time.time()) == 1

    assert journal.scores("rl") == [entry(1, 0)]


def test_while_another_process_writes_the_room_is_told_as_not_given_back_and_the_next_pruning_does_it(path: Path, aged):
    journal = Journal.open(path)
    aged(journal, [replied(at, padding="x" * 5000) for at in range(100)], days=40)
    journal._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path)
    removed = journal._delete(time.time())
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(UnavailableError, match=r"100 answers are removed, and their room is not given back .*locked"):
        journal._give_back(removed)
    with pytest.raises(UnavailableError, match=r"nothing was removed from the journal \(database is locked\)"):
        journal.prune(time.time())
    other.rollback()
    other.close()

    assert journal.prune(time.time()) == 0
    assert path.stat().st_size < 20 * 5000


def test_who_only_looks_can_read_and_not_write(path: Path):
    journal = Journal.open(path)
    journal.keep([answered(b"key", b"yes")])

    looked = Journal.look(path)

    assert looked.answer(b"key") == b"yes"
    with pytest.raises(UnavailableError, match="readonly"):
        looked.keep([answered(b"other", b"no")])
    journal.keep([answered(b"later", b"yes")])
    assert (looked.count(), looked.answer(b"later")) == (2, b"yes")


def test_looking_leaves_no_file_behind_and_makes_none(path: Path):
    journal = Journal.open(path)
    journal.keep([answered(b"key", b"yes")])
    journal.close()
    before = path.read_bytes()

    looked = Journal.look(path)
    assert looked.count() == 1
    looked.close()

    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match=r"other\.db: there is no journal; name the file that --journal named"):
        Journal.look(path.with_name("other.db"))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("database", [True, False])
def test_looking_at_what_is_no_journal_is_told_and_changes_nothing(tmp_path: Path, database: bool):
    path = tmp_path / "notes.db"
    path.write_text("these are my notes, not a database " * 50)
    if database:
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE notes (text TEXT)")
        connection.close()
    before = path.read_bytes()

    with pytest.raises(UsageError, match=r"notes\.db: is no journal"):
        Journal.look(path)

    assert path.read_bytes() == before


def test_a_journal_whose_name_has_signs_of_a_url_is_found(tmp_path: Path):
    path = tmp_path / "a?mode=ro#b%20" / "j.db"
    Journal.open(path).close()

    assert Journal.look(path).count() == 0
