"""Rollouts from files: what a row may leave out, and what is said about a broken one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dikast.errors import DataError, UnavailableError
from dikast.records import Message, Rollout
from dikast.rollouts import group_of, read_rollouts, read_rows, rollouts_in, scan_rollouts, write_rows

Write = Callable[..., Path]

TEXT = st.sampled_from(
    ['"a"', '"b"', '"\\ud800"', '"é"', "1", "1e999", "9" * 5000, "null", "[]", '"\\q"', '"' + "x" * 5000 + '"']
)
ROWS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["id", "group", "prompt", "completion", "contract", "other"]), TEXT | st.just('"a"')),
        max_size=2,
    )
    .map(
        lambda more: ", ".join(
            f'"{name}": {value}'
            for name, value in [*((n, '"a"') for n in ("id", "group", "prompt", "completion", "contract")), *more]
        )
    )
    .map(lambda fields: "{" + fields + "}"),
    min_size=1,
    max_size=4,
)
"""Lines that are right but for some fields, which stand twice: the last one holds."""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def lines(*rows: str | bytes | dict[str, Any]) -> Path:
        path = tmp_path / "rollouts.jsonl"
        raw = [
            row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode()
            for row in rows
        ]
        path.write_bytes(b"\n".join(raw))
        return path

    return lines


def test_every_key_that_is_not_fixed_is_a_column(write: Write):
    path = write(
        {"id": 7, "group": "g", "prompt": "p", "completion": "c", "reference": "r", "contract": "text", "n": [1, None]}
    )

    assert read_rollouts(path) == [
        Rollout(
            id="7", group="g", prompt="p", completion="c", reference="r", columns={"contract": "text", "n": [1, None]}
        )
    ]


def test_without_id_a_row_is_named_by_its_line_and_without_group_by_its_prompt(write: Write):
    path = write(
        {"prompt": "p", "completion": "a"}, "", {"prompt": "p", "completion": "b"}, {"prompt": "q", "completion": "b"}
    )

    first, second, other = read_rollouts(path)

    assert [r.id for r in (first, second, other)] == ["line-1", "line-3", "line-4"]
    assert first.group == second.group == group_of("p")
    assert other.group != first.group


def test_a_path_may_be_a_text(write: Write, tmp_path: Path):
    path = write({"id": "a", "prompt": "p", "completion": "c"})

    write_rows(str(tmp_path / "copy.jsonl"), read_rollouts(str(path)))

    assert (tmp_path / "copy.jsonl").exists()


def test_an_id_or_a_group_of_null_is_none(write: Write):
    path = write(
        {"id": None, "group": None, "prompt": "p", "completion": "a"},
        {"id": None, "group": None, "prompt": "q", "completion": "b"},
    )

    first, second = read_rollouts(path)

    assert (first.id, second.id) == ("line-1", "line-2")
    assert (first.group, second.group) == (group_of("p"), group_of("q"))


def test_a_folder_in_the_place_of_a_file_to_write_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    for place in (tmp_path, Path()):
        with pytest.raises(UnavailableError, match=r"cannot be written \(it is a folder\); name a file in it"):
            write_rows(place, [])


def test_a_prompt_may_be_a_chat(write: Write):
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]

    [rollout] = read_rollouts(write({"prompt": turns, "completion": "c"}))

    assert rollout.prompt == (Message(role="system", content="s"), Message(role="user", content="u"))
    assert rollout.group == group_of(rollout.prompt)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": "p"', ":2: not valid JSON (Expecting ',' delimiter); each line must be one JSON object"),
        ('{"prompt": "p"} {}', ":2: not valid JSON (Extra data); each line must be one JSON object"),
        ("[" * 100_000, ":2: not valid JSON (nested too deeply)"),
        ("[]", ":2: must be a JSON object, not list"),
        ("null", ":2: must be a JSON object, not NoneType"),
        (b"\xff", ":2: not valid JSON ("),
        ('{"completion": "c"}', ":2: no 'prompt'; add the text or the chat messages that were answered"),
        ('{"prompt": 3, "completion": "c"}', ":2: 'prompt' must be a text or a list of role and content ("),
        (
            '{"prompt": [{"role": "user"}], "completion": "c"}',
            ":2: 'prompt' must be a text or a list of role and content (",
        ),
        ('{"prompt": "p"}', ":2: 'completion' must be a text; add it, or score a file of rollouts"),
        ('{"prompt": "p", "completion": null}', ":2: 'completion' must be a text; add it, or score a file of rollouts"),
        ('{"prompt": [{"\\ud800": 1}], "completion": ""}', ":2: 'prompt' must be a text or a list"),
        ('{"prompt": "\\ud800", "completion": ""}', ":2: 'id', 'group' or 'prompt' holds half a surrogate"),
        ('{"prompt": "p", "completion": "", "id": "\\udc00"}', ":2: 'id', 'group' or 'prompt' holds half a surrogate"),
    ],
)
def test_a_broken_line_is_told_with_file_and_line(write: Write, line: str | bytes, said: str):
    path = write({"prompt": "p", "completion": "c"}, line)

    with pytest.raises(DataError) as error:
        read_rollouts(path)

    assert str(error.value).startswith(f"{path}{said}")
    assert "\n" not in str(error.value)


def test_a_completion_may_hold_what_no_file_can_since_a_policy_wrote_it(write: Write):
    [rollout] = read_rollouts(write('{"prompt": "p", "completion": "\\ud800"}'))

    assert rollout.completion == "\ud800"


def test_a_line_that_is_far_too_long_is_refused_with_its_number(write: Write, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dikast.rollouts.MAX_LINE_BYTES", 100)
    path = write({"prompt": "p", "completion": "c"}, {"prompt": "p", "completion": "c" * 100})

    with pytest.raises(DataError, match=r":2: the line has \d+ bytes \(limit 100\)"):
        read_rollouts(path)


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path: Path):
    with pytest.raises(DataError, match="no such file"):
        read_rollouts(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="cannot be read"):
        read_rollouts(tmp_path)


def read_or_told(path: Path) -> list[Rollout] | str:
    try:
        return read_rollouts(path)
    except DataError as error:
        return str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.text('{}[]":,promtcel\\ud80 01\n', max_size=80).map(str.encode)))
def test_any_bytes_are_rollouts_or_an_error_with_the_file(tmp_path: Path, content: bytes):
    path = tmp_path / "any.jsonl"
    path.write_bytes(content)

    outcome = read_or_told(path)

    assert isinstance(outcome, list) or outcome.startswith(f"{path}:")


def test_rows_that_were_written_are_read_again(tmp_path: Path):
    rows = [{"a": 1}, {"b": ["é", None]}]

    write_rows(tmp_path / "new" / "rows.jsonl", rows)

    assert list(read_rows(tmp_path / "new" / "rows.jsonl")) == [(1, rows[0]), (2, rows[1])]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    write_rows(path, [{"old": 1}])

    def broken():
        yield {"new": 1}
        raise OSError(28, "No space left on device")

    with pytest.raises(UnavailableError, match=r"cannot be written \(No space left on device\)"):
        write_rows(path, broken())

    assert list(read_rows(path)) == [(1, {"old": 1})]
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_parquet_gives_the_same_rollouts(tmp_path: Path, write: Write):
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet comes with the extra 'train'")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [
        {"prompt": [{"role": "user", "content": f"Q{at}?"}], "completion": "a", "n": [at], "contract": f"text {at}"}
        for at in range(3)
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")

    assert read_rollouts(tmp_path / "rows.parquet") == read_rollouts(write(*rows))


def test_what_is_no_parquet_is_told(tmp_path: Path):
    pytest.importorskip("pyarrow", reason="Parquet comes with the extra 'train'")
    (tmp_path / "rows.parquet").write_text("{}")

    with pytest.raises(DataError, match=r"rows\.parquet: cannot be read as Parquet"):
        read_rollouts(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="no such file"):
        read_rollouts(tmp_path / "none.parquet")


class TestScan:
    def test_it_counts_and_sees_whether_groups_stand_together(self, write: Write):
        together = [{"prompt": p, "completion": "a"} for p in "ppqq"]

        assert scan_rollouts(write(*together)).together
        assert not scan_rollouts(write(*together, together[0])).together
        assert scan_rollouts(write(*together)).rollouts == 4

    def test_bad_lines_are_told_or_skipped_and_counted(self, write: Write):
        path = write({"prompt": "p", "completion": "a"}, "{", {"prompt": "p"}, {"prompt": "q", "completion": "b"})

        with pytest.raises(DataError, match=":2: not valid JSON"):
            scan_rollouts(path)
        scan = scan_rollouts(path, skip_bad=True)

        assert (scan.rollouts, [number for number, _ in scan.bad]) == (2, [2, 3])
        assert [rollout.id for rollout in rollouts_in(scan)] == ["line-1", "line-4"]

    def test_what_cannot_be_scored_is_told_with_its_line(self, write: Write):
        def require(rollout: Rollout) -> None:
            if "contract" not in rollout.columns:
                raise DataError(f"rollout '{rollout.id}': no column 'contract'")

        path = write({"prompt": "p", "completion": "a", "contract": "c"}, {"prompt": "p", "completion": "a"})

        with pytest.raises(DataError, match=r":2: rollout 'line-2': no column 'contract'"):
            scan_rollouts(path, require=require)

    def test_a_row_that_holds_enough_is_not_asked_about_and_another_is(self, write: Write):
        asked: list[str] = []
        whole = {"id": "a", "group": "g", "prompt": "p", "completion": "", "contract": "c"}
        others = [whole | {"id": 1}, whole | {"contract": {}}, whole | {"prompt": []}, whole | {"contract": "é" * 5000}]

        scan_rollouts(write(whole, *others), require=lambda rollout: asked.append(rollout.id), enough=("contract",))

        assert asked == ["1", "a", "a", "a"]

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(ROWS)
    def test_what_is_right_at_first_sight_is_right_on_a_closer_look(self, write: Write, rows: list[str]):
        path = write(*rows)

        assert scanned(path, enough=("contract", "contract")) == scanned(path)


def scanned(path: Path, **how: Any) -> Any:
    """What a file holds whose rows need a contract, or what is wrong with it."""

    def require(rollout: Rollout) -> None:
        if rollout.columns.get("contract") is None:
            raise DataError("no contract")

    try:
        return scan_rollouts(path, require=require, **how)
    except DataError as error:
        return str(error)
