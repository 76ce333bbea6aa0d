"""The words of statistics that the page uses, each with what it means: on hover where it stands, and in a list."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

from dikast.report.words import number, visible

TERMS: Mapping[str, str] = {
    "right on yes": "Of what people say yes to, the share that the judge says yes to as well. Also: true positive rate, TPR.",
    "right on no": "Of what people say no to, the share that the judge says no to as well. Also: true negative rate, TNR.",
    "precision": "Of what the judge says yes to, the share that people say yes to as well. It depends on how frequent a "
    "yes is: here it is that of these labels.",
    "J": "Right on yes plus right on no, minus 1 (Youden's J). 1 is a judge that is always right, 0 one that guesses.",
    "kappa": "Agreement with people beyond what chance would give (Cohen's kappa): 1 is always, 0 as by chance. It falls where "
    "one of the two answers is rare, even with a good judge.",
    "AC1": "Agreement with people beyond chance, counted so that it does not fall where one answer is rare (Gwet's AC1).",
    "AUC": "Of one that people say yes to and one that they say no to, how often the judge gives the first a higher "
    "P(yes). 1 is always, 0.5 is guessing.",
    "same prompt": "As AUC, among answers to one prompt alone: the only comparison that reinforcement learning makes.",
    "flips": "The share of the judge's answers that changed when the same was asked in other words, in another order or again.",
    "people": "How often two annotators give the same answer (the human ceiling). More cannot be asked of a judge.",
    "factor": "What the criterion's weight is multiplied by in training: 1 in full, 0 switched off.",
    "reading": "How the judge's probability counts: as it is, or as yes from a threshold on and no below it.",
    "P(yes)": "The probability that the judge puts on yes; 0 or 1 where it only says yes or no.",
    "95 % interval": "Where the true figure lies in 95 of 100 measurements like this one. The more labels, the narrower.",
    "upper bound": "With 95 % confidence the true share is not above it. It takes the tries as independent.",
}
_OTHER_NAMES = {"TPR": "right on yes", "TNR": "right on no", "P(credit)": "P(yes)"}
_FOUND = re.compile(r"(?<![\w(])(TPR|TNR|J|kappa|AC1|AUC|P\(yes\))(?!\w)")


def explained(text: str) -> Markup:
    """Gives a sentence of ours, escaped, with what its terms mean on hover."""
    pieces = _FOUND.split(visible(text))
    return Markup("").join(term(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces))


def term(name: str) -> Markup:
    """Gives a term with what it means on hover."""
    return Markup('<abbr title="{}">{}</abbr>').format(TERMS[_OTHER_NAMES.get(name, name)], name)


def hundred(share: float) -> str:
    """Writes a share as so many of 100; with a decimal where it would look like none or all and is not."""
    return f"{100 * share:.0f}" if share in (0, 1) or 0.005 <= share < 0.995 else number(100 * share, 1)
