from hypothesis import given
from hypothesis import strategies as st

from dikast.quoting import quoted_in
from dikast.report.marks import pieces

DOCUMENT = "Invoices are due within 14 days of receipt. Late payment bears interest at “nine  percent” a year."


def marked(document, candidate=(), evidence=(), kind="candidate"):
    return [text for text, of in pieces(document, candidate=candidate, evidence=evidence) if of == kind]


def test_a_field_that_stands_in_the_document_is_marked_there():
    assert marked(DOCUMENT, ["due within 14 days"]) == ["due within 14 days"]


def test_white_space_and_typography_do_not_count_and_the_original_stays():
    assert marked(DOCUMENT, ['at "nine percent" a\nyear']) == ["at “nine  percent” a year"]


def test_what_a_comment_puts_in_quotation_marks_is_marked():
    assert marked(DOCUMENT, ["The clause says “within 14 days”, which is short."]) == ["within 14 days"]


def test_a_longer_passage_is_marked_without_quotation_marks():
    comment = "As invoices say here they are due within 14 days of receipt, so pay at once."

    assert marked(DOCUMENT, [comment]) == ["are due within 14 days of receipt"]


def test_a_single_word_and_a_short_common_phrase_are_no_quotes():
    assert marked(DOCUMENT, ["interest", "They say interest at any rate is bad."]) == []


def test_every_place_of_a_quote_is_marked():
    assert marked("two words and two words", ["two words"]) == ["two words", "two words"]


def test_evidence_is_marked_over_the_candidate():
    found = pieces(DOCUMENT, candidate=["due within 14 days"], evidence=["14 days"])

    assert [(text, kind) for text, kind in found if kind != "plain"] == [
        ("due within ", "candidate"),
        ("14 days", "evidence"),
    ]


def test_an_empty_document_and_empty_texts_give_nothing():
    assert pieces("", candidate=["a b"], evidence=["a"]) == []
    assert marked("a b", ["", "  "], [""]) == []


@given(st.text(), st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=2))
def test_the_pieces_joined_are_the_document(document, candidate, evidence):
    assert "".join(text for text, _ in pieces(document, candidate=candidate, evidence=evidence)) == document


@given(st.text(alphabet=st.characters(codec="ascii")), st.text(alphabet=st.characters(codec="ascii")), st.data())
def test_evidence_is_marked_wherever_the_judge_found_it(before, after, data):
    quote = data.draw(st.text(alphabet=st.characters(codec="ascii")).filter(str.strip))
    document = f"{before} {quote} {after}"

    assert quoted_in(quote, document)
    assert marked(document, evidence=[quote], kind="evidence")


def test_a_text_that_repeats_itself_without_end_is_marked_in_bounded_time():
    endless = "good " * 40_000

    assert marked(endless, [endless]) == [endless.strip()]
    assert len(marked('"a b" ' * 30_000, ['"a b" ' * 30_000])) >= 1
