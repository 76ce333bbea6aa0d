"""Known answers: what the judge says to them, and what changed since an earlier certificate, item by item."""

# A certificate may have no past; asking it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false

import msgspec
import pytest

from dikast.certify.certificate import certificate_hash, read_certificate
from dikast.certify.files import write_whole
from dikast.certify.measure import certify
from dikast.certify.present import notes
from dikast.certify.regression import compared, earlier_certificate
from dikast.errors import ConfigError, DataError, ModelError

from .conftest import labelled_row, truth_of

KNOWN = range(200, 240)


@pytest.fixture
def known_suite(labels_of):
    """240 answers; of the last 40 it is known what the judge has to say."""
    return labels_of(
        [labelled_row(n, **({"expect": "good" if truth_of(n) else "bad"} if n in KNOWN else {})) for n in range(240)]
    )


@pytest.fixture
async def before(reward, known_suite, judge_of, perfect):
    return await certify(reward, known_suite, judge=judge_of(perfect))


def wrong_on(*numbers, question="Is it useful?"):
    """A judge that errs on one criterion of these answers."""

    def belief(asked, number):
        right = 0.97 if truth_of(number) else 0.04
        return 1 - right if asked == question and number in numbers else right

    return belief


async def test_the_certificate_holds_what_the_judge_says_to_each_known_answer(before):
    first, second = before.expected[:2]

    assert len(before.expected) == 2 * len(KNOWN)
    assert (first.id, first.criterion, first.expect, first.said, first.met) == ("r200", "on_topic", True, True, True)
    assert first.value == pytest.approx(0.97)
    assert second.criterion == "useful"
    assert before.regression is None
    assert "known answers: 80 of 80 as expected" in list(notes(before))


async def test_a_known_answer_needs_no_label_and_is_read_as_the_reward_reads_it(reward, labels_of, row, judge_of):
    rows = [row(number) for number in range(240)]
    rows.append(row(1000, labels={}, expect={"answers": {"useful": True}}))

    certificate = await certify(
        reward, labels_of(rows), judge=judge_of(lambda _question, n: 0.3 if truth_of(n) else 0.1)
    )

    # The threshold is 0.2 by the tuning part: 0.3 is a yes.
    [answer] = certificate.expected
    assert (answer.value, answer.said, answer.met) == (pytest.approx(0.3), True, True)


async def test_without_a_verdict_a_known_answer_is_neither_met_nor_not(
    reward_of, reward_text, labels_of, row, judge_of, perfect
):
    rows = [row(n, **({"expect": {"answers": {"useful": True}}} if n in (200, 202) else {})) for n in range(240)]
    rows[200]["completion"] = "answer 200 and more"

    def belief(question, number):
        return ModelError("timeout", "slow") if number == 202 else perfect(question, number)

    spec = reward_of(reward_text + "checks: [{check: length, max_words: 2, gate: true}]\n")
    certificate = await certify(spec, labels_of(rows), judge=judge_of(belief))

    assert [(one.said, one.met, one.without) for one in certificate.expected] == [
        (None, None, "the gate length"),
        (None, None, "timeout"),
    ]
    assert "known answers: 0 of 2 as expected, 2 without an answer" in list(notes(certificate))


async def test_what_broke_and_what_was_mended_is_named_with_before_after_and_expected(reward, known_suite, judge_of):
    first = await certify(reward, known_suite, judge=judge_of(wrong_on(200)))
    second = await certify(reward, known_suite, judge=judge_of(wrong_on(201, 202, 204)))

    regression = compared(second, first).regression

    assert [(one.what, one.id, one.criterion, one.before, one.after, one.expect) for one in regression.changes] == [
        ("mended", "r200", "useful", False, True, True),
        ("broken", "r201", "useful", False, True, False),
        ("broken", "r202", "useful", True, False, True),
        ("broken", "r204", "useful", True, False, True),
    ]
    assert (regression.pairs, regression.worse, regression.better) == (80, 3, 1)
    # Four changes, three of them one way: (1 + 4) * 2 / 2^4.
    assert regression.p == pytest.approx(0.625)
    assert regression.against == certificate_hash(first)
    told = list(notes(compared(second, first)))
    assert f"broken: useful of r202, yes before, no now, expected yes, since {second.date}" in told


async def test_the_same_judge_changes_nothing(reward, known_suite, judge_of, perfect, before):
    again = compared(await certify(reward, known_suite, judge=judge_of(perfect)), before)

    assert (again.regression.changes, again.regression.p, again.regression.pairs) == ((), 1.0, 80)
    assert certificate_hash(again) == certificate_hash(before)


async def test_what_broke_stays_broken_at_the_next_look_until_it_is_mended(
    reward, known_suite, judge_of, perfect, before
):
    broken = await certify(reward, known_suite, judge=judge_of(wrong_on(202)))
    first = msgspec.structs.replace(compared(broken, before), date="2001-01-01")
    first = compared(msgspec.structs.replace(broken, date="2001-01-01"), before)

    second = compared(broken, first)
    mended = compared(await certify(reward, known_suite, judge=judge_of(perfect)), second)

    [change] = second.regression.broken
    assert (change.id, change.before, change.after, change.since) == ("r202", True, False, "2001-01-01")
    assert second.regression.worse == 0
    assert [(one.what, one.id) for one in mended.regression.changes] == [("mended", "r202")]
    assert compared(mended, mended).regression.changes == ()


async def test_an_answer_that_was_lost_in_between_is_broken_when_it_comes_back_wrong(
    reward, known_suite, judge_of, perfect, before
):
    def silent(question, number):
        return ModelError("timeout", "slow") if number == 202 else perfect(question, number)

    lost = compared(await certify(reward, known_suite, judge=judge_of(silent)), before)
    back = compared(await certify(reward, known_suite, judge=judge_of(wrong_on(202))), lost)

    assert [(one.what, one.criterion) for one in lost.regression.changes] == [("lost", "on_topic"), ("lost", "useful")]
    assert lost.regression.broken == ()
    assert (lost.regression.pairs, lost.regression.worse) == (78, 0)
    assert [(one.what, one.id, one.criterion) for one in back.regression.changes] == [
        ("mended", "r202", "on_topic"),
        ("broken", "r202", "useful"),
    ]


async def test_who_expects_what_the_judge_says_now_takes_a_break_back(reward, labels_of, judge_of, before):
    judge = judge_of(wrong_on(202))
    rows = [labelled_row(n, expect="good" if truth_of(n) else "bad") for n in KNOWN]
    broken = compared(await certify(reward, labels_of([*map(labelled_row, range(200)), *rows]), judge=judge), before)
    rows[2]["expect"] = {"answers": {"on_topic": True, "useful": False}}

    accepted = compared(await certify(reward, labels_of([*map(labelled_row, range(200)), *rows]), judge=judge), broken)

    assert len(broken.regression.broken) == 1
    assert accepted.regression.changes == ()


async def test_an_answer_is_found_again_by_what_is_judged_and_not_by_its_name(
    reward, labels_of, judge_of, perfect, before
):
    rows = [labelled_row(n, id=f"new-{n}", expect="good" if truth_of(n) else "bad") for n in range(210, 250)]

    after = await certify(reward, labels_of([*map(labelled_row, range(210)), *rows]), judge=judge_of(perfect))

    regression = compared(after, before).regression
    assert (regression.pairs, regression.added, regression.gone) == (60, 20, 20)
    assert any(
        "60, p = 1 (McNemar's exact test), 20 new, 20 no longer there" in line
        for line in notes(compared(after, before))
    )


async def test_a_certificate_with_a_past_is_read_as_it_was_written(reward, known_suite, judge_of, before, tmp_path):
    certificate = compared(await certify(reward, known_suite, judge=judge_of(wrong_on(202))), before)

    write_whole(certificate, tmp_path / "c.json")

    assert read_certificate(tmp_path / "c.json") == certificate


async def test_the_stored_certificate_is_the_one_to_compare_with(known_suite, suite, before, tmp_path):
    stored = tmp_path / "c.json"
    write_whole(before, stored)

    assert earlier_certificate(known_suite, None, stored) == before
    assert earlier_certificate(known_suite, None, tmp_path / "none.json") is None


async def test_what_cannot_be_compared_is_said_before_anything_is_asked(
    reward, known_suite, labels_of, judge_of, perfect, tmp_path
):
    plain_labels = labels_of([labelled_row(number) for number in range(240)])
    plain = await certify(reward, plain_labels, judge=judge_of(perfect))
    path = tmp_path / "plain.json"
    write_whole(plain, path)

    assert earlier_certificate(known_suite, None, path) is None
    with pytest.raises(ConfigError, match=r"plain.json: holds no known answers to compare with"):
        earlier_certificate(known_suite, path, path)
    with pytest.raises(DataError, match=r"labels.jsonl: --against compares known answers, and no row has any"):
        earlier_certificate(plain_labels, path, path)
    path.write_text("{")
    with pytest.raises(ConfigError, match=r"plain.json: not a certificate .* remove it$"):
        earlier_certificate(known_suite, None, path)
