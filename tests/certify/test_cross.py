# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportOptionalSubscript=false

import msgspec
import pytest

from dikast.certify.bill import Bill
from dikast.certify.measure import certify
from dikast.certify.present_others import plain
from dikast.errors import ConfigError, ModelError
from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.recorded import RecordedJudge
from dikast.judges.rubric import RubricJudge
from dikast.models.base import Reply, Request

from .conftest import OBJECTIVE, ScriptedJudge, truth_of

PRICES = """
dear: {provider: scripted, price: {input: 10, output: 20, date: 2026-11}}
cheap: {provider: scripted, price: {input: 1, output: 2, date: 2026-11}}
unpriced: {provider: scripted}
"""


class Metered(ScriptedJudge):
    """A scripted judge with a name, that tells its tokens and its time."""

    def __init__(self, name, belief, *, tokens=100, seconds=0.5, **how):
        super().__init__(belief, **how)
        self.name = f"scripted:{name}"
        self.fingerprint = name
        self.tokens = tokens
        self.seconds = seconds

    async def reply(self, request: Request) -> Reply:
        reply = await super().reply(request)
        return msgspec.structs.replace(
            reply, prompt_tokens=self.tokens, completion_tokens=1 if self.tokens else 0, seconds=self.seconds
        )


@pytest.fixture
def judge_named(tmp_path):
    (tmp_path / "models.yaml").write_text(PRICES)

    def make(name, belief, journal=None, **how) -> RubricJudge:
        return RubricJudge(
            asker=Asker(Metered(name, belief, **how), journal or Journal.open(None)), objective=OBJECTIVE
        )

    return make


def right(number: int) -> float:
    return 0.97 if truth_of(number) else 0.03


def wrong_on(*divisors: int):
    """Right, but for the answers whose number is divisible."""

    def belief(_question, number):
        return right(number + 1) if any(number % d == 0 for d in divisors) else right(number)

    return belief


async def test_every_judge_is_measured_against_people_and_against_the_others(reward, suite, judge_named):
    others = (
        await certify(
            reward,
            suite,
            judge=judge_named("dear", wrong_on(10)),
            others=[judge_named("cheap", wrong_on(10, 7))],
        )
    ).others

    on_topic = others.criteria["on_topic"]
    dear, cheap = on_topic.judges["scripted:dear"], on_topic.judges["scripted:cheap"]
    untouched = [n for n in range(240) if n % 12 >= 4]
    bad = [n for n in untouched if n % 7 == 0 or n % 10 == 0]
    assert (dear.n, dear.yes, dear.no) == (160, 80, 80)
    assert cheap.tpr.value == pytest.approx(1 - sum(truth_of(n) for n in bad) / 80)
    assert cheap.tnr.value == pytest.approx(1 - sum(not truth_of(n) for n in bad) / 80)
    assert cheap.j.value == pytest.approx(cheap.tpr.value + cheap.tnr.value - 1)
    [pair] = on_topic.pairs
    differing = [n for n in untouched if n % 7 == 0 and n % 10]
    assert (pair.a, pair.b, pair.n) == ("scripted:dear", "scripted:cheap", 160)
    assert pair.agreement.value == pytest.approx(1 - len(differing) / 160)
    assert pair.kappa.low < pair.kappa.value < pair.kappa.high
    assert pair.ac1.value == pytest.approx(pair.kappa.value, abs=0.02)
    assert others.disagreements_of == 2 * len(differing)


async def test_judges_that_err_alike_are_worth_fewer_votes_than_judges_that_err_apart(reward, suite, judge_named):
    async def votes(*divisors):
        judge, *others = [
            judge_named(name, wrong_on(d)) for name, d in zip(("dear", "cheap", "unpriced"), divisors, strict=True)
        ]
        found = (await certify(reward, suite, judge=judge, others=others)).others
        return found.criteria["useful"].votes

    alike, apart = await votes(7, 7, 7), await votes(7, 5, 11)

    assert (alike.n, alike.errors) == (160, pytest.approx(1.0))
    assert 2.5 < apart.errors <= 3
    # They are right together most of the time, which looks like dependence.
    assert apart.verdicts < apart.errors


async def test_disagreements_come_worst_first_with_what_each_judge_said(reward, suite, judge_named):
    def unsure(_question, number):
        return {6: 0.45, 10: 0.01}.get(number, right(number))

    others = (
        await certify(reward, suite, judge=judge_named("dear", unsure), others=[judge_named("cheap", wrong_on(999))])
    ).others

    shown = [(one.id, one.criterion, round(one.spread, 2)) for one in others.disagreements]
    assert shown == [
        ("r10", "on_topic", 0.96),
        ("r10", "useful", 0.96),
        ("r6", "on_topic", 0.52),
        ("r6", "useful", 0.52),
    ]
    first = others.disagreements[0]
    assert first.people is True
    assert first.said["scripted:dear"].value == pytest.approx(0.01)
    assert first.said["scripted:cheap"].value == pytest.approx(0.97)


async def test_of_equally_wide_disagreements_those_that_the_certified_judge_lost_come_first(reward, suite, judge_named):
    lost_by_it, lost_by_the_other = judge_named("dear", wrong_on(14)), judge_named("cheap", wrong_on(15))

    others = (await certify(reward, suite, judge=lost_by_it, others=[lost_by_the_other])).others

    numbers = [int(one.id[1:]) for one in others.disagreements]
    lost = [n % 14 == 0 for n in numbers]
    assert lost == sorted(lost, reverse=True)
    assert {True, False} == set(lost)


async def test_the_reasons_of_judges_that_write_are_kept(reward, suite, tmp_path, judge_named):
    path = tmp_path / "verdicts.jsonl"
    path.write_text(
        "".join(
            msgspec.json.encode(
                {
                    "id": f"r{n}",
                    "verdicts": {c: {"value": 0, "reason": "Nothing of it."} for c in ("on_topic", "useful")},
                }
            ).decode()
            + "\n"
            for n in range(240)
        )
    )

    others = (
        await certify(
            reward,
            suite,
            judge=judge_named("dear", lambda _q, n: right(n)),
            others=[RecordedJudge("recorded:verdicts.jsonl", path)],
        )
    ).others

    assert others.disagreements_of == 160
    assert len(others.disagreements) == 50
    assert others.disagreements[0].said["recorded:verdicts.jsonl"].reason == "Nothing of it."
    row = others.table[1]
    assert (row.usd_per_1000, row.seconds, row.requests) == (None, None, None)
    assert "Nothing of it." in plain(others)


async def test_the_cheapest_judge_that_is_not_worse_is_named(reward, suite, judge_named):
    judges = {
        "dear": judge_named("dear", wrong_on(999), seconds=2.0),
        "cheap": judge_named("cheap", wrong_on(80)),
        "bad": judge_named("bad", wrong_on(7)),
    }

    others = (
        await certify(reward, suite, judge=judges["dear"], others=[judges["cheap"], judges["bad"]], margin=0.1)
    ).others

    dear, cheap, bad = others.table
    assert (others.best, others.cheapest) == ("scripted:dear", "scripted:cheap")
    assert (dear.behind, dear.not_worse) == (None, True)
    assert cheap.behind.value == pytest.approx(dear.j.value - cheap.j.value)
    assert 0 < cheap.behind.value < cheap.behind.high <= 0.1
    assert cheap.not_worse
    assert bad.behind.high > 0.1
    assert bad.not_worse is False
    # Two criteria a candidate, a request each, at 100 tokens in and one out.
    assert dear.requests == cheap.requests == 2
    assert dear.usd_per_1000 == pytest.approx(1000 * 2 * (100 * 10 + 1 * 20) / 1e6)
    assert cheap.usd_per_1000 == pytest.approx(dear.usd_per_1000 / 10)
    assert (dear.seconds, cheap.seconds) == (pytest.approx(2.0), pytest.approx(0.5))
    assert bad.usd_per_1000 is None
    assert plain(others).splitlines()[-1] == (
        "the cheapest judge that is not worse than the best (scripted:dear): scripted:cheap, 0.204 USD for 1000 candidates"
    )


async def test_with_a_narrower_margin_the_same_judge_is_worse(reward, suite, judge_named):
    others = (
        await certify(
            reward,
            suite,
            judge=judge_named("dear", wrong_on(999)),
            others=[judge_named("cheap", wrong_on(80))],
            margin=0.02,
        )
    ).others

    assert others.table[1].not_worse is False
    assert others.cheapest == "scripted:dear"
    assert "0.02" in others.rule


async def test_a_judge_that_often_says_nothing_is_not_recommended(reward, suite, judge_named):
    def silent(_question, number):
        return ModelError("timeout", "slow") if number % 10 == 0 else right(number)

    others = (
        await certify(
            reward,
            suite,
            judge=judge_named("dear", wrong_on(999)),
            others=[judge_named("cheap", silent)],
            margin=0.2,
        )
    ).others

    assert others.table[1].not_worse
    assert others.table[1].missing == pytest.approx(0.1, abs=0.02)
    assert others.cheapest == "scripted:dear"


async def test_where_no_cost_is_known_none_is_the_cheapest(reward, suite, judge_named):
    others = (
        await certify(
            reward,
            suite,
            judge=judge_named("unpriced", wrong_on(999)),
            others=[judge_named("cheap", wrong_on(999), tokens=0, seconds=0.0)],
            margin=0.5,
        )
    ).others

    assert [(row.usd_per_1000, row.not_worse) for row in others.table] == [(None, True), (None, True)]
    assert others.table[1].seconds is None
    assert others.cheapest is None
    assert (
        plain(others).splitlines()[-1].startswith("the best is scripted:unpriced; what the judges that are not worse")
    )


async def test_with_too_few_labels_nobody_is_called_the_best(reward, labels_of, row, judge_named):
    labels = labels_of([row(number) for number in range(60)])

    certificate = await certify(
        reward, labels, judge=judge_named("dear", wrong_on(999)), others=[judge_named("cheap", wrong_on(7))]
    )

    others = certificate.others
    assert (others.best, others.cheapest, others.counted) == (None, None, ())
    assert all(one.not_worse is None for one in others.table)
    assert "no judge is called the best" in plain(others)


async def test_a_second_certificate_asks_nothing_and_says_the_same_of_cost_and_time(reward, suite, judge_named):
    journal = Journal.open(None)

    def judges():
        return judge_named("dear", wrong_on(9), journal), judge_named("cheap", wrong_on(8), journal, concurrency=8)

    first, second = judges(), judges()

    before = await certify(reward, suite, judge=first[0], others=[first[1]])
    after = await certify(reward, suite, judge=second[0], others=[second[1]])

    assert second[0].asker.model.asked == second[1].asker.model.asked == []
    assert after == before
    assert after.others.table[0].usd_per_1000 > 0
    assert after.others.table[1].seconds == pytest.approx(0.5)


async def test_the_cost_is_of_the_labelled_candidates_alone_and_not_of_what_is_asked_again(reward, suite, judge_named):
    without = (
        await certify(
            reward,
            suite,
            judge=judge_named("dear", wrong_on(9), logprobs=False),
            others=[judge_named("cheap", wrong_on(9), logprobs=False)],
            repeats=5,
        )
    ).others

    assert [row.requests for row in without.table] == [1.0, 1.0]


async def test_other_judges_change_no_level_and_nothing_of_the_certified_one(reward, suite, judge_named):
    alone = await certify(reward, suite, judge=judge_named("dear", wrong_on(9)))

    beside = await certify(
        reward, suite, judge=judge_named("dear", wrong_on(9)), others=[judge_named("cheap", wrong_on(2))]
    )

    assert msgspec.structs.replace(beside, others=None) == alone


async def test_a_judge_beside_itself_is_an_error_before_anything_is_asked(reward, suite, judge_named):
    judge = judge_named("dear", wrong_on(9))

    with pytest.raises(ConfigError, match="--other scripted:dear: it is among the judges already"):
        await certify(reward, suite, judge=judge, others=[judge_named("dear", wrong_on(9))])
    assert judge.asker.model.asked == []


def test_a_bill_adds_up_what_replies_took_whatever_their_order(tmp_path):
    (tmp_path / "models.yaml").write_text(PRICES)
    replies = [Reply(text="", prompt_tokens=n, completion_tokens=1, seconds=n / 7) for n in (3, 11, 200)]
    forth, back = Bill(tmp_path), Bill(tmp_path)

    for reply in replies:
        forth.add("scripted:dear", reply)
    for reply in reversed(replies):
        back.add("scripted:dear", reply)

    assert forth.usd == back.usd == pytest.approx((214 * 10 + 3 * 20) / 1e6)
    assert forth.seconds == back.seconds == pytest.approx(214 / 21)
    assert forth.prices["scripted:dear"].input == 10


def test_what_is_not_known_is_no_number(tmp_path):
    (tmp_path / "models.yaml").write_text(PRICES)
    nothing, partly, recorded, local = (Bill(tmp_path) for _ in range(4))

    partly.add("scripted:dear", Reply(text="", prompt_tokens=5))
    partly.add("scripted:dear", Reply(text=""))
    recorded.add("recorded:run.db", Reply(text="", prompt_tokens=5))
    local.add("local:judge", Reply(text=""))

    assert (nothing.usd, nothing.seconds) == (None, None)
    assert (partly.usd, recorded.usd, local.usd) == (None, None, 0.0)
