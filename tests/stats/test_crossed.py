import numpy as np

from dikast.stats.crossed import Crossed, crossed
from dikast.stats.ratings import Scale


def test_the_table_holds_the_labels_that_occur_in_their_order():
    met = Crossed.of(np.array([7, 3, 3]), np.array([1, 900, 900]), 1000)

    table = met.table()

    assert table is not None
    assert table.tolist() == [[0, 2], [1, 0]]


def test_labels_that_all_differ_have_no_table():
    codes = np.arange(1000)

    assert Crossed.of(codes, codes[::-1], 1000).table() is None


def test_of_many_labels_those_that_two_raters_used_keep_their_order_and_their_values():
    scale = Scale(labels=tuple(float(x) for x in range(1000)), values=np.arange(1000.0))

    met, values = crossed(np.array([900, 5]), np.array([5, 700]), scale)

    assert values is not None
    assert values.tolist() == [5, 700, 900]
    assert (met.a.tolist(), met.b.tolist(), met.levels) == ([2, 0], [0, 1], 3)
    assert (met.of_a.tolist(), met.of_b.tolist()) == ([1, 0, 1], [1, 1, 0])


def test_codes_of_few_labels_stay_as_they_are():
    scale = Scale(labels=("a", "b", "c"), values=None)

    met, values = crossed(np.array([2]), np.array([0]), scale)

    assert values is None
    assert (met.a.tolist(), met.b.tolist(), met.levels) == ([2], [0], 3)
