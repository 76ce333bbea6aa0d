from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.web.review.queue import doubt, ordered

KEYS = [f"u{at}" for at in range(400)]
DOUBTS = {key: at / 400 for at, key in enumerate(KEYS)}

keys_with_doubts = st.dictionaries(st.text(max_size=8), st.none() | st.floats(0, 1), max_size=40)


@given(keys_with_doubts, st.integers(0, 99))
def test_every_unit_has_one_place(doubts, seed):
    places = ordered(doubts, seed=seed)

    assert Counter(place.key for place in places) == Counter(doubts.keys())


@given(keys_with_doubts, st.integers(0, 99))
def test_the_order_depends_on_the_seed_and_not_on_the_files_order(doubts, seed):
    turned = dict(reversed(doubts.items()))

    assert ordered(turned, seed=seed) == ordered(doubts, seed=seed)


def test_half_is_drawn_at_random_and_half_is_what_judges_are_least_sure_of():
    first = ordered(DOUBTS, seed=0)[:100]

    unsure = [place for place in first if place.drawn == "unsure"]
    assert len(unsure) == 50
    assert min(DOUBTS[place.key] for place in unsure) > 0.7


def test_what_is_drawn_at_random_does_not_depend_on_the_doubts():
    turned = {key: 1 - value for key, value in DOUBTS.items()}

    def drawn(doubts):
        return [place.key for place in ordered(doubts, seed=5) if place.drawn == "random"]

    assert drawn(turned) == drawn(DOUBTS)


def test_the_random_half_has_the_mean_of_all_units_over_seeds():
    means = []
    for seed in range(200):
        sample = [place for place in ordered(DOUBTS, seed=seed) if place.drawn == "random"][:30]
        means.append(sum(DOUBTS[place.key] for place in sample) / len(sample))

    # The standard error of 200 means of 30 out of 0..1 is below 0.004.
    assert sum(means) / len(means) == pytest.approx(sum(DOUBTS.values()) / len(DOUBTS), abs=0.016)


def test_a_place_does_not_tell_why_it_was_chosen():
    places = ordered(DOUBTS, seed=0)

    even = Counter(place.drawn for place in places[:300:2])
    assert 50 < even["random"] < 100


def test_more_units_leave_the_draw_of_the_earlier_ones_as_it_was():
    few = {key: DOUBTS[key] for key in KEYS[:200]}

    before = {place.key: place.drawn for place in ordered(few, seed=1)}
    after = {place.key: place.drawn for place in ordered(DOUBTS, seed=1)}

    assert before.items() <= after.items()


@pytest.mark.parametrize("nothing", [None, 0.0])
def test_without_any_doubt_everything_is_drawn_at_random(nothing):
    places = ordered(dict.fromkeys(KEYS, nothing), seed=0)

    assert {place.drawn for place in places} == {"random"}
    assert [place.key for place in places] != KEYS


def test_a_half_that_was_labelled_by_doubt_is_never_random_again():
    half = {place.key for place in ordered(DOUBTS, seed=0) if place.drawn == "unsure"}

    later = ordered(dict.fromkeys(KEYS, None), seed=0, begun=True)

    assert {place.key for place in later if place.drawn == "unsure"} == half


def test_doubt_is_greatest_at_the_cut():
    assert doubt(0.5, [], 0.5) == 1
    assert doubt(0.8, [], 0.8) == 1
    assert doubt(0.0, [], 0.5) == doubt(1.0, [], 0.5) == 0
    assert doubt(0.0, [], 0.8) == 0
    assert 0 < doubt(0.6, [], 0.5) < 1


def test_doubt_is_great_where_votes_split_whatever_their_mean_says():
    assert doubt(0.98, [1.0, 0.0], 0.5) == 1
    assert doubt(1.0, [1.0, 1.0, 0.0], 0.5) == pytest.approx(2 / 3)
    assert doubt(1.0, [1.0, 1.0, 1.0], 0.5) == 0


def test_not_applicable_tells_no_doubt():
    assert doubt(None, [], 0.5) == 0
