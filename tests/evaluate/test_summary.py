"""Figures and contrasts over documents and seeds."""

import pytest

from dikast.evaluate.records import Value
from dikast.evaluate.summary import contrasts_of, figures_of, pairs_of


def values(arm, metric, numbers, *, seed=0):
    return [
        Value(seed=seed, arm=arm, metric=metric, document=f"d{at}", value=number) for at, number in enumerate(numbers)
    ]


def test_what_is_missing_is_in_no_mean_and_is_counted():
    figure = figures_of(values("a", "gold", [1.0, None, 0.0, None]))["a"]["gold"]

    assert (figure.value, figure.n, figure.missing) == (0.5, 2, 2)


def test_a_metric_that_could_not_be_had_at_all_is_no_number():
    figure = figures_of(values("a", "gold", [None, None]))["a"]["gold"]

    assert (figure.value, figure.low, figure.high, figure.n, figure.missing) == (None, None, None, 0, 2)


def test_every_arm_has_the_metrics_that_a_report_promises():
    figures = figures_of(values("a", "words", [3.0]))["a"]

    assert {"reward", "gold", "json_validity", "judge_score", "best_of_k"} <= set(figures)
    assert figures["gold"].value is None


def test_validity_without_a_failure_is_not_certain():
    figure = figures_of(values("a", "json_validity", [1.0] * 200))["a"]["json_validity"]

    assert figure.value == 1.0
    assert figure.low == pytest.approx(0.981, abs=0.001)
    # The exact bound for 200 of 200 is 0.05 ** (1 / 200).
    assert figure.exact_low == pytest.approx(0.05 ** (1 / 200))


def test_a_document_counts_once_however_many_seeds_there_are():
    one = values("a", "json_validity", [1.0, 1.0, 0.0, 1.0])
    three = [v for seed in range(3) for v in values("a", "json_validity", [1.0, 1.0, 0.0, 1.0], seed=seed)]

    assert figures_of(three) == figures_of(one)


def test_a_contrast_is_paired_by_document():
    # Documents differ far more than arms do: unpaired, the difference would drown.
    base = [0.0, 0.2, 0.4, 0.6, 0.8] * 6
    found = contrasts_of([*values("sft_start", "gold", base), *values("rft", "gold", [x + 0.1 for x in base])])

    contrast = next(c for c in found if c.metric == "gold")
    assert (contrast.a, contrast.b, contrast.n) == ("rft", "sft_start", 30)
    assert contrast.value == pytest.approx(0.1)
    assert contrast.low == pytest.approx(0.1)
    assert contrast.p < 0.001


def test_documents_that_only_one_arm_has_values_for_are_in_no_contrast():
    found = contrasts_of([*values("x", "gold", [0.0, 0.0, 0.0]), *values("y", "gold", [1.0, None, 1.0, 0.0])])

    assert [(c.value, c.n) for c in found] == [(1.0, 2)]


def test_a_contrast_tells_each_seeds_difference():
    rows = [
        *values("x", "gold", [0.0, 0.0], seed=1),
        *values("y", "gold", [0.2, 0.4], seed=1),
        *values("x", "gold", [0.1, 0.1], seed=2),
        *values("y", "gold", [0.0, 0.0], seed=2),
    ]

    contrast = contrasts_of(rows)[0]

    assert contrast.by_seed == {"1": pytest.approx(0.3), "2": pytest.approx(-0.1)}
    assert contrast.value == pytest.approx(0.1)


def test_a_runs_arms_have_their_own_pairs_and_others_are_compared_with_those_before_them():
    assert pairs_of(["base", "sft_start", "sft_long", "rft"])[:2] == [("rft", "sft_start"), ("rft", "sft_long")]
    assert pairs_of(["one", "two", "three"]) == [("two", "one"), ("three", "one"), ("three", "two")]
    assert pairs_of(["alone"]) == []
