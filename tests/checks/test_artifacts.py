"""The artifacts check: odd characters, repetition, the same item twice."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.artifacts import artifacts_check, count_odd_characters, repetition_share
from dikast.checks.base import Checked, Outcome

See = Callable[..., Checked]

CLEAN = (
    "The Client shall settle each invoice within fifteen (15) days of its receipt by bank transfer, and any sum then "
    "outstanding shall bear interest at three per cent per annum until it is paid in full."
)


@pytest.mark.parametrize(
    "text", ["", CLEAN, CLEAN + "\r\n\tNext.", "naïve “quotes” — 45 €, 4 %", "契約を確認してください。", "शुल्क ४५ दिन"]
)
def test_clean_text_passes(text: str, see: See):
    assert artifacts_check(see(text)) == Outcome(value=1.0)


@pytest.mark.parametrize(
    "odd",
    [
        "\u200b",
        "\u00ad",
        "\ufeff",
        "\u202e",
        "\x00",
        "\x1b",
        "\x7f",
        "\ue000",
        "\U000e0041",
        "\u0378",
        "\ufffd",
    ],
)
def test_characters_that_no_clean_text_holds_are_counted(odd: str):
    assert count_odd_characters(f"pay{odd}ment {odd}") == 2


def test_half_surrogates_are_counted():
    assert count_odd_characters("a\ud800b\udfff") == 2


@pytest.mark.parametrize("text", ["\u0645\u06cc\u200c\u062e", "क\u094d\u200dष", "\U0001f469\u200d\U0001f467"])
def test_joiners_that_a_script_or_an_emoji_needs_are_not_odd(text: str):
    assert count_odd_characters(text) == 0


@pytest.mark.parametrize("text", ["pay\u200cment", "\u200dpayment", "né\u200d", "क\u200d\u200d"])
def test_joiners_that_join_nothing_are_odd(text: str):
    assert count_odd_characters(text) == 1


@pytest.mark.parametrize(("odd", "value"), [(1, 0.9), (5, 0.5), (10, 0.0), (100, 0.0)])
def test_the_value_falls_with_odd_characters_for_their_share(odd: int, value: float, see: See):
    text = "\u200b" * odd + " ".join(f"w{n}" for n in range(600))

    outcome = artifacts_check(see(text[:2000]))

    assert isinstance(outcome, Outcome)
    assert outcome.value == pytest.approx(value)


def test_odd_characters_are_found_behind_json_escapes_and_in_keys(see: See):
    outcome = artifacts_check(see('{"no\\u200bte": "fine"}'))

    assert isinstance(outcome, Outcome)
    assert outcome.value == 0
    assert outcome.reason == "1 odd characters"


def test_the_share_counts_word_4_grams_that_stood_before():
    words = [f"w{n}" for n in range(20)]

    assert repetition_share(" ".join(words)) == 0
    assert repetition_share(" ".join([*words, *words])) == pytest.approx(17 / 37)


def test_the_share_looks_through_case_and_punctuation():
    assert repetition_share("One two, three four. " * 2 + "ONE TWO THREE FOUR! " * 6) > 0.8


def test_short_texts_have_no_share():
    assert repetition_share("one two three four five " * 3) == 0


def test_a_text_that_says_everything_twice_has_a_middling_value_and_one_that_loops_has_none(see: See):
    twice, loop = artifacts_check(see(f"{CLEAN} {CLEAN}")), artifacts_check(see(CLEAN * 10))

    assert isinstance(twice, Outcome)
    assert isinstance(loop, Outcome)
    assert 0 < twice.value < 1
    assert loop.value == 0


def test_a_word_four_times_in_a_row_is_broken_and_three_times_is_not(see: See):
    assert artifacts_check(see("It is very very very long.")) == Outcome(value=1.0)
    assert artifacts_check(see("It is very very, Very very long.")) == Outcome(
        value=0.0, reason="a word stands 4 times in a row"
    )


def test_numbers_and_lines_in_a_row_are_no_stutter(see: See):
    assert artifacts_check(see("0 0 0 0 0\n---- ---- ---- ---- ----")) == Outcome(value=1.0)


def test_the_keys_of_a_json_completion_are_no_repetition(see: See):
    completion = json.dumps([{"the_reason_for_this_very_comment": f"w{n}"} for n in range(12)])

    assert repetition_share(completion) > 0.2
    assert artifacts_check(see(completion)) == Outcome(value=1.0)


def test_items_that_stand_there_twice_cost_their_share(see: See):
    outcome = artifacts_check(
        see('{"comments": [{"a": "x", "b": 1}, {"a": "y"}, {"b": 1, "a": "x"}, {"a": "z"}]}', items="comments")
    )

    assert outcome == Outcome(value=0.75, reason="an item stands there twice", item=2)


def test_the_worst_of_the_three_decides(see: See):
    outcome = artifacts_check(see(json.dumps({"c": ["no no no no"] * 2}), items="c"))

    assert isinstance(outcome, Outcome)
    assert outcome.value == 0
    assert outcome.reason == "a word stands 8 times in a row"


@given(st.text(alphabet=st.characters(), max_size=300))
def test_the_counts_are_counts_whatever_the_text(text: str):
    assert 0 <= count_odd_characters(text) <= len(text)
    assert 0 <= repetition_share(text) < 1


@given(st.text(st.characters(max_codepoint=127)))
def test_odd_characters_of_plain_text_are_those_of_any_text(text: str):
    assert count_odd_characters(text) == count_odd_characters(f"{text}é")
