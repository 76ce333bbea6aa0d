"""Figures and how numbers are written."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.report.figures import Axis, Mark, Row, axis_around, curve_figure, interval_bar, interval_figure
from dikast.report.flags import family_of, flags_of
from dikast.report.words import digits_for, interval, number, p_value, visible

UNIT = Axis(low=0, high=1, ticks=(0, 0.5, 1), name="share")
finite = st.floats(-1e3, 1e3, allow_subnormal=False)


@given(st.lists(finite, min_size=1, max_size=8))
def test_an_axis_holds_all_values_and_zero_with_few_ticks(values):
    axis = axis_around(values)

    assert axis.low <= min(0, *values)
    assert axis.high >= max(0, *values)
    assert 2 <= len(axis.ticks) <= 10


@given(finite, finite, finite, st.text(max_size=20))
def test_a_figure_is_well_formed_whatever_it_shows(value, low, high, name):
    printable = visible(name)
    mark = Mark(value=value, low=low, high=high, note=printable, bound=low)

    svg = interval_figure([Row(label=printable, marks=(mark,))], UNIT, title=printable, zero=True)

    assert ET.fromstring(svg).tag == "svg"


@given(
    st.lists(st.lists(st.tuples(st.integers(1, 99), st.floats(0, 1)), min_size=1, max_size=9), min_size=1, max_size=3)
)
def test_a_curve_is_well_formed_whatever_it_shows(runs):
    ET.fromstring(curve_figure(runs, UNIT, title="reward"))


def test_a_mark_stands_where_its_value_is():
    svg = ET.fromstring(
        interval_figure([Row(label="a", marks=(Mark(value=0.5, low=0, high=1, note=""),))], UNIT, title="t")
    )

    x = float(svg.find("circle").get("cx"))
    grid = [float(line.get("x1")) for line in svg.findall("line") if line.get("class") == "grid"]
    assert x == pytest.approx(grid[1])


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.5, "0.50"), (-0.25, "−0.25"), (-0.001, "0.00"), (0.0, "0.00")],
)
def test_numbers_are_written_with_a_real_minus_and_none_before_zero(value, written):
    assert number(value) == written


@pytest.mark.parametrize(
    ("bounds", "written"),
    [
        ((0.12, 0.05, 0.19), "0.12 [0.05, 0.19]"),
        ((0.05, 0.002, 0.1), "0.050 [0.002, 0.100]"),
        ((19.24, 15.0, 23.0), "19.2 [15.0, 23.0]"),
        ((0.5, None, None), "0.50"),
        ((None, None, None), "—"),
    ],
)
def test_intervals_have_the_digits_they_need(bounds, written):
    assert interval(*bounds) == written


def test_what_is_too_small_to_write_has_four_digits():
    assert digits_for(0.5, 1e-9) == 4


def test_a_small_p_is_not_written_as_zero():
    assert p_value(0.0002) == "< 0.001"
    assert p_value(None) == "—"


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("local:qwen2.5-coder-1.5b-instruct-q4", "qwen"),
        ("smollm2-135m-instruct", "smollm"),
        ("openai:gpt-oss-120b", "gpt"),
        ("bedrock:us.amazon.nova-lite-v1:0", "nova"),
        ("codellama-7b", "llama"),
        ("dolphin-2", None),
        ("models/checkpoint", None),
    ],
)
def test_a_models_family_is_read_from_its_name(model, family):
    assert family_of(model) == family


def test_a_judge_of_the_policys_family_is_flagged_and_gold_is_not():
    flags = flags_of("local:qwen2.5-1.5b", "qwen2.5-0.5b", ["reward", "gold", "best_of_k_gold", "judge_score"])

    assert flags[0].flag == "same family"
    assert flags[0].metrics == ("reward", "judge_score")


def test_every_member_of_a_panel_is_looked_at():
    flags = flags_of("openai:gpt-oss-120b, local:qwen2.5-1.5b", "qwen2.5-0.5b", ["reward"])

    assert [flag.why for flag in flags if flag.flag == "same family"] == [
        "the judge local:qwen2.5-1.5b is of the policy's family (qwen): models prefer the writing of their own kind"
    ]


def test_a_judge_of_another_family_is_not():
    assert "same family" not in {flag.flag for flag in flags_of("local:qwen2.5-1.5b", "smollm2-135m", ["reward"])}


@given(finite, st.none() | finite, st.none() | finite, st.none() | st.floats(0, 1), st.text(max_size=20))
def test_a_bar_is_well_formed_whatever_it_shows(value, low, high, limit, name):
    svg = interval_bar(value, low, high, limit=limit, title=visible(name))

    drawn = ET.fromstring(svg)
    assert all(0 <= float(place) <= 96 for node in drawn.iter() for key, place in node.items() if key in ("x1", "cx"))


def test_a_bar_shows_its_interval_and_its_limit_at_their_places():
    drawn = ET.fromstring(interval_bar(0.5, 0.25, 0.75, limit=0.9, title="right on yes"))

    found = {node.get("class"): node for node in drawn}
    assert (found["s0 span"].get("x1"), found["s0 span"].get("x2")) == ("26.5", "69.5")
    assert found["limit"].get("x1") == "82.4"
    assert drawn.get("aria-label") == "right on yes"
