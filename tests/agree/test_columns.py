"""Reading: both formats say the same, and what cannot be used is told in one line with its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.agree import columns as reading
from dikast.agree.columns import MAX_LINE_BYTES, read_columns
from dikast.errors import DataError

ROW = '{"item": "a", "rater": "r", "label": 1}\n'


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def values(path: Path, name: str) -> list:
    column = getattr(read_columns(path), name)
    return [column.seen[code] for code in column.codes]


def test_jsonl_gives_every_row_with_its_line(tmp_path: Path):
    path = written(
        tmp_path, "r.jsonl", ROW + "\n" + ROW.replace('"a"', "7").replace("1}", 'null, "repeat": 2, "x": []}')
    )

    assert values(path, "item") == ["a", 7]
    assert values(path, "label") == [1.0, None]
    assert values(path, "repeat") == [None, 2]
    assert read_columns(path).line.tolist() == [1, 3]


def test_csv_gives_the_same_with_its_columns_in_any_order(tmp_path: Path):
    content = '\ufeffRater, label, item, note\nr, 1, "a, b", x\n\ns,, c,\n'

    path = written(tmp_path, "r.csv", content)

    assert values(path, "item") == ["a, b", "c"]
    assert values(path, "label") == ["1", ""]
    assert values(path, "criterion") == [None, None]
    assert read_columns(path).line.tolist() == [2, 4]


def test_white_space_around_a_cell_is_none_of_a_name(tmp_path: Path):
    path = written(tmp_path, "r.csv", "item,rater,label,order\na ,r ,1 ,\na, r,1, ab \n")

    assert (values(path, "item"), values(path, "rater")) == (["a", "a"], ["r", "r"])
    assert values(path, "order") == [None, "ab"]


def test_a_table_with_tabs_is_read_by_its_name(tmp_path: Path):
    assert values(written(tmp_path, "r.tsv", "item\trater\tlabel\na,b\tr\tyes\n"), "item") == ["a,b"]


def test_true_is_not_one_though_python_takes_it_for_it(tmp_path: Path):
    rows = "".join(ROW.replace("1}", f"{label}}}") for label in ("1", "true", "1.0", "false", "0"))

    assert values(written(tmp_path, "r.jsonl", rows), "label") == [1.0, "true", 1.0, "false", 0.0]


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.sampled_from("rst"), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
    )
)
def test_blocks_of_any_size_give_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, float]]
):
    content = "".join(json.dumps({"item": i, "rater": r, "label": x}) + "\n" for i, r, x in rows)
    path = written(tmp_path_factory.mktemp("blocks"), "r.jsonl", content)
    small, reading._BLOCK_BYTES = reading._BLOCK_BYTES, 64
    try:
        assert values(path, "item") == [i for i, _, _ in rows]
        assert values(path, "label") == [x for _, _, x in rows]
        assert read_columns(path).line.tolist() == list(range(1, len(rows) + 1))
    finally:
        reading._BLOCK_BYTES = small


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('{"item": "a", "rater": "r"}', "missing required field `label`"),
        ('{"item": "a", "rater": "r", "label": [1]}', "`$.label`"),
        ('{"item": null, "rater": "r", "label": 1}', "`$.item`"),
        ('{"item": "a", "rater": "", "label": 1}', "length >= 1 - at `$.rater`"),
        ('{"item": "a", "rater": "r", "label": NaN}', "not valid JSON"),
        ('{"item": "a", "rater": "r", "label": 1e999}', "out of range"),
        ('{"item": "a", "rater": "r", "label": 1', "not valid JSON"),
        ('["a", "r", 1]', "Expected `object`"),
        ('{"item": "a", "rater": "\\ud800", "label": 1}', "not valid JSON"),
        ('{"item": "a", "x": ' + "[" * 5000 + "]" * 5000 + ', "rater": "r", "label": 1}', "not valid JSON"),
    ],
)
def test_a_broken_line_is_told_with_its_number(tmp_path: Path, broken: str, said: str):
    path = written(tmp_path, "r.jsonl", ROW + "\n" + broken + "\n" + ROW)

    with pytest.raises(DataError) as caught:
        read_columns(path)

    assert str(caught.value).startswith(f"{path}:3: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("item,label\na,1\n", 1, "no column 'rater'"),
        ("item,rater,label,item\na,r,1,b\n", 1, "two columns 'item'"),
        ("item,rater,label\na,r,1\na,r\n", 3, "2 cells, but the header has 3"),
        ("item,rater,label\na,r,1\n,r,1\n", 3, "no item"),
        ('item,rater,label\na,r,"x" y\n', 2, "not valid CSV"),
        ("item,rater,label\n" + "a" * 200_000 + ",r,1\n", 2, "not valid CSV"),
        (b"item,rater,label\na,r,\xff\n", 2, "not UTF-8"),
        ("", 1, "no column 'item'"),
    ],
)
def test_a_broken_table_is_told_with_its_line(tmp_path: Path, content: str | bytes, line: int, said: str):
    path = written(tmp_path, "r.csv", content)

    with pytest.raises(DataError) as caught:
        read_columns(path)

    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["r.jsonl", "r.csv"])
def test_a_line_without_an_end_is_bounded(tmp_path: Path, name: str):
    path = written(tmp_path, name, "item,rater,label\n" + "x" * (MAX_LINE_BYTES + 1))

    with pytest.raises(DataError, match=r":2: the line has more than|:1: not valid JSON"):
        read_columns(path)


@pytest.mark.parametrize(("name", "content"), [("r.jsonl", "\n \n"), ("r.csv", "item,rater,label\n")])
def test_a_file_without_rows_is_told(tmp_path: Path, name: str, content: str):
    with pytest.raises(DataError, match="no row"):
        read_columns(written(tmp_path, name, content))


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(DataError, match="no such file"):
        read_columns(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_columns(tmp_path)
