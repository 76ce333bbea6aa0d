"""An evaluation from answers to figures, with a scripted judge."""

import msgspec
import pytest

from dikast.errors import DataError, UnavailableError
from dikast.evaluate.run import evaluate
from dikast.evaluate.store import read_evaluation
from dikast.records import Rollout
from dikast.spec.run import EvalSpec

from .conftest import ScriptedJudge, arm, completion, rollout

SPEC = EvalSpec(judged=2, best_of=2, known="known", ask="Does it agree?")


def value_of(evaluation, arm, metric, document):
    return {(v.arm, v.metric, v.document): v.value for v in evaluation.values}[arm, metric, document]


async def test_code_measures_every_greedy_answer_and_the_judge_those_that_are_spread(open_reward, tmp_path):
    arms = [arm("base", [0.2, "no json", 0.4, 0.5]), arm("rft", [0.8, 0.8, 0.9, 0.9])]

    found = await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path)

    assert found.arms["base"]["json_validity"].value == 0.75
    assert found.arms["base"]["json_validity"].n == 4
    assert found.arms["base"]["reward"].n == 2
    assert found.arms["base"]["reward"].value == pytest.approx((0.2 + 0.4) / 2)
    assert found.arms["rft"]["reward"].value == pytest.approx((0.8 + 0.9) / 2)
    assert found.arms["base"]["items"].n == 3


async def test_gold_counts_greedy_answers_and_samples_and_is_missing_where_it_fails(open_reward, tmp_path):
    def gold(one: Rollout) -> float | None:
        return None if one.completion == completion(0.4) else 0.25 if "#" in one.id else 1.0

    arms = [arm("base", [0.2, 0.3, 0.4], [[0.1, 0.2]])]
    found = await evaluate(arms, open_reward(), SPEC, gold=gold, folder_of_run=tmp_path)

    assert found.arms["base"]["gold"].value == 1.0
    assert (found.arms["base"]["gold"].n, found.arms["base"]["gold"].missing) == (2, 1)
    assert found.arms["base"]["gold_sampled"].value == 0.25


async def test_a_failed_judgment_is_missing_and_never_a_number(open_reward, tmp_path):
    arms = [arm("base", ["fail", 0.5], [["fail", 0.5]])]

    found = await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path)

    assert value_of(found, "base", "reward", "group-0") is None
    assert value_of(found, "base", "judge_score", "group-0") is None
    assert value_of(found, "base", "part/good", "group-0") is None
    assert value_of(found, "base", "missing", "group-0") == 1.0
    assert value_of(found, "base", "reward_sampled", "group-0") == pytest.approx(0.5)
    # One valid sample is too few for a best of two.
    assert value_of(found, "base", "best_of_k", "group-0") is None


@pytest.mark.parametrize("concurrency", [1, 32])
async def test_a_model_that_is_not_there_stops_the_evaluation_in_its_own_words(open_reward, tmp_path, concurrency):
    arms = [arm("base", ["gone", 0.5, "gone"])]

    with pytest.raises(UnavailableError, match="no model"):
        await evaluate(arms, open_reward(ScriptedJudge(concurrency=concurrency)), SPEC, folder_of_run=tmp_path)


async def test_a_gated_answer_counts_as_the_lowest_reward_and_is_still_put_on_the_scale(open_reward, tmp_path, judge):
    arms = [arm("base", ["no json but p=0.75", 0.5])]

    found = await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path)

    assert value_of(found, "base", "reward", "group-0") == 0.0
    assert value_of(found, "base", "gated", "group-0") == 1.0
    assert value_of(found, "base", "judge_score", "group-0") == pytest.approx(4.0)
    assert ("base", "part/good", "group-0") not in {(v.arm, v.metric, v.document) for v in found.values}


async def test_the_score_is_asked_in_another_wording_with_the_known_answer(open_reward, tmp_path, judge):
    await evaluate([arm("base", [0.5, 0.25])], open_reward(), SPEC, folder_of_run=tmp_path)

    scale = [text for text in judge.requests if "Question: Does it agree?" in text]
    assert len(scale) == 2
    assert "# KnownAnswer\nknown 0" in scale[0]
    assert all("KnownAnswer" not in text for text in judge.requests if text not in scale)


async def test_best_of_k_takes_what_the_reward_picks(open_reward, tmp_path):
    golds = {completion(0.9): 0.1, completion(0.3): 1.0}
    arms = [arm("base", [0.5, 0.5], [[0.3, 0.9]])]

    found = await evaluate(
        arms, open_reward(), SPEC, gold=lambda one: golds.get(one.completion, 0.0), folder_of_run=tmp_path
    )

    assert value_of(found, "base", "best_of_k", "group-0") == pytest.approx(0.9)
    assert value_of(found, "base", "best_of_k_gold", "group-0") == pytest.approx(0.1)
    assert value_of(found, "base", "judge_score_best_of_k", "group-0") == pytest.approx(1 + 4 * 0.9)
    assert [answer.completion for answer in found.answers if answer.picked] == [completion(0.9)]


async def test_equal_answers_of_all_arms_are_judged_once(open_reward, tmp_path, judge):
    arms = [arm("base", [0.5, 0.5]), arm("rft", [0.5, 0.5])]

    await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path)

    # Two documents, each with the reward's question and the score's.
    assert len(judge.requests) == 4


async def test_an_evaluation_that_is_made_again_asks_nothing_again(open_reward, tmp_path, judge):
    arms = [arm("base", [0.5, 0.6], [[0.2, 0.3]])]
    first = await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path)
    asked = len(judge.requests)

    second = await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path)

    assert len(judge.requests) == asked
    assert second.arms == first.arms


async def test_many_requests_at_once_give_the_same_values(open_reward, tmp_path):
    arms = [arm("base", [0.1, 0.2, 0.3], [[0.4, 0.5]]), arm("rft", [0.6, 0.7, 0.8], [[0.9, 0.5]])]
    spec = msgspec.structs.replace(SPEC, judged=3)

    one = await evaluate(arms, open_reward(), spec, folder_of_run=tmp_path / "one")
    many = await evaluate(arms, open_reward(ScriptedJudge(concurrency=32)), spec, folder_of_run=tmp_path / "many")

    assert many.values == one.values


async def test_progress_counts_every_answer_once(open_reward, tmp_path):
    arms = [arm("base", [0.5, 0.6, 0.7], [[0.2, 0.3]]), arm("rft", [0.5, 0.6, 0.7])]
    told: list[int] = []

    await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path, progress=told.append)

    assert sum(told) == 3 + 2 + 3


async def test_what_is_kept_reads_back_as_it_was(open_reward, tmp_path):
    arms = [arm("base", [0.5, "half \ud800 surrogate"], [[0.2, 0.3]])]

    found = await evaluate(arms, open_reward(), SPEC, folder_of_run=tmp_path)

    assert read_evaluation(tmp_path) == found


async def test_a_column_of_the_known_answer_that_is_not_there_is_told_before_the_judge_is_asked(
    open_reward, tmp_path, judge
):
    spec = msgspec.structs.replace(SPEC, known="answers")

    with pytest.raises(DataError, match=r"no column 'answers', which eval\.known names"):
        await evaluate([arm("base", [0.5])], open_reward(), spec, folder_of_run=tmp_path)

    assert judge.requests == []


async def test_an_answer_without_any_character_has_no_rate_of_odd_ones(open_reward, tmp_path):
    found = await evaluate([arm("base", ["", 0.5])], open_reward(), SPEC, folder_of_run=tmp_path)

    assert value_of(found, "base", "odd_characters", "group-0") is None
    assert value_of(found, "base", "words", "group-0") == 0.0


async def test_a_known_answer_that_is_empty_is_shown_as_none(open_reward, tmp_path, judge):
    one = arm("base", [])
    one = msgspec.structs.replace(one, greedy=(rollout(0, completion(0.5), known=[]),))

    await evaluate([one], open_reward(), SPEC, folder_of_run=tmp_path)

    assert any("# KnownAnswer\nnone\n" in text for text in judge.requests)
