"""What one criterion says: its inputs, its pass and fail, its levels, its n/a."""

import pytest
from good_rubric import criterion, file_of, rules, spoilt, the_finding


def test_a_rubric_with_nothing_against_it_has_no_finding():
    assert rules(file_of()) == []


@pytest.mark.parametrize("lacking", ["pass", "fail"])
def test_a_yes_no_criterion_says_what_passes_and_what_fails(lacking: str):
    finding = the_finding(spoilt(**{lacking: None}))

    assert (finding.level, finding.rule) == ("error", "pass_fail")
    assert f"no '{lacking}'" in finding.problem


def test_blanks_are_no_text_for_a_pass():
    assert rules(spoilt(**{"pass": "  "})) == [("error", "pass_fail")]


SCALE = {"pass": None, "fail": None, "scale": [1, 2]}


def test_a_scale_needs_no_pass_and_fail_and_may_ask_how_much():
    levels = {1: "It names no step.", 2: "It names a step."}

    assert rules(spoilt(ask="How far does the action say what to do?", levels=levels, **SCALE)) == []


def test_a_scale_without_texts_for_its_levels_is_listed():
    finding = the_finding(spoilt(levels={1: "It names no step."}, **SCALE))

    assert (finding.level, finding.rule) == ("error", "refused")
    assert finding.problem == "level 2 has no text"
    assert "levels" in finding.better


@pytest.mark.parametrize(
    "levels", [{1: "poor", 2: "very good"}, {1: "1", 2: "2"}, {1: "It names a step.", 2: "It names a step."}]
)
def test_levels_that_only_grade_do_not_say_what_they_look_like(levels: dict[int, str]):
    assert rules(spoilt(levels=levels, **SCALE)) == [("error", "scale_levels")]


def test_a_grade_may_be_asked_for_where_a_scale_says_what_it_means():
    ask = "Rate how far the action says what to do."
    levels = {1: "It names no step.", 2: "It names a step."}

    assert rules(spoilt(ask=ask, levels=levels, **SCALE)) == []
    assert rules(spoilt(ask=ask)) == [("error", "arithmetic")]


def test_na_needs_a_condition():
    assert rules(spoilt(na=True)) == [("warning", "needless_na")]
    assert rules(spoilt(ask="If the excerpt sets a deadline, does the comment name it?", na=True)) == []


PLAYBOOK = "Does the comment comply with the company playbook?"


def test_a_guideline_that_is_shown_may_be_named():
    shown = {"TargetDocument": "contract", "HouseRules": "playbook"}

    assert rules(spoilt(ask=PLAYBOOK)) == [("error", "self_contained")]
    assert ("error", "self_contained") not in rules(file_of(criterion("c", PLAYBOOK), inputs=shown))


def test_an_input_that_the_judge_is_not_shown_may_not_be_named():
    asked = criterion("c", "Does a rule of the Terms justify the concern?")

    hidden = rules(file_of(asked, judge={"inputs": ["TargetDocument"]}))

    assert ("error", "self_contained") in hidden
    assert ("error", "self_contained") not in rules(file_of(asked))


def test_a_hidden_input_in_small_letters_is_a_word_like_any_other():
    inputs = {"document": "contract", "terms": "terms"}
    judge = {"inputs": ["document"]}

    def found(ask: str) -> list[tuple[str, str]]:
        return rules(file_of(criterion("c", ask), judge=judge, inputs=inputs))

    assert ("error", "self_contained") in found("Does the comment rest on the terms?")
    assert ("error", "self_contained") not in found("Does the comment put it in terms that a child knows?")


def test_a_field_that_the_judge_is_not_shown_may_not_be_named():
    asked = criterion("c", "Is the comment about the text_excerpt?")
    checks = [{"check": "length", "field": "text_excerpt", "max_words": 20, "weight": 0.1}]

    hidden = rules(file_of(asked, judge={"show": ["comment"]}, checks=checks))

    assert ("error", "self_contained") in hidden
    assert ("error", "self_contained") not in rules(file_of(asked, checks=checks))


def test_a_judge_without_documents_cannot_compare_with_one():
    ask = "Does the summary agree with the article?"

    assert ("error", "self_contained") in rules(file_of(criterion("c", ask), inputs={}))
    assert ("error", "self_contained") not in rules(file_of(criterion("c", ask)))


def test_pass_and_fail_must_be_self_contained_too():
    assert rules(spoilt(**{"pass": "It passes as above."})) == [("error", "self_contained")]


def test_the_objective_must_not_ask_for_a_score():
    finding = the_finding(file_of(objective="Review the comment. Give a total score from 1 to 10."))

    assert (finding.rule, finding.where) == ("arithmetic", "objective")


def preference(prefer: str) -> list[tuple[str, str]]:
    return rules(
        file_of(judge={"criteria": [], "mode": "preference", "compare": "swiss", "prefer": prefer}, items=None)
    )


def test_of_a_preference_judge_only_what_it_goes_by_is_read():
    assert preference("It names the broken rule and says what to do, which the other candidate does not.") == []
    assert preference("It keeps to our style guide.") == [("error", "self_contained")]
    assert preference("Rate both from 1 to 10.") == [("error", "arithmetic")]
