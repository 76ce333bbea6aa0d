"""Outcomes of production: how the score and its parts go with them, and what serves none."""

# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false, reportOperatorIssue=false

import math

import pytest

from dikast.certify.measure import certify
from dikast.certify.outcomes import notes_on_outcomes
from dikast.errors import DataError, ModelError

from .conftest import REWARD, labelled_row, truth_of

OUTCOMES = """
outcomes:
  accepted: {at_least: 0.5}
  minutes: {at_most: 10}
"""


def produced(number, **outcomes):
    return labelled_row(number, outcomes=outcomes)


def half_blind(question, number):
    """Sees whether an answer is on topic, and calls every other pair of answers useful."""
    if "useful" in question or "help" in question:
        return 0.9 if number // 2 % 2 else 0.1
    return 0.97 if truth_of(number) else 0.04


async def test_a_score_that_goes_with_an_outcome_is_told_with_what_serves_it(reward_of, labels_of, judge_of, perfect):
    rows = [produced(n, accepted=truth_of(n) != (n % 9 == 0), minutes=5 if truth_of(n) else 20) for n in range(240)]

    certificate = await certify(reward_of(REWARD + OUTCOMES), labels_of(rows), judge=judge_of(perfect))

    accepted, minutes = certificate.outcomes.metrics.values()
    assert (accepted.n, accepted.reached.n, accepted.score.auc.n, accepted.missing) == (160, 160, 160, {})
    wrong = sum(n % 9 == 0 for n in range(240) if n % 12 >= 4)
    assert accepted.score.auc.value == pytest.approx(1 - wrong / 160, abs=0.01)
    assert accepted.score.auc.low < accepted.score.auc.value < accepted.score.auc.high < 1
    # Less is better: what goes with few minutes rises with it.
    assert minutes.score.auc.value == 1
    assert minutes.score.spearman.value > 0.9
    assert minutes.reached.value == 0.5
    assert accepted.served_by == ("on_topic", "useful")
    assert (certificate.outcomes.unserved, certificate.outcomes.serving_none) == ((), ())


async def test_a_criterion_that_serves_nothing_and_a_metric_that_nothing_serves_are_named(
    reward_of, labels_of, judge_of
):
    rows = [produced(n, accepted=truth_of(n), minutes=n % 7) for n in range(240)]
    text = REWARD + OUTCOMES.replace("at_most: 10", "at_most: 3")

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(half_blind))

    assert certificate.outcomes.metrics["accepted"].served_by == ("on_topic",)
    assert certificate.outcomes.unserved == ("minutes",)
    assert certificate.outcomes.serving_none == ("useful",)
    notes = list(notes_on_outcomes(certificate.outcomes))
    assert any(
        note.startswith("warning: no criterion serves the outcome minutes: none of the criteria") for note in notes
    )
    assert "criteria that serve no outcome: useful" in notes


async def test_only_those_that_are_meant_to_can_serve(reward_of, labels_of, judge_of):
    rows = [produced(n, accepted=truth_of(n)) for n in range(240)]
    text = REWARD + "outcomes: {accepted: {at_least: 0.5, criteria: [useful]}}\n"

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(half_blind))

    accepted = certificate.outcomes.metrics["accepted"]
    assert accepted.served_by == ()
    assert accepted.parts["on_topic"].auc.value == 1
    assert certificate.outcomes.unserved == ("accepted",)
    assert certificate.outcomes.serving_none == ("on_topic", "useful")
    assert any("none of useful, which are meant to," in note for note in notes_on_outcomes(certificate.outcomes))


async def test_the_score_is_the_rewards_own_with_checks_gates_and_the_certificates_reading(
    reward_of, labels_of, judge_of, perfect
):
    checks = "checks: [{check: length, max_words: 2, gate: true}, {check: artifacts, weight: 0.5}]\n"
    # What the gate stops has the lowest score, and what the judge refuses is on_topic but useless.
    rows = [
        labelled_row(n, outcomes={"accepted": truth_of(n)}, completion=f"answer {n}" + " and more" * (n % 4 == 1))
        for n in range(240)
    ]
    text = REWARD + checks + "outcomes: {accepted: {at_least: 1}}\n"

    def belief(question, number):
        return 0.9 if "useful" in question or "help" in question else perfect(question, number)

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(belief))

    accepted = certificate.outcomes.metrics["accepted"]
    assert certificate.criteria["useful"].factor == 0
    assert accepted.score.auc.value == 1
    assert accepted.score.auc.n == 160
    # A gated answer was not asked about, so it is in no figure of a criterion.
    assert accepted.parts["on_topic"].auc.n == sum(n % 4 != 1 for n in range(240) if n % 12 >= 4)
    assert accepted.parts["artifacts"].auc.value == 0.5


async def test_production_rows_need_no_labels_and_are_asked_everything(reward_of, labels_of, judge_of, perfect):
    labelled = [labelled_row(n) for n in range(240)]
    alone = [produced(n, accepted=truth_of(n)) | {"labels": {}} for n in range(240, 480)]
    text = REWARD + "outcomes: {accepted: {at_least: 0.5}}\n"

    certificate = await certify(reward_of(text), labels_of(labelled + alone), judge=judge_of(perfect))

    assert certificate.criteria["on_topic"].n == 160
    assert certificate.outcomes.metrics["accepted"].n == 160
    assert certificate.outcomes.metrics["accepted"].score.auc.value == 1


async def test_a_score_that_could_not_be_had_is_counted_and_in_no_figure(reward_of, labels_of, judge_of, perfect):
    rows = [produced(n, accepted=truth_of(n)) for n in range(240)]
    text = REWARD + "outcomes: {accepted: {at_least: 0.5}}\n"

    def belief(question, number):
        return ModelError("timeout", "slow") if number % 12 == 5 and "topic" in question else perfect(question, number)

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(belief))

    accepted = certificate.outcomes.metrics["accepted"]
    assert accepted.missing == {"timeout": 20}
    assert (accepted.n, accepted.score.auc.n, accepted.parts["useful"].auc.n) == (160, 140, 160)


async def test_where_the_certificate_turns_all_off_there_is_no_score_and_the_parts_are_told(
    reward_of, labels_of, judge_of
):
    rows = [produced(n, accepted=truth_of(n)) for n in range(240)]
    text = REWARD + "outcomes: {accepted: {at_least: 0.5}}\n"

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(lambda _question, _number: 0.9))

    accepted = certificate.outcomes.metrics["accepted"]
    assert certificate.level == "red"
    assert (accepted.score.auc.value, accepted.missing) == (None, {"not_applicable": 160})
    assert accepted.parts["on_topic"].auc.value == 0.5


async def test_a_healthbench_range_that_no_longer_holds_gives_no_score(reward_of, labels_of, judge_of, perfect):
    rows = [produced(n, accepted=truth_of(n)) for n in range(240)]
    text = REWARD.replace("id: useful", "id: useful\n      weight: 3").replace(
        "- id: on_topic", '- {id: rude, ask: "Is it rude?", negative: true}\n    - id: on_topic'
    )
    text += "range: [-0.25, 1]\naggregate: healthbench\noutcomes: {accepted: {at_least: 0.5}}\n"
    rows = [row | {"labels": row["labels"] | {"rude": {"ann": not truth_of(n)}}} for n, row in enumerate(rows)]

    def belief(question, number):
        if "rude" in question:
            return 1 - perfect(question, number)
        return 0.9 if "useful" in question or "help" in question else perfect(question, number)

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(belief))

    # Without `useful`, which is off, the lowest score would be -1.
    accepted = certificate.outcomes.metrics["accepted"]
    assert accepted.missing == {"not_applicable": 160}
    assert accepted.parts["rude"].auc.value == 1


async def test_items_of_a_set_have_outcomes_of_their_own(reward_of, labels_of, judge_of, perfect):
    rows = [
        labelled_row(
            n, item=0, completion=f'{{"notes": ["answer {n}", "answer {n + 1}"]}}', outcomes={"accepted": truth_of(n)}
        )
        for n in range(240)
    ]
    text = REWARD + "items: notes\nrecall: {issues: expert, key: rule}\noutcomes: {accepted: {at_least: 0.5}}\n"
    rows = [row | {"expert": [{"rule": "a"}]} for row in rows]

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(perfect))

    # With recall every score would be 0: none of the items names the rule.
    assert certificate.outcomes.metrics["accepted"].score.auc.value == 1


async def test_a_metric_that_no_row_carries_is_warned_of(reward_of, suite, judge_of, perfect):
    certificate = await certify(reward_of(REWARD + OUTCOMES), suite, judge=judge_of(perfect))

    assert certificate.outcomes.metrics["accepted"].n == 0
    assert certificate.outcomes.unserved == ("accepted", "minutes")
    assert certificate.outcomes.serving_none == ()
    assert list(notes_on_outcomes(certificate.outcomes)) == [
        "warning: outcome accepted: no row of the certificate's part carries it",
        "warning: outcome minutes: no row of the certificate's part carries it",
    ]


async def test_what_goes_against_an_outcome_is_warned_of(reward_of, labels_of, judge_of, perfect):
    rows = [produced(n, accepted=not truth_of(n)) for n in range(240)]
    text = REWARD + "outcomes: {accepted: {at_least: 0.5}}\n"

    certificate = await certify(reward_of(text), labels_of(rows), judge=judge_of(perfect))

    assert "warning: outcome accepted: on_topic, useful goes against it" in list(
        notes_on_outcomes(certificate.outcomes)
    )


async def test_a_reward_without_outcomes_has_none(reward, suite, judge_of, perfect):
    certificate = await certify(reward, suite, judge=judge_of(perfect))

    assert certificate.outcomes is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (REWARD + OUTCOMES, r"labels.jsonl:1: the outcome 'liked' is not named under 'outcomes'.*, which has accepted"),
        (REWARD, r"labels.jsonl:1: the outcome 'liked' is not named under 'outcomes'.*; write there from where on"),
    ],
    ids=["another", "none"],
)
async def test_an_outcome_that_the_reward_does_not_name_is_an_error(reward_of, labels_of, judge_of, text, said):
    def nobody(_question, _number):
        raise AssertionError("asked before the labels were looked at")

    with pytest.raises(DataError, match=said):
        await certify(reward_of(text), labels_of([produced(0, liked=True)]), judge=judge_of(nobody))


def test_outcomes_are_numbers(labels_of):
    assert labels_of([produced(0, accepted=True, minutes=2)]).rows[0].outcomes == {"accepted": 1.0, "minutes": 2.0}


@pytest.mark.parametrize("outcomes", [[1], {"accepted": "yes"}, {"accepted": None}, {"minutes": math.inf}])
def test_what_is_no_number_is_an_error_with_its_line(labels_of, outcomes):
    with pytest.raises(DataError, match=r"labels.jsonl:1: 'outcomes' must be"):
        labels_of([labelled_row(0, outcomes=outcomes)])
