"""The colours of the certificate's page, light and dark, read from its style."""

import re
from importlib.resources import files
from itertools import product

import pytest
from contrast import contrast

TEMPLATES = files("dikast.report.templates")
STYLE = "".join(TEMPLATES.joinpath(name).read_text() for name in ("style.css.j2", "certificate.css.j2"))
SCHEMES = {
    "light": "".join(re.findall(r"^:root \{(.*?)\}", STYLE, flags=re.DOTALL | re.MULTILINE)),
    "dark": "".join(re.findall(r"^  :root \{(.*?)\}", STYLE, flags=re.DOTALL | re.MULTILINE)),
}
LEVELS = ("green", "amber", "red", "violet")
TEXT_ON = [
    *product(("ink", "soft"), ("paper", "card")),
    *product(("ink",), ("quote", "evidence", *(f"{level}-back" for level in LEVELS))),
    *((level, f"{level}-back") for level in LEVELS),
    ("amber", "card"),
]
LINES_ON = [("amber", "quote"), ("green", "evidence"), *product(LEVELS, ("paper",)), ("blue", "card"), ("ink", "card")]
"""Lines under marks, edges, and what is drawn."""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_has_the_contrast_that_wcag_asks_for(scheme):
    found = {pair: contrast(SCHEMES[scheme], *pair) for pair in TEXT_ON}

    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_drawn_and_marked_stands_out(scheme):
    found = {pair: contrast(SCHEMES[scheme], *pair) for pair in LINES_ON}

    assert {pair: ratio for pair, ratio in found.items() if ratio < 3} == {}
