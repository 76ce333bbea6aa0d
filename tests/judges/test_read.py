"""Reading a judge's reply: a verdict or what is missing, whatever the reply is."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.judges.read import last_object, read_structured, read_yes_no
from dikast.models.base import Reply
from dikast.records import Missing, Verdict
from dikast.spec.reward import Criterion

GOOD = Criterion(id="good", ask="Is it good?")
QUOTED = Criterion(id="quoted", ask="Is it there?", evidence="Contract")
SOURCES = {"Contract": "Payment is due within “thirty” days."}


def tokens(**words: float) -> Reply:
    return Reply(text="", first_token=tuple((word, math.log(p)) for word, p in words.items()))


def verdicts(**answers: object) -> Reply:
    return Reply(text=json.dumps({"verdicts": answers}))


def test_a_verdict_is_the_share_of_yes_with_case_and_blanks_folded():
    reply = Reply(text="", first_token=((" Yes", math.log(0.3)), ("YES", math.log(0.3)), ("no", math.log(0.2))))

    assert read_yes_no(reply) == Verdict(value=pytest.approx(0.75))


def test_a_model_that_answers_something_else_gives_no_verdict():
    reply = tokens(The=0.9, Yes=0.05, No=0.01)

    assert read_yes_no(reply) == Missing("unparsable", "yes and no hold 0.060 of the probability")


def test_a_refusal_and_a_reply_without_probabilities_are_missing():
    assert read_yes_no(Reply(text="I cannot", finish="refused")).reason == "refused"
    assert read_yes_no(Reply(text="Yes")).reason == "unparsable"


@given(st.lists(st.tuples(st.text(max_size=5), st.floats())))
def test_reading_probabilities_never_raises(first_token):
    outcome = read_yes_no(Reply(text="", first_token=tuple(first_token)))

    assert isinstance(outcome, Missing) or 0 <= outcome.value <= 1


@given(st.text())
def test_reading_a_text_never_raises(text):
    outcome = read_structured(Reply(text=text), [GOOD, QUOTED], SOURCES)

    assert set(outcome) == {"good", "quoted"}


def test_deep_nesting_is_unparsable():
    outcome = read_structured(Reply(text='{"verdicts":' + "[" * 200_000), [GOOD], SOURCES)

    assert isinstance(outcome["good"], Missing)


def test_the_last_object_counts_and_a_total_is_ignored():
    text = 'First {"verdicts": {"good": {"answer": "no"}}} then {"verdicts": {"good": {"answer": "Yes"}}, "total": 9} done {"x": 1}'

    assert last_object(text, holding="verdicts") == {"verdicts": {"good": {"answer": "Yes"}}, "total": 9}
    assert read_structured(Reply(text=text), [GOOD], SOURCES) == {"good": Verdict(value=1.0)}


def test_a_yes_needs_its_quote_and_a_no_does_not():
    yes = read_structured(verdicts(quoted={"answer": "yes", "evidence": 'within  "thirty" days'}), [QUOTED], SOURCES)
    made_up = read_structured(verdicts(quoted={"answer": "yes", "evidence": "sixty days"}), [QUOTED], SOURCES)
    no = read_structured(verdicts(quoted={"answer": "no"}), [QUOTED], SOURCES)

    assert yes["quoted"].value == 1.0
    assert made_up["quoted"].reason == "bad_evidence"
    assert no["quoted"].value == 0.0


def test_not_applicable_counts_only_where_the_criterion_allows_it():
    said = verdicts(good={"answer": "n/a"})
    allowed = Criterion(id="good", ask="Is it good?", na=True)

    assert read_structured(said, [allowed], SOURCES) == {"good": Verdict(value=None)}
    assert read_structured(said, [GOOD], SOURCES)["good"].reason == "unparsable"


def test_a_reply_that_was_cut_off_is_truncated():
    reply = Reply(text='{"verdicts": {"good": {"ans', finish="length")

    assert read_structured(reply, [GOOD], SOURCES)["good"].reason == "truncated"
