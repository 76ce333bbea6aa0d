"""What a trainer's log is told about scores."""

from typing import Any

from dikast.adapters.told import metrics_of, reasons_of, values_of
from dikast.records import Part, Score


def test_means_are_over_what_was_had_and_shares_over_all():
    def score(status: Any, *parts: Part) -> Score:
        return Score(id="r", group="g", score=None, status=status, parts=parts)

    had = Part(name="good", kind="criterion", value=0.5, weight=1.0)
    missing = Part(name="good", kind="criterion", value=None, weight=1.0, missing="timeout")

    assert metrics_of([score("scored", had), score("missing", missing)]) == {
        "part/good": 0.5,
        "share/gated": 0.0,
        "share/missing": 0.5,
    }
    assert metrics_of([]) == {"share/gated": 0.0, "share/missing": 0.0}


def test_a_line_for_a_log_says_what_each_part_was():
    parts = (
        Part(name="good", kind="criterion", value=0.5, weight=1.0),
        Part(name="open", kind="criterion", value=None, weight=1.0, na=True),
    )

    assert values_of(Score(id="r", group="g", score=0.5, status="scored", parts=parts)) == "good=0.50, open=n/a"


def test_a_line_for_a_log_says_why_with_the_evidence():
    parts = (
        Part(name="good", kind="criterion", value=1.0, weight=1.0, reason="it is short", evidence="30 days"),
        Part(name="length", kind="check", value=1.0, weight=0.0, gate=True),
        Part(name="quoted", kind="criterion", value=1.0, weight=1.0, evidence="90 days"),
    )

    told = reasons_of(Score(id="r", group="g", score=0.5, status="scored", parts=parts))

    assert told == 'good: it is short "30 days"\nquoted:  "90 days"'
