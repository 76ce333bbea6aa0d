"""Rollouts without labels: judged beside the labels, their pass rates corrected by them."""

# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false, reportOperatorIssue=false

import json
import random

import pytest

from dikast.certify.labels import read_labels
from dikast.certify.measure import certify
from dikast.errors import DataError

from .conftest import REWARD, labelled_row


@pytest.fixture
def rollouts_of(tmp_path):
    def write(rows, name="rollouts.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps({k: v for k, v in row.items() if k != "split"}) + "\n" for row in rows))
        return path

    return write


def unlabelled(number, **more):
    row = labelled_row(number, **more)
    return {key: value for key, value in row.items() if key not in ("labels", "split")}


def good(number):
    """Three answers of four, drawn."""
    return random.Random(f"good {number}").random() < 0.75


def lenient(_question, number):
    """Lets a third of the bad ones through."""
    passed = good(number) or random.Random(f"let through {number}").random() < 1 / 3
    return 0.95 if passed else 0.05


def labels(number, **more):
    answers = {name: {"ann": good(number)} for name in ("on_topic", "useful")}
    return labelled_row(number, labels=answers, **more)


async def test_a_lenient_judges_pass_rate_is_corrected_by_the_labels(reward, labels_of, rollouts_of, judge_of):
    some = labels_of([labels(n) for n in range(600)])
    everything = rollouts_of([unlabelled(n) for n in range(4000)])

    certificate = await certify(reward, some, judge=judge_of(lenient), rollouts=everything)

    rate = certificate.criteria["on_topic"].pass_rate
    true = sum(good(n) for n in range(4000)) / 4000
    # The labelled ones are in the file too, and count once; those tuned on count nowhere.
    assert (rate.labelled, rate.unlabelled) == (400, 3400)
    assert rate.judge.low > true + 0.02
    assert rate.corrected.low < true < rate.corrected.high
    assert rate.rogan_gladen.low < true < rate.rogan_gladen.high
    assert rate.corrected.high - rate.corrected.low < 0.1
    assert certificate.rollouts_hash is not None


async def test_what_was_labelled_because_the_judge_was_unsure_is_no_sample(reward, labels_of, rollouts_of, judge_of):
    drawn = [labels(n, drawn="random" if n % 2 else "unsure") for n in range(600)]

    certificate = await certify(
        reward, labels_of(drawn), judge=judge_of(lenient), rollouts=rollouts_of([unlabelled(n) for n in range(1000)])
    )

    rate = certificate.criteria["on_topic"].pass_rate
    assert (rate.labelled, certificate.criteria["on_topic"].n) == (200, 400)


async def test_rows_without_labels_in_the_labels_file_are_rollouts_too(reward, labels_of, judge_of):
    rows = [labels(n) for n in range(240)] + [labelled_row(n, labels={}) for n in range(240, 480)]

    certificate = await certify(reward, labels_of(rows), judge=judge_of(lenient))

    rate = certificate.criteria["useful"].pass_rate
    assert (rate.labelled, rate.unlabelled) == (160, 160)


async def test_without_anything_unlabelled_nothing_is_corrected(reward, suite, judge_of, perfect):
    certificate = await certify(reward, suite, judge=judge_of(perfect))

    assert certificate.criteria["on_topic"].pass_rate is None
    assert certificate.rollouts_hash is None


async def test_rollouts_change_no_figure_but_the_pass_rate(reward, suite, rollouts_of, judge_of, perfect):
    plain = await certify(reward, suite, judge=judge_of(perfect))

    more = await certify(
        reward, suite, judge=judge_of(perfect), rollouts=rollouts_of([unlabelled(n) for n in range(400)])
    )

    for name, criterion in more.criteria.items():
        assert criterion.pass_rate is not None
        for field in criterion.__struct_fields__:
            if field != "pass_rate":
                assert getattr(criterion, field) == getattr(plain.criteria[name], field), field
    assert (more.attacks, more.consistency, more.split) == (plain.attacks, plain.consistency, plain.split)


async def test_items_are_judged_one_by_one_and_what_is_gated_or_repeats_is_not(
    reward_of, tmp_path, rollouts_of, judge_of, perfect
):
    gate = "items: notes\nchecks: [{check: length, max_words: 5, gate: true}]\n"
    notes = lambda *said: json.dumps({"notes": list(said)})  # noqa: E731
    (tmp_path / "labels.jsonl").write_text(
        "".join(
            json.dumps(labelled_row(n, item=0, completion=notes(f"answer {n}", "answer 1000"))) + "\n"
            for n in range(240)
        )
    )
    rows = [
        unlabelled(5, completion=notes("answer 5", "answer 1000")),  # the first is labelled
        unlabelled(300, completion=notes("answer 300", "answer 300")),  # the second says the same
        unlabelled(301, completion=notes("answer 301 and much more")),  # gated
    ]

    certificate = await certify(
        reward_of(REWARD + gate),
        read_labels(tmp_path / "labels.jsonl"),
        judge=judge_of(perfect),
        rollouts=rollouts_of(rows),
    )

    assert certificate.criteria["on_topic"].pass_rate.unlabelled == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([unlabelled(1), unlabelled(1)], r"rollouts.jsonl:2: the same id as line 1"),
        ([{"prompt": "p", "completion": "answer 1"}], r"rollouts.jsonl:1: .*no column 'contract'"),
        ([{"prompt": "p"}], r"rollouts.jsonl:1: 'completion' must be a text"),
    ],
)
async def test_a_file_that_cannot_be_judged_is_named_with_its_line(reward, suite, rollouts_of, judge_of, rows, said):
    def nobody(_question, _number):
        raise AssertionError("asked before the rollouts were looked at")

    with pytest.raises(DataError, match=said):
        await certify(reward, suite, judge=judge_of(nobody), rollouts=rollouts_of(rows))
