"""How words are counted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.words import count_words, folded_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" ... — ?!", 0),
        ("The Client shall pay within 45 days.", 7),
        ("don't", 1),
        ("don’t", 1),  # noqa: RUF001  the curly apostrophe is the test
        ("well-known", 2),
        ("one_two_three", 3),
        ("one,two,three", 3),
        ("हिन्दी में लिखा", 3),
        ("契約を確認", 5),
        ("cafe\u0301 noir", 2),
    ],
)
def test_words_are_counted_as_a_reader_would(text: str, words: int):
    assert count_words(text) == words


def test_compact_json_counts_the_same_as_spaced_json():
    value = {"text_excerpt": "pay within 45 days", "type": "risk"}

    assert count_words(json.dumps(value, separators=(",", ":"))) == count_words(json.dumps(value, indent=2))


def test_words_come_in_their_order():
    assert words_of("Pay, then don't ask.") == ["Pay", "then", "don't", "ask"]


def test_a_long_run_of_apostrophes_is_read_in_no_time():
    assert count_words("a" + "'" * 200_000) == 1


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_without_an_apostrophe_is_split_as_with_one(text: str):
    plain = text.replace("'", " ")

    assert words_of(plain) == words_of(f"{plain} don't")[:-1]


@given(st.text(st.characters(max_codepoint=127)) | st.text())
def test_words_are_folded_one_by_one_as_the_text_is(text: str):
    folded = [word.decode() if isinstance(word, bytes) else word for word in folded_words(text)]

    assert folded == words_of(text.casefold())
