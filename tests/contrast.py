"""The contrast of two colours of a style, as WCAG counts it."""

import re


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(scheme: str, one: str, other: str) -> float:
    """The contrast of two variables of a `:root` block."""
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", scheme))
    high, low = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
    return (high + 0.05) / (low + 0.05)
