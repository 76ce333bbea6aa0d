from hypothesis import given
from hypothesis import strategies as st

from dikast.report.excerpts import AROUND, MOST, WHOLE, excerpt

WORDS = "word " * 2000


def text_of(shown):
    return "".join(text for passage in shown.passages for text, _ in passage)


def test_a_short_document_is_shown_whole():
    pieces = [("Due within ", "plain"), ("14 days", "evidence")]

    assert excerpt(pieces) == ((tuple(pieces),), 0)


def test_nothing_of_an_empty_document_is_shown():
    assert excerpt([]) == ((), 0)


def test_of_a_long_one_what_stands_around_its_marks_is_shown_in_whole_words():
    shown = excerpt([(WORDS, "plain"), ("14 days", "evidence"), (f" {WORDS}", "plain")])

    [passage] = shown.passages
    assert [kind for _, kind in passage] == ["plain", "evidence", "plain"]
    assert 2 * AROUND - 20 < len(text_of(shown)) < 2 * AROUND + 20
    assert set(text_of(shown).split()) == {"word", "14", "days"}
    assert shown.left_out == 2 * len(WORDS) + 8 - len(text_of(shown))


def test_without_a_mark_its_beginning_is_shown():
    shown = excerpt([(f"First {WORDS}", "plain")])

    assert text_of(shown).startswith("First word")
    assert 0 < len(text_of(shown)) <= 2 * AROUND


def test_marks_that_stand_near_share_a_passage_and_others_have_their_own():
    far, near = (WORDS, "plain"), ("a few words ", "plain")
    mark = ("two words ", "candidate")

    assert len(excerpt([far, mark, near, mark, far]).passages) == 1
    assert len(excerpt([far, mark, far, mark, far]).passages) == 2


def test_the_judges_evidence_comes_before_many_quotes_of_the_candidate():
    many = [piece for _ in range(40) for piece in (("two words ", "candidate"), (WORDS[:1000], "plain"))]

    shown = excerpt([*many, ("14 days", "evidence"), (WORDS, "plain")])

    assert "14 days" in text_of(shown)
    assert len(text_of(shown)) <= MOST


@given(st.lists(st.tuples(st.text(max_size=700), st.sampled_from(["plain", "candidate", "evidence"])), max_size=12))
def test_what_is_shown_stands_in_the_document_and_is_bounded(pieces):
    document = "".join(text for text, _ in pieces)

    shown = excerpt(pieces)

    assert all("".join(text for text, _ in passage) in document for passage in shown.passages)
    assert len(text_of(shown)) + shown.left_out == len(document)
    assert len(text_of(shown)) <= max(WHOLE, MOST)
