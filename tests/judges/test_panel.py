"""Several models as one judge: a panel's votes become one, and a second model answers what the first does not."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from dikast.errors import UnavailableError
from dikast.judges.ask import Asker
from dikast.judges.base import Verdicts
from dikast.judges.budget import Budget
from dikast.judges.panel import FallbackJudge, PanelJudge
from dikast.judges.render import Case
from dikast.judges.rubric import RubricJudge
from dikast.models.base import Capabilities
from dikast.records import Missing, Usage, Verdict
from dikast.spec.judge import Criterion

GOOD = Criterion(id="good", ask="Is it good?")
CLEAR = Criterion(id="clear", ask="Is it clear?")
CRITERIA = (GOOD, CLEAR)
LATE = Missing("timeout", "late")
SPENT = Missing("over_budget", "spent")
EXPIRED = Missing("expired", "too late")
FOREVER = 3600.0

Says = float | Missing | Exception


class Member:
    """A judge that says the same of everything, or what a function of case and criterion gives, after a while."""

    fingerprint = "f00d"

    def __init__(
        self,
        name: str,
        says: Says | Callable[[str, str], Says],
        *,
        seconds: float = 0.0,
        can: Capabilities | None = None,
    ) -> None:
        self.name = name
        self.capabilities = can or Capabilities()
        self.asked: list[tuple[list[str], list[str], int, float | None]] = []
        self.stopped = self.closed = False
        self._says = says
        self._seconds = seconds

    async def judge(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], *, repeat: int = 0, until: float | None = None
    ) -> tuple[list[Verdicts], Usage]:
        self.asked.append(([case.candidate for case in cases], [c.id for c in criteria], repeat, until))
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.stopped = True
            raise
        verdicts = [{c.id: self._verdict(case.candidate, c.id) for c in criteria} for case in cases]
        return verdicts, Usage(questions=1, asked=1, completion_tokens=10)

    def _verdict(self, candidate: str, criterion: str) -> Verdict | Missing:
        said = self._says(candidate, criterion) if callable(self._says) else self._says
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Missing) else Verdict(value=said)

    async def close(self) -> None:
        self.closed = True


def cases_of(*candidates: str) -> list[Case]:
    return [Case(documents=(), candidate=candidate) for candidate in candidates]


ONE = cases_of("one")


def values_of(verdicts: Verdicts) -> dict[str, Any]:
    return {name: v.reason if isinstance(v, Missing) else v.value for name, v in verdicts.items()}


def left_running() -> int:
    return len(asyncio.all_tasks()) - 1


class TestPanel:
    async def test_everyone_is_asked_the_same_and_their_votes_become_one(self):
        members = (Member("a", 1.0), Member("b", 0.25), Member("c", 0.25))

        [verdicts], usage = await PanelJudge(members=members, rule="mean").judge(ONE, CRITERIA, repeat=2, until=9e9)

        assert verdicts == {name: Verdict(value=0.5, votes=(1.0, 0.25, 0.25)) for name in ("good", "clear")}
        assert usage == Usage(questions=3, asked=3, completion_tokens=30)
        assert [member.asked for member in members] == [[(["one"], ["good", "clear"], 2, 9e9)]] * 3

    async def test_they_are_asked_side_by_side(self):
        door = asyncio.Barrier(3)

        class Waiting(Member):
            async def judge(self, *asked: Any, **how: Any) -> Any:
                await door.wait()
                return await super().judge(*asked, **how)

        panel = PanelJudge(members=tuple(Waiting(name, 1.0) for name in "abc"), rule="min")

        async with asyncio.timeout(30):
            [verdicts], _ = await panel.judge(ONE, CRITERIA)

        assert values_of(verdicts) == {"good": 1.0, "clear": 1.0}

    async def test_each_case_and_criterion_is_voted_on_by_itself(self):
        first = Member("a", lambda candidate, criterion: 1.0 if (candidate, criterion) == ("one", "good") else 0.0)
        second = Member("b", lambda candidate, criterion: LATE if candidate == "two" else 0.5)

        verdicts, _ = await PanelJudge(members=(first, second), rule="min").judge(cases_of("one", "two"), CRITERIA)

        assert [values_of(one) for one in verdicts] == [{"good": 0.5, "clear": 0.0}, {"good": 0.0, "clear": 0.0}]
        assert verdicts[1]["good"] == Verdict(value=0.0, votes=(0.0, None))

    async def test_a_verdict_is_missing_only_where_every_members_is(self):
        members = (Member("a", LATE), Member("b", lambda _, criterion: 0.5 if criterion == "good" else SPENT))

        [verdicts], _ = await PanelJudge(members=members, rule="majority").judge(ONE, CRITERIA)

        assert verdicts == {"good": Verdict(value=0.5, votes=(None, 0.5)), "clear": LATE}

    async def test_what_no_request_can_work_with_stops_the_panel_as_the_plain_error(self):
        slow = Member("a", 1.0, seconds=FOREVER)
        panel = PanelJudge(members=(slow, Member("b", UnavailableError("no such key"))), rule="mean")

        with pytest.raises(UnavailableError, match=r"^no such key$"):
            await panel.judge(ONE, CRITERIA)

        assert slow.stopped
        assert left_running() == 0

    def test_it_can_what_every_member_can_and_is_named_after_all(self):
        writes = Capabilities(quote=True, reason=True, na=True, concurrency=8)
        members = (Member("a", 1.0, can=writes), Member("b", 1.0, can=msgspec.structs.replace(writes, na=False)))

        panel = PanelJudge(members=members, rule="mean")

        assert panel.capabilities == Capabilities(quote=True, reason=True, na=False, concurrency=8)
        assert (panel.name, panel.fingerprint) == ("a, b", "f00d | f00d")

    async def test_closing_lets_go_of_every_member(self):
        members = (Member("a", 1.0), Member("b", 1.0))

        await PanelJudge(members=members, rule="mean").close()

        assert [member.closed for member in members] == [True, True]


async def until_asked(member: Member) -> None:
    while not member.asked:  # noqa: ASYNC110  the member has no event to wait for
        await asyncio.sleep(0)


def behind(first: Member, second: Member, *, after: float | None = None) -> FallbackJudge:
    return FallbackJudge(first=first, second=second, after=after)


class TestSecondAfterAFailure:
    async def test_the_second_is_not_asked_where_the_first_answers(self):
        second = Member("second", 0.0)

        [verdicts], usage = await behind(Member("first", 1.0), second).judge(ONE, CRITERIA)

        assert verdicts == {"good": Verdict(value=1.0), "clear": Verdict(value=1.0)}
        assert usage == Usage(questions=1, asked=1, completion_tokens=10)
        assert second.asked == []

    @pytest.mark.parametrize("reason", ["timeout", "transport", "rate_limited", "rejected", "refused", "unparsable"])
    async def test_what_the_first_leaves_open_the_second_answers_under_its_name(self, reason: Any):
        first = Member("first", lambda _, criterion: Missing(reason) if criterion == "clear" else 1.0)
        second = Member("second", 0.25)

        [verdicts], usage = await behind(first, second).judge(ONE, CRITERIA, repeat=3, until=9e9)

        assert verdicts == {"good": Verdict(value=1.0), "clear": Verdict(value=0.25, by="second")}
        assert usage == Usage(questions=2, asked=2, completion_tokens=20)
        assert second.asked == [(["one"], ["clear"], 3, 9e9)]

    async def test_only_the_cases_that_are_open_are_handed_on(self):
        first = Member("first", lambda candidate, _: LATE if candidate == "two" else 1.0)
        second = Member("second", 0.25)

        verdicts, _ = await behind(first, second).judge(cases_of("one", "two", "three"), CRITERIA)

        assert [values_of(one)["good"] for one in verdicts] == [1.0, 0.25, 1.0]
        assert [cases for cases, *_ in second.asked] == [["two"]]

    async def test_a_verdict_that_the_first_gave_is_never_overwritten(self):
        def patchy(candidate: str, criterion: str) -> Says:
            return LATE if (candidate, criterion) in (("one", "good"), ("two", "clear")) else 1.0

        verdicts, _ = await behind(Member("first", patchy), Member("second", 0.0)).judge(
            cases_of("one", "two"), CRITERIA
        )

        assert [values_of(one) for one in verdicts] == [{"good": 0.0, "clear": 1.0}, {"good": 1.0, "clear": 0.0}]

    async def test_where_both_fail_the_firsts_reason_stands(self):
        first, second = Member("first", LATE), Member("second", Missing("refused", "no"))

        [verdicts], usage = await behind(first, second).judge(ONE, CRITERIA)

        assert verdicts == {"good": LATE, "clear": LATE}
        assert usage == Usage(questions=2, asked=2, completion_tokens=20)

    @pytest.mark.parametrize("missing", [SPENT, EXPIRED])
    async def test_a_reason_that_a_second_model_would_meet_too_is_not_handed_on(self, missing: Missing):
        second = Member("second", 1.0)

        [verdicts], _ = await behind(Member("first", missing), second).judge(ONE, CRITERIA)

        assert verdicts == {"good": missing, "clear": missing}
        assert second.asked == []

    async def test_not_applicable_is_an_answer(self):
        class Silent(Member):
            def _verdict(self, candidate: str, criterion: str) -> Verdict | Missing:
                return Verdict(value=None)

        second = Member("second", 1.0)

        [verdicts], _ = await behind(Silent("first", 0.0), second).judge(ONE, (GOOD,))

        assert verdicts == {"good": Verdict(value=None)}
        assert second.asked == []

    async def test_what_no_request_can_work_with_stops_the_command_though_there_is_a_second(self):
        second = Member("second", 1.0)

        with pytest.raises(UnavailableError, match=r"^no such key$"):
            await behind(Member("first", UnavailableError("no such key")), second).judge(ONE, CRITERIA)

        assert second.asked == []

    def test_it_is_named_after_the_first_and_its_fingerprint_holds_both(self):
        judge = behind(Member("first", 1.0, can=Capabilities(na=True, concurrency=4)), Member("second", 1.0))

        assert (judge.name, judge.fingerprint) == ("first", "f00d | f00d")
        assert judge.capabilities == Capabilities(concurrency=4)

    async def test_closing_lets_go_of_both(self):
        first, second = Member("first", 1.0), Member("second", 1.0)

        await behind(first, second).close()

        assert first.closed
        assert second.closed


class TestSecondAfterAWhile:
    async def test_a_first_that_is_soon_enough_is_alone(self):
        second = Member("second", 0.0)

        [verdicts], _ = await behind(Member("first", 1.0), second, after=5.0).judge(ONE, CRITERIA)

        assert values_of(verdicts) == {"good": 1.0, "clear": 1.0}
        assert second.asked == []

    async def test_a_first_that_fails_soon_enough_is_handed_on_at_once(self):
        second = Member("second", 0.25)

        [verdicts], _ = await behind(Member("first", LATE), second, after=FOREVER).judge(ONE, CRITERIA)

        assert verdicts == {name: Verdict(value=0.25, by="second") for name in ("good", "clear")}

    async def test_a_second_that_overtakes_the_first_gives_the_verdicts_and_the_first_is_stopped(self):
        first, second = Member("first", 1.0, seconds=FOREVER), Member("second", 0.25)

        verdicts, usage = await behind(first, second, after=0.01).judge(
            cases_of("one", "two"), CRITERIA, repeat=3, until=9e9
        )

        assert verdicts == [{name: Verdict(value=0.25, by="second") for name in ("good", "clear")}] * 2
        assert usage == Usage(questions=1, asked=1, completion_tokens=10)
        assert second.asked == [(["one", "two"], ["good", "clear"], 3, 9e9)]
        assert first.stopped
        assert left_running() == 0

    async def test_a_first_that_is_late_and_still_the_first_to_answer_gives_the_verdicts(self):
        first, second = Member("first", 1.0, seconds=0.05), Member("second", 0.25, seconds=FOREVER)

        [verdicts], usage = await behind(first, second, after=0.01).judge(ONE, CRITERIA)

        assert verdicts == {"good": Verdict(value=1.0), "clear": Verdict(value=1.0)}
        assert usage == Usage(questions=1, asked=1, completion_tokens=10)
        assert second.stopped
        assert left_running() == 0

    async def test_a_late_first_with_a_gap_waits_for_the_second_to_fill_it(self):
        first = Member("first", lambda _, criterion: LATE if criterion == "clear" else 1.0, seconds=0.03)
        second = Member("second", 0.25, seconds=0.06)

        [verdicts], usage = await behind(first, second, after=0.01).judge(ONE, CRITERIA)

        assert verdicts == {"good": Verdict(value=1.0), "clear": Verdict(value=0.25, by="second")}
        assert usage == Usage(questions=2, asked=2, completion_tokens=20)

    @pytest.mark.parametrize("missing", [LATE, SPENT, EXPIRED])
    async def test_a_second_that_fails_first_does_not_stop_the_first(self, missing: Missing):
        first, second = Member("first", 1.0, seconds=0.05), Member("second", missing)

        [verdicts], usage = await behind(first, second, after=0.01).judge(ONE, CRITERIA)

        assert verdicts == {"good": Verdict(value=1.0), "clear": Verdict(value=1.0)}
        assert usage == Usage(questions=2, asked=2, completion_tokens=20)

    async def test_where_both_fail_the_firsts_reason_stands(self):
        first, second = Member("first", LATE, seconds=0.05), Member("second", Missing("refused", "no"))

        [verdicts], _ = await behind(first, second, after=0.01).judge(ONE, CRITERIA)

        assert verdicts == {"good": LATE, "clear": LATE}

    @pytest.mark.parametrize("after", [FOREVER, 0.01])
    async def test_stopping_it_leaves_no_task_and_no_request(self, after: float):
        first, second = Member("first", 1.0, seconds=FOREVER), Member("second", 1.0, seconds=FOREVER)
        judging = asyncio.create_task(behind(first, second, after=after).judge(ONE, CRITERIA))
        await until_asked(first if after == FOREVER else second)

        judging.cancel()

        with pytest.raises(asyncio.CancelledError):
            await judging
        assert left_running() == 0
        assert first.stopped
        assert second.stopped == (after < FOREVER)

    async def test_stopping_it_while_the_second_answers_what_failed_leaves_no_task(self):
        second = Member("second", 1.0, seconds=FOREVER)
        judging = asyncio.create_task(behind(Member("first", LATE), second).judge(ONE, CRITERIA))
        await until_asked(second)

        judging.cancel()

        with pytest.raises(asyncio.CancelledError):
            await judging
        assert second.stopped
        assert left_running() == 0

    @pytest.mark.parametrize("broken", ["first", "second"])
    async def test_what_no_request_can_work_with_stops_both(self, broken: str):
        bad = Member(broken, UnavailableError("no such key"), seconds=0.03)
        good = Member("other", 1.0, seconds=FOREVER)
        judge = behind(bad, good, after=0.01) if broken == "first" else behind(good, bad, after=0.01)

        with pytest.raises(UnavailableError, match=r"^no such key$"):
            await judge.judge(ONE, CRITERIA)

        assert good.stopped
        assert left_running() == 0


async def test_a_panel_behind_which_a_second_model_stands_is_helped_where_all_its_members_fail():
    panel = PanelJudge(
        members=(Member("a", LATE), Member("b", lambda _, criterion: 1.0 if criterion == "good" else LATE)), rule="mean"
    )
    judge = FallbackJudge(first=panel, second=Member("second", 0.25), after=None)

    [verdicts], usage = await judge.judge(ONE, CRITERIA)

    assert verdicts == {"good": Verdict(value=1.0, votes=(None, 1.0)), "clear": Verdict(value=0.25, by="second")}
    assert usage == Usage(questions=3, asked=3, completion_tokens=30)
    assert judge.fingerprint == "f00d | f00d | f00d"


async def test_a_member_for_whom_the_budget_is_spent_leaves_the_others_their_votes(
    scripted_model: Any, asker_of: Callable[..., Asker]
):
    budget = Budget(calls=1)
    models = [scripted_model(0.75), scripted_model(0.25)]
    askers = [Asker(model, asker_of(model).journal, budget=budget) for model in models]
    panel = PanelJudge(members=tuple(RubricJudge(asker=asker, objective="o") for asker in askers), rule="mean")

    [verdicts], usage = await panel.judge(ONE, (GOOD,))

    assert verdicts == {"good": Verdict(value=pytest.approx(0.75), votes=(pytest.approx(0.75), None))}
    assert (usage.questions, usage.asked, budget.refused) == (2, 1, 1)
