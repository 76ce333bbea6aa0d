"""A preference judge's certificate as a page."""

import asyncio
import json

import msgspec
import pytest
from page_reader import HOSTILE, read

from dikast.certify.duels.labels import read_pairs
from dikast.certify.duels.levels import grade_preference
from dikast.certify.duels.measure import certify_preference
from dikast.models.base import Capabilities
from dikast.records import Usage, Verdict
from dikast.report.certificate.page import render
from dikast.report.certificate.reasons import reason_of
from dikast.report.certificate.subject import Subject
from dikast.report.certificate.verdict import first_screen, right_in_words
from dikast.spec.reward import read_reward
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import unknown, wilson

REWARD = """
name: better-notes
objective: You compare notes.
inputs: {Contract: contract}
judge: {mode: preference, model: "scripted:judge", compare: swiss, prefer: The better note says what the contract says.}
"""
TEXT = HOSTILE.encode("utf-8", "replace").decode()


class Comparing:
    """Prefers what is good, but for the pairs of `wrong`."""

    name = "scripted:judge"
    fingerprint = "f00d"
    capabilities = Capabilities(reason=True)

    def __init__(self, wrong):
        self.wrong = wrong

    async def pair(self, documents, first, second, *, repeat=0):
        good = 0.9 if "good" in first else 0.1
        share = 1 - good if int(first.split()[0]) in self.wrong else good
        return Verdict(value=share, reason=f"It is nearer to it. {TEXT}"), Usage()


@pytest.fixture
def subject_of(tmp_path):
    def make(wrong=(), *, count=160):
        rows = []
        for n in range(count):
            a, b = ("good", "poor") if n % 2 == 0 else ("poor", "good")
            said = "a" if a == "good" else "b"
            row = {"id": f"p{n}", "prompt": f"prompt {n}", "a": f"{n} {a} {TEXT}", "b": f"{n} {b}", "contract": TEXT}
            votes = {"Ada": said, "Bob": said, "Cid": "tie"}
            rows.append(row | {"labels": votes, "split": "tuning" if n % 8 < 2 else "certificate"})
        (tmp_path / "reward.yaml").write_text(REWARD)
        (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        spec, labels = read_reward(tmp_path / "reward.yaml"), read_pairs(tmp_path / "pairs.jsonl")
        certificate = asyncio.run(certify_preference(spec, labels, judge=Comparing(wrong)))
        return Subject(certificate=certificate, spec=spec, labels=labels)

    return make


def test_the_page_speaks_of_pairs_and_sides(subject_of):
    subject = subject_of(wrong={3})

    reader = read(render(subject))

    text = " ".join(reader.text.split())
    assert (reader.wrong, reader.open) == ([], [])
    assert "160 pairs to 160 prompts, labelled by 3 annotators" in text
    assert "Of 100 pairs of which people prefer side a, the judge prefers a in 100 (" in text
    assert "The better note says what the contract says." in text
    assert "a yes is that a is better" in text
    assert "the others are for wording the question" in text
    assert "reading was chosen" not in text
    assert "One order at random trains, and prefers what people do in 99 % (" in text


def test_both_sides_of_a_disagreement_are_shown_with_who_preferred_which(subject_of):
    page = render(subject_of(wrong={3}))

    reader = read(page)
    text = reader.text.replace(" ", "")
    assert "1. preference prefers the side that people do not p3" in " ".join(reader.text.split())
    assert "AdabBobbCidtie" in text
    assert "P(a)0.90" in text
    assert "<dt>a</dt><dd>3 poor" in page
    assert "<dt>b</dt><dd>3 good</dd>" in page
    assert "script" not in {tag for tag, _ in reader.tags}


def test_the_factor_of_its_only_question_is_said_to_change_nothing(subject_of):
    subject = subject_of(wrong={n for n in range(160) if n % 16 == 5})

    [one] = first_screen(subject).counting

    assert subject.certificate.level == "amber"
    assert one.counts == "counts, and as the only question in full"


def test_too_few_pairs_are_counted_by_side(subject_of):
    subject = subject_of(count=40)
    found = subject.certificate.criteria["preference"]

    [step] = [step for step in first_screen(subject).steps if "label at least" in step]

    assert f"{30 - found.yes} more pairs where a is better and {30 - found.no} more pairs where b is" in step
    assert "review" not in step
    assert right_in_words(subject, "preference").startswith("Of 100 pairs")


def test_whatever_decides_its_level_is_told_in_plain_words(subject_of):
    subject = subject_of()
    fair, steady, place = Confusion(tp=100, tn=100), wilson(0, 100), wilson(190, 200)
    grades = [
        grade_preference(Confusion(tp=12, tn=90), steady, position=place),
        grade_preference(fair, steady, position=wilson(120, 200)),
        grade_preference(fair, unknown(), position=place),
        grade_preference(Confusion(tp=85, fn=15, tn=98, fp=2), steady, position=place),
        grade_preference(Confusion(tp=50, fn=50, tn=50, fp=50), steady, position=place),
    ]

    for found in grades:
        one = msgspec.structs.replace(subject.certificate.criteria["preference"], why=found.why)
        certificate = msgspec.structs.replace(subject.certificate, criteria={"preference": one})
        reason = reason_of(msgspec.structs.replace(subject, certificate=certificate), "preference")
        assert reason.told != found.why
        assert reason.mend
        assert "'fail'" not in reason.mend
