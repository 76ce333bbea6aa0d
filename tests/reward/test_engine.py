"""A batch becomes scores: in order, each question once, the prefix first, and failures as what they are."""

import asyncio
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_reward import ONE, TWO

from dikast.errors import DataError, ModelError, UnavailableError
from dikast.models.base import Request, answer_begun
from dikast.records import Rollout
from dikast.reward.parts import Reading

Make = Callable[..., Rollout]

GATED = ONE + "range: [-1, 1]\nchecks:\n  - {check: length, max_words: 3, gate: true}\n"
SET = ONE + "items: notes\nchecks:\n  - {check: json, gate: true}\n"
MINE = ONE + 'checks:\n  - {check: python, call: "mine:score", weight: 0.1}\n'
BROKEN = "def score(rollout):\n    raise RuntimeError('broken')\n"


def candidate_of(request: Request) -> str:
    found = re.search(r"<([0-9a-f]{16})>\n(.*)\n</\1>", request.messages[-1].content, flags=re.DOTALL)
    assert found
    return found[2]


def believed(request: Request) -> float:
    """P(yes) is what the candidate says it is."""
    return float(candidate_of(request).split()[-1])


async def test_scores_come_in_the_order_of_the_rollouts(judged_by: Any, scripted_model: Any, rollout: Make):
    rollouts = [rollout(f"r{at}", f"answer {at / 40}", group=f"g{at % 3}") for at in range(40)]
    random.Random(0).shuffle(rollouts)

    for concurrency in (1, 4, 64):
        reward = judged_by(ONE, scripted_model(believed, concurrency=concurrency))
        scores = await reward.ascore(rollouts)

        assert [score.id for score in scores] == [r.id for r in rollouts]
        assert [score.score for score in scores] == pytest.approx([float(r.completion.split()[1]) for r in rollouts])


async def test_a_users_function_that_takes_long_keeps_nobody_from_the_deadline_or_their_turn(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    slow = "import time\n\ndef score(rollout):\n    time.sleep(0.2)\n    return 1.0\n"
    reward = judged_by(MINE, scripted_model(0.5), files={"mine.py": slow})
    clock, turns = asyncio.get_running_loop().time, list[float]()

    async def other() -> None:
        while True:
            turns.append(clock())
            await asyncio.sleep(0.01)

    beside, began = asyncio.create_task(other()), clock()
    scores = await reward.ascore([rollout(f"r{at}", f"a {at}", group="g") for at in range(20)], deadline=0.5)
    took = clock() - began
    beside.cancel()

    assert {(score.missing, score.detail) for score in scores[3:]} == {
        ("expired", "python: the batch's deadline came first")
    }
    assert took < 1.5
    assert len(turns) >= 10


async def test_a_users_function_that_hangs_leaves_each_batch_to_its_deadline(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    hangs = "import time\n\ndef score(rollout):\n    time.sleep(1.5 if rollout.id == 'r0' else 0)\n    return 1.0\n"
    reward = judged_by(MINE, scripted_model(0.5), files={"mine.py": hangs})

    first, second = await asyncio.gather(
        reward.ascore([rollout("r0", "a 0", group="g")], deadline=0.2),
        reward.ascore([rollout("r1", "a 1", group="h")], deadline=0.4),
    )
    [later] = await reward.ascore([rollout("r1", "a 1", group="h")], deadline=10)

    assert [score.missing for score in (*first, *second)] == ["expired", "expired"]
    assert later.status == "scored"


async def test_no_rollouts_are_no_scores(judged_by: Any, scripted_model: Any):
    assert await judged_by(ONE, scripted_model(0.5)).ascore([]) == []


@pytest.mark.parametrize("concurrency", [1, 64])
async def test_equal_completions_of_a_prompt_are_judged_once(
    judged_by: Any, scripted_model: Any, rollout: Make, concurrency: int
):
    model = scripted_model(believed, concurrency=concurrency)
    texts = ["same 0.5", "other 0.25", "same 0.5", "same 0.5", "other 0.25"]

    scores = await judged_by(TWO, model).ascore([rollout(f"r{at}", text) for at, text in enumerate(texts)])

    assert len(model.asked) == 4
    assert [score.score for score in scores] == pytest.approx([0.5, 0.25, 0.5, 0.5, 0.25])
    assert sum(score.usage.asked for score in scores) == 4
    assert [score.usage.questions for score in scores] == [2] * 5


async def test_equal_completions_of_different_prompts_are_judged_each(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(0.5)

    await judged_by(ONE, model).ascore([rollout("a", "same", group="g0"), rollout("b", "same", group="g1")])

    assert len(model.asked) == 2


async def test_where_the_shared_prefix_is_worth_caching_the_first_is_answered_before_its_siblings_are_asked(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(believed, concurrency=64)
    rollouts = [
        rollout(f"r{at}", f"answer {at} 0.5", group=f"g{at % 3}", contract=f"contract g{at % 3} " + "word " * 800)
        for at in range(15)
    ]

    await judged_by(ONE, model).ascore(rollouts)

    at_once = 0
    for group in ("g0", "g1", "g2"):
        events = [(what, r) for what, r in model.events if f"contract {group}" in r.messages[-1].content]
        (asked, first), (answered, same), *siblings = events
        assert (asked, answered) == ("asked", "answered")
        assert first == same
        assert [what for what, _ in siblings] == ["asked"] * 4 + ["answered"] * 4
        at_once += len(siblings)
    assert at_once == 24


async def test_the_siblings_are_asked_when_the_first_answer_begins(judged_by: Any, scripted_model: Any, rollout: Make):
    finish = asyncio.Event()

    class Streaming(scripted_model):
        """Begins its first answer at once and ends it when it is told to."""

        async def reply(self, request: Request) -> Any:
            if begin := answer_begun.get():
                begin()
                await finish.wait()
            return await super().reply(request)

    model = Streaming(believed, concurrency=64)
    rollouts = [rollout(f"r{at}", f"answer {at} 0.5", contract="word " * 1000) for at in range(5)]
    batch = asyncio.create_task(judged_by(ONE, model).ascore(rollouts))
    async with asyncio.timeout(20):
        while len(model.events) < 8:  # noqa: ASYNC110  the model has no event to wait for
            await asyncio.sleep(0)

    finish.set()
    scores = await batch

    assert {candidate_of(request) for what, request in model.events[:8]} == {f"answer {at} 0.5" for at in range(1, 5)}
    assert [score.id for score in scores] == [r.id for r in rollouts]


async def test_where_the_shared_prefix_is_short_nobody_waits_for_the_first(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(believed, concurrency=64)

    await judged_by(ONE, model).ascore([rollout(f"r{at}", f"answer {at} 0.5") for at in range(5)])

    assert [what for what, _ in model.events] == ["asked"] * 5 + ["answered"] * 5


async def test_a_model_that_answers_one_at_a_time_is_asked_group_by_group(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(believed, concurrency=1)
    rollouts = [rollout(f"r{at}", f"answer {at} 0.5", group=f"g{at % 3}") for at in range(9)]

    await judged_by(TWO, model).ascore(rollouts)

    groups = [re.search(r"contract (g\d)", r.messages[-1].content)[1] for r in model.asked]
    candidates = [candidate_of(request) for request in model.asked]
    assert groups == ["g0"] * 6 + ["g1"] * 6 + ["g2"] * 6
    assert candidates[::2] == candidates[1::2]
    assert [what for what, _ in model.events] == ["asked", "answered"] * 18


async def test_no_more_is_asked_at_once_than_groups_of_the_usual_size_allow(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(believed, concurrency=16)
    rollouts = [rollout(f"r{at}", f"answer {at} 0.5", group=f"g{at % 8}") for at in range(64)]

    await judged_by(ONE, model).ascore(rollouts)

    under_way = most = 0
    for what, _ in model.events:
        under_way += 1 if what == "asked" else -1
        most = max(most, under_way)
    # Twice what the model takes, of which its client lets half wait.
    assert 2 <= most <= 32


async def test_the_first_rollouts_of_many_groups_go_ahead_together(judged_by: Any, scripted_model: Any, rollout: Make):
    model = scripted_model(believed, concurrency=32)
    rollouts = [
        rollout(f"r{at}", f"answer {at} 0.5", group=f"g{at // 8}", contract=f"contract g{at // 8} " + "word " * 800)
        for at in range(64)
    ]

    await judged_by(ONE, model).ascore(rollouts)

    first = model.events[:8]
    assert [what for what, _ in first] == ["asked"] * 8
    assert {candidate_of(request) for _, request in first} == {f"answer {8 * at} 0.5" for at in range(8)}


async def test_a_failing_gate_gives_the_lowest_reward_and_the_judge_is_not_asked(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(1.0)

    gated, passed = await judged_by(GATED, model).ascore(
        [rollout("long", "far too many words"), rollout("short", "ok")]
    )

    assert (gated.score, gated.status, gated.missing) == (-1.0, "gated", None)
    assert gated.detail.startswith("length: ")
    assert gated.usage.questions == 0
    assert (passed.score, passed.status) == (1.0, "scored")
    assert [candidate_of(request) for request in model.asked] == ["ok"]


async def test_the_checks_behind_a_failing_gate_are_spared(judged_by: Any, scripted_model: Any, rollout: Make):
    text = ONE + 'checks:\n  - {check: json, gate: true}\n  - {check: python, call: "mine:score", gate: true}\n'

    [score] = await judged_by(text, scripted_model(1.0), files={"mine.py": BROKEN}).ascore([rollout("r", "no JSON")])

    assert [part.name for part in score.parts] == ["json"]
    assert score.status == "gated"


async def test_where_a_check_is_missing_the_score_is_and_the_judge_is_not_asked(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(1.0)

    [score] = await judged_by(MINE, model, files={"mine.py": BROKEN}).ascore([rollout()])

    assert (score.score, score.status, score.missing) == (None, "missing", "check_error")
    assert score.detail == "python: mine.py:2: RuntimeError: broken"
    assert not model.asked


async def test_a_repeated_item_is_worth_nothing_and_not_asked(judged_by: Any, scripted_model: Any, rollout: Make):
    model = scripted_model(believed)

    [score] = await judged_by(SET, model).ascore([rollout("r", {"notes": ["x 0.5", "y 1.0", "X  0.5"]})])

    assert [candidate_of(request) for request in model.asked] == ["x 0.5", "y 1.0"]
    assert score.score == pytest.approx((0.5 + 1.0 + 0.0) / 3)


async def test_a_criterion_that_the_certificate_turned_off_is_not_asked(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(lambda request: 1.0 if "useful" in request.messages[-1].content else 0.25)

    [score] = await judged_by(TWO, model, readings={"good": Reading(factor=0.0)}).ascore([rollout()])

    assert len(model.asked) == 1
    assert score.score == 1.0


async def test_one_missing_judgment_touches_no_other_rollout(judged_by: Any, scripted_model: Any, rollout: Make):
    model = scripted_model(lambda r: ModelError("timeout", "late") if candidate_of(r) == "bad" else 0.5, concurrency=16)

    scores = await judged_by(ONE, model).ascore([rollout("a", "bad"), rollout("b", "ok"), rollout("c", "fine")])

    assert [(score.score, score.missing) for score in scores] == [(None, "timeout"), (0.5, None), (0.5, None)]
    assert scores[0].detail == "good: late"


@pytest.mark.parametrize("concurrency", [1, 16])
async def test_a_second_run_asks_nothing_again(
    judged_by: Any, scripted_model: Any, rollout: Make, tmp_path: Path, concurrency: int
):
    rollouts = [rollout(f"r{at}", f"answer {at / 20}", group=f"g{at % 2}") for at in range(10)]
    first = judged_by(TWO, scripted_model(believed, concurrency=concurrency), journal=tmp_path / "journal.db")
    before = await first.ascore(rollouts)
    first.journal.close()
    model = scripted_model(believed, concurrency=concurrency)

    after = await judged_by(TWO, model, journal=tmp_path / "journal.db").ascore(rollouts)

    assert not model.asked
    assert [score.score for score in after] == [score.score for score in before]
    assert [score.parts for score in after] == [score.parts for score in before]
    assert sum(score.usage.asked for score in after) == 0


async def test_only_what_failed_is_asked_again(judged_by: Any, scripted_model: Any, rollout: Make, tmp_path: Path):
    rollouts = [rollout("a", "bad"), rollout("b", "ok")]
    failing = scripted_model(lambda r: ModelError("transport", "down") if candidate_of(r) == "bad" else 0.5)
    first, _ = await judged_by(ONE, failing, journal=tmp_path / "journal.db").ascore(rollouts)
    model = scripted_model(0.5)

    again, _ = await judged_by(ONE, model, journal=tmp_path / "journal.db").ascore(rollouts)

    assert (first.missing, again.missing) == ("transport", None)
    assert [candidate_of(request) for request in model.asked] == ["bad"]


@pytest.mark.parametrize("concurrency", [1, 16, 64])
async def test_what_no_request_can_work_with_stops_the_batch_as_the_plain_error(
    judged_by: Any, scripted_model: Any, rollout: Make, concurrency: int
):
    model = scripted_model(UnavailableError("no such key"), concurrency=concurrency)
    rollouts = [rollout(f"r{at}", f"answer {at}", group=f"g{at % 4}") for at in range(16)]

    with pytest.raises(UnavailableError, match=r"^no such key$"):
        await judged_by(ONE, model).ascore(rollouts)


async def test_an_error_among_siblings_is_plain_too_and_stops_the_others(
    judged_by: Any, scripted_model: Any, rollout: Make
):
    model = scripted_model(
        lambda r: UnavailableError("no such key") if candidate_of(r) == "answer 2 0.5" else believed(r), concurrency=16
    )
    rollouts = [rollout(f"r{at}", f"answer {at} 0.5") for at in range(5)]

    with pytest.raises(UnavailableError, match=r"^no such key$"):
        await judged_by(ONE, model).ascore(rollouts)


async def test_a_bug_stays_a_bug(judged_by: Any, scripted_model: Any, rollout: Make):
    with pytest.raises(ZeroDivisionError):
        await judged_by(ONE, scripted_model(ZeroDivisionError(), concurrency=16)).ascore([rollout("a"), rollout("b")])


async def test_a_batch_that_is_stopped_stops_its_requests(judged_by: Any, scripted_model: Any, rollout: Make):
    model = scripted_model(believed, concurrency=16)
    long = "word " * 1000
    rollouts = [rollout(f"r{at}", f"a {at} 0.5", contract=long) for at in range(5)]
    batch = asyncio.create_task(judged_by(ONE, model).ascore(rollouts))
    while not model.asked:  # noqa: ASYNC110  the model has no event to wait for
        await asyncio.sleep(0)

    batch.cancel()

    with pytest.raises(asyncio.CancelledError):
        await batch
    assert len(model.asked) == 1


async def test_a_missing_column_is_told_before_anything_is_asked(judged_by: Any, scripted_model: Any, rollout: Make):
    model = scripted_model(0.5)

    with pytest.raises(DataError, match=r"rollout 'b': no column 'contract', which inputs of .*reward.yaml name"):
        await judged_by(ONE, model).ascore([rollout("a"), rollout("b", contract=None)])

    assert not model.asked


async def test_progress_counts_every_rollout_once(judged_by: Any, scripted_model: Any, rollout: Make):
    told: list[int] = []
    rollouts = [rollout("a", "ok"), rollout("b", "far too many words"), rollout("c", "ok"), rollout("d", "fine")]

    await judged_by(GATED, scripted_model(0.5, concurrency=16)).ascore(rollouts, progress=told.append)

    assert told == [1, 1, 1, 1]
