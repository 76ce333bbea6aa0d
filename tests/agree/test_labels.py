import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.agree.labels import LARGEST, meaning, scale_of
from dikast.stats.ratings import NULL


def read(*raw, nominal: bool = False):
    kind, scale, codes = scale_of([meaning(one) for one in raw], nominal=nominal)
    return kind, [NULL if code == NULL else scale.labels[code] for code in codes.tolist()]


def test_a_text_that_is_a_number_is_one_in_both_formats():
    assert read("1", 1.0, "1.0", " 2 ", ".5", "1e1", "-3") == ("numbers", [1, 1, 1, 2, 0.5, 10, -3])


def test_true_and_false_are_yes_and_no_and_both_exist_though_one_is_never_given():
    assert read("true", "True", None, "FALSE") == ("yes or no", [True, True, NULL, False])
    assert scale_of([meaning("true")])[1].labels == (False, True)


def test_a_persons_yes_may_stand_beside_a_judges_probability():
    assert read("true", 0.7, "false", 0.0) == ("numbers", [1.0, 0.7, 0.0, 0.0])


def test_a_yes_beside_a_scale_from_one_to_five_is_no_number():
    assert read("true", 3.0) == ("texts", ["true", "3"])


def test_one_text_makes_all_of_them_texts_without_an_order():
    kind, labels = read("1", 2.0, "Tie", "true", None)

    assert (kind, labels) == ("texts", ["1", "2", "Tie", "true", NULL])
    assert scale_of([meaning("1"), meaning("Tie")])[1].values is None


def test_numbers_may_be_names():
    assert read(0.0, "2", nominal=True) == ("texts", ["0", "2"])
    assert read("true", "false", nominal=True)[0] == "yes or no"


@pytest.mark.parametrize("raw", [None, "", "  ", "null", "NULL"])
def test_nothing_is_a_verdict_that_could_not_be_had(raw: str | None):
    assert meaning(raw) == meaning(None)
    assert read(raw, 1.0) == ("numbers", [NULL, 1.0])


@pytest.mark.parametrize(
    "raw", ["nan", "NaN", "inf", "-Infinity", "1e999", "9" * 400, 2 * LARGEST, float("inf"), float("nan")]
)
def test_what_no_scale_holds_is_refused(raw: str | float):
    with pytest.raises(ValueError, match=r"is no number|too large"):
        meaning(raw)


@pytest.mark.parametrize("raw", ["1_000", "0x10", "\uff11", "1,5", "--1", "1e", "n/a", "."])
def test_what_python_would_take_for_a_number_and_a_reader_would_not_is_a_text(raw: str):
    assert meaning(raw).text == raw


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.floats(-1e6, 1e6)), max_size=12))
def test_any_labels_make_a_scale_with_every_code_on_it(raw: list):
    try:
        meanings = [meaning(one) for one in raw]
    except ValueError:
        return

    _, scale, codes = scale_of(meanings)

    assert len(codes) == len(raw)
    assert all(NULL <= code < len(scale.labels) for code in codes.tolist())
    assert scale.values is None or (scale.values[1:] > scale.values[:-1]).all()
