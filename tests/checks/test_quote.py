"""The quote check: a field holds what its source says, letter by letter."""

import json
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dikast.checks.base import Checked, Outcome
from dikast.checks.parsing import parse_completion
from dikast.checks.quote import quote_check
from dikast.records import Rollout
from dikast.spec.checks import QuoteCheck

See = Callable[..., Checked]

CLAUSE = "The Client shall settle each invoice\nwithin fifteen (15) days — “without set-off”."
CHECK = QuoteCheck(field="text_excerpt", source="Contract", gate=True)
RUN = quote_check(CHECK, items="comments")


@pytest.fixture
def comments(see: See) -> Callable[..., Checked]:
    def make(*excerpts: object) -> Checked:
        completion = json.dumps({"comments": [{"text_excerpt": excerpt} for excerpt in excerpts]})
        return see(completion, inputs={"Contract": CLAUSE}, items="comments")

    return make


@pytest.mark.parametrize(
    "excerpt",
    [
        "within fifteen (15) days",
        "each  invoice within\nfifteen",
        '- "without set-off"',
        "ﬁfteen",
        "  The Client ",
    ],
)
def test_a_quote_passes_whatever_its_unicode_forms_and_blanks(excerpt: str, comments: Callable[..., Checked]):
    assert RUN(comments(excerpt)) == Outcome(value=1.0)


@pytest.mark.parametrize("excerpt", ["within 15 days", "the client", "", "   ", "—", None, 15, ["The Client"]])
def test_what_is_not_in_the_source_fails(excerpt: object, comments: Callable[..., Checked]):
    outcome = RUN(comments(excerpt))

    assert isinstance(outcome, Outcome)
    assert (outcome.value, outcome.item) == (0.0, 0)


def test_the_value_is_the_share_of_items_that_quote_and_the_first_that_does_not_is_named(
    comments: Callable[..., Checked],
):
    outcome = RUN(comments("The Client", "within ten days", "each invoice", "nowhere"))

    assert isinstance(outcome, Outcome)
    assert (outcome.value, outcome.item) == (0.5, 1)
    assert outcome.reason == "'text_excerpt' is not in Contract: within ten days"


def test_an_empty_set_misquotes_nothing(comments: Callable[..., Checked]):
    assert RUN(comments()) == Outcome(value=1.0)


@pytest.mark.parametrize(
    "completion",
    ["The Client", '{"text_excerpt": "The Client"}', '{"comments": {"text_excerpt": "The Client"}}', "[]", "null"],
)
def test_without_the_set_nothing_is_quoted(completion: str, see: See):
    outcome = RUN(see(completion, inputs={"Contract": CLAUSE}, items="comments"))

    assert isinstance(outcome, Outcome)
    assert (outcome.value, outcome.item) == (0.0, None)


def test_items_that_are_no_objects_quote_nothing(see: See):
    outcome = RUN(see('{"comments": ["The Client", null]}', inputs={"Contract": CLAUSE}, items="comments"))

    assert isinstance(outcome, Outcome)
    assert outcome.value == 0


def test_without_items_the_object_itself_holds_the_field(see: See):
    run = quote_check(CHECK, items=None)

    assert run(see('{"text_excerpt": "The Client"}', inputs={"Contract": CLAUSE})) == Outcome(value=1.0)


def test_a_quote_must_have_enough_words(comments: Callable[..., Checked]):
    run = quote_check(QuoteCheck(field="text_excerpt", source="Contract", min_words=3, gate=True), items="comments")

    assert run(comments("The Client shall")) == Outcome(value=1.0)
    assert run(comments("The Client —")) == Outcome(value=0.0, reason="'text_excerpt' has fewer than 3 words", item=0)


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=1), st.data())
def test_every_piece_of_a_source_that_holds_a_word_is_a_quote_of_it(source: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(source) - 1))
    piece = source[start : data.draw(st.integers(start + 1, len(source)))]
    assume(any(map(str.isalnum, piece)))
    completion = json.dumps({"text_excerpt": piece})
    rollout = Rollout(id="r", group="g", prompt="p", completion=completion)
    checked = Checked(
        rollout=rollout, documents=(("Contract", source),), parsed=parse_completion(completion), items=None
    )

    outcome = quote_check(CHECK, items=None)(checked)

    assert outcome == Outcome(value=1.0)
