import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.stats.intervals import wilson
from dikast.web.review.figures import agreement_of, width_of


def test_agreement_has_its_interval_and_its_n():
    found = agreement_of([(True, True)] * 8 + [(True, False), (False, False)])

    assert found.agreement == wilson(9, 10)
    assert found.kappa.value == pytest.approx(0.615, abs=0.001)


def test_without_an_answer_in_common_there_is_nothing_to_tell():
    found = agreement_of([])

    assert (found.agreement.value, found.width) == (None, None)


def test_the_width_after_more_labels_is_that_of_the_same_share():
    found = width_of(18, 20)

    now, later = wilson(18, 20), wilson(27, 30)
    assert found is not None
    assert found.now == pytest.approx((now.high - now.low) / 2)
    assert found.after["10"] == pytest.approx((later.high - later.low) / 2)


@given(st.integers(1, 300), st.data())
def test_more_labels_never_widen_the_interval(n, data):
    found = width_of(data.draw(st.integers(0, n)), n)

    assert found is not None
    assert found.now >= found.after["10"] >= found.after["50"] > 0
