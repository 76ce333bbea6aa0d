"""A reward put together: what it refuses, what it names, and how it is called without a loop."""

from collections.abc import Callable
from typing import Any

import pytest
from plain_reward import TWO

from dikast.errors import ConfigError, NotGoodEnoughError, UnavailableError
from dikast.records import Rollout
from dikast.reward.parts import Reading

Make = Callable[..., Rollout]

QUOTING = TWO.replace('"Is it good?"', '"Is it good?", evidence: Document')


def test_it_scores_without_an_event_loop(judged_by: Any, scripted_model: Any, rollout: Make):
    scores = judged_by(TWO, scripted_model(0.75)).score([rollout("a"), rollout("b")])

    assert [score.score for score in scores] == pytest.approx([0.75, 0.75])


async def test_it_scores_without_an_event_loop_even_where_one_runs(judged_by: Any, scripted_model: Any, rollout: Make):
    [score] = judged_by(TWO, scripted_model(0.75)).score([rollout("a")])

    assert score.score == pytest.approx(0.75)


def test_an_error_reaches_the_caller_as_it_is(judged_by: Any, scripted_model: Any, rollout: Make):
    reward = judged_by(TWO, scripted_model(UnavailableError("no such key"), concurrency=16))

    with pytest.raises(UnavailableError, match=r"^no such key$"):
        reward.score([rollout("a"), rollout("b", group="other")])


def test_its_hash_is_the_files(judged_by: Any, scripted_model: Any):
    reward = judged_by(TWO, scripted_model(0.5))

    assert reward.hash == reward.spec.hash


def test_evidence_with_a_model_that_cannot_quote_is_refused_when_it_is_put_together(
    judged_by: Any, scripted_model: Any
):
    with pytest.raises(ConfigError, match="evidence needs a model that can quote, and scripted:judge cannot"):
        judged_by(QUOTING, scripted_model(0.5))

    assert judged_by(QUOTING, scripted_model("", logprobs=False, quote=True))


def test_a_certificate_that_turns_every_criterion_off_leaves_nothing_to_judge(judged_by: Any, scripted_model: Any):
    off = {"good": Reading(factor=0.0), "useful": Reading(factor=0.0)}

    with pytest.raises(NotGoodEnoughError, match="the certificate turns every criterion off"):
        judged_by(TWO, scripted_model(0.5), readings=off)


def test_closing_lets_go_of_the_model_and_the_journal(judged_by: Any, scripted_model: Any, rollout: Make):
    model = scripted_model(0.5)
    reward = judged_by(TWO, model)
    reward.score([rollout()])

    reward.close()

    assert model.closed
