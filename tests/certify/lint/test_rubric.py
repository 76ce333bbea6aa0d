"""The criteria side by side: their number, their kinds and their weights."""

import math
from typing import Any

import msgspec
import pytest
from good_rubric import ASKED, criteria, criterion, file_of, rules, the_finding
from hypothesis import given
from hypothesis import strategies as st

from dikast.certify.lint.critic import lint
from dikast.spec.reward import RewardFile


def some(count: int) -> list[dict[str, Any]]:
    return [criterion(f"c{at}", f"Is the comment right about point {at}?") for at in range(count)]


@pytest.mark.parametrize(("count", "rule"), [(5, "few_criteria"), (21, "many_criteria")])
def test_too_few_or_too_many_criteria_are_a_warning(count: int, rule: str):
    finding = the_finding(file_of(*some(count)))

    assert (finding.level, finding.rule, finding.where) == ("warning", rule, "judge.criteria")


@pytest.mark.parametrize("count", [6, 20])
def test_6_to_20_criteria_are_none(count: int):
    assert rules(file_of(*some(count))) == []


def named(ask: str, count: int, **changes: Any) -> list[dict[str, Any]]:
    return [criterion(f"p{at}", ask.format(at), **changes) for at in range(count)]


def test_criteria_that_ask_only_whether_something_is_there_are_a_warning_when_they_are_the_majority():
    mentions = named("Does the comment mention point {}?", 4)

    assert the_finding(file_of(*mentions, *criteria()[:3])).rule == "presence_only"
    assert rules(file_of(*mentions, *criteria()[:4])) == []


@pytest.mark.parametrize(
    ("ask", "changes"),
    [
        ("Does the comment mention point {}?", {"negative": True}),
        ("Does the comment mention the right point {}?", {}),
        ("Does the comment mention point {}?", {"pass": "The point is the same as in the TargetDocument."}),
        ("Does the comment grasp what point {} contains?", {}),
        ("Does the comment quote a clause that mentions point {}?", {"pass": "It is the right one."}),
    ],
)
def test_what_punishes_presence_or_asks_for_the_right_thing_is_no_presence(ask: str, changes: dict[str, Any]):
    assert ("warning", "presence_only") not in rules(file_of(*named(ask, 6, **changes)))


def test_a_rubric_in_which_nothing_can_lose_is_a_warning():
    friendly = named("Does the comment name point {}?", 6)

    assert the_finding(file_of(*friendly)).rule == "nothing_against"
    assert rules(file_of(*friendly[:5], criterion("n", "Is the comment filler?", negative=True))) == []
    assert rules(file_of(*friendly[:5], criterion("n", "Is the comment right about the rule?"))) == []


def weighted(*weights: float) -> list[tuple[str, str]]:
    return rules(
        file_of(
            *(criterion(name, ask, weight=weight) for (name, ask), weight in zip(ASKED.items(), weights, strict=False))
        )
    )


def test_one_weight_above_40_percent_is_a_warning():
    assert weighted(4, 1, 1, 1, 1, 1) == [("warning", "heavy_weight")]
    assert weighted(3, 1, 1, 1, 1, 1) == []


def test_of_two_criteria_nobody_says_that_one_weighs_half():
    assert weighted(1, 1) == [("warning", "few_criteria")]


def test_a_set_without_recall_is_a_warning():
    finding = the_finding(file_of(items="comments"))

    assert (finding.level, finding.rule, finding.where) == ("warning", "no_recall", "items")
    assert rules(file_of(items="comments", recall={"issues": "expert_issues"})) == []


def test_criteria_without_paraphrases_are_told_together():
    finding = the_finding(file_of(*(one | {"paraphrases": []} for one in criteria()[:2]), *criteria()[2:]))

    assert (finding.level, finding.rule) == ("info", "no_paraphrases")
    assert "on_the_excerpt, rule_holds" in finding.problem


def test_all_that_other_commands_refuse_is_listed_at_once():
    file = file_of(*criteria(), criterion("filler", "Is it short?", weight=-1), range=[1, 0])

    refused = [finding for finding in lint(file) if finding.rule == "refused"]

    assert [finding.where for finding in refused] == ["range"] + 2 * ["judge.criteria[6] (filler)"]
    assert refused[0].problem == "[1.0, 0.0] is not a range"
    assert refused[0].better == "write two numbers, the lower one first"


def test_the_findings_of_one_level_stand_together_by_their_place():
    first = criteria()[0] | {"ask": "Is it clear and concise?", "required": True}
    second = criteria()[1] | {"ask": "Count the rules.", "na": True}

    found = lint(file_of(first, second, *criteria()[2:], aggregate="veto"))

    assert [finding.rule for finding in found] == ["compound", "veto_uncertified", "arithmetic", "needless_na"]


WEIGHTS = st.sampled_from([0.0, -1.0, 1.0, 1e308, math.inf, math.nan])


@given(st.lists(st.tuples(WEIGHTS, st.booleans())), st.sampled_from(["weighted_mean", "veto", "healthbench"]))
def test_no_file_makes_the_linter_raise(weights: list[tuple[float, bool]], aggregate: str):
    asked = [
        criterion(f"c{at % 3}", "Is it so?", weight=weight, negative=negative, required=negative)
        for at, (weight, negative) in enumerate(weights)
    ]
    content = msgspec.to_builtins(file_of(judge={"criteria": asked}, range=[-math.inf, math.nan], aggregate=aggregate))

    assert lint(msgspec.convert(content, RewardFile))
