import re
from pathlib import Path

import msgspec
import pytest

from dikast.certify.bounds import Amber, Green, Levels, Red, changed, looser_than_ours, read_base_rates, read_levels
from dikast.certify.measure import Grading, certify
from dikast.certify.present import graded_otherwise, notes, plain
from dikast.errors import ConfigError, UsageError

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


@pytest.fixture
def levels_of(tmp_path: Path):
    def write(text: str) -> Levels:
        path = tmp_path / "levels.yaml"
        path.write_text(text)
        return read_levels(path)

    return write


def test_what_a_file_does_not_name_stays_as_it_is(levels_of):
    levels = levels_of("green: {rate: 0.95}\nleast_per_class: 50")

    assert levels == Levels(green=Green(rate=0.95), least_per_class=50)
    assert levels.amber == Amber()


def test_the_file_in_the_reference_holds_dikasts_own_bounds(levels_of):
    [example] = re.findall(r"```yaml\n(least_per_class:.*?)```", REFERENCE.read_text("utf-8"), re.S)

    assert levels_of(example) == Levels()
    for name in (*Levels.__struct_fields__, *Green.__struct_fields__, *Amber.__struct_fields__, *Red.__struct_fields__):
        assert f"{name}:" in example


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gren: {rate: 0.9}", r"levels.yaml: unknown key 'gren'; did you mean 'green'"),
        ("green: {rates: 0.9}", r"levels.yaml: green: unknown key 'rates'; did you mean 'rate'"),
        ("green: {rate: 90}", r"levels.yaml: green.rate: "),
        ("amber: {j_low: 0}", r"levels.yaml: amber.j_low: "),
        ("least_per_class: 0", r"levels.yaml: least_per_class: "),
    ],
)
def test_a_file_that_does_not_fit_is_one_line_with_its_place(levels_of, text: str, problem: str):
    with pytest.raises(ConfigError, match=problem):
        levels_of(text)


def test_looser_is_lower_where_more_is_better_and_higher_where_less_is():
    levels = Levels(green=Green(rate=0.95, flips=0.1), amber=Amber(j=0.5), red=Red(flips=0.1, false_credit=0.3))

    assert looser_than_ours(levels) == [
        "green.flips 0.1 in place of 0.05",
        "amber.j 0.5 in place of 0.6",
        "red.false_credit 0.3 in place of 0.2",
    ]
    assert [bound.split()[0] for bound in changed(levels)] == [
        "green.rate",
        "green.flips",
        "amber.j",
        "red.false_credit",
        "red.flips",
    ]


def test_dikasts_own_bounds_are_worth_no_word():
    assert list(graded_otherwise(Levels())) == []


def test_whoever_reads_is_warned_of_looser_bounds_and_told_of_stricter_ones():
    told = list(graded_otherwise(Levels(weight=0.3, least_per_class=60)))

    assert told == [
        "warning: graded by looser levels than dikast's own: weight 0.3 in place of 0.5",
        "graded by stricter levels than dikast's own: least_per_class 60 in place of 30",
    ]


async def test_a_certificate_holds_its_levels_and_goes_by_them(reward, suite, judge_of):
    def misses_a_third(_question, number):
        return 0.9 if number % 2 == 0 and number % 3 else 0.1

    loose = Grading(levels=Levels(green=Green(rate=0.6, rate_low=0.5, kappa=0.5)))

    ours = await certify(reward, suite, judge=judge_of(misses_a_third))
    theirs = await certify(reward, suite, judge=judge_of(misses_a_third), grading=loose)

    assert (ours.level, theirs.level) == ("amber", "green")
    assert (ours.levels, theirs.levels) == (Levels(), loose.levels)
    assert plain(theirs).splitlines()[0].endswith(": green by looser levels")
    assert any(note.startswith("warning: graded by looser levels") for note in notes(theirs))
    assert "looser" not in plain(ours) + "".join(notes(ours))


async def test_a_certificate_from_before_there_were_levels_was_made_with_these(reward, suite, judge_of, perfect):
    content = msgspec.to_builtins(await certify(reward, suite, judge=judge_of(perfect)))
    for key in ("levels", "others", "wordings"):
        del content[key]
    for criterion in content["criteria"].values():
        for key in ("stated_base_rate", "precision_at_stated", "wanted"):
            del criterion[key]
    from dikast.certify.certificate import Certificate

    old = msgspec.json.decode(msgspec.json.encode(content), type=Certificate)

    assert old.levels == Levels()
    assert old.others is None
    assert old.criteria["useful"].wanted is None


def test_a_base_rate_is_of_all_criteria_and_one_that_names_its_own_goes_before_it():
    assert read_base_rates([], ["good", "bad"]) == {}
    assert read_base_rates(["bad=0.1", "0.3"], ["good", "bad"]) == {"good": 0.3, "bad": 0.1}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("worse=0.3", "--base-rate worse=0.3: 'worse' is no criterion of the reward; its criteria are good, bad"),
        ("1", "--base-rate 1: must be a share above 0 and below 1"),
        ("good=lots", "--base-rate good=lots: must be a share"),
        ("nan", "--base-rate nan: must be a share"),
        ("=0.3", "'' is no criterion"),
    ],
)
def test_a_base_rate_that_is_none_is_named(given: str, problem: str):
    with pytest.raises(UsageError, match=re.escape(problem)):
        read_base_rates([given], ["good", "bad"])


async def test_amber_goes_by_the_precision_at_the_base_rate_that_is_stated(reward, suite, judge_of):
    def errs_in_a_seventh(_question, number):
        return 0.9 if (number % 2 == 0) != (number % 7 == 0) else 0.1

    stated = Grading(base_rates={"on_topic": 0.1})

    certificate = await certify(reward, suite, judge=judge_of(errs_in_a_seventh), grading=stated)

    on_topic, useful = certificate.criteria["on_topic"], certificate.criteria["useful"]
    assert (on_topic.stated_base_rate, useful.stated_base_rate) == (0.1, None)
    assert useful.level == "amber"
    assert useful.precision_at_stated is None
    tpr, fpr = on_topic.tpr.value, 1 - on_topic.tnr.value
    assert on_topic.precision_at_stated.value == pytest.approx(0.1 * tpr / (0.1 * tpr + 0.9 * fpr))
    assert on_topic.level == "red"
    assert "where 0.10 deserve it, under 0.85" in on_topic.why
    assert any("on_topic: where 0.1 are a yes, a yes is right in" in note for note in notes(certificate))
