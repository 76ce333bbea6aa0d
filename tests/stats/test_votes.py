"""A panel's effective votes: all of them where they are independent, one where they are copies."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.stats.votes import VoteAgreement

VOTES = st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), max_size=30)


def agreement(rows: list[list[float | None]], members: int = 3) -> VoteAgreement:
    made = VoteAgreement(members)
    for row in rows:
        made.add(row)
    return made


def test_copies_count_as_one():
    assert agreement([[x, x, x] for x in (0.1, 0.5, 0.9)]).effective == pytest.approx(1.0)


def test_independent_members_count_each():
    dice = random.Random(0)

    assert agreement([[dice.random() for _ in range(3)] for _ in range(4000)]).effective == pytest.approx(3.0, abs=0.15)


def test_two_copies_and_one_other_by_kishs_formula():
    rows = [[a, a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)]

    # Correlations: 1 between the copies, 0 with the other, so the sum over all pairs is 3 + 2.
    assert agreement(rows).effective == pytest.approx(9 / 5)


def test_a_member_that_always_says_the_same_agrees_with_nobody():
    assert agreement([[x, 0.5, 1 - x] for x in (0.0, 0.3, 1.0)]).effective == 3.0


def test_a_unit_on_which_somebody_is_missing_is_left_out():
    assert agreement([[0.0, None, 1.0], [0.2, 0.2, 0.2]]).n == 1


@given(VOTES)
def test_it_lies_between_one_and_the_number_of_members(rows: list[list[float]]):
    assert 1.0 <= agreement(rows).effective <= 3.0
