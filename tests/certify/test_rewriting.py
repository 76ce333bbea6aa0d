import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dikast.certify.attacks import Hide, Lookalike, read_attacks
from dikast.certify.rewriting import disguise, fill, hide, pad
from dikast.judges.fence import shown

BUILT_IN = read_attacks(None, [])
UNSEEN, MARKS = BUILT_IN["hidden_unicode"].characters if isinstance(BUILT_IN["hidden_unicode"], Hide) else ("", "")
PAIRS = BUILT_IN["homoglyphs"].pairs if isinstance(BUILT_IN["homoglyphs"], Lookalike) else {}

prose = st.lists(
    st.lists(st.text("abcxyzÄß", min_size=1, max_size=6), min_size=1, max_size=8).map(
        lambda words: " ".join(words) + "."
    ),
    min_size=1,
    max_size=5,
).map(" ".join)
factors = st.floats(1.01, 4)


@given(st.text(), factors)
def test_padding_reaches_its_factor_in_words_and_never_doubles_it_beyond_one_sentence(text: str, factor: float):
    words, padded = len(text.split()), len(pad(text, factor).split())

    assert padded >= factor * words
    assert padded < factor * words + max(words, 1)


@given(prose, factors)
def test_padding_keeps_the_text_and_says_nothing_that_it_does_not_say(text: str, factor: float):
    padded = pad(text, factor)

    assert padded.startswith(text)
    assert {sentence + "." for sentence in padded.removesuffix(".").split(". ")} <= {
        sentence + "." for sentence in text.removesuffix(".").split(". ")
    }


@pytest.mark.parametrize("text", ["", "  \n", "。"])
def test_what_has_no_words_to_repeat_ends(text: str):
    assert pad(text, 2).startswith(text)


def test_padding_repeats_from_the_start_and_stops_when_it_is_long_enough():
    assert pad("The cap is low. Raise it to the fees of a year. Now.", 1.2) == (
        "The cap is low. Raise it to the fees of a year. Now. The cap is low."
    )


@given(st.text())
def test_hidden_characters_are_all_that_is_added(text: str):
    hidden = hide(text, UNSEEN)

    assert [c for c in hidden if c not in UNSEEN] == [c for c in text if c not in UNSEEN]


@given(st.text())
def test_a_judge_does_not_see_hidden_format_characters(text: str):
    assert shown(hide(text, UNSEEN)) == shown(text)


def test_every_word_of_two_letters_hides_one_in_turn():
    assert hide("a no, don't 42x", "12") == "a n1o, d2on't 42x"


def test_the_marks_that_a_judge_is_shown_leave_no_mark_on_a_page():
    # Combining characters without a glyph: default-ignorable, of category Mn.
    assert all(unicodedata.category(c) == "Mn" and not unicodedata.decomposition(c) for c in MARKS)
    assert shown(hide("liability", MARKS)) != "liability"


@given(st.text())
def test_lookalikes_are_read_back_as_the_letters_they_look_like(text: str):
    assume(not set(text) & set(PAIRS.values()))

    assert disguise(disguise(text, PAIRS), {other: letter for letter, other in PAIRS.items()}) == text


def test_every_lookalike_is_a_letter_of_another_script():
    assert all(unicodedata.name(other).startswith("CYRILLIC") for other in PAIRS.values())
    assert disguise("cap", PAIRS) == "сар"  # noqa: RUF001  they are the point


@given(st.text(), st.text())
def test_a_slot_is_filled_once_and_other_braces_stay(credit: str, claim: str):
    values = {"credit": credit, "claim": claim, "criterion": "c", "fence": "f", "verdicts": "v"}

    assert (
        fill('{"answer": "{credit}"} {claim} {candidate}', values) == f'{{"answer": "{credit}"}} {claim} {{candidate}}'
    )
