from dikast.certify.measure import certify
from dikast.errors import ModelError
from dikast.judges.rubric import RubricJudge
from dikast.records import Verdict

from .conftest import REWARD, labelled_row, truth_of


def beliefs(wrong, *, useful=None):
    """A judge that is right but for the answers of `wrong`: number → P(yes); on the second criterion those of `useful`."""

    def believe(question, number):
        held = wrong if "topic" in question or useful is None else useful
        return held.get(number, 0.97 if truth_of(number) else 0.04)

    return believe


def told(certificate):
    return [(one.criterion, one.id, round(one.value, 6)) for one in certificate.disagreements]


async def test_they_come_worst_first_and_only_from_the_untouched_part(reward, suite, judge_of):
    # 0 and 1 are of the tuning part, and 10 is right.
    wrong = {0: 0.01, 1: 0.99, 4: 0.4, 5: 0.99, 6: 0.2, 10: 0.51}

    certificate = await certify(reward, suite, judge=judge_of(beliefs(wrong, useful={})))

    assert told(certificate) == [("on_topic", "r5", 0.99), ("on_topic", "r6", 0.2), ("on_topic", "r4", 0.4)]
    assert certificate.disagreements[0].people == {"ann": False, "bob": False}


async def test_an_answer_is_read_as_the_certificate_reads_it(reward, suite, judge_of):
    wrong = {n: 0.3 if truth_of(n) else 0.1 for n in range(240)} | {5: 0.25}

    certificate = await certify(reward, suite, judge=judge_of(beliefs(wrong, useful={})))

    assert certificate.criteria["on_topic"].reading.threshold is not None
    assert told(certificate) == [("on_topic", "r5", 0.25)]


async def test_each_criterions_worst_come_before_a_third_of_one_that_is_always_wrong(reward, suite, judge_of):
    always = {n: 0.0 if truth_of(n) else 1.0 for n in range(240)}

    certificate = await certify(reward, suite, judge=judge_of(beliefs(always, useful={5: 0.9, 6: 0.4})))

    names = [one.criterion for one in certificate.disagreements]
    assert (names.count("on_topic"), names.count("useful")) == (10, 2)
    distances = [one.distance for one in certificate.disagreements]
    assert distances == sorted(distances, reverse=True)


async def test_they_are_twenty_at_most(reward_of, labels_of, judge_of):
    third = '    - {id: brief, ask: "Is it brief?"}\n'
    rows = [labelled_row(n) for n in range(240)]
    for row in rows:
        row["labels"]["brief"] = row["labels"]["useful"]

    certificate = await certify(
        reward_of(REWARD + third), labels_of(rows), judge=judge_of(lambda _q, n: 0.0 if truth_of(n) else 1.0)
    )

    names = [one.criterion for one in certificate.disagreements]
    assert [names.count(name) for name in ("on_topic", "useful", "brief")] == [7, 7, 6]


async def test_where_people_were_of_one_mind_it_is_worse(reward, labels_of, judge_of):
    rows = [labelled_row(n) for n in range(240)]
    rows[4]["labels"]["on_topic"] = {"ann": True, "bob": True, "cid": False}

    certificate = await certify(reward, labels_of(rows), judge=judge_of(beliefs({4: 0.1, 6: 0.2}, useful={})))

    assert [one.id for one in certificate.disagreements] == ["r6", "r4"]


async def test_a_missing_verdict_and_people_who_disagree_are_none(reward, labels_of, judge_of):
    rows = [labelled_row(n) for n in range(240)]
    rows[4]["labels"]["on_topic"] = {"ann": True, "bob": False}
    wrong = {4: 0.1, 5: ModelError("timeout", "slow"), 6: 0.3}

    certificate = await certify(reward, labels_of(rows), judge=judge_of(beliefs(wrong, useful={})))

    assert [one.id for one in certificate.disagreements] == ["r6"]


class Reasoned(RubricJudge, frozen=True):
    """Says yes to answer 5, with a reason and a quote."""

    async def judge(self, cases, criteria, **how):
        [verdicts], usage = await super().judge(cases, criteria, **how)
        if cases[0].candidate == "answer 5":
            verdicts = {c.id: Verdict(value=1.0, reason="It seems so.", evidence="contract 1") for c in criteria}
        return [verdicts], usage


async def test_a_judge_that_gives_reasons_has_them_kept(reward, suite, judge_of):
    judge = judge_of(beliefs({}))

    certificate = await certify(reward, suite, judge=Reasoned(asker=judge.asker, objective=judge.objective))

    found = [(one.criterion, one.id, one.reason, one.evidence) for one in certificate.disagreements]
    assert found == [(name, "r5", "It seems so.", "contract 1") for name in ("on_topic", "useful")]
