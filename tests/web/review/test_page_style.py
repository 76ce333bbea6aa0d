"""The page's colours, light and dark, read from its style."""

import re
from importlib.resources import files
from itertools import product

import pytest
from contrast import contrast

STYLE = files("dikast.web.review.page").joinpath("review.css").read_text()
SCHEMES = dict(zip(("light", "dark"), re.findall(r":root \{(.*?)\}", STYLE, flags=re.DOTALL), strict=True))

TEXT_ON = [
    *product(("ink", "soft", "red", "green", "blue"), ("paper", "card")),
    *product(("ink", "red", "green"), ("say",)),
    *product(("ink",), ("quote", "evidence")),
    ("paper", "blue"),
]
"""What is written on what; the last is a button that is pressed."""
LINES_ON = [*product(("soft", "blue"), ("paper", "card")), ("amber", "quote"), ("green", "evidence")]
"""Borders of what can be pressed, the focus, and the lines under marks."""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_has_the_contrast_that_wcag_asks_for(scheme):
    found = {pair: contrast(SCHEMES[scheme], *pair) for pair in TEXT_ON}

    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_can_be_pressed_and_what_is_marked_stands_out(scheme):
    found = {pair: contrast(SCHEMES[scheme], *pair) for pair in LINES_ON}

    assert {pair: ratio for pair, ratio in found.items() if ratio < 3} == {}


def test_every_colour_of_the_page_is_one_of_these():
    rest = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)

    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!\s*\{)|rgb|hsl", re.sub(r"#[a-z-]+[\s{.:,]", "", rest))
    assert "outline: 3px solid var(--blue)" in rest
    assert "outline: none" not in rest
