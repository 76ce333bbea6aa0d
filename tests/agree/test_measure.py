"""A whole file: roles, criteria, and what is told beside the figures."""

# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOperatorIssue=false

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dikast.agree.measure import PAIRED, Options, measure
from dikast.agree.records import Agreement
from dikast.agree.roles import Roles
from dikast.errors import UsageError

Agreed = Callable[..., Agreement]


def row(item: object, rater: str, label: object, **more: object) -> dict[str, Any]:
    return {"item": item, "rater": rater, "label": label, **more}


def table(**raters: list[Any]) -> list[dict[str, Any]]:
    """A list of labels for each rater, item by item."""
    return [row(item, name, label) for name, labels in raters.items() for item, label in enumerate(labels)]


def noisy(seed: int, n: int = 60, noise: float = 0.2) -> list[bool]:
    truth, draw = random.Random(0), random.Random(seed)
    return [(truth.random() < 0.5) ^ (draw.random() < noise) for _ in range(n)]


def test_who_is_not_gold_and_no_judge_is_a_person(agreed: Agreed):
    rows = table(ann=noisy(1), bob=noisy(2), cy=noisy(3), gpt=noisy(4), truth=noisy(9, noise=0))

    found = agreed(rows, gold="truth", judges=("gpt",))

    assert found.annotators.humans == ("ann", "bob", "cy")
    assert set(found.gold) == {"ann", "bob", "cy", "gpt"}
    assert set(found.alt_test) == {"gpt"}
    assert set(found.annotators.leave_one_out) == {"ann", "bob", "cy", "gpt"}
    assert found.people.n == 60
    assert len(found.pairs) == 10


def test_who_is_no_person_is_a_judge_where_people_are_named(agreed: Agreed):
    rows = table(ann=noisy(1), bob=noisy(2), gpt=noisy(4), other=noisy(5), truth=noisy(9))

    found = agreed(rows, gold="truth", humans=("ann", "bob"))

    assert set(found.alt_test) == {"gpt", "other"}


def test_without_roles_all_are_people_and_what_needs_a_judge_or_gold_is_null(agreed: Agreed):
    found = agreed(table(ann=noisy(1), bob=noisy(2)))

    assert found.alt_test is found.people is found.position is found.repeats is found.calibration is None
    assert found.gold == {}
    assert found.overall.leave_one_out == found.overall.agreement


def test_the_majority_as_gold_judges_those_who_are_not_in_it(agreed: Agreed):
    rows = table(ann=[1, 1, 0, 0], bob=[1, 1, 0, 1], gpt=[1, 0, 0, 1])

    found = agreed(rows, gold="majority", judges=("gpt",))

    assert set(found.gold) == {"gpt"}
    assert (found.gold["gpt"].n, found.gold["gpt"].accuracy.value) == (3, pytest.approx(2 / 3))
    assert found.annotators.majority.undecided == 1


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"gold": "nobody"}, "--gold: no rater is named 'nobody'; the file has ann, bob"),
        ({"humans": ("ann", "zoe")}, "--humans: no rater is named 'zoe'"),
        ({"judges": ("gpt",)}, "--judges: no rater is named 'gpt'"),
        ({"humans": ("ann",), "judges": ("ann",)}, "'ann' is in --humans and in --judges"),
        ({"gold": "ann", "judges": ("ann",)}, "'ann' is the gold and a judge"),
        ({"gold": "majority"}, "--gold majority needs to know whose majority"),
    ],
)
def test_a_role_for_nobody_or_twice_is_an_error(agreed: Agreed, roles: dict[str, Any], said: str):
    with pytest.raises(UsageError) as caught:
        agreed(table(ann=[1, 2], bob=[1, 1]), **roles)

    assert said in str(caught.value)


def test_the_positive_label_is_named_where_labels_do_not_say(agreed: Agreed):
    rows = table(truth=["pass", "fail", "pass"], gpt=["pass", "pass", "fail"])

    unnamed, named = agreed(rows, gold="truth"), agreed(rows, gold="truth", positive="pass")

    assert unnamed.gold["gpt"].tpr is None
    assert (named.gold["gpt"].tpr.value, named.gold["gpt"].tnr.value, named.gold["gpt"].positive) == (0.5, 0.0, "pass")
    with pytest.raises(UsageError, match="--positive: nobody gave the label 'yes'; the labels are fail, pass"):
        agreed(rows, gold="truth", positive="yes")


def test_a_yes_in_words_is_the_positive_and_of_two_other_words_it_is_asked_for(agreed: Agreed):
    said = agreed(table(truth=["Yes", "No", "Yes"], gpt=["Yes", "Yes", "No"]), gold="truth")
    other = agreed(table(truth=["pass", "fail", "pass"], gpt=["pass", "pass", "fail"]), gold="truth")

    assert (said.gold["gpt"].tpr.value, said.gold["gpt"].tnr.value, said.gold["gpt"].positive) == (0.5, 0.0, "Yes")
    assert not any("--positive" in warning for warning in said.warnings)
    assert other.gold["gpt"].tpr is None or other.gold["gpt"].tpr.value is None
    assert any("say --positive with 'fail' or 'pass'" in warning for warning in other.warnings)


@pytest.mark.parametrize(("given", "positive"), [("0", 0.0), ("false", 0.0), ("1.0", 1.0)])
def test_the_positive_label_may_be_a_number(agreed: Agreed, given: str, positive: float):
    found = agreed(table(truth=[1, 0, 1], gpt=[1, 1, 1]), gold="truth", positive=given)

    assert found.gold["gpt"].positive == positive


def test_a_positive_label_need_not_be_in_every_criterion(agreed: Agreed):
    words = [{**one, "criterion": "words"} for one in table(truth=["pass", "fail"], gpt=["pass", "pass"])]
    scale = [{**one, "criterion": "scale"} for one in table(truth=[1, 5], gpt=[1, 4])]

    found = agreed(words + scale, gold="truth", positive="pass")

    assert found.criteria["words"].gold["gpt"].tpr.value == 1.0
    assert found.criteria["scale"].gold["gpt"].tpr is None


def test_criteria_are_never_pooled(agreed: Agreed):
    good = [{**one, "criterion": "good"} for one in table(a=[1, 2, 1, 2], b=[1, 2, 1, 2])]
    short = [{**one, "criterion": "short"} for one in table(a=["x", "y"], b=["y", "x"])]

    found = agreed(good + short)

    assert found.averaged_over == ("good", "short")
    assert (found.pairs, found.gold, found.annotators) == ((), {}, None)
    assert {name: one.overall.agreement for name, one in found.criteria.items()} == {"good": 1.0, "short": 0.0}
    assert found.overall.agreement == 0.5
    assert found.overall.krippendorff_alpha.ordinal == 1.0, "the mean is over the criteria that have the figure"
    assert found.overall.intervals == {}
    assert any(said.startswith("short: ") for said in found.warnings)


def test_probabilities_are_calibrated_against_yes_and_no(agreed: Agreed):
    rows = table(truth=[True, False, True, False] * 10, gpt=[0.9, 0.2, 0.6, 0.4] * 10, other=[True] * 40)

    found = agreed(rows, gold="truth")

    assert set(found.calibration) == {"gpt"}
    assert found.calibration["gpt"].brier.value == pytest.approx((0.01 + 0.04 + 0.16 + 0.16) / 4)
    assert found.gold["gpt"].cut == 0.5
    assert found.gold["gpt"].accuracy.value == 1.0
    assert found.gold["other"].cut is None


def test_repeats_and_orders_have_their_own_figures_and_the_rest_uses_the_first(agreed: Agreed):
    rows = [row(i, "gold", "a") for i in range(4)]
    rows += [
        row(i, "gpt", "a" if order == "ab" or i else "b", repeat=repeat, order=order)
        for i in range(4)
        for order in ("ab", "ba")
        for repeat in (1, 2)
    ]

    found = agreed(rows, gold="gold")

    assert found.gold["gpt"].accuracy.value == 1.0
    assert found.position["gpt"].consistency.value == 0.75
    assert found.position["gpt"].first_place.value == pytest.approx(5 / 8)
    assert found.position["gpt"].accuracy["ba"].value == 0.75
    assert (found.repeats["gpt"].flip_rate.value, found.repeats["gpt"].n) == (0.0, 8)
    assert any("12 verdicts of further repeats or orders" in said for said in found.warnings)


def test_one_item_asked_in_one_order_only_is_not_in_the_figures_about_position(agreed: Agreed):
    rows = [row(0, "gpt", "a", order="ab"), row(0, "gpt", "a", order="ba"), row(1, "gpt", "b", order="ab")]

    assert agreed(rows).position["gpt"].n == 1


def test_a_conflict_is_reported_and_counts_nowhere(agreed: Agreed):
    rows = [*table(a=[1, 1, 0], b=[1, 1, 0]), row(0, "a", 0)]

    found = agreed(rows)

    assert (found.conflicts, found.pairs[0].n) == (1, 2)
    assert any("a on 0 (lines 1, 7)" in said for said in found.warnings)


def test_copies_are_reported(agreed: Agreed):
    column = noisy(1, 30)

    found = agreed(table(a=column, b=column, c=noisy(2, 30)))

    assert [said for said in found.warnings if "copy" in said] == [
        "a and b gave the same verdict on all 30 items that they share: is one a copy of the other?"
    ]
    assert not any("copy" in said for said in agreed(table(a=[1] * 30, b=[1] * 30)).warnings)


def test_codes_that_never_meet_are_reported(agreed: Agreed):
    found = agreed(table(a=["yes", "no"] * 5, b=["Yes", "No"] * 5))

    assert any("a and b never use the same label on the 10 items" in said for said in found.warnings)
    assert any("labels that differ in case or spaces only" in said for said in found.warnings)


def test_a_label_of_one_rater_alone_is_reported(agreed: Agreed):
    found = agreed(table(a=[1, 2, 1, 2], b=[1, 2, 1, 3]))

    assert any(said == "only b ever gives the label 3" for said in found.warnings)
    assert any("4 items: read the intervals" in said for said in found.warnings)


def test_where_one_label_is_very_frequent_kappa_is_shown_beside_ac1(agreed: Agreed):
    found = agreed(table(a=[True] * 95 + [False] * 5, b=[False] * 5 + [True] * 95))

    [said] = [said for said in found.warnings if "frequent" in said]
    assert "95% of the labels are true" in said
    assert "kappa -0.05, AC1 0.89" in said


def test_where_most_labels_are_hardly_used_it_is_ac1_that_misleads(agreed: Agreed):
    draw = random.Random(4)
    rows = table(a=[True, True, False] * 20, b=[True, False, False] * 20, judge=[draw.random() for _ in range(60)])

    found = agreed(rows)

    [said] = [said for said in found.warnings if "kappa" in said]
    assert said.startswith("AC1 takes all 62 labels for choices")
    assert "a and b (kappa 0.40, AC1 0.66)" in said


def test_nulls_are_counted_for_each_rater(agreed: Agreed):
    found = agreed(table(a=[1, None, 0], b=[1, 1, None]))

    assert (found.verdicts["a"].null, found.pairs[0].null, found.pairs[0].n) == (1, 2, 1)
    assert any("verdicts without a label: a 1 of 3, b 1 of 3" in said for said in found.warnings)


def test_of_many_raters_the_pairs_of_those_with_a_role_and_the_most_verdicts_are_listed(agreed: Agreed):
    raters = {f"r{at:02}": [1, 0, 1, 0][: 4 if at < 30 else 2] for at in range(40)}

    found = agreed(table(**raters, gold=[1, 0, 1, 0]), gold="gold", judges=("r39",))

    named = {name for pair in found.pairs for name in (pair.a, pair.b)}
    assert len(named) == PAIRED
    assert {"gold", "r39"} <= named
    assert "r35" not in named
    assert any(said.startswith(f"41 raters: pairs are listed for the {PAIRED}") for said in found.warnings)
    assert len(found.verdicts) == 41


def test_copies_are_reported_among_raters_whose_pairs_are_not_listed(agreed: Agreed):
    raters = {f"r{at:02}": noisy(at, 60) for at in range(30)}
    copied = {f"z{at}": noisy(99, 25) for at in range(2)}

    found = agreed(table(**raters, **copied))

    assert any("2 raters gave the same verdicts on the same items: z0, z1" in said for said in found.warnings)


def test_a_rater_alone_has_no_figures_and_no_error(agreed: Agreed):
    found = agreed(table(a=[1, 2, 3]))

    assert (found.overall.n, found.pairs, found.annotators) == (0, (), None)


def test_verdicts_that_are_all_null_are_no_error(agreed: Agreed):
    found = agreed(table(a=[None] * 40, b=[None] * 40, c=[None] * 40), gold="a", judges=("c",))

    assert found.overall.agreement is None
    assert found.pairs[0].null == 40


labels = st.sampled_from([None, 1, 2, 3, True, "x", 0.5])


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["a", "b", "c"]),
            labels,
            st.sampled_from([None, 1, 2]),
            st.sampled_from([None, "ab", "ba"]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.randoms(),
    st.booleans(),
)
def test_any_file_is_measured_whatever_the_order_of_its_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple], draw: random.Random, drop_null: bool
):
    raters = sorted({one[1] for one in rows})
    roles = Roles(gold=raters[0], judges=(raters[-1],) if len(raters) > 1 else ())
    found: list[Any] = []
    for order in (rows, draw.sample(rows, len(rows))):
        path = tmp_path_factory.mktemp("any") / "r.jsonl"
        encoded = [row(i, r, x) | {"repeat": repeat, "order": places} for i, r, x, repeat, places in order]
        path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in encoded))
        agreement = measure(path, roles, Options(drop_null=drop_null))
        found.append(msgspec.to_builtins(msgspec.structs.replace(agreement, ratings="", warnings=())))

    assert rounded(found[0]) == rounded(found[1])


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value


def test_probabilities_that_never_meet_are_not_told_but_scales_that_lie_apart_are(agreed: Agreed):
    draw = random.Random(8)
    near = [{"item": at, "rater": rater, "label": draw.random()} for at in range(100) for rater in ("a", "b")]
    apart = near + [{"item": at, "rater": "c", "label": 10 + 80 * draw.random()} for at in range(100)]

    assert not any("never use the same label" in said for said in agreed(near).warnings)
    assert [said.split(" never")[0] for said in agreed(apart).warnings if "never use" in said] == ["a and c", "b and c"]
