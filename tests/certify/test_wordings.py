# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false

import pytest

from dikast.certify.attacks import read_attacks
from dikast.certify.labels import split_labels
from dikast.certify.measure import certify
from dikast.certify.present import notes
from dikast.certify.questions import units_of
from dikast.certify.wordings import WORDED_UNITS, agreement_of_wordings, worded_questions
from dikast.errors import ModelError
from dikast.judges.recorded import RecordedJudge
from dikast.records import Verdict
from dikast.stats.intervals import clopper_pearson_upper

ONLY = {name: attack for name, attack in read_attacks(None, []).items() if name == "judge_prompt"}


async def test_a_judge_that_keeps_its_verdicts_agrees_with_itself_in_every_wording(reward, suite, judge_of, perfect):
    judge = judge_of(perfect)

    certificate = await certify(reward, suite, judge=judge, attacks=ONLY)

    worded = certificate.wordings["on_topic"]
    assert worded.agreement.value == 1.0
    assert worded.agreement.n == WORDED_UNITS
    assert worded.changed_at_most == pytest.approx(clopper_pearson_upper(0, WORDED_UNITS))
    assert {name: one.flip_rate.n for name, one in worded.by.items()} == dict.fromkeys(
        ("brief", "formal", "careful"), WORDED_UNITS
    )
    # Both criteria about the same candidates.
    assert certificate.attacks["judge_prompt"].tried > 0
    assert any(
        "other wordings of the judge's prompt give the same in 1.00" in note and "at most 0.10 change" in note
        for note in notes(certificate)
    )


async def test_a_judge_that_hangs_on_one_wording_is_found_out_and_its_level_stays(reward, suite, perfect, judge_of):
    class HangsOnTheWords(type(judge_of(perfect).asker.model)):
        async def reply(self, request):
            if any("shall consist" in message.content for message in request.messages):
                self.belief, kept = (lambda *_: 0.9), self.belief
                try:
                    return await super().reply(request)
                finally:
                    self.belief = kept
            return await super().reply(request)

    judge = judge_of(perfect)
    judge.asker.model = HangsOnTheWords(perfect)

    certificate = await certify(reward, suite, judge=judge, attacks=ONLY)

    worded = certificate.wordings["on_topic"]
    noes = worded.by["formal"].flip_rate.value
    assert 0.2 < noes < 0.8
    assert (worded.by["brief"].flip_rate.value, worded.by["careful"].flip_rate.value) == (0.0, 0.0)
    assert worded.agreement.value == pytest.approx(1 - noes / 3)
    assert worded.changed_at_most > noes / 3
    assert certificate.level == "green"
    assert certificate.attacks["judge_prompt"].fooled > 0
    assert certificate.attacks["judge_prompt"].too_much


async def test_all_criteria_in_one_reply_are_asked_in_other_wordings_too(reward, suite, judge_of, perfect):
    certificate = await certify(reward, suite, judge=judge_of(perfect, logprobs=False), attacks=ONLY, repeats=1)

    assert certificate.wordings["useful"].agreement.value == 1.0


async def test_without_the_attack_or_its_units_nothing_is_asked(reward, suite, judge_of, perfect):
    without = await certify(reward, suite, judge=judge_of(perfect))
    none = await certify(reward, suite, judge=judge_of(perfect), attacks=ONLY, attack_units=0)

    assert without.wordings == none.wordings == {}


def test_recorded_verdicts_are_asked_in_no_other_wording(reward, suite, tmp_path):
    path = tmp_path / "verdicts.jsonl"
    path.write_text("")
    split = split_labels(suite)

    asked = worded_questions(
        units_of(reward, suite, split), reward.file.judge.criteria, RecordedJudge("recorded:v.jsonl", path), ONLY
    )

    assert asked == {}


async def test_a_verdict_that_could_not_be_had_is_counted_and_changes_nothing(reward, suite, perfect, judge_of):
    class Stumbles(type(judge_of(perfect).asker.model)):
        async def reply(self, request):
            if any("matching code" in message.content for message in request.messages):
                raise ModelError("timeout", "slow")
            return await super().reply(request)

    judge = judge_of(perfect)
    judge.asker.model = Stumbles(perfect)

    worded = (await certify(reward, suite, judge=judge, attacks=ONLY)).wordings["on_topic"]

    assert worded.by["careful"].missing == WORDED_UNITS
    assert worded.by["careful"].flip_rate.n == 0
    assert worded.agreement.value == 1.0


def test_three_answers_about_one_candidate_are_not_three_candidates():
    def answers(changing):
        said = {}
        for at in range(20):
            said[f"u{at}", "base"] = {"good": Verdict(value=0.9)}
            for wording in ("brief", "formal", "careful"):
                changes = changing(at, wording)
                said[f"u{at}", f"wording-{wording}"] = {"good": Verdict(value=0.1 if changes else 0.9)}
        return said

    # Six changes of sixty both times: two candidates in all wordings, or six in one.
    together = agreement_of_wordings("good", answers(lambda at, _: at < 2), 0.5)
    apart = agreement_of_wordings("good", answers(lambda at, wording: at < 6 and wording == "brief"), 0.5)

    assert together.agreement.value == pytest.approx(0.9)
    assert apart.agreement.value == pytest.approx(0.9)
    assert together.changed_at_most == pytest.approx(clopper_pearson_upper(2, 20), abs=0.01)
    assert apart.changed_at_most < together.changed_at_most
