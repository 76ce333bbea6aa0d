"""Anchors: what is drawn, what is asked again, and what is made of it."""

import json
import random

import pytest

from dikast.certify.anchors import read_anchors
from dikast.certify.drift import anchor_units, ask_again, draw
from dikast.certify.files import write_whole
from dikast.certify.telling import about_anchors
from dikast.errors import ConfigError, ModelError, NotEnoughDataError
from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.rubric import RubricJudge
from dikast.stats.intervals import wilson

from .conftest import OBJECTIVE, REWARD, ScriptedJudge, labelled_row, truth_of

CUTS = {"on_topic": 0.5, "useful": 0.5}
THREE = REWARD + '    - {id: kind, ask: "Is it kind?"}\n'


def opened(belief, journal=None, *, epoch=0, **how) -> RubricJudge:
    asker = Asker(ScriptedJudge(belief, **how), journal or Journal.open(None), epoch=epoch)
    return RubricJudge(asker=asker, objective=OBJECTIVE)


async def drawn_from(reward, labels, belief, *, cuts=CUTS, noise=None, **how):
    pool = anchor_units(reward, labels)
    return await draw(reward, pool, judge=opened(belief, **how), cuts=cuts, today="2030-01-01", noise=noise)


async def after_a_pass(reward, anchors, belief, **how):
    return await ask_again(reward, anchors, judge=opened(belief, **how), epoch=7, today="2030-01-02")


async def test_at_least_300_verdicts_are_drawn_the_same_ones_from_the_same_labels(reward, suite, perfect):
    first = await drawn_from(reward, suite, perfect)
    second = await drawn_from(reward, suite, perfect)

    assert (first.verdicts, len(first.anchors)) == (300, 150)
    assert first == second
    assert all(anchor.answers == dict.fromkeys(CUTS, truth_of(int(anchor.rollout.id[1:]))) for anchor in first.anchors)
    assert first.drawn == "2030-01-01"


async def test_more_criteria_need_fewer_candidates_and_60_where_there_are_so_many(reward_of, suite, perfect):
    many = "".join(f"    - {{id: c{at}, ask: 'Is it {at}?'}}\n" for at in range(8))
    reward = reward_of(REWARD + many)
    cuts = {criterion.id: 0.5 for criterion in reward.file.judge.criteria}

    anchors = await drawn_from(reward, suite, perfect, cuts=cuts)

    assert (len(anchors.anchors), anchors.verdicts) == (60, 600)


async def test_too_few_candidates_are_an_error_that_says_how_many_are_missing(reward, labels_of):
    labels = labels_of([labelled_row(number) for number in range(140)])

    with pytest.raises(
        NotEnoughDataError, match=r"140 different candidates .* 2 criteria make 280 .*; 20 are missing, so add 10 rows"
    ):
        anchor_units(reward, labels)


async def test_a_candidate_without_a_verdict_leaves_its_place_to_the_next(reward, suite, perfect):
    def silent_on_every_fourth(question, number):
        return ModelError("rejected", "too long") if number % 4 == 0 else perfect(question, number)

    anchors = await drawn_from(reward, suite, silent_on_every_fourth)

    assert anchors.verdicts == 300
    assert not [one.rollout.id for one in anchors.anchors if int(one.rollout.id[1:]) % 4 == 0]


async def test_where_too_many_verdicts_cannot_be_had_nothing_is_drawn(reward, suite, perfect):
    def mostly_silent(question, number):
        return ModelError("timeout", "slow") if number % 2 else perfect(question, number)

    with pytest.raises(NotEnoughDataError, match=r"only 240 verdicts on 240 candidates could be had"):
        await drawn_from(reward, suite, mostly_silent)


async def test_what_a_gate_stops_is_no_anchor(reward_of, labels_of, perfect):
    gated = reward_of(REWARD + "checks: [{check: length, max_words: 2, gate: true}]\n")
    rows = [labelled_row(n, **({"completion": f"answer {n} and more"} if n < 60 else {})) for n in range(240)]

    anchors = await drawn_from(gated, labels_of(rows), perfect)

    assert min(int(one.rollout.id[1:]) for one in anchors.anchors) >= 60


def test_equal_candidates_are_one_anchor(reward, labels_of):
    same = [labelled_row(0, id=f"again-{at}", split="tuning") for at in range(100)]
    labels = labels_of([*same, *(labelled_row(number) for number in range(1, 200))])

    assert len(anchor_units(reward, labels)) == 200


async def test_of_a_judge_that_samples_the_noise_is_measured_on_the_anchors(reward, suite, perfect):
    dice = random.Random(5)

    def errs_on_usefulness(question, number):
        right = perfect(question, number)
        return 1 - right if question == "Is it useful?" and dice.random() < 0.05 else right

    anchors = await drawn_from(reward, suite, errs_on_usefulness, logprobs=False)

    assert anchors.asked_again == 5 * 300
    assert anchors.tests["on_topic"].noise == pytest.approx(wilson(0, 750).high)
    assert 0.09 < anchors.tests["useful"].noise < 0.18
    assert anchors.tests["on_topic"].noise < anchors.overall.noise < anchors.tests["useful"].noise


async def test_of_a_judge_by_log_probabilities_it_is_assumed_or_given(reward, suite, perfect):
    assumed, given = await drawn_from(reward, suite, perfect), await drawn_from(reward, suite, perfect, noise=0.1)

    assert (assumed.asked_again, assumed.tests["useful"].noise, assumed.overall.noise) == (0, 0.02, 0.02)
    assert (given.tests["useful"].noise, given.overall.noise) == (0.1, 0.1)


async def test_an_unchanged_judge_is_called_unchanged_and_what_moved_is_the_policy(reward, suite, perfect):
    anchors = await drawn_from(reward, suite, perfect)

    again = await after_a_pass(reward, anchors, perfect)

    assert [test.word for test in again.tests.values()] == ["unchanged", "unchanged"]
    [once] = again.passes
    assert (once.epoch, once.date, once.verdicts, once.changed, once.missing) == (7, "2030-01-02", 300, (), {})
    assert once.e["useful"] == again.tests["useful"].e < 1
    assert list(about_anchors(again))[-1].startswith("unchanged: the judge answers as before: what moved")


async def test_one_criterion_that_changed_is_named_with_the_answers_that_did(reward, suite, perfect):
    anchors = await drawn_from(reward, suite, perfect)

    def stricter(question, number):
        return 0.1 if question == "Is it useful?" and number % 6 == 0 else perfect(question, number)

    again = await after_a_pass(reward, anchors, stricter)

    assert {name: test.word for name, test in again.tests.items()} == {"on_topic": "unchanged", "useful": "drifted"}
    changed = again.passes[0].changed
    assert {(one.criterion, one.before, one.after) for one in changed} == {("useful", True, False)}
    assert {int(one.id[1:]) % 6 for one in changed} == {0}
    told = list(about_anchors(again))
    assert f"changed: useful of {changed[0].id}, yes when drawn, no now" in told
    assert told[-1].startswith("drifted: the judge changed")


async def test_a_probability_that_moves_on_its_side_of_the_cut_is_no_change(reward, suite, perfect):
    anchors = await drawn_from(reward, suite, perfect, cuts={"on_topic": 0.5, "useful": 0.2})

    less_sure = await after_a_pass(reward, anchors, lambda question, n: 0.3 if truth_of(n) else 0.15)

    assert {one.criterion for one in less_sure.passes[0].changed} == {"on_topic"}


async def test_evidence_is_kept_from_pass_to_pass(reward, suite, perfect):
    anchors = await drawn_from(reward, suite, perfect)

    def a_little_stricter(question, number):
        return 0.1 if question == "Is it useful?" and number % 16 == 0 else perfect(question, number)

    passed = [anchors]
    for _ in range(6):
        passed.append(await after_a_pass(reward, passed[-1], a_little_stricter))

    words = [one.tests["useful"].word for one in passed]
    assert (words[0], words[1], words[-1]) == ("unchanged", "cautious", "drifted")
    assert len(passed[-1].passes) == 6


async def test_a_verdict_that_cannot_be_had_is_counted_and_is_no_evidence(reward, suite, perfect):
    anchors = await drawn_from(reward, suite, perfect)

    def silent(question, number):
        return ModelError("timeout", "slow") if number % 16 == 0 else perfect(question, number)

    again = await after_a_pass(reward, anchors, silent)

    once = again.passes[0]
    assert once.verdicts + once.missing["timeout"] == 300
    assert again.tests["useful"].outcomes == once.verdicts / 2
    assert once.changed == ()


async def test_where_more_than_a_tenth_is_missing_it_is_no_pass(reward, suite, perfect):
    anchors = await drawn_from(reward, suite, perfect)

    def silent(question, number):
        return ModelError("timeout", "slow") if number % 4 == 0 else perfect(question, number)

    with pytest.raises(NotEnoughDataError, match=r"of 300 verdicts too many could not be had \(\d+ timeout\)"):
        await after_a_pass(reward, anchors, silent)


async def test_what_certifying_asked_is_not_asked_again_to_draw(reward, suite, perfect):
    journal = Journal.open(None)
    pool = anchor_units(reward, suite)
    await draw(reward, pool, judge=opened(perfect, journal), cuts=CUTS, today="t")
    second = opened(perfect, journal)

    await draw(reward, pool, judge=second, cuts=CUTS, today="t")
    asked_to_draw = len(second.asker.model.asked)
    anew = opened(perfect, journal, epoch=7)
    await ask_again(
        reward, await draw(reward, pool, judge=second, cuts=CUTS, today="t"), judge=anew, epoch=7, today="t"
    )

    assert (asked_to_draw, len(anew.asker.model.asked)) == (0, 300)


async def test_a_file_of_anchors_is_read_as_it_was_written(reward, suite, perfect, tmp_path):
    anchors = await after_a_pass(reward, await drawn_from(reward, suite, perfect), lambda _q, _n: 0.1)

    write_whole(anchors, tmp_path / "new" / "anchors.json")

    assert read_anchors(tmp_path / "new" / "anchors.json") == anchors
    assert anchors.word == "drifted"


async def test_items_of_a_set_are_anchors_too(reward_of, labels_of, perfect):
    spec = reward_of(REWARD.replace("inputs:", "items: comments\ninputs:"))
    rows = [
        labelled_row(n, completion=json.dumps({"comments": [{"text": "answer 1"}, {"text": f"answer {n}"}]}), item=1)
        for n in range(240)
    ]

    anchors = await drawn_from(spec, labels_of(rows), perfect)
    again = await after_a_pass(spec, anchors, perfect)

    assert {anchor.item for anchor in anchors.anchors} == {1}
    assert again.passes[0].changed == ()


async def test_anchors_of_another_reward_or_model_are_refused(reward, reward_of, suite, perfect, tmp_path):
    anchors = await drawn_from(reward, suite, perfect)
    path = tmp_path / "a.json"

    anchors.require_fit(path, reward, "f00d")
    with pytest.raises(ConfigError, match=r"a.json: drawn for another model than .*reward.yaml uses now"):
        anchors.require_fit(path, reward, "beef")
    with pytest.raises(ConfigError, match=r"a.json: drawn for another reward than"):
        anchors.require_fit(path, reward_of(THREE), "f00d")


@pytest.mark.parametrize(
    ("content", "problem"), [(None, r"a.json: no anchors yet; draw them with"), ("{}", r"a.json: holds no anchors")]
)
def test_a_file_that_is_none_is_said_in_one_line(tmp_path, content, problem):
    if content:
        (tmp_path / "a.json").write_text(content)

    with pytest.raises(ConfigError, match=problem):
        read_anchors(tmp_path / "a.json")


def test_a_preference_judge_has_no_anchors(reward_of, suite):
    spec = reward_of(
        "name: n\nobjective: o\ninputs: {Document: contract}\n"
        "judge: {mode: preference, model: 'scripted:judge', compare: swiss, prefer: the shorter}"
    )

    with pytest.raises(ConfigError, match="a preference judge has no criteria"):
        anchor_units(spec, suite)
