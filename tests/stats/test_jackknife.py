import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ratings import ratings_of

from dikast.stats.intervals import unknown
from dikast.stats.jackknife import alphas, item_tables, kappas, pair_tables, variance
from dikast.stats.overall import overall
from dikast.stats.pairs import compare
from dikast.stats.ratings import Tallies

VALUES = np.array([0.0, 1.0, 2.0])
SQUARE = (VALUES[:, None] - VALUES[None, :]) ** 2
rows = st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 2.0])] * 2), min_size=3, max_size=25)
tables = st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, None]), min_size=3, max_size=3), min_size=2, max_size=15)


def by_definition(figures: list[float | None]) -> float:
    """Of the figure without each item in turn."""
    values = np.array(figures, float)
    return (len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum()


@given(rows)
def test_leaving_out_kinds_of_items_is_leaving_out_every_item(pairs: list[tuple[float, float]]):
    a, b = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    found = pair_tables(a, b, 3)
    assert found is not None
    whole, without, counts = found

    ours = variance(float(kappas(whole[None], SQUARE)[0]), kappas(without, SQUARE), counts)

    each = [
        compare(ratings_of(pairs[:at] + pairs[at + 1 :], VALUES.tolist()), 0, 1).kappa_quadratic
        for at in range(len(pairs))
    ]
    if None in each:
        assert ours is None
    elif ours is not None:
        assert ours == pytest.approx(by_definition(each), abs=1e-9)


@given(tables)
def test_alphas_of_tables_are_alphas_without_each_item(table: list[list[float | None]]):
    paired = [row for row in table if sum(x is not None for x in row) > 1]
    found = item_tables(Tallies.of(ratings_of(table, VALUES.tolist())))
    if found is None:
        assert not paired
        return
    whole, without, counts = found

    for values, name in ((VALUES, "interval"), (None, "ordinal")):
        ours = variance(float(alphas(whole[None], values)[0]), alphas(without, values), counts)
        each = [
            getattr(overall(ratings_of(rest, VALUES.tolist()), unknown(), {}).krippendorff_alpha, name)
            for rest in (paired[:at] + paired[at + 1 :] for at in range(len(paired)))
        ]
        if None in each:
            assert ours is None
        elif ours is not None:
            assert ours == pytest.approx(by_definition(each), abs=1e-9)


def test_too_many_labels_have_no_tables():
    codes = np.arange(100)

    assert pair_tables(codes, codes, 100) is None
    assert item_tables(Tallies.of(ratings_of([(float(at), float(at)) for at in range(100)]))) is None
