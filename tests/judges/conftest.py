"""A case, criteria and an asker that the tests of this folder share."""

from collections.abc import Callable
from typing import Any

import pytest

from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.render import Case
from dikast.spec.judge import Criterion

ON_TOPIC = Criterion(
    id="on_topic",
    ask="Is the comment about the excerpt?",
    pass_="It speaks about the duty in the excerpt.",
    fail="It would fit another clause as well.",
)
FOUNDED = Criterion(id="founded", ask="Does a rule justify it?", evidence="Reference", na=True)


@pytest.fixture
def case() -> Case:
    return Case(
        documents=(
            ("TargetDocument", "The Supplier pays within 90 days."),
            ("Reference", "R1: Payment is due within 30\u00a0days."),
        ),
        candidate="comment: 90 days breaks R1.",
    )


@pytest.fixture
def on_topic() -> Criterion:
    return ON_TOPIC


@pytest.fixture
def founded() -> Criterion:
    return FOUNDED


@pytest.fixture
def asker_of() -> Callable[..., Asker]:
    def make(model: Any, journal: Journal | None = None) -> Asker:
        return Asker(model, journal or Journal.open(None))

    return make
