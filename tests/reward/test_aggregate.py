"""The five rules of adding up: each by hand, then for whatever values there may be."""

import math
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dikast.checks.base import Outcome
from dikast.records import MISSING_REASONS, Missing, Part, Rollout, Score, Usage, Verdict
from dikast.reward.aggregate import Aggregator, in_range, saturated, set_quality, weighted_mean
from dikast.reward.parts import Judged, Reading, check_part, decides
from dikast.spec.checks import ArtifactsCheck, JsonCheck, LengthCheck
from dikast.spec.reward import RecallSpec, RewardFile, healthbench_floor

ROLLOUT = Rollout(id="r", group="g", prompt="p", completion="c", columns={"issues": []})


def file_of(*criteria: dict[str, Any], **changes: Any) -> RewardFile:
    """A reward file with these criteria, named a, b, c... where they have no id."""
    named = [{"id": "abcdefgh"[at], "ask": "?"} | criterion for at, criterion in enumerate(criteria)]
    plain = {"name": "n", "objective": "o", "inputs": {}, "judge": {"model": "m:x", "criteria": named}}
    return msgspec.convert(plain | changes, RewardFile)


def score_of(
    file: RewardFile,
    *units: dict[str, Any] | None,
    checks: list[tuple[float, float | Missing]] | None = None,
    readings: dict[str, Reading] | None = None,
    issues: list[Any] | None = None,
    items: list[Any] | None = None,
    covered: list[Verdict | Missing] | None = None,
) -> Score:
    """Adds up: one mapping of verdicts a unit (None for a duplicate), a (weight, value) a check."""
    outcomes = [
        (
            LengthCheck(name=f"check{at}", weight=weight, max_words=1),
            value if isinstance(value, Missing) else Outcome(value=value),
        )
        for at, (weight, value) in enumerate(checks or [])
    ]
    judged = [
        Judged(
            item=at if file.items else None,
            verdicts={i: v if isinstance(v, Missing) else Verdict(value=v) for i, v in (unit or {}).items()},
            duplicate=unit is None,
        )
        for at, unit in enumerate(units)
    ]
    if items is None and file.items:
        items = [{"rule": f"R{at}"} for at in range(len(units))]
    rollout = msgspec.structs.replace(ROLLOUT, columns={"issues": issues or []})
    return Aggregator(file, readings or {}).add_up(
        rollout, [check_part(*outcome) for outcome in outcomes], judged, items=items, covered=covered
    )


def values_of(score: Score) -> dict[str, float | None]:
    return {part.name: part.value for part in score.parts}


class TestRuleOne:
    """A part has a value in 0..1, is n/a, or is missing; negative counts 1 − v; weight 1; a gate has none."""

    def test_a_negative_criterion_counts_one_minus_its_value(self):
        score = score_of(file_of({}, {"negative": True}), {"a": 0.5, "b": 0.2})

        assert values_of(score) == {"a": 0.5, "b": 0.8}
        assert score.score == pytest.approx((0.5 + 0.8) / 2)

    def test_the_weight_is_one_where_none_is_given(self):
        [part] = score_of(file_of({}), {"a": 0.5}).parts

        assert part.weight == 1.0

    def test_a_gate_that_passes_has_no_weight(self):
        parts = [check_part(JsonCheck(gate=True), Outcome(value=1.0))]

        score = Aggregator(file_of({}), {}).add_up(
            ROLLOUT, parts, [Judged(item=None, verdicts={"a": Verdict(value=0.5)})]
        )

        assert parts[0].weight == 0.0
        assert score.score == 0.5

    def test_not_applicable_and_missing_parts_have_no_value(self):
        not_applicable, missing = score_of(file_of({}, {}), {"a": None, "b": Missing("refused", "no")}).parts

        assert (not_applicable.value, not_applicable.na, not_applicable.missing) == (None, True, None)
        assert (missing.value, missing.na, missing.missing, missing.reason) == (None, False, "refused", "no")

    def test_what_the_judge_says_to_a_verdict_goes_with_its_part(self):
        verdict = Verdict(value=1.0, reason="because", evidence="quoted")

        [part] = Aggregator(file_of({}), {}).add_up(ROLLOUT, [], [Judged(item=None, verdicts={"a": verdict})]).parts

        assert (part.kind, part.reason, part.evidence) == ("criterion", "because", "quoted")


class TestRuleTwo:
    """A failing gate decides; otherwise a missing weighted part makes the score missing."""

    @pytest.mark.parametrize("value", [0.0, 0.5, 0.999])
    def test_a_gate_that_is_not_passed_whole_gives_the_lowest_reward(self, value: float):
        parts = [check_part(JsonCheck(gate=True), Outcome(value=value, reason="no JSON"))]
        [gate] = parts
        assert decides(gate)

        score = Aggregator(file_of({}, range=[-1, 1]), {}).gated(ROLLOUT, parts, gate)

        assert (score.score, score.status, score.missing) == (-1.0, "gated", None)
        assert score.detail == "json: no JSON"

    def test_a_gate_without_an_answer_decides_nothing_and_leaves_the_score_missing(self):
        parts = [check_part(JsonCheck(gate=True), Missing("check_error", "broken"))]

        score = Aggregator(file_of({}), {}).add_up(ROLLOUT, parts, [])

        assert not decides(parts[0])
        assert (score.score, score.status, score.missing, score.detail) == (
            None, "missing", "check_error", "json: broken",
        )  # fmt: skip

    def test_a_weighted_check_that_fails_is_no_gate(self):
        assert not decides(check_part(ArtifactsCheck(weight=0.1), Outcome(value=0.0)))

    def test_a_missing_verdict_leaves_the_score_missing_however_good_the_others_are(self):
        score = score_of(
            file_of({}, {"weight": 0.01}), {"a": 1.0, "b": Missing("timeout", "late")}, checks=[(0.1, 1.0)]
        )

        assert (score.score, score.status, score.missing, score.detail) == (None, "missing", "timeout", "b: late")
        assert values_of(score) == {"check0": 1.0, "a": 1.0, "b": None}


class TestRuleThree:
    """J = Σ w v / Σ w over the criteria that apply; over the items of a set, joined with recall."""

    def test_j_is_the_weighted_mean(self):
        score = score_of(file_of({"weight": 2}, {"weight": 1}), {"a": 0.9, "b": 0.3})

        assert score.score == pytest.approx((2 * 0.9 + 0.3) / 3)

    def test_a_criterion_that_does_not_apply_is_left_out(self):
        score = score_of(file_of({"weight": 2}, {"weight": 5}, {"weight": 1}), {"a": 0.9, "b": None, "c": 0.3})

        assert score.score == pytest.approx((2 * 0.9 + 0.3) / 3)

    def test_where_none_applies_the_score_is_missing(self):
        score = score_of(file_of({}, {}), {"a": None, "b": None}, checks=[(0.5, 1.0)])

        assert (score.score, score.status, score.missing) == (None, "missing", "not_applicable")

    def test_a_sets_precision_is_the_mean_of_its_items_with_zero_for_a_duplicate(self):
        score = score_of(
            file_of({}, {"negative": True}, items="comments"), {"a": 0.6, "b": 0.2}, None, {"a": 1.0, "b": 0.0}
        )

        assert score.score == pytest.approx((0.7 + 0.0 + 1.0) / 3)
        duplicate = [(part.name, part.value, part.reason) for part in score.parts if part.item == 1]
        assert duplicate == [("a", 0.0, "repeats an item"), ("b", 0.0, "repeats an item")]

    def test_precision_and_recall_join_as_f_beta(self):
        recall = {"issues": "issues", "key": "rule", "beta": 2}
        issues = [{"rule": "R0"}, {"rule": "R1"}, {"rule": "R7"}, {"rule": "R8"}]

        score = score_of(file_of({}, items="comments", recall=recall), {"a": 0.5}, {"a": 0.7}, issues=issues)

        p, r = (0.5 + 0.7) / 2, 2 / 4
        assert score.score == pytest.approx(5 * p * r / (4 * p + r))

    @pytest.mark.parametrize(
        ("units", "issues", "value"),
        [((), [], 1.0), ((), [{"rule": "R0"}], 0.0), (({"a": 1.0},), [], 0.0), (({"a": 1.0},), [{"rule": "R7"}], 0.0)],
    )
    def test_the_edges_of_a_set_with_recall(self, units: Any, issues: Any, value: float):
        file = file_of({}, items="comments", recall={"issues": "issues", "key": "rule"})

        assert score_of(file, *units, issues=issues).score == value

    def test_an_empty_set_without_recall_is_worth_nothing(self):
        assert score_of(file_of({}, items="comments")).score == 0.0

    def test_a_completion_without_any_set_is_no_empty_set(self):
        file = file_of({}, items="comments", recall={"issues": "issues", "key": "rule"})

        score = Aggregator(file, {}).add_up(ROLLOUT, [], [], items=None)

        assert (score.score, score.status) == (0.0, "scored")

    @pytest.mark.parametrize("rule", [[], {}, ["R0"], {"R0": 1}, None, True, 1, "r0"])
    def test_an_item_that_names_its_rule_oddly_covers_nothing_and_breaks_nothing(self, rule: Any):
        file = file_of({}, items="comments", recall={"issues": "issues", "key": "rule"})

        score = score_of(file, {"a": 1.0}, items=[{"rule": rule}], issues=[{"rule": "R0"}, {"rule": 0}])

        assert score.score == 0.0

    @pytest.mark.parametrize("item", ["R0", 3, None, ["rule"], {}, {"other": "R0"}])
    def test_an_item_without_the_key_covers_nothing_and_breaks_nothing(self, item: Any):
        file = file_of({}, items="comments", recall={"issues": "issues", "key": "rule"})

        assert score_of(file, {"a": 1.0}, items=[item], issues=[{"rule": "R0"}]).score == 0.0

    def test_an_issue_counts_once_however_often_it_is_listed_or_named(self):
        file = file_of({}, items="comments", recall={"issues": "issues", "key": "rule"})

        score = score_of(
            file,
            {"a": 1.0},
            {"a": 1.0},
            items=[{"rule": "R0"}, {"rule": "R0"}],
            issues=[{"rule": "R0"}, {"rule": "R0"}, {"rule": "R1"}],
        )

        assert score.score == pytest.approx(2 * 1.0 * 0.5 / (1.0 + 0.5))


class TestRulesFourAndFive:
    """s = (1 − Σ w_c) J + Σ w_c v_c, and score = lo + (hi − lo) s."""

    def test_check_weights_are_shares_of_the_whole(self):
        score = score_of(file_of({}), {"a": 0.4}, checks=[(0.1, 1.0), (0.25, 0.2)])

        assert score.score == pytest.approx((1 - 0.35) * 0.4 + 0.1 * 1.0 + 0.25 * 0.2)

    def test_the_share_is_laid_over_the_range(self):
        score = score_of(file_of({}, range=[-2, 3]), {"a": 0.4}, checks=[(0.5, 1.0)])

        assert score.score == pytest.approx(-2 + 5 * (0.5 * 0.4 + 0.5 * 1.0))

    @pytest.mark.parametrize("share", [-0.001, 1.001, math.nan, math.inf])
    def test_a_share_outside_is_an_error_not_a_clip(self, share: float):
        with pytest.raises(AssertionError, match="outside"):
            in_range(share, (0.0, 1.0))

    def test_what_rounding_adds_is_folded_in(self):
        assert in_range(1 + 1e-12, (0.0, 1.0)) == 1.0
        assert in_range(-1e-12, (0.1, 0.7)) == 0.1


class TestReadings:
    """What a certificate makes of a criterion."""

    def test_a_factor_of_zero_turns_a_criterion_off_even_where_it_is_missing(self):
        off = {"b": Reading(factor=0.0)}

        score = score_of(file_of({}, {}), {"a": 0.4, "b": Missing("timeout")}, readings=off)

        assert score.score == pytest.approx(0.4)
        assert values_of(score) == {"a": 0.4}

    def test_a_factor_weighs_a_criterion_down(self):
        score = score_of(file_of({}, {"weight": 2}), {"a": 1.0, "b": 0.0}, readings={"b": Reading(factor=0.5)})

        assert score.score == pytest.approx(1 / 2)

    @pytest.mark.parametrize(("value", "read"), [(0.69, 0.0), (0.7, 1.0), (1.0, 1.0)])
    def test_a_threshold_reads_yes_from_itself_on(self, value: float, read: float):
        score = score_of(file_of({}), {"a": value}, readings={"a": Reading(threshold=0.7)})

        assert score.score == read

    def test_a_negative_criterion_is_read_before_it_is_turned_round(self):
        score = score_of(file_of({"negative": True}), {"a": 0.7}, readings={"a": Reading(threshold=0.7)})

        assert score.score == 0.0


class TestOtherAggregators:
    """Each changes one step of the five."""

    @pytest.mark.parametrize(("needed", "score"), [(0.5, (3 * 0.5 + 0.2) / 4), (0.49, 0.0)])
    def test_veto_takes_everything_where_a_required_criterion_is_no_yes(self, needed: float, score: float):
        file = file_of({"weight": 3, "required": True}, {}, aggregate="veto")

        given = score_of(file, {"a": needed, "b": 0.2}, checks=[(0.1, 1.0)])

        assert given.score == pytest.approx(0.9 * score + 0.1 if score else 0.0)

    def test_a_required_bad_trait_must_be_absent(self):
        file = file_of({"required": True, "negative": True}, {}, aggregate="veto")

        assert score_of(file, {"a": 0.9, "b": 1.0}).score == 0.0
        assert score_of(file, {"a": 0.1, "b": 1.0}).score == pytest.approx(0.95)

    def test_in_a_set_a_veto_takes_the_items_share_only(self):
        file = file_of({"required": True}, {}, aggregate="veto", items="comments")

        assert score_of(file, {"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 1.0}).score == pytest.approx(0.5)

    @pytest.mark.parametrize("judgment", [0.0, 0.25, 0.5, 1.0])
    def test_saturating_bends_the_judgment_and_not_the_checks(self, judgment: float):
        score = score_of(file_of({}, aggregate="saturating"), {"a": judgment}, checks=[(0.2, 0.5)])

        bent = (1 - math.exp(-3 * judgment)) / (1 - math.exp(-3))
        assert score.score == pytest.approx(0.8 * bent + 0.2 * 0.5)

    def test_healthbench_subtracts_what_is_bad_and_divides_by_what_is_good(self):
        criteria = [{"weight": 10}, {"weight": 6}, {"weight": 8, "negative": True}]
        file = file_of(*criteria, aggregate="healthbench", range=[-1, 1])

        assert score_of(file, {"a": 1.0, "b": 0.0, "c": 0.0}).score == pytest.approx(10 / 16)
        assert score_of(file, {"a": 1.0, "b": 0.5, "c": 1.0}).score == pytest.approx((10 + 3 - 8) / 16)
        assert score_of(file, {"a": 0.0, "b": 0.0, "c": 1.0}).score == pytest.approx(-8 / 16)
        assert score_of(file, {"a": 1.0, "b": None, "c": 1.0}).score == pytest.approx((10 - 8) / 10)

    def test_a_judges_word_on_each_issue_is_the_recall(self):
        file = file_of({}, items="comments", recall={"issues": "issues"})
        covered: list[Verdict | Missing] = [Verdict(value=1.0), Verdict(value=0.5), Verdict(value=0.0)]

        score = score_of(file, {"a": 0.8}, issues=["x", "y", "z"], covered=covered)

        assert score.score == pytest.approx(2 * 0.8 * 0.5 / (0.8 + 0.5))
        assert values_of(score)["recall"] == 0.5

    def test_an_issue_that_could_not_be_judged_leaves_the_score_missing(self):
        file = file_of({}, items="comments", recall={"issues": "issues"})

        score = score_of(file, {"a": 1.0}, issues=["x"], covered=[Missing("timeout", "late")])

        assert (score.score, score.missing, score.detail) == (None, "timeout", "recall: late")


def test_one_good_comment_does_not_beat_six_that_cover_six_issues():
    file = file_of({}, items="comments", recall={"issues": "issues", "key": "rule"})
    issues = [{"rule": f"R{at}"} for at in range(6)]

    one = score_of(file, {"a": 1.0}, issues=issues).score
    six = score_of(file, *[{"a": 0.9}] * 6, issues=issues).score

    assert six > one


# Whatever the values are.

SHARE = st.floats(0, 1)
WEIGHT = st.floats(0.01, 100)
MISSING = st.sampled_from(MISSING_REASONS).map(Missing)
CRITERIA = st.lists(st.fixed_dictionaries({"weight": WEIGHT, "negative": st.booleans()}), min_size=1, max_size=5)
CHECKS = st.lists(st.tuples(st.floats(0.001, 0.24), SHARE), max_size=4)
RANGE = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).filter(lambda limits: limits[0] < limits[1])


def unit_of(draw: st.DrawFn, names: str, values: st.SearchStrategy[Any]) -> dict[str, Any]:
    return {name: draw(values) for name in names}


@st.composite
def cases(draw: st.DrawFn, values: st.SearchStrategy[Any] = SHARE) -> dict[str, Any]:
    """A reward of a whole completion or of a set, and what its checks and its judge gave."""
    criteria = draw(CRITERIA)
    names = "abcdefgh"[: len(criteria)]
    changes: dict[str, Any] = {"range": draw(RANGE)}
    if draw(st.booleans()):
        changes["items"] = "comments"
        changes["aggregate"] = draw(st.sampled_from(["weighted_mean", "saturating"]))
        if draw(st.booleans()):
            changes["recall"] = {"issues": "issues", "key": "rule", "beta": draw(st.floats(0.1, 10))}
        units = draw(st.lists(st.none() | st.fixed_dictionaries(dict.fromkeys(names, values)), max_size=4))
    else:
        units = [unit_of(draw, names, values)]
    return {
        "file": file_of(*criteria, **changes),
        "units": units,
        "checks": draw(CHECKS),
        "issues": [{"rule": f"R{at}"} for at in draw(st.lists(st.integers(0, 6), max_size=4))],
    }


def add_up(case: dict[str, Any], **changes: Any) -> Score:
    case = case | changes
    return score_of(case["file"], *case["units"], checks=case["checks"], issues=case["issues"])


def exactly(case: dict[str, Any]) -> Fraction:
    """The score by the rules as they are written, in exact numbers."""
    file: RewardFile = case["file"]

    def quality(unit: dict[str, float] | None) -> Fraction:
        if unit is None:
            return Fraction(0)
        top = bottom = Fraction(0)
        for criterion in file.judge.criteria:
            value = Fraction(unit[criterion.id])
            top += Fraction(criterion.weight) * (1 - value if criterion.negative else value)
            bottom += Fraction(criterion.weight)
        return top / bottom

    qualities = [quality(unit) for unit in case["units"]]
    judgment = sum(qualities, Fraction(0)) / len(qualities) if qualities else Fraction(0)
    if file.recall:
        rules = {issue["rule"] for issue in case["issues"]}
        covered = {rule for rule in rules if int(rule[1:]) < len(qualities)}
        if not rules or not qualities:
            judgment = Fraction(int(not rules and not qualities))
        else:
            recall, square = Fraction(len(covered), len(rules)), Fraction(file.recall.beta) ** 2
            bottom = square * judgment + recall
            judgment = (1 + square) * judgment * recall / bottom if bottom else Fraction(0)
    if file.aggregate == "saturating":
        judgment = Fraction(saturated(float(judgment)))
    shares = sum((Fraction(weight) for weight, _ in case["checks"]), Fraction(0))
    given_by_checks = sum((Fraction(weight) * Fraction(value) for weight, value in case["checks"]), Fraction(0))
    low, high = map(Fraction, file.range)
    return low + (high - low) * ((1 - shares) * judgment + given_by_checks)


@given(cases())
def test_a_score_follows_the_rules_and_stays_in_its_range(case: dict[str, Any]):
    score = add_up(case)

    low, high = case["file"].range
    assert score.score is not None
    assert low <= score.score <= high
    assert score.score == pytest.approx(float(exactly(case)), rel=1e-9, abs=1e-9 * max(1.0, high - low))


@given(cases(SHARE | MISSING | st.none()), st.data())
def test_one_missing_part_leaves_the_score_missing_whatever_the_rest(case: dict[str, Any], data: st.DataObject):
    judged = [at for at, unit in enumerate(case["units"]) if unit is not None]
    reason = data.draw(MISSING)
    if judged and data.draw(st.booleans()):
        at = data.draw(st.sampled_from(judged))
        broken = data.draw(st.sampled_from(sorted(case["units"][at])))
        case["units"][at] = case["units"][at] | {broken: reason}
    else:
        case["checks"] = [*case["checks"], (0.01, reason)]

    score = add_up(case)

    assert (score.score, score.status) == (None, "missing")
    assert score.missing in MISSING_REASONS


@given(cases(SHARE | MISSING | st.none()))
def test_a_score_is_a_number_or_missing_never_both_and_never_neither(case: dict[str, Any]):
    score = add_up(case)

    assert (score.score is None) == (score.missing is not None) == (score.status == "missing")


@given(cases(), st.floats(0, 1), st.floats(0, 1), st.data())
def test_a_better_verdict_never_lowers_the_score_and_a_worse_one_of_a_bad_trait_neither(
    case: dict[str, Any], one: float, other: float, data: st.DataObject
):
    judged = [at for at, unit in enumerate(case["units"]) if unit is not None]
    assume(judged)
    at = data.draw(st.sampled_from(judged))
    criterion = data.draw(st.sampled_from(case["file"].judge.criteria))
    low, high = sorted((one, other), reverse=criterion.negative)

    def with_value(value: float) -> float:
        units = list(case["units"])
        units[at] = units[at] | {criterion.id: value}
        return add_up(case, units=units).score

    slack = 1e-9 * max(1.0, case["file"].range[1] - case["file"].range[0])
    assert with_value(low) <= with_value(high) + slack


@given(cases())
def test_a_criterion_that_is_off_weighs_nothing(case: dict[str, Any]):
    file: RewardFile = case["file"]
    more = msgspec.structs.replace(
        file,
        judge=msgspec.structs.replace(
            file.judge, criteria=(*file.judge.criteria, file_of({"id": "off"}).judge.criteria[0])
        ),
    )
    units = [unit and unit | {"off": Missing("timeout")} for unit in case["units"]]
    readings = {"off": Reading(factor=0.0)}

    with_it = score_of(more, *units, checks=case["checks"], issues=case["issues"], readings=readings)

    assert with_it == add_up(case)


@given(st.dictionaries(st.sampled_from("abcd"), SHARE | st.none(), min_size=1), st.data())
def test_a_weighted_mean_lies_between_its_values(values: dict[str, float | None], data: st.DataObject):
    parts = [Part(name=name, kind="criterion", value=value, weight=data.draw(WEIGHT)) for name, value in values.items()]

    mean = weighted_mean(parts)

    applying = [value for value in values.values() if value is not None]
    assert (mean is None) == (not applying)
    assert mean is None or min(applying) - 1e-12 <= mean <= max(applying) + 1e-12


@given(st.lists(SHARE, min_size=1, max_size=5), st.integers(0, 5), st.integers(1, 5), st.floats(0.01, 100))
def test_f_beta_lies_between_precision_and_recall(qualities: list[float], covered: int, issues: int, beta: float):
    recall = min(covered, issues) / issues
    precision = sum(qualities) / len(qualities)

    quality = set_quality(qualities, recall, RecallSpec(issues="i", key="k", beta=beta))

    assert min(precision, recall) - 1e-9 <= quality <= max(precision, recall) + 1e-9


@given(st.lists(SHARE, max_size=5))
def test_without_recall_a_set_is_worth_its_precision(qualities: list[float]):
    expected = sum(qualities) / len(qualities) if qualities else 0.0

    assert set_quality(qualities, None, None) == expected


def test_a_score_carries_what_it_cost():
    usage = Usage(questions=3, asked=1)

    score = Aggregator(file_of({}), {}).add_up(
        ROLLOUT, [], [Judged(item=None, verdicts={"a": Verdict(value=1.0)})], usage=usage
    )

    assert score.usage == usage


HEALTHBENCH = st.lists(
    st.fixed_dictionaries({"weight": WEIGHT, "negative": st.booleans(), "na": st.booleans()}), min_size=1, max_size=6
).filter(lambda criteria: not all(c["negative"] for c in criteria))


@given(HEALTHBENCH, CHECKS, st.data())
def test_healthbench_stays_between_its_floor_and_one(
    criteria: list[dict[str, Any]], checks: list[tuple[float, float]], data: st.DataObject
):
    plain = file_of(*criteria)
    weights = {c.id: c.weight for c in plain.judge.criteria}
    floor = healthbench_floor(weights, plain.judge) * (1 - sum(weight for weight, _ in checks))
    file = file_of(*criteria, aggregate="healthbench", range=[floor, 1])
    unit = {c.id: data.draw(SHARE | st.none() if c.na else SHARE) for c in file.judge.criteria}

    score = score_of(file, unit, checks=checks)

    assert score.missing == "not_applicable" or floor <= score.score <= 1


@given(st.lists(SHARE, min_size=2, max_size=6), st.randoms())
def test_the_order_of_criteria_changes_nothing(values: list[float], dice: Any):
    names = "abcdefgh"[: len(values)]
    order = list(range(len(values)))
    dice.shuffle(order)
    criteria = [{"id": names[at], "weight": at + 1, "negative": at % 2 == 1} for at in range(len(values))]
    unit = dict(zip(names, values, strict=True))

    straight = score_of(file_of(*criteria), unit).score
    shuffled = score_of(file_of(*[criteria[at] for at in order]), {names[at]: unit[names[at]] for at in order}).score

    assert shuffled == pytest.approx(straight)


@given(SHARE, SHARE)
def test_saturation_keeps_the_order_and_the_ends(one: float, other: float):
    low, high = sorted((one, other))

    assert 0 <= saturated(low) <= saturated(high) <= 1
    assert (saturated(0), saturated(1)) == (0, 1)
