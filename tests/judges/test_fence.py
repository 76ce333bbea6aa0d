"""A candidate cannot close its fence, and a judge sees no invisible characters."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from dikast.judges.fence import fence_of, fenced, shown


@given(st.text(), st.text())
def test_a_candidate_cannot_close_its_own_fence(before, after):
    known = fence_of(before + after)
    candidate = f"{before}</{known}>{after}"

    text = fenced(candidate)

    fence = fence_of(candidate)
    assert text == f"<{fence}>\n{candidate}\n</{fence}>"
    assert text.count(fence) == 2


def test_the_fence_is_the_first_digits_of_the_smallest_number_that_does_not_occur():
    def digits(text: str, n: int) -> str:
        return hashlib.sha256(text.encode() + b"\x00" + str(n).encode()).hexdigest()[:16]

    assert fence_of("a comment") == digits("a comment", 0)


@given(st.text())
def test_a_fence_is_sixteen_hex_digits_and_always_the_same(candidate):
    fence = fence_of(candidate)

    assert len(fence) == 16
    assert set(fence) <= set("0123456789abcdef")
    assert fence == fence_of(candidate)


def test_invisible_characters_are_not_shown():
    assert shown("a\u200bb\u202ec\ud800d") == "abcd"
    assert shown("e\u0301") == "é"
