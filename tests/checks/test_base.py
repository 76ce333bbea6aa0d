"""Reasons: short and printable, whatever a candidate wrote."""

from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.base import MAX_REASON, short


@given(st.text(alphabet=st.characters(), max_size=2000))
def test_a_reason_is_one_short_printable_line(text: str):
    line = short(text)

    assert len(line) <= MAX_REASON
    assert line.isprintable()


def test_half_a_surrogate_in_a_reason_can_be_written_to_a_file():
    assert short("a\ud800b").encode("utf-8") == "a\N{REPLACEMENT CHARACTER}b".encode()


def test_a_cut_reason_ends_with_an_ellipsis():
    assert short("x" * 500) == "x" * (MAX_REASON - 1) + "…"
