"""A reward end to end with what a judge may be: a panel, one behind another, a judge of what a set leaves out."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from plain_reward import ONE, TWO

from dikast.errors import ConfigError, ModelError, NotGoodEnoughError
from dikast.judges.budget import Budget
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Part, Rollout, Score
from dikast.reward.aggregate import saturated
from dikast.reward.parts import Reading

Make = Callable[..., Rollout]


def shown_in(request: Request) -> str:
    return request.messages[-1].content


def said(**verdicts: Any) -> str:
    return json.dumps({"verdicts": {name: {"answer": answer} for name, answer in verdicts.items()}})


def part_of(score: Score, name: str) -> Part:
    [part] = [part for part in score.parts if part.name == name]
    return part


class Hanging:
    """A model that never answers, but for what it knows."""

    name, fingerprint = "scripted:slow", "slow"

    def __init__(self, *known: str, concurrency: int = 16) -> None:
        self.capabilities = Capabilities(logprobs=True, concurrency=concurrency)
        self.known = known
        self.asked = 0

    async def reply(self, request: Request) -> Reply:
        self.asked += 1
        if not any(text in shown_in(request) for text in self.known):
            await asyncio.sleep(3600)
        return Reply(text="", first_token=(("Yes", 0.0),))

    async def close(self) -> None:
        pass


class TestDeadline:
    """What is open then is missing as `expired`, and the batch ends within a second of it."""

    async def scored(self, reward: Any, rollouts: Sequence[Rollout], *, deadline: float) -> list[Score]:
        async with asyncio.timeout(60):
            scores = await reward.ascore(rollouts, deadline=deadline)
        assert len(asyncio.all_tasks()) == 1
        return scores

    @pytest.mark.parametrize("concurrency", [1, 4, 64])
    async def test_it_is_kept_however_much_waits(self, judged_by: Any, rollout: Make, late: Any, concurrency: int):
        rollouts = [rollout(f"r{at}", f"answer {at}", group=f"g{at % 5}") for at in range(100)]

        assert 0 <= await late(judged_by(TWO, Hanging(concurrency=concurrency)), rollouts, deadline=0.1) < 1

    @pytest.mark.parametrize("concurrency", [1, 4, 64])
    async def test_what_was_answered_before_is_scored(self, judged_by: Any, rollout: Make, concurrency: int):
        model = Hanging("known", concurrency=concurrency)
        rollouts = [rollout("a", "known"), *(rollout(f"r{at}", f"answer {at}", group=f"g{at % 5}") for at in range(40))]
        reward = judged_by(TWO, model)
        await reward.ascore(rollouts[:1])

        scores = await self.scored(reward, rollouts, deadline=0.1)

        assert (scores[0].score, scores[0].status) == (1.0, "scored")
        assert [(score.score, score.missing) for score in scores[1:]] == [(None, "expired")] * 40
        assert scores[1].detail == "good: the batch's deadline came first"

    async def test_what_a_gate_decides_needs_no_time(self, judged_by: Any, rollout: Make):
        gated = ONE + "checks:\n  - {check: length, max_words: 3, gate: true}\n"

        scores = await self.scored(
            judged_by(gated, Hanging()), [rollout("a", "far too many words"), rollout("b", "ok")], deadline=0.1
        )

        assert [(score.status, score.missing) for score in scores] == [("gated", None), ("missing", "expired")]

    async def test_a_deadline_that_has_passed_asks_nothing_and_still_reads_the_journal(
        self, judged_by: Any, rollout: Make
    ):
        model = Hanging("known")
        reward = judged_by(ONE, model)
        await reward.ascore([rollout("a", "known")])

        scores = await self.scored(reward, [rollout("a", "known"), rollout("b", "new")], deadline=-1.0)

        assert [score.missing for score in scores] == [None, "expired"]
        assert model.asked == 1

    async def test_a_later_batch_has_its_own_time(self, judged_by: Any, rollout: Make):
        model = Hanging()
        reward = judged_by(ONE, model)
        await self.scored(reward, [rollout("a", "answer")], deadline=0.05)
        model.known = ("answer",)

        [score] = await self.scored(reward, [rollout("a", "answer")], deadline=60)

        assert score.score == 1.0

    async def test_a_panel_keeps_the_votes_of_those_who_were_in_time(
        self, judged_by: Any, scripted_model: Any, rollout: Make
    ):
        text = ONE.replace("scripted:judge", "[scripted:judge, scripted:slow]")

        [score] = await self.scored(judged_by(text, [scripted_model(0.75), Hanging()]), [rollout()], deadline=1.0)

        assert score.score == pytest.approx(0.75)
        assert score.parts[0].votes == (pytest.approx(0.75), None)

    @pytest.mark.parametrize("after", ["", ", after: 0.01"])
    async def test_a_second_model_is_not_asked_after_it(
        self, judged_by: Any, scripted_model: Any, rollout: Make, after: str
    ):
        text = ONE.replace("scripted:judge", f"scripted:judge\n  fallback: {{model: 'scripted:second'{after}}}")
        second = Hanging()

        [score] = await self.scored(judged_by(text, Hanging(), fallback=second), [rollout()], deadline=1.0)

        assert score.missing == "expired"
        assert second.asked == bool(after)

    def test_it_holds_without_an_event_loop_too(self, judged_by: Any, rollout: Make):
        [score] = judged_by(ONE, Hanging()).score([rollout()], deadline=0.1)

        assert score.missing == "expired"


PANEL = TWO.replace("scripted:judge", "[scripted:a, scripted:b, scripted:c]\n  panel: majority")


class TestPanel:
    @pytest.fixture
    def members(self, scripted_model: Any):
        def make(*answers: Any) -> list[Any]:
            models = [scripted_model(answer, concurrency=16) for answer in answers]
            for name, model in zip("abc", models, strict=True):
                model.name, model.fingerprint = f"scripted:{name}", name
            return models

        return make

    async def test_the_votes_stand_on_the_parts(self, judged_by: Any, members: Any, rollout: Make):
        def doubtful(request: Request) -> float:
            return 0.75 if "Is it good?" in shown_in(request) else 0.25

        [score] = await judged_by(PANEL, members(1.0, doubtful, 0.0)).ascore([rollout()])

        good, useful = score.parts
        assert (good.value, good.votes) == (1.0, (1.0, pytest.approx(0.75), 0.0))
        assert (useful.value, useful.votes) == (0.0, (1.0, pytest.approx(0.25), 0.0))
        assert score.score == 0.5
        assert score.usage.asked == 6

    async def test_a_member_that_fails_has_no_vote_and_the_score_is_there(
        self, judged_by: Any, members: Any, rollout: Make
    ):
        [score] = await judged_by(PANEL, members(1.0, ModelError("timeout", "late"), 1.0)).ascore([rollout()])

        assert score.score == 1.0
        assert score.parts[0].votes == (1.0, None, 1.0)

    async def test_it_is_missing_where_all_members_are(self, judged_by: Any, members: Any, rollout: Make):
        late = ModelError("timeout", "late")

        [score] = await judged_by(PANEL, members(late, late, late)).ascore([rollout()])

        assert (score.score, score.missing, score.detail) == (None, "timeout", "good: late")

    async def test_votes_are_as_they_were_said_before_reading_and_sign(
        self, judged_by: Any, members: Any, rollout: Make
    ):
        text = ONE.replace("scripted:judge", "[scripted:a, scripted:b, scripted:c]").replace('?"', '?", negative: true')

        reward = judged_by(text, members(0.5, 1.0, 1.0), readings={"good": Reading(threshold=0.6)})
        [score] = await reward.ascore([rollout()])

        assert (score.parts[0].value, score.score) == (0.0, 0.0)
        assert score.parts[0].votes == (0.5, 1.0, 1.0)

    def test_it_is_named_after_all_and_takes_as_much_at_once_as_the_least_patient(self, judged_by: Any, members: Any):
        models = members(1.0, 1.0, 1.0)
        models[1].capabilities = Capabilities(logprobs=True, concurrency=2)

        reward = judged_by(PANEL, models)

        assert (reward.model, reward.fingerprint) == ("scripted:a, scripted:b, scripted:c", "a | b | c")
        assert reward.judges.concurrency == 2

    async def test_a_panel_of_unlike_models_is_asked_each_in_its_own_way(
        self, judged_by: Any, scripted_model: Any, rollout: Make
    ):
        models = [scripted_model(0.75), scripted_model(said(good="no", useful="yes"), logprobs=False)]
        models[1].fingerprint = "writes"
        text = TWO.replace("scripted:judge", "[scripted:a, scripted:b]")

        [score] = await judged_by(text, models).ascore([rollout()])

        assert [part.votes for part in score.parts] == [(pytest.approx(0.75), 0.0), (pytest.approx(0.75), 1.0)]
        assert [len(model.asked) for model in models] == [2, 1]

    def test_what_one_member_cannot_do_the_file_may_not_ask(self, judged_by: Any, scripted_model: Any):
        text = ONE.replace("scripted:judge", "[scripted:a, scripted:b]").replace('?"', '?", evidence: Document')
        models = [scripted_model("", logprobs=False, quote=True), scripted_model(0.5)]

        with pytest.raises(ConfigError, match="evidence needs a model that can quote"):
            judged_by(text, models)


class TestFallback:
    TEXT = TWO.replace("scripted:judge", "scripted:judge\n  fallback: {model: 'scripted:second'}")

    async def test_a_part_says_who_gave_its_verdict(self, judged_by: Any, scripted_model: Any, rollout: Make):
        first = scripted_model(lambda r: ModelError("timeout", "late") if "useful" in shown_in(r) else 1.0)
        second = scripted_model(0.25)
        second.name, second.fingerprint = "scripted:second", "second"

        reward = judged_by(self.TEXT, first, fallback=second)
        [score] = await reward.ascore([rollout()])

        assert [(part.value, part.by) for part in score.parts] == [
            (1.0, None),
            (pytest.approx(0.25), "scripted:second"),
        ]
        assert score.score == pytest.approx(0.625)
        assert reward.model == "scripted:judge"
        assert reward.fingerprint == "f00d | second"

    async def test_a_spent_budget_is_nobodys_fault(self, judged_by: Any, scripted_model: Any, rollout: Make):
        second = scripted_model(0.25)
        reward = judged_by(self.TEXT, scripted_model(0.75), fallback=second, budget=Budget(calls=1))

        [score] = await reward.ascore([rollout()])

        assert (score.score, score.missing, score.detail) == (
            None, "over_budget", "useful: the budget of 1 calls is spent",
        )  # fmt: skip
        assert not second.asked

    def test_the_second_too_must_be_able_to_do_what_the_file_asks(self, judged_by: Any, scripted_model: Any):
        text = self.TEXT.replace('good?"', 'good?", na: true')
        first, second = scripted_model("", logprobs=False), scripted_model(0.5)

        with pytest.raises(ConfigError, match="cannot answer n/a"):
            judged_by(text, first, fallback=second)

    def test_closing_lets_go_of_both(self, judged_by: Any, scripted_model: Any):
        first, second = scripted_model(0.5), scripted_model(0.5)

        judged_by(self.TEXT, first, fallback=second).close()

        assert first.closed
        assert second.closed


SET = ONE + "items: notes\nrecall: {issues: expert}\n"
ISSUES = [{"rule": "R1", "what": "late payment"}, {"rule": "R2", "what": "no cap"}]


class TestRecallByTheModel:
    """Without a key the judge says of each of the expert's issues whether some item raises it."""

    def raised(self, *found: str) -> Callable[[Request], float]:
        def answer(request: Request) -> float:
            asked = re.search(r"raise this issue, .*\? The issue: rule: \w+\nwhat: (.*)", shown_in(request))
            return 1.0 if asked is None else float(asked[1] in found)

        return answer

    async def test_the_share_of_issues_that_are_raised_joins_the_items_quality(
        self, judged_by: Any, scripted_model: Any, rollout: Make
    ):
        model = scripted_model(self.raised("late payment"))

        [score] = await judged_by(SET, model).ascore([rollout("r", {"notes": ["one", "two"]}, expert=ISSUES)])

        recall = part_of(score, "recall")
        assert score.score == pytest.approx(2 * 1.0 * 0.5 / 1.5)
        assert (recall.value, recall.kind, recall.reason) == (0.5, "criterion", "2 issues to find")
        assert len(model.asked) == 4
        assert score.usage.questions == 4

    async def test_a_probability_is_a_share_of_an_issue(self, judged_by: Any, scripted_model: Any, rollout: Make):
        model = scripted_model(lambda r: 0.5 if "no cap" in shown_in(r) else 1.0)

        [score] = await judged_by(SET, model).ascore([rollout("r", {"notes": ["one"]}, expert=ISSUES)])

        assert part_of(score, "recall").value == pytest.approx(0.75)

    async def test_the_whole_set_is_in_view(self, judged_by: Any, scripted_model: Any, rollout: Make):
        model = scripted_model(1.0)

        await judged_by(SET, model).ascore([rollout("r", {"notes": ["one", "two"]}, expert=ISSUES[:1])])

        assert '{"notes": ["one", "two"]}' in shown_in(model.asked[-1])

    async def test_of_the_set_the_judge_sees_the_fields_that_it_sees_of_an_item(
        self, judged_by: Any, scripted_model: Any, rollout: Make
    ):
        model = scripted_model(1.0)
        text = SET.replace("  criteria:", "  show: [text]\n  criteria:")
        items = [{"text": "late payment", "id": 7}, {"text": "no cap", "id": 8}]

        await judged_by(text, model).ascore([rollout("r", {"notes": items}, expert=ISSUES[:1])])

        assert "\ntext: late payment\n\ntext: no cap\n" in shown_in(model.asked[-1])

    @pytest.mark.parametrize(
        ("completion", "expert", "score"),
        [
            ({"notes": []}, [], 1.0),
            ({"notes": ["one"]}, [], 0.0),
            ({"notes": []}, ISSUES, 0.0),
            ("no JSON", ISSUES, 0.0),
            ("no JSON", [], 0.0),
        ],
    )
    async def test_the_edges_need_no_question_about_issues(
        self, judged_by: Any, scripted_model: Any, rollout: Make, completion: Any, expert: list[Any], score: float
    ):
        model = scripted_model(1.0)

        [found] = await judged_by(SET, model).ascore([rollout("r", completion, expert=expert)])

        assert found.score == score
        assert not any("raise this issue" in shown_in(request) for request in model.asked)

    async def test_an_issue_that_could_not_be_judged_leaves_the_score_missing(
        self, judged_by: Any, scripted_model: Any, rollout: Make
    ):
        model = scripted_model(lambda r: ModelError("timeout", "late") if "no cap" in shown_in(r) else 1.0)

        [score] = await judged_by(SET, model).ascore([rollout("r", {"notes": ["one"]}, expert=ISSUES)])

        assert (score.score, score.missing, score.detail) == (None, "timeout", "recall: late")

    async def test_one_that_writes_answers_about_all_issues_in_one_request(
        self, judged_by: Any, scripted_model: Any, rollout: Make
    ):
        def answer(request: Request) -> str:
            names = request.form.schema["properties"]["verdicts"]["required"]  # pyright: ignore[reportOptionalSubscript]
            return said(**{name: "no" if name == "issue-2" else "yes" for name in names})

        model = scripted_model(answer, logprobs=False)

        [score] = await judged_by(SET, model).ascore([rollout("r", {"notes": ["one"]}, expert=ISSUES)])

        assert part_of(score, "recall").value == 0.5
        assert len(model.asked) == 2

    async def test_an_issue_may_be_a_text(self, judged_by: Any, scripted_model: Any, rollout: Make):
        model = scripted_model(1.0)

        await judged_by(SET, model).ascore([rollout("r", {"notes": ["one"]}, expert=["the {cap} is missing"])])

        assert "in whatever words? The issue: the {cap} is missing\n" in shown_in(model.asked[-1])


def with_criteria(aggregate: str, *criteria: str, limits: str = "[0, 1]") -> str:
    head = ONE.partition("  criteria:")[0].replace("inputs:", f"aggregate: {aggregate}\nrange: {limits}\ninputs:")
    return head + "  criteria:\n" + "".join(f"    - {{{criterion}}}\n" for criterion in criteria)


def by_id(**answers: float) -> Callable[[Request], float]:
    """P(yes) by the criterion's id, which stands in its question."""
    return lambda request: next(value for name, value in answers.items() if f"Is {name} so?" in shown_in(request))


def criterion(name: str, more: str = "") -> str:
    return f'id: {name}, ask: "Is {name} so?"{more}'


class TestAggregators:
    VETO = with_criteria("veto", criterion("safe", ", required: true"), criterion("good"), limits="[-1, 1]")

    @pytest.mark.parametrize(("safe", "score"), [(1.0, 1.0), (0.5, 0.5), (0.25, -1.0), (0.0, -1.0)])
    async def test_veto(self, judged_by: Any, scripted_model: Any, rollout: Make, safe: float, score: float):
        [found] = await judged_by(self.VETO, scripted_model(by_id(safe=safe, good=1.0))).ascore([rollout()])

        assert (found.score, found.status) == (pytest.approx(score), "scored")

    async def test_a_veto_that_could_not_be_had_is_missing_and_no_veto(
        self, judged_by: Any, scripted_model: Any, rollout: Make
    ):
        model = scripted_model(lambda r: ModelError("refused", "no") if "safe" in shown_in(r) else 1.0)

        [score] = await judged_by(self.VETO, model).ascore([rollout()])

        assert (score.score, score.missing) == (None, "refused")

    def test_a_certificate_may_not_turn_a_required_criterion_off(self, judged_by: Any, scripted_model: Any):
        with pytest.raises(NotGoodEnoughError, match="the certificate turns 'safe' off, which is required; mend"):
            judged_by(self.VETO, scripted_model(1.0), readings={"safe": Reading(factor=0.0)})

        assert judged_by(self.VETO, scripted_model(1.0), readings={"good": Reading(factor=0.0)})

    async def test_saturating(self, judged_by: Any, scripted_model: Any, rollout: Make):
        text = with_criteria("saturating", criterion("good"), criterion("clear"), limits="[0, 10]")

        [score] = await judged_by(text, scripted_model(by_id(good=1.0, clear=0.0))).ascore([rollout()])

        assert score.score == pytest.approx(10 * saturated(0.5))

    HEALTH = with_criteria(
        "healthbench",
        criterion("good", ", weight: 3"),
        criterion("clear"),
        criterion("harmful", ", weight: 2, negative: true"),
        limits="[-0.5, 1]",
    )

    @pytest.mark.parametrize(
        ("good", "clear", "harmful", "score"),
        [(1, 1, 0, 1.0), (0, 0, 1, -0.5), (1, 0, 1, 0.25), (0, 1, 0.5, 0.0), (0, 0, 0, 0.0)],
    )
    async def test_healthbench(
        self,
        judged_by: Any,
        scripted_model: Any,
        rollout: Make,
        good: float,
        clear: float,
        harmful: float,
        score: float,
    ):
        model = scripted_model(by_id(good=good, clear=clear, harmful=harmful))

        [found] = await judged_by(self.HEALTH, model).ascore([rollout()])

        assert found.score == pytest.approx(score)

    def test_healthbench_is_refused_where_the_range_does_not_hold_what_the_certificate_leaves(
        self, judged_by: Any, scripted_model: Any
    ):
        with pytest.raises(
            ConfigError,
            match=r"with what the certificate leaves on: range: \[-0.5, 1.0\] does not hold what healthbench can give, "
            r"-2 to 1; write 'range: \[-2, 1\]'",
        ):
            judged_by(self.HEALTH, scripted_model(1.0), readings={"good": Reading(factor=0.0)})

        assert judged_by(self.HEALTH, scripted_model(1.0), readings={"harmful": Reading(factor=0.5)})

    def test_healthbench_is_refused_where_the_certificate_leaves_nothing_good(
        self, judged_by: Any, scripted_model: Any
    ):
        off = {"good": Reading(factor=0.0), "clear": Reading(factor=0.0)}

        with pytest.raises(ConfigError, match="divides by the weights of positive criteria, and there are none"):
            judged_by(self.HEALTH, scripted_model(1.0), readings=off)

    async def test_a_scale_counts_as_its_share(self, judged_by: Any, scripted_model: Any, rollout: Make):
        levels = ", scale: [1, 3], levels: {1: dark, 2: dim, 3: bright}"
        text = with_criteria("weighted_mean", criterion("clear", levels), limits="[1, 3]")

        [score] = await judged_by(text, scripted_model(Reply(text="", first_token=(("2", 0.0),)))).ascore([rollout()])

        assert (score.parts[0].value, score.score) == (0.5, 2.0)

    async def test_several_samples_are_one_part(self, judged_by: Any, scripted_model: Any, rollout: Make):
        answers = iter([1.0, 0.5, ModelError("timeout", "late")])
        text = ONE.replace("scripted:judge", "scripted:judge\n  samples: 3")

        [score] = await judged_by(text, scripted_model(lambda _request: next(answers))).ascore([rollout()])

        assert score.score == pytest.approx(0.75)
        assert score.parts[0].votes is None
        assert score.usage.asked == 3
