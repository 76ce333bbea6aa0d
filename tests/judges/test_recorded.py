"""Verdicts that were taken elsewhere are given as they stand, and what was not recorded is missing."""

import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dikast.errors import DataError
from dikast.judges.recorded import RecordedJudge
from dikast.judges.render import Case
from dikast.records import Missing, Usage, Verdict
from dikast.spec.judge import Criterion

GOOD = Criterion(id="good", ask="Is it good?")
OPEN = Criterion(id="open", ask="Does it apply?", na=True)

Recorded = Callable[..., RecordedJudge]


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncGenerator[Recorded]:
    """A judge over these lines; what is no bytes is written as JSON. Closed when the test is over."""
    made: list[RecordedJudge] = []

    def make(*lines: Any) -> RecordedJudge:
        path = tmp_path / "verdicts.jsonl"
        path.write_bytes(b"\n".join(map(line_of, lines)) + b"\n")
        made.append(RecordedJudge("recorded:verdicts.jsonl", path))
        return made[-1]

    yield make
    for judge in made:
        await judge.close()


def line_of(line: Any) -> bytes:
    return line if isinstance(line, bytes) else json.dumps(line).encode()


def row(name: str, good: Any, *, item: int | None = None) -> dict[str, Any]:
    return {"id": name, "verdicts": {"good": good}} | ({} if item is None else {"item": item})


async def said_of(judge: RecordedJudge, *units: str | tuple[str, int]) -> list[Any]:
    """What is given on each unit, one question after the other: a value, or the reason why there is none."""
    found: list[Any] = []
    for unit in units:
        name, item = (unit, None) if isinstance(unit, str) else unit
        [verdicts], usage = await judge.judge([case_of(name, item)], (GOOD,))
        verdict = verdicts["good"]
        assert usage == Usage(questions=1)
        found.append(verdict.value if isinstance(verdict, Verdict) else verdict.reason)
    return found


def case_of(name: str, item: int | None = None) -> Case:
    return Case(documents=(), candidate="c", rollout=name, item=item)


ROWS = [row("a", 0.1), row("b", 0.2), row("c", 0.3)]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("abc", [0.1, 0.2, 0.3]),
        ("cab", [0.3, 0.1, 0.2]),
        ("bc", [0.2, 0.3]),
        ("aabbcc", [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]),
        ("abcabc", [0.1, 0.2, 0.3] * 2),
        ("axc", [0.1, "rejected", 0.3]),
        ("xabc", ["rejected", 0.1, 0.2, 0.3]),
        ("abcx", [0.1, 0.2, 0.3, "rejected"]),
    ],
)
async def test_a_verdict_is_found_in_whatever_order_it_is_asked_for(recorded: Recorded, asked: str, said: list[Any]):
    assert await said_of(recorded(*ROWS), *asked) == said


async def test_lines_in_order_are_read_as_they_are_needed(recorded: Recorded):
    judge = recorded(*ROWS, b"this line is broken")

    assert await said_of(judge, "a", "b", "c") == [0.1, 0.2, 0.3]
    with pytest.raises(DataError, match=r"verdicts.jsonl:4: no recorded verdicts \("):
        await said_of(judge, "d")


async def test_items_of_one_rollout_are_told_apart(recorded: Recorded):
    judge = recorded(row("a", 0.1), row("a", 0.2, item=0), row("a", 0.3, item=1))

    assert await said_of(judge, ("a", 1), "a", ("a", 0), ("a", 2)) == [0.3, 0.1, 0.2, "rejected"]


@pytest.mark.parametrize("asked", ["ab", "ba"])
async def test_of_two_lines_about_one_unit_the_first_stands_in_whatever_order_is_asked(recorded: Recorded, asked: str):
    judge = recorded(row("a", 0.1), row("a", 0.9), row("b", 0.2))

    assert dict(zip(asked, await said_of(judge, *asked), strict=True)) == {"a": 0.1, "b": 0.2}


@pytest.mark.parametrize(
    ("said", "value"),
    [(0, 0.0), (1, 1.0), (0.5, 0.5), (True, 1.0), (False, 0.0), ({"value": 0.5}, 0.5), ({"value": True}, 1.0)],
)
async def test_what_says_how_far_it_is_a_yes_is_a_verdict(recorded: Recorded, said: Any, value: float):
    assert await said_of(recorded(row("a", said)), "a") == [value]


ODD = [None, -0.1, 1.1, 2, "yes", "0.5", "n/a", [], [1], {}, {"value": None}, {"value": "yes"}]


@pytest.mark.parametrize("said", [*ODD, {"value": [1]}, {"value": {"value": 1}}, {"verdict": 1}, {"value": "n/a"}])
async def test_what_does_not_is_missing_and_never_a_guess(recorded: Recorded, said: Any):
    [verdicts], _ = await recorded(row("a", said)).judge([case_of("a")], (GOOD,))

    assert verdicts == {"good": Missing("rejected", "verdicts.jsonl has no verdict of 'good' on 'a'")}


@pytest.mark.parametrize("said", ["n/a", {"value": "n/a"}])
async def test_not_applicable_is_a_verdict_where_the_criterion_allows_it(recorded: Recorded, said: Any):
    [verdicts], _ = await recorded({"id": "a", "verdicts": {"open": said}}).judge([case_of("a")], (OPEN,))

    assert verdicts == {"open": Verdict(value=None)}


async def test_reason_and_evidence_go_with_their_verdict_where_they_are_texts(recorded: Recorded):
    told = {"good": {"value": 0.5, "reason": "so", "evidence": "there"}, "open": {"value": "n/a", "reason": 7}}

    [verdicts], _ = await recorded({"id": "a", "verdicts": told}).judge([case_of("a")], (GOOD, OPEN))

    assert verdicts == {"good": Verdict(value=0.5, reason="so", evidence="there"), "open": Verdict(value=None)}


async def test_a_criterion_that_was_not_recorded_is_missing_and_the_others_stand(recorded: Recorded):
    [verdicts], _ = await recorded(row("a", 0.5)).judge([case_of("a")], (GOOD, OPEN))

    assert verdicts["good"] == Verdict(value=0.5)
    assert verdicts["open"] == Missing("rejected", "verdicts.jsonl has no verdict of 'open' on 'a'")


async def test_several_cases_are_answered_in_their_order(recorded: Recorded):
    verdicts, usage = await recorded(*ROWS).judge([case_of(name) for name in "cba"], (GOOD,))

    assert [one["good"].value for one in verdicts if isinstance(one["good"], Verdict)] == [0.3, 0.2, 0.1]
    assert usage == Usage(questions=3)


async def test_blank_lines_say_nothing(recorded: Recorded):
    assert await said_of(recorded(b"", row("a", 0.1), b"  ", row("b", 0.2)), "a", "b") == [0.1, 0.2]


BROKEN = [
    b"\xff",
    b'{"id": "\xff", "verdicts": {}}',
    b"[" * 100_000,
    b'{"id": "a", "verdicts": {"good": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
    b'{"id": "a", "verdicts": {"good": 1e999}}',
    b'{"id": "a", "verdicts": {"good": ' + b"9" * 5_000 + b"}}",
    b'{"id": "a", "verdicts": {"good": NaN}}',
    b'{"id": "\\ud800", "verdicts": {}}',
    b'{"id": 1, "verdicts": {}}',
    b'{"id": "a", "item": true, "verdicts": {}}',
    b'{"id": "a", "verdicts": [1]}',
    b'{"verdicts": {}}',
    b'{"id": "a"}',
    b"null",
    b'{"id": "a", "verdicts": {}} {"id": "b", "verdicts": {}}',
]


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
async def test_a_line_that_holds_no_verdicts_is_told_with_file_and_line(recorded: Recorded, line: bytes):
    judge = recorded(row("z", 0.5), line)

    for _ in range(2):
        with pytest.raises(DataError, match=r"verdicts\.jsonl:2: no recorded verdicts \("):
            await said_of(judge, "other")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "reason", "evidence", "x"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=JSON.filter(lambda said: "Infinity" not in json.dumps(said)))
async def test_any_value_gives_a_verdict_that_can_be_written_or_what_is_missing(recorded: Recorded, said: Any):
    [verdicts], _ = await recorded({"id": "a", "verdicts": {"good": said, "open": said}}).judge(
        [case_of("a")], (GOOD, OPEN)
    )

    for verdict in verdicts.values():
        assert isinstance(verdict, Missing) or verdict.value is None or 0 <= verdict.value <= 1
        msgspec.json.encode(verdict)


def test_its_fingerprint_is_the_files(recorded: Recorded):
    first, same, other = (recorded(*rows).fingerprint for rows in (ROWS, ROWS, ROWS[:2]))

    assert first == same != other


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(DataError, match=r"verdicts\.jsonl: cannot be read \(No such file"):
        RecordedJudge("recorded:verdicts.jsonl", tmp_path / "verdicts.jsonl")


async def test_a_judge_that_was_closed_reads_its_file_anew(recorded: Recorded):
    judge = recorded(*ROWS)
    await said_of(judge, "a")

    await judge.close()

    assert await said_of(judge, "a", "c") == [0.1, 0.3]
