from fractions import Fraction
from math import comb

import pytest

from dikast.stats.mcnemar import mcnemar


def by_counting(worse: int, better: int) -> Fraction:
    """Over all ways in which so many coins fall: those at least as far from even."""
    n = worse + better
    far = abs(2 * worse - n)
    return Fraction(sum(comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= far), 2**n)


@pytest.mark.parametrize("n", range(13))
def test_it_is_the_share_of_outcomes_that_are_as_far_from_even(n: int):
    for worse in range(n + 1):
        assert mcnemar(worse, n - worse) == pytest.approx(float(by_counting(worse, n - worse)))


def test_without_a_change_there_is_nothing_to_tell_apart():
    assert mcnemar(0, 0) == 1.0
