"""People's labels of some judged answers: what they would pass, arm by arm."""

import json
import random

import pytest

from dikast.certify.labels import read_labels
from dikast.errors import DataError
from dikast.evaluate.labelled import corrected_rates, votes_of
from dikast.evaluate.records import About, Answer, Judge
from dikast.evaluate.store import evaluation_of
from dikast.records import Part, Score
from dikast.spec.reward import read_reward

REWARD = """
name: notes
objective: Judge the notes.
inputs: {Document: text}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
    - {id: rude, ask: "Is it rude?", negative: true}
"""
OF_SETS = REWARD.replace("judge:", "items: notes\njudge:\n  show: [note]", 1)
ABOUT = About(
    reward="notes",
    reward_hash="aa",
    certificate_hash=None,
    judge=Judge(name="scripted:judge", fingerprint="f00d"),
    range=(0.0, 1.0),
    items=None,
    best_of=1,
    ask="?",
    seeds=(0,),
    documents=1,
    date="2026-11-24",
    made_with={},
)


@pytest.fixture
def spec_of(tmp_path):
    def write(text):
        (tmp_path / "reward.yaml").write_text(text)
        return read_reward(tmp_path / "reward.yaml")

    return write


@pytest.fixture
def labels_of(tmp_path):
    def write(*rows, name="labels.jsonl"):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read_labels(tmp_path / name)

    return write


def part(name, value, item=None, **more):
    return Part(name=name, kind="criterion", value=value, weight=1, item=item, **more)


def answer(arm, document, completion, *parts, sample=None, status="scored"):
    score = Score(id=f"{document}-{sample}", group=document, score=0.5, status=status, parts=parts)
    return Answer(seed=0, arm=arm, document=document, sample=sample, completion=completion, score=score)


def label(document, completion, **more):
    row = {"id": f"{document}/{completion}", "group": document, "prompt": "p", "completion": completion}
    return row | {"labels": {"good": {"ann": True}}} | more


def rates_of(spec, answers, *labels):
    return corrected_rates(spec, evaluation_of(ABOUT, [], answers, []), votes_of(spec, labels))


def test_an_arm_that_found_what_the_judge_likes_is_corrected_and_the_honest_one_is_not(spec_of, labels_of):
    """People pass six of ten answers of both arms; the judge lets half of the others through where they are `after`."""
    answers, labels = [], []
    for arm in ("before", "after"):
        for at in range(1600):
            dice = random.Random(f"{arm} {at}")
            good = dice.random() < 0.6
            fooled = arm == "after" and dice.random() < 0.5
            answers.append(
                answer(arm, f"d{at // 4}", f"{arm} {at}", part("good", 0.9 if good or fooled else 0.1), sample=at)
            )
            if at % 8 == 0:
                labels.append(label(f"d{at // 4}", f"{arm} {at}", labels={"good": {"ann": good}}))

    rates = rates_of(spec_of(REWARD), answers, labels_of(*labels))

    before, after = rates["before"]["good"], rates["after"]["good"]
    assert (after.labelled, after.unlabelled, after.judge.n) == (200, 1400, 1600)
    assert after.judge.low > 0.65
    assert after.corrected.low < 0.6 < after.corrected.high < after.judge.low + 0.05
    assert after.rogan_gladen.low < 0.6 < after.rogan_gladen.high
    assert before.corrected.low < 0.6 < before.corrected.high
    assert before.corrected.value == pytest.approx(0.6, abs=0.05)


def test_a_label_belongs_to_every_answer_that_says_the_same_to_the_same_prompt(spec_of, labels_of):
    answers = [
        answer("before", "d1", "yes", part("good", 0.9)),
        answer("after", "d1", "yes", part("good", 0.9), sample=3),
        answer("after", "d2", "yes", part("good", 0.9)),
    ]

    rates = rates_of(spec_of(REWARD), answers, labels_of(label("d1", "yes")))

    assert (rates["before"]["good"].labelled, rates["after"]["good"].labelled) == (1, 1)
    assert rates["after"]["good"].unlabelled == 1


def test_of_a_negative_criterion_peoples_no_is_the_pass(spec_of, labels_of):
    answers = [answer("one", f"d{at}", "text", part("rude", 0.8)) for at in range(4)]
    rude = [label(f"d{at}", "text", labels={"rude": {"ann": at == 0}}) for at in range(4)]

    rate = rates_of(spec_of(REWARD), answers, labels_of(*rude))["one"]["rude"]

    assert rate.corrected.value == 0.75


def test_items_are_found_by_what_the_judge_is_shown_and_those_that_repeat_were_not_asked(spec_of, labels_of):
    def notes(*said):
        return json.dumps({"notes": [{"note": one, "priority": at} for at, one in enumerate(said)]})

    answers = [
        answer(
            "one",
            "d1",
            notes("a", "b", "b"),
            part("good", 0.9, 0),
            part("good", 0.1, 1),
            part("good", 0.0, 2, reason="repeats an item"),
        ),
        answer("two", "d1", notes("c", "a"), part("good", 0.2, 0), part("good", 0.9, 1)),
        answer("two", "d2", "no set", status="gated"),
    ]

    rates = rates_of(spec_of(OF_SETS), answers, labels_of(label("d1", notes("a", "b"), item=0)))

    # The same note stands elsewhere in the other arm's set, with another field that the judge is not shown.
    assert [(rate["good"].labelled, rate["good"].unlabelled) for rate in rates.values()] == [(1, 1), (1, 1)]


def test_what_was_labelled_out_of_doubt_counts_as_unlabelled_and_a_quarrel_in_nothing(spec_of, labels_of):
    answers = [answer("one", f"d{at}", "text", part("good", 0.8)) for at in range(4)]
    labels = labels_of(
        label("d0", "text", drawn="random"),
        label("d1", "text", drawn="unsure"),
        label("d2", "text", labels={"good": {"ann": True, "bob": False}}),
    )

    rate = rates_of(spec_of(REWARD), answers, labels)["one"]["good"]

    assert (rate.labelled, rate.unlabelled) == (1, 2)


def test_people_of_several_files_are_heard_together(spec_of, labels_of):
    answers = [answer("one", "d0", "text", part("good", 0.8)), answer("one", "d1", "text", part("good", 0.8))]
    ann = labels_of(label("d0", "text"), label("d1", "text"))
    bob = labels_of(label("d0", "text", labels={"good": {"bob": False}}), name="bob.jsonl")

    rate = rates_of(spec_of(REWARD), answers, ann, bob)["one"]["good"]

    assert (rate.labelled, rate.unlabelled) == (1, 0)


def test_a_missing_verdict_is_in_no_rate(spec_of, labels_of):
    answers = [
        answer("one", "d0", "text", part("good", None, missing="timeout"), status="missing"),
        answer("one", "d1", "text", part("good", 0.8)),
    ]

    rate = rates_of(spec_of(REWARD), answers, labels_of(label("d0", "text"), label("d1", "text")))["one"]["good"]

    assert (rate.labelled, rate.unlabelled, rate.judge.n) == (1, 0, 1)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (label("d9", "text"), "--labels: none that was drawn at random is about an answer that was judged here"),
        (label("d0", "text", drawn="unsure"), "--labels: none that was drawn at random"),
        (label("d0", "text", labels={"bad": {"ann": True}}), "labels.jsonl:1: labels for 'bad', which is no criterion"),
        (label("d0", "text", item=1), "labels.jsonl:1: no item 1 is in the completion"),
    ],
)
def test_labels_about_something_else_are_an_error(spec_of, labels_of, row, said):
    with pytest.raises(DataError, match=said):
        rates_of(spec_of(REWARD), [answer("one", "d0", "text", part("good", 0.8))], labels_of(row))
