import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.agree.columns import read_columns
from dikast.agree.verdicts import Counted, by_criterion, count
from dikast.errors import DataError


def criteria(folder: Path, rows: list[dict]) -> dict[str | None, Counted]:
    path = folder / "r.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {one.criterion: count(one) for one in by_criterion(read_columns(path))}


def given_by(counted: Counted) -> dict[tuple[str, str], object]:
    """(rater, item) → label that counts."""
    ratings, labels = counted.ratings, counted.ratings.scale.labels
    names = {int(i): counted.verdicts.name_of(row) for row, i in enumerate(counted.verdicts.item)}
    return {
        (ratings.raters[r], names[i]): None if code < 0 else labels[code]
        for i, r, code in zip(ratings.item.tolist(), ratings.rater.tolist(), ratings.label.tolist(), strict=True)
    }


def row(item: str | int, rater: str, label: object, **more: object) -> dict:
    return {"item": item, "rater": rater, "label": label, **more}


def test_rows_that_repeat_another_count_once_and_are_counted(tmp_path: Path):
    [counted] = criteria(tmp_path, [row("i", "r", 1), row("i", "r", 1), row("i", "r", 1), row("i", "s", 2)]).values()

    assert (counted.duplicates, counted.conflicts) == (2, 0)
    assert given_by(counted) == {("r", "i"): 1.0, ("s", "i"): 2.0}


def test_different_verdicts_on_one_question_count_nowhere_and_are_named(tmp_path: Path):
    rows = [row("i", "r", 1), row("j", "r", 1), row("i", "r", 2), row("j", "r", None), row("k", "r", 1)]

    [counted] = criteria(tmp_path, rows).values()

    assert counted.conflicts == 2
    assert given_by(counted) == {("r", "k"): 1.0}
    assert {(one.item, one.lines) for one in counted.examples} == {("i", (1, 3)), ("j", (2, 4))}


def test_of_repeats_and_orders_the_first_counts_by_size_and_not_by_letters(tmp_path: Path):
    rows = [row("i", "r", at, repeat=at, order=order) for order in ("ba", "ab") for at in (10, 9, 2)]

    [counted] = criteria(tmp_path, rows).values()

    assert given_by(counted) == {("r", "i"): 2.0}
    assert counted.further == 5
    assert counted.verdicts.orders == ("ab", "ba")


def test_one_and_the_text_one_are_the_same_name(tmp_path: Path):
    [counted] = criteria(tmp_path, [row(1, "r", "yes"), row("1", "s", "yes")]).values()

    assert counted.ratings.items == 1


def test_criteria_are_kept_apart_each_with_its_own_labels(tmp_path: Path):
    rows = [row("i", "r", 1, criterion="b"), row("j", "r", "yes", criterion="a"), row("i", "s", 2, criterion="b")]

    found = criteria(tmp_path, rows)

    assert list(found) == ["a", "b"]
    assert (found["a"].verdicts.kind, found["b"].verdicts.kind) == ("texts", "numbers")
    assert found["a"].ratings.raters == ("r",)


def test_a_criterion_for_some_rows_only_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match=r"r\.jsonl:2: no criterion, which other rows have"):
        criteria(tmp_path, [row("i", "r", 1, criterion="a"), row("i", "r", 1)])


def test_a_label_that_is_no_number_is_told_with_its_line(tmp_path: Path):
    with pytest.raises(DataError, match=r"r\.jsonl:2: the label nan is no number"):
        criteria(tmp_path, [row("i", "r", 1), row("j", "r", "nan")])


names = st.sampled_from(["a", "b", "10", "9", 3])
any_rows = st.lists(
    st.tuples(
        names, names, st.sampled_from([None, 1, 2, 3]), st.sampled_from([None, 1, 2]), st.sampled_from([None, "x"])
    ),
    min_size=1,
    max_size=25,
)


@given(any_rows, st.randoms())
def test_the_order_of_the_rows_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple], draw: random.Random
):
    rows = [row(i, str(r), x, repeat=repeat, order=order) for i, r, x, repeat, order in drawn]
    folder = tmp_path_factory.mktemp("rows")

    [one] = criteria(folder, rows).values()
    [other] = criteria(folder, draw.sample(rows, len(rows))).values()

    assert given_by(one) == given_by(other)
    assert (one.duplicates, one.conflicts, one.further) == (other.duplicates, other.conflicts, other.further)
