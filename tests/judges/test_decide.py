"""A decision model is asked everything in one request, and its probabilities are read in that order."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.judges.decide import decisions_request, read_decisions
from dikast.judges.render import Case
from dikast.judges.rubric import RubricJudge
from dikast.models.base import Capabilities, Choice, Reply
from dikast.records import Missing, Verdict
from dikast.spec.judge import Criterion

GOOD = Criterion(id="good", ask="Is it good? ", pass_="It is.", fail="It is not.")
OPEN = Criterion(id="open", ask="Does it apply?", na=True)
CLEAR = Criterion(id="clear", ask="How clear is it?", scale=(1, 3), levels={1: "dark", 2: "dim", 3: "bright"})
CRITERIA = (GOOD, OPEN, CLEAR)


def case_of(candidate: str) -> Case:
    return Case(documents=(("Document", "A contract."),), candidate=candidate)


def reply(*answers: dict[str, float]) -> Reply:
    return Reply(text="", chosen=tuple(tuple(answer.items()) for answer in answers))


def read_one(criterion: Criterion, **held: float) -> Verdict | Missing:
    [verdicts] = read_decisions(reply(held), [criterion], cases=1)
    return verdicts[criterion.id]


class TestRequest:
    def test_a_yes_or_no_is_put_as_such_with_what_both_mean(self):
        request = decisions_request("Judge.", [case_of("c")], [GOOD])

        assert request.choices == (
            Choice(
                name="good",
                ask="About the candidate: Is it good?",
                labels=("yes", "no"),
                meanings=("It is.", "It is not."),
            ),
        )

    def test_a_scale_is_put_level_by_level(self):
        request = decisions_request("Judge.", [case_of("c")], [CLEAR])

        assert isinstance(request.choices, tuple)
        assert (request.choices[0].labels, request.choices[0].meanings) == (("1", "2", "3"), ("dark", "dim", "bright"))

    @pytest.mark.parametrize("criterion", [OPEN, msgspec.structs.replace(CLEAR, na=True)])
    def test_not_applicable_is_offered_where_the_criterion_allows_it_and_means_something(self, criterion: Criterion):
        request = decisions_request("Judge.", [case_of("c")], [criterion])

        assert isinstance(request.choices, tuple)
        [choice] = request.choices
        assert (choice.labels[-1], choice.meanings[-1]) == ("n/a", "The question does not apply.")
        assert len(choice.labels) == len(choice.meanings)

    def test_every_criterion_is_asked_about_every_candidate_by_its_number(self):
        request = decisions_request("Judge.", [case_of("one"), case_of("two")], [GOOD, CLEAR])

        assert isinstance(request.choices, tuple)
        assert [choice.name for choice in request.choices] == ["good-1", "clear-1", "good-2", "clear-2"]
        assert [choice.ask for choice in request.choices][::3] == [
            "About candidate 1: Is it good?",
            "About candidate 2: How clear is it?",
        ]

    def test_the_documents_are_shown_once_and_the_candidates_behind_them_in_order(self):
        shown = decisions_request("Judge.", [case_of("one"), case_of("two")], [GOOD]).messages[-1].content

        assert shown.count("A contract.") == 1
        assert shown.index("A contract.") < shown.index("# Candidate 1\n") < shown.index("\none\n")
        assert shown.index("\none\n") < shown.index("# Candidate 2\n") < shown.index("\ntwo\n")


class TestReading:
    def test_a_verdict_is_the_share_of_yes(self):
        assert read_one(GOOD, yes=0.25, no=0.75) == Verdict(value=0.25)
        assert read_one(GOOD, yes=0.3, no=0.1).value == pytest.approx(0.75)

    def test_a_scale_is_the_expected_level_as_a_share(self):
        verdict = read_one(CLEAR, **{"1": 0.25, "2": 0.25, "3": 0.5})

        assert verdict.value == pytest.approx((0.25 * 0 + 0.25 * 1 + 0.5 * 2) / 2)

    def test_not_applicable_is_what_more_than_half_says(self):
        assert read_one(OPEN, yes=0.1, no=0.3, **{"n/a": 0.6}) == Verdict(value=None)
        assert read_one(OPEN, yes=0.375, no=0.125, **{"n/a": 0.5}) == Verdict(value=0.75)

    def test_not_applicable_is_no_answer_where_the_criterion_does_not_allow_it(self):
        assert read_one(GOOD, yes=0.05, no=0.05, **{"n/a": 0.9}) == Missing(
            "unparsable", "yes and no hold 0.100 of the probability"
        )

    def test_an_answer_that_is_left_out_has_no_probability(self):
        assert read_one(GOOD, no=0.9) == Verdict(value=0.0)
        assert read_one(OPEN, yes=0.9) == Verdict(value=1.0)
        assert read_one(CLEAR, **{"3": 1.0}) == Verdict(value=1.0)

    def test_what_was_not_offered_is_not_read(self):
        assert read_one(CLEAR, **{"1": 0.5, "9": 0.5, "bright": 0.5}) == Verdict(value=0.0)

    def test_verdicts_are_read_candidate_by_candidate_in_the_order_of_the_questions(self):
        said = reply(*({"yes": value, "no": 1 - value} for value in (0.125, 0.25, 0.5, 1.0)))
        other = Criterion(id="other", ask="?")

        assert read_decisions(said, [GOOD, other], cases=2) == [
            {"good": Verdict(value=0.125), "other": Verdict(value=0.25)},
            {"good": Verdict(value=0.5), "other": Verdict(value=1.0)},
        ]

    def test_a_question_that_was_refused_is_missing_alone(self):
        said = reply({"yes": 1.0, "no": 0.0}, {}, {"yes": 0.0, "no": 1.0}, {"yes": 0.5, "no": 0.5})
        other = Criterion(id="other", ask="?")

        assert read_decisions(said, [GOOD, other], cases=2) == [
            {"good": Verdict(value=1.0), "other": Missing("refused", "the model declined 'other'")},
            {"good": Verdict(value=0.0), "other": Verdict(value=0.5)},
        ]

    @pytest.mark.parametrize("answers", [0, 1, 3, 5])
    def test_another_number_of_answers_than_of_questions_says_nothing(self, answers: int):
        said = reply(*[{"yes": 1.0, "no": 0.0}] * answers)

        verdicts = read_decisions(said, [GOOD, OPEN], cases=2)

        missing = Missing("unparsable", f"{answers} answers to 4 questions")
        assert verdicts == [{"good": missing, "open": missing}] * 2

    def test_a_reply_without_probabilities_says_nothing(self):
        [verdicts] = read_decisions(Reply(text="yes"), [GOOD], cases=1)

        assert verdicts == {"good": Missing("unparsable", "0 answers to 1 questions")}

    LABEL = st.sampled_from(["yes", "no", "n/a", "1", "2", "3", "9", ""])

    @given(st.lists(st.lists(st.tuples(LABEL, st.floats(0, 1)), max_size=6).map(tuple), max_size=7).map(tuple))
    def test_any_reply_gives_an_outcome_for_every_question(self, chosen: Any):
        verdicts = read_decisions(Reply(text="", chosen=chosen), CRITERIA, cases=2)

        assert [list(of_case) for of_case in verdicts] == [["good", "open", "clear"]] * 2
        for of_case in verdicts:
            for name, verdict in of_case.items():
                if isinstance(verdict, Verdict) and verdict.value is not None:
                    assert 0 <= verdict.value <= 1
                else:
                    assert isinstance(verdict, Missing) or name == "open"


async def test_a_rubric_judge_asks_a_decision_model_once_for_all(scripted_model: Any, asker_of: Any):
    model = scripted_model(
        lambda request: reply(*({label: 1 / len(c.labels) for label in c.labels} for c in request.choices))
    )
    model.capabilities = Capabilities(decisions=True, na=True)

    verdicts, usage = await RubricJudge(asker=asker_of(model), objective="Judge.").judge(
        [case_of("one"), case_of("two")], CRITERIA
    )

    assert [{name: v.value for name, v in one.items()} for one in verdicts] == [
        {"good": 0.5, "open": 0.5, "clear": pytest.approx(0.5)}
    ] * 2
    assert (usage.questions, len(model.asked), len(model.asked[0].choices)) == (1, 1, 6)
