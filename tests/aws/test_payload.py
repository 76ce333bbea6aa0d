"""What an event weighs and how many samples fit; what a Lambda remembers."""

import pytest

from dikast.aws.payload import LIMIT, as_sent, require_fits, samples_that_fit, weight_of
from dikast.aws.remembering import LatestAnswers
from dikast.errors import DataError
from dikast.journal import Answered


def test_weight_is_that_of_compact_json():
    assert weight_of([{"id": "ä"}]) == len('[{"id":"ä"}]'.encode())


def test_half_a_surrogate_weighs_what_its_escape_does():
    assert weight_of(["half \ud83d"]) == len('["half \\ud83d"]')


def test_half_a_surrogate_is_sent_as_its_escape():
    assert as_sent({"a": "half \ud83d"}) == b'{"a":"half \\ud83d"}'


def test_as_many_samples_fit_as_the_limit_takes():
    assert samples_that_fit(64 * 100_000, 64) == LIMIT // 100_000
    assert samples_that_fit(0, 3) == 3


@pytest.mark.parametrize(("size", "warns"), [(1000, False), (int(LIMIT * 0.9), True), (LIMIT, True)])
def test_what_comes_near_the_limit_is_warned_about(size, warns):
    assert bool(require_fits(size, 64, "event")) == warns


def test_what_is_over_the_limit_is_refused_with_the_number_that_fits():
    with pytest.raises(DataError, match="about 62 of such samples fit"):
        require_fits(LIMIT + 100_000, 64, "event")


def test_the_latest_answers_are_remembered_and_the_oldest_forgotten():
    journal = LatestAnswers(most=2)
    for key in (b"1", b"2", b"3"):
        journal.keep_soon(Answered(key=key, model="m", request=b"a whole document", reply=b"reply " + key))

    assert [journal.answer(key) for key in (b"1", b"2", b"3")] == [None, b"reply 2", b"reply 3"]
    journal.close()
