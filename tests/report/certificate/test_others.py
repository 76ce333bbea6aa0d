"""Other judges on the certificate's page, and what it says of bounds and base rates that are not dikast's own."""

import msgspec
import pytest

from dikast.certify.bounds import Levels, Red
from dikast.certify.certificate import WordingsResult
from dikast.certify.others import AcrossJudges, EffectiveVotes, JudgeInAll, JudgesApart, Others, Said
from dikast.report.certificate.page import render
from dikast.report.certificate.verdict import first_screen
from dikast.stats.intervals import Interval, wilson


def interval(value: float) -> Interval:
    return Interval(value=value, low=value - 0.05, high=value + 0.05, n=100)


OTHERS = Others(
    criteria={"on_topic": AcrossJudges(judges={}, pairs=(), votes=EffectiveVotes(n=90, verdicts=1.2, errors=1.7))},
    table=(
        JudgeInAll(
            name="openai:big",
            fingerprint="f",
            j=interval(0.9),
            behind=None,
            not_worse=True,
            usd_per_1000=2.5,
            seconds=1.25,
            requests=2.0,
            missing=0.0,
        ),
        JudgeInAll(
            name="openai:small",
            fingerprint="g",
            j=interval(0.88),
            behind=Interval(value=0.02, low=-0.01, high=0.045, n=100),
            not_worse=True,
            usd_per_1000=0.1,
            seconds=None,
            requests=2.0,
            missing=0.02,
        ),
    ),
    best="openai:big",
    cheapest="openai:small",
    margin=0.05,
    rule="not worse: by at most 0.05",
    counted=("on_topic",),
    disagreements=(
        JudgesApart(
            id="r4",
            item=1,
            criterion="on_topic",
            people=True,
            spread=0.9,
            said={
                "openai:big": Said(value=0.95, reason="It <b>speaks</b> of the clause."),
                "openai:small": Said(missing="timeout"),
            },
        ),
    ),
    disagreements_of=7,
)


@pytest.fixture
def with_more(subject_of):
    """The subject with more in its certificate."""

    def make(**more):
        subject = subject_of()
        return msgspec.structs.replace(subject, certificate=msgspec.structs.replace(subject.certificate, **more))

    return make


def test_a_certificate_of_one_judge_has_no_section_of_others(with_more):
    assert 'id="others"' not in render(with_more())


def test_the_judges_stand_in_a_table_that_says_which_to_take(with_more):
    page = render(with_more(others=OTHERS))

    assert "The cheapest judge that is not worse than the best (openai:big): openai:small, 0.1 USD for 1000" in page
    assert "0.02 (-0.01 to 0.04)" in page.replace("−", "-")
    assert "<td>2.5</td><td>1.25</td>" in page
    assert "<td>0.1</td><td>—</td>" in page


def test_what_a_judge_writes_stays_text(with_more):
    page = render(with_more(others=OTHERS))

    assert "&lt;b&gt;speaks&lt;/b&gt;" in page
    assert "no answer, timeout" in page
    assert "1 of 7 answers" in page


def test_looser_bounds_stand_on_the_first_screen_and_dikasts_own_do_not(with_more):
    ours, looser = with_more(), with_more(levels=Levels(red=Red(flips=0.5), weight=0.4))

    assert not any("levels" in line for line in first_screen(ours).rests_on)
    assert first_screen(looser).rests_on[-1] == (
        "Warning: graded by looser levels than dikast's own: red.flips 0.5 in place of 0.15, weight 0.4 in place of 0.5."
    )


def test_a_stated_base_rate_and_other_wordings_are_told_beside_the_figures(with_more):
    subject = with_more()
    found = msgspec.structs.replace(
        subject.certificate.criteria["on_topic"], stated_base_rate=0.3, precision_at_stated=wilson(80, 100)
    )
    worded = WordingsResult(agreement=wilson(95, 100), changed_at_most=0.1, by={})

    page = render(with_more(criteria=subject.certificate.criteria | {"on_topic": found}, wordings={"on_topic": worded}))

    assert "Where 30 of 100 are a yes, a yes of the judge is right in 80 % (71 to 87)." in page
    assert (
        "With the judge&#39;s prompt worded otherwise the answer is the same in 95 % (89 to 98), at most 10 of 100 change."
        in page
    )
