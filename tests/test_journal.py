"""The journal: what was answered stays, whatever happens to the process."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import UnavailableError
from dikast.journal import Answered, Journal, LoggedScore, question_key

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
