"""What a certificate allows, and what people's labels show."""

from pathlib import Path

import pytest
from good_rubric import ASKED, criteria, file_of, rules, spoilt, the_finding
from hypothesis import given
from hypothesis import strategies as st

from dikast.certify.certificate import (
    Certificate,
    ChosenReading,
    Consistency,
    CriterionCertificate,
    Level,
    ModelIdentity,
)
from dikast.certify.labels import LabelledRow, Labels, Split
from dikast.certify.lint.critic import lint
from dikast.records import Rollout
from dikast.spec.reward import RewardFile
from dikast.stats.intervals import Interval, unknown, wilson

NAMES = list(ASKED)


def certificate(tpr: Interval, tnr: Interval, *, level: Level = "green", name: str = NAMES[0]) -> Certificate:
    """A certificate of the good rubric that measures one criterion."""
    one = CriterionCertificate(
        n=200,
        yes=100,
        no=100,
        level=level,
        factor=float(level in ("green", "amber")),
        reading=ChosenReading(soft=True),
        why="as the test says",
        tpr=tpr,
        tnr=tnr,
        base_rate=0.5,
        **dict.fromkeys(("precision", "j", "kappa", "ac1", "auc", "flip_rate", "variance", "within_group"), unknown()),
    )
    return Certificate(
        reward="contract-review",
        reward_hash="0" * 64,
        model=ModelIdentity(name="scripted:judge", fingerprint="f00d"),
        level=level,
        criteria={name: one},
        annotators=("ann",),
        labels_hash="0" * 64,
        split=Split(by="file", tuning=("a",), certificate=("b",), hash="0" * 64),
        consistency=Consistency(units=0, variants={}),
        seed=0,
        made_with={},
        date="2026-11-24",
    )


def vetoing() -> RewardFile:
    asked = criteria()
    asked[0]["required"] = True
    return file_of(*asked, aggregate="veto")


def test_a_veto_needs_a_certificate():
    finding = the_finding(vetoing())

    assert (finding.level, finding.rule) == ("error", "veto_uncertified")
    assert "no certificate" in finding.problem


def test_a_veto_is_allowed_up_to_5_percent_either_way():
    assert rules(vetoing(), certificate=certificate(wilson(95, 100), wilson(95, 100))) == []


@pytest.mark.parametrize(
    ("tpr", "tnr", "said"),
    [
        (wilson(94, 100), wilson(100, 100), "says no to what is a yes in 6.0%"),
        (wilson(100, 100), wilson(90, 100), "says yes to what is a no in 10.0%"),
        (unknown(), wilson(100, 100), "unknown share"),
    ],
)
def test_a_veto_that_errs_more_often_is_an_error_with_its_rate(tpr: Interval, tnr: Interval, said: str):
    finding = the_finding(vetoing(), certificate=certificate(tpr, tnr))

    assert finding.rule == "veto_uncertified"
    assert said in finding.problem


def test_the_rate_is_told_with_its_interval_and_n():
    problem = the_finding(vetoing(), certificate=certificate(wilson(94, 100), wilson(100, 100))).problem

    assert "6.0% (2.8% to 12.5%, n 100)" in problem


@pytest.mark.parametrize("level", ["red", "insufficient"])
def test_a_veto_that_the_certificate_turns_off_is_an_error(level: Level):
    perfect = wilson(3, 3)

    assert rules(vetoing(), certificate=certificate(perfect, perfect, level=level)) == [("error", "veto_uncertified")]


def test_a_veto_that_the_certificate_does_not_measure_is_an_error():
    other = certificate(wilson(99, 100), wilson(99, 100), name="step")

    assert "does not measure it" in the_finding(vetoing(), certificate=other).problem


@pytest.mark.parametrize(("level", "severity"), [("green", "warning"), ("amber", "warning"), ("red", "error")])
def test_without_pass_and_fail_a_criterion_that_was_measured_to_hold_is_a_warning(level: Level, severity: str):
    measured = certificate(wilson(90, 100), wilson(90, 100), level=level)

    assert rules(spoilt(**{"pass": None}), certificate=measured) == [(severity, "pass_fail")]


def labels(rows: list[dict[str, bool]]) -> Labels:
    """People's answers, one annotator; of each unit those criteria that are given."""
    return Labels(
        path=Path("labels.jsonl"),
        rows=tuple(
            LabelledRow(
                line=at + 1,
                rollout=Rollout(id=f"r{at}", group=f"g{at}", prompt="p", completion="c"),
                item=None,
                labels={name: {"ann": answer} for name, answer in row.items()},
            )
            for at, row in enumerate(rows)
        ),
        hash="0" * 64,
    )


def good_rows(count: int) -> list[dict[str, bool]]:
    """Every other unit is good in every way; of the filler, which is bad, it is the other half."""
    return [{name: (at % 2 == 0) != (name == "filler") for name in NAMES} for at in range(count)]


def test_criteria_that_part_the_good_from_the_bad_have_a_signal():
    assert rules(file_of(), labels=labels(good_rows(60))) == []


@pytest.mark.parametrize(("yes", "said"), [(60, "100.0%"), (59, "98.3%"), (1, "1.7%"), (0, "0.0%")])
def test_what_nearly_everything_or_nothing_passes_has_no_signal(yes: int, said: str):
    rows = [row | {"step": at < yes} for at, row in enumerate(good_rows(60))]

    finding = the_finding(file_of(), labels=labels(rows))

    assert (finding.level, finding.rule, finding.where) == ("warning", "no_signal", "judge.criteria[2] (step)")
    assert said in finding.problem
    assert "n 60" in finding.problem


def test_97_percent_is_not_yet_too_much():
    rows = [row | {"step": at < 97} for at, row in enumerate(good_rows(100))]

    assert "no_signal" not in {rule for _, rule in rules(file_of(), labels=labels(rows))}


def test_a_criterion_that_goes_another_way_than_the_rest_is_a_warning():
    rows = [row | {"step": at % 4 < 2} for at, row in enumerate(good_rows(80))]

    finding = the_finding(file_of(), labels=labels(rows))

    assert (finding.level, finding.rule, finding.where) == (
        "warning",
        "against_the_rest",
        "judge.criteria[2] (step)",
    )
    assert "0.00 (n 80)" in finding.problem


def test_a_negative_criterion_whose_sign_was_forgotten_goes_against_the_rest():
    asked = [one | {"negative": False} for one in criteria()]

    finding = the_finding(file_of(*asked), labels=labels(good_rows(60)))

    assert finding.where == "judge.criteria[5] (filler)"
    assert "-1.00" in finding.problem


def test_two_criteria_need_not_go_together():
    rows = [{NAMES[0]: at % 2 == 0, NAMES[1]: at % 4 < 2} for at in range(80)]

    found = rules(file_of(*criteria()[:2]), labels=labels(rows))

    assert found == [("warning", "few_criteria")]


def test_too_few_labels_say_nothing_of_a_criterion():
    found = lint(file_of(), labels=labels([dict.fromkeys(NAMES, True)] * 29))

    assert {(one.level, one.rule) for one in found} == {("info", "few_labels")}
    assert len(found) == len(NAMES)


def test_units_on_which_people_disagree_are_not_counted():
    split = labels(good_rows(60))
    rows = [row.labels | {"step": {"ann": True, "bob": at < 40}} for at, row in enumerate(split.rows)]
    disagreed = Labels(
        path=split.path,
        hash=split.hash,
        rows=tuple(
            LabelledRow(line=row.line, rollout=row.rollout, item=None, labels=of)
            for row, of in zip(split.rows, rows, strict=True)
        ),
    )

    problem = the_finding(file_of(), labels=disagreed).problem

    assert "100.0%" in problem
    assert "n 40" in problem


ROWS = st.lists(st.dictionaries(st.sampled_from(NAMES), st.booleans()), min_size=30, max_size=80)


@given(ROWS, st.lists(st.sampled_from([0.0, -1.0, 1.0, 1e308]), min_size=6, max_size=6))
def test_no_labels_make_the_linter_raise(rows: list[dict[str, bool]], weights: list[float]):
    asked = [one | {"weight": weight} for one, weight in zip(criteria(), weights, strict=True)]

    for finding in lint(file_of(*asked), labels=labels(rows)):
        assert finding.problem
