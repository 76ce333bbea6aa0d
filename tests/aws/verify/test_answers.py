"""An answer is read as strictly as a trainer ought to read it."""

import json
import math

import pytest

from dikast.aws.verify.answers import problems_of, rows_in

SENT = [{"id": name, "messages": []} for name in ("a", "b", "c")]
UNIT = (0.0, 1.0)


def rows(**changes):
    """Three good rows; a change is of the second."""
    made = [{"id": sample["id"], "aggregate_reward_score": 0.5, "metrics_list": []} for sample in SENT]
    made[1] |= changes
    return made


def found(answer, **options) -> dict[str, str]:
    return {problem.check: problem.said for problem in problems_of(SENT, answer, limits=UNIT, **options)}


def test_a_good_answer_has_no_problem():
    assert found(rows(metrics_list=[{"name": "m", "value": 1, "type": "Reward"}])) == {}


@pytest.mark.parametrize(
    ("score", "check", "said"),
    [
        (math.nan, "scores", "no finite number"),
        (math.inf, "scores", "no finite number"),
        (True, "scores", "the boolean True"),
        ("0.5", "scores", "the text '0.5'"),
        (None, "scores", "null"),
        (1.01, "range", "outside [0, 1]"),
        (10**9, "range", "outside [0, 1]"),
    ],
)
def test_a_score_that_is_none_is_named_with_its_row(score, check, said):
    assert said in found(rows(aggregate_reward_score=score))[check]
    assert found(rows(aggregate_reward_score=score))[check].startswith("row 1")


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        (rows()[:2], "count"),
        ([*rows(), *rows()[:1]], "count"),
        (rows()[::-1], "order"),
        (rows(id="0"), "ids"),
        (rows(id=None), "ids"),
        (rows(id="a"), "ids"),
        ({"id": "a", "aggregate_reward_score": 1.0}, "form"),
        ({"statusCode": 200, "body": json.dumps(rows())}, "form"),
        ([1, 2, 3], "form"),
        (None, "form"),
        ([{"id": "a"}, {"id": "b"}, {"id": "c"}], "form"),
        (rows(metrics_list=5), "metrics"),
        (rows(metrics_list=[5]), "metrics"),
        (rows(metrics_list=[{"name": "m", "value": 1.0, "type": "metric"}]), "metrics"),
        (rows(metrics_list=[{"name": "m", "value": math.nan, "type": "Metric"}]), "metrics"),
    ],
)
def test_what_the_vendors_verifier_lets_pass_is_a_problem(answer, check):
    assert check in found(answer)


def test_several_kinds_of_bad_scores_are_all_named():
    bad = rows(aggregate_reward_score=None)
    bad[2]["aggregate_reward_score"] = True

    said = [problem.said for problem in problems_of(SENT, bad, limits=UNIT)]

    assert len(said) == 2


def test_an_envelope_is_opened_where_it_is_wanted():
    wrapped = {"statusCode": 200, "body": json.dumps(rows())}

    assert found(wrapped, envelope=True) == {}
    assert "form" in found(rows(), envelope=True)
    assert rows_in({"statusCode": 500, "body": "[]"}, envelope=True)[1]
    assert rows_in({"statusCode": 200, "body": "{"}, envelope=True)[1]
