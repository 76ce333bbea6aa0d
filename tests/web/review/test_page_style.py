"""The page's colours, light and dark, read from its style."""

import re
from importlib.resources import files
from itertools import product

import pytest

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


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(scheme: str, one: str, other: str) -> float:
    colours = dict(re.findall(r"--(\w+): (#\w{6})", SCHEMES[scheme]))
    high, low = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_has_the_contrast_that_wcag_asks_for(scheme):
    found = {pair: contrast(scheme, *pair) for pair in TEXT_ON}

    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_can_be_pressed_and_what_is_marked_stands_out(scheme):
    found = {pair: contrast(scheme, *pair) for pair in LINES_ON}

    assert {pair: ratio for pair, ratio in found.items() if ratio < 3} == {}


def test_every_colour_of_the_page_is_one_of_these():
    rest = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)

    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!\s*\{)|rgb|hsl", re.sub(r"#[a-z-]+[\s{.:,]", "", rest))
    assert "outline: 3px solid var(--blue)" in rest
    assert "outline: none" not in rest
