import msgspec
import pytest

from dikast.certify.levels import grade
from dikast.report.certificate.reasons import reason_of
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import unknown, wilson

from .conftest import REWARD, is_good, labelled, perfect

STEADY = wilson(1, 200)
GRADES = {
    "too few": grade(Confusion(tp=12, fn=0, tn=40, fp=0), STEADY),
    "low J": grade(Confusion(tp=30, fn=30, tn=50, fp=10), STEADY),
    "J below zero": grade(Confusion(tp=10, fn=50, tn=10, fp=50), STEADY),
    "false credit": grade(Confusion(tp=198, fn=2, tn=150, fp=50), STEADY),
    "flips too often": grade(Confusion(tp=100, fn=0, tn=100, fp=0), wilson(40, 200)),
    "J too weak": grade(Confusion(tp=220, fn=180, tn=390, fp=10), STEADY),
    "imprecise": grade(Confusion(tp=60, fn=8, tn=400, fp=40), STEADY),
    "imprecise elsewhere": grade(Confusion(tp=95, fn=15, tn=95, fp=5), STEADY, base_rate=0.05),
    "TPR": grade(Confusion(tp=85, fn=15, tn=98, fp=2), STEADY),
    "imprecise, just beside its bound": grade(Confusion(tp=169, fn=21, tn=270, fp=30), STEADY),
    "TNR": grade(Confusion(tp=98, fn=2, tn=87, fp=13), STEADY),
    "not measured": grade(Confusion(tp=100, fn=0, tn=100, fp=0), unknown()),
    "flips": grade(Confusion(tp=100, fn=0, tn=100, fp=0), wilson(20, 200)),
    "kappa": grade(Confusion(tp=2000, fn=60, tn=40, fp=2), STEADY),
    "green": grade(Confusion(tp=100, fn=0, tn=100, fp=0), STEADY),
}


@pytest.fixture
def reason_for(subject_of):
    """Gives the reason for a `why`, on a criterion of a certificate as it comes."""
    subject = subject_of()

    def reason(why, name="on_topic"):
        found = subject.certificate.criteria[name]

        criteria = subject.certificate.criteria | {name: msgspec.structs.replace(found, why=why)}
        certificate = msgspec.structs.replace(subject.certificate, criteria=criteria)
        return reason_of(msgspec.structs.replace(subject, certificate=certificate), name)

    return reason


def test_whatever_decides_a_level_is_told_in_plain_words(reason_for):
    told = {kind: reason_for(found.why).told for kind, found in GRADES.items()}

    assert {kind for kind, found in GRADES.items() if told[kind] == found.why} == set()
    assert all(text.endswith(".") and "TPR" not in text and "TNR" not in text for text in told.values())
    assert len(set(told.values())) == len(GRADES)


def test_a_figure_is_never_told_as_the_bound_that_it_misses(reason_for):
    by_low, precision, weak = (
        grade(Confusion(tp=60, fn=0, tn=54, fp=6), STEADY).why,
        grade(Confusion(tp=169, fn=21, tn=270, fp=30), STEADY).why,
        grade(Confusion(tp=279, fn=121, tn=360, fp=40), STEADY).why,
    )

    assert by_low == "TNR 0.90 (from 0.799) is short of 0.90 (from 0.80)"
    assert precision == "credit is right in 0.849 of the cases, under 0.85"
    assert weak == "J 0.598 is under 0.60"
    assert "84.9 deserve it; 85 is the least" in reason_for(precision).told
    assert "J is 0.598, and 0.60 is needed" in reason_for(weak).told


def test_what_is_not_known_is_shown_as_it_stands(reason_for):
    assert reason_for("the moon is full").told == "the moon is full"


def test_only_green_needs_no_mend(reason_for):
    assert {kind for kind, found in GRADES.items() if reason_for(found.why).mend is None} == {"green"}


def test_credit_given_too_easily_and_too_seldom_have_other_mends(reason_for):
    assert "'fail' what must not pass" in reason_for(GRADES["false credit"].why).mend
    assert "'fail' what must not pass" in reason_for(GRADES["TNR"].why).mend
    assert "'pass' what is enough" in reason_for(GRADES["TPR"].why).mend
    assert "what is a yes" in reason_for(GRADES["TPR"].why, "filler").mend


def test_missing_labels_are_counted_with_those_that_go_to_the_tuning_part(subject_of):
    rows = [labelled(number) for number in range(60)]
    for row in rows:
        del row["split"]
    subject = subject_of(rows=rows)
    found = subject.certificate.criteria["on_topic"]

    mend = reason_of(subject, "on_topic").mend

    short = (30 - found.yes, 30 - found.no)
    in_all = sum(-(-n // 0.6) for n in short)
    assert f"label at least {short[0]} more that deserve a yes and {short[1]} more that deserve a no" in mend
    assert f"some {in_all:.0f} in all" in mend
    assert "dikast review labels.jsonl" in mend


def test_a_question_that_people_disagree_about_is_to_be_settled_with_them_first(subject_of):
    rows = [labelled(number) for number in range(240)]
    for at, row in enumerate(rows):
        row["labels"]["on_topic"] = {"Ada": is_good(at), "Bob": is_good(at) != (at % 3 == 0), "Cid": is_good(at)}

    subject = subject_of(lambda name, n: perfect(name, n) if n % 5 else 0.5, rows=rows, reward=REWARD)

    assert "settle with them what it means" in reason_of(subject, "on_topic").mend
