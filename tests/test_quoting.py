"""Whether a quote stands in its source, after folding what the eye does not tell apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.quoting import fold, quoted_in

SOURCE = "The “Client” shall pay\u00a0each invoice\nwithin 45 days – in full."


@pytest.mark.parametrize(
    "quote", ['The "Client" shall', "pay each  invoice within", "45 days - in full.", "within\u00ad 45"]
)
def test_forms_of_letters_quotes_dashes_and_blanks_do_not_matter(quote: str):
    assert quoted_in(quote, SOURCE)


@pytest.mark.parametrize("quote", ["", "  \n", "the “client”", "within 45days", "within 46 days"])
def test_everything_else_does(quote: str):
    assert not quoted_in(quote, SOURCE)


@given(st.text())
def test_a_text_with_anything_in_it_quotes_itself(text: str):
    assert quoted_in(text, text) == bool(fold(text))
