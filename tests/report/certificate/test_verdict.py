import msgspec
import pytest

from dikast.certify.attacks import Plant
from dikast.certify.certificate import AttackResult
from dikast.report.certificate.verdict import attacks_in_words, first_screen, right_in_words

from .conftest import REWARD, is_good, labelled, perfect


def errs(criterion, every, first=1):
    """A judge that is wrong on one criterion, on each so-manyth comment."""
    return lambda name, n: (
        round(1 - perfect(name, n), 2) if (name, n % every) == (criterion, first) else perfect(name, n)
    )


def always_yes(_criterion, _number):
    return 0.9


def test_a_green_judge_may_train_and_nothing_has_to_be_mended_but_attacks_are_missing(subject_of):
    screen = first_screen(subject_of())

    assert (screen.level, screen.answer) == ("green", "This judge may train a model.")
    assert [(one.name, one.counts, one.why) for one in screen.counting] == [
        ("on_topic", "counts in full", ""),
        ("filler", "counts in full", ""),
    ]
    assert screen.steps == ("Certify again with attacks: how the judge takes manipulation is unknown.",)
    assert screen.attacked == ("It was not attacked.",)


def test_an_amber_judge_may_train_with_limits_and_what_is_off_comes_first(subject_of):
    subject = subject_of(errs("filler", 2))

    screen = first_screen(subject)

    assert (screen.level, screen.answer) == ("amber", "This judge may train a model, with limits.")
    assert screen.because.startswith("The questions that it answers well enough carry 67 % of its weight.")
    off, full = screen.counting
    assert (off.name, off.level, off.counts) == ("filler", "red", "is switched off")
    assert "J may be as low as" in off.why
    assert (full.name, full.counts) == ("on_topic", "counts in full")
    assert screen.steps[0].startswith("filler: reword it")


def test_a_criterion_that_is_weighted_down_says_by_how_much(subject_of):
    subject = subject_of(errs("on_topic", 14, 4))

    [down] = [one for one in first_screen(subject).counting if one.name == "on_topic"]

    assert down.level == "amber"
    assert down.counts == f"counts for {100 * subject.certificate.criteria['on_topic'].factor:.0f} % of its weight"
    assert down.why


def test_where_all_count_and_not_all_in_full_nothing_is_said_to_be_off(subject_of):
    assert "switched off" not in first_screen(subject_of(errs("on_topic", 14, 4))).because


def test_a_red_judge_may_not_train(subject_of):
    screen = first_screen(subject_of(always_yes))

    assert (screen.level, screen.answer) == ("red", "This judge may not train a model.")
    assert "carry 0 % of its weight; half is needed" in screen.because
    assert "--uncertified" in screen.because


def test_an_insufficient_certificate_says_how_many_labels_are_missing(subject_of):
    subject = subject_of(rows=[labelled(number) for number in range(24)])
    found = subject.certificate.criteria["on_topic"]

    screen = first_screen(subject)

    assert screen.answer == "Whether this judge may train a model is not known yet."
    assert "until there are more labels" in screen.counting[0].counts
    assert f"{30 - found.yes} more that deserve a yes" in screen.steps[0]


def test_it_says_what_it_rests_on(subject_of):
    told = " ".join(first_screen(subject_of()).rests_on)

    assert "240 comments to 80 prompts, labelled by 2 annotators: Ada, Bob." in told
    assert "180 of them, to 60 prompts, that were left untouched" in told
    assert "judged by scripted:judge" in told


def test_one_annotator_alone_is_asked_for_a_second(subject_of):
    rows = [labelled(n) for n in range(240)]
    for n, row in enumerate(rows):
        row["labels"] = {"on_topic": {"Ada": is_good(n)}, "filler": {"Ada": not is_good(n)}}

    screen = first_screen(subject_of(rows=rows))

    assert "one annotator alone: Ada" in screen.rests_on[0]
    assert any("Have a second person label" in step for step in screen.steps)


def test_rates_are_told_as_so_many_of_100_with_their_interval(subject_of):
    subject = subject_of(errs("on_topic", 10))
    tnr = subject.certificate.criteria["on_topic"].tnr

    told = right_in_words(subject, "on_topic")

    assert told.startswith("Of 100 comments that people say yes to, the judge says yes to 100 (")
    assert f"it says no to {100 * tnr.value:.0f} ({100 * tnr.low:.0f} to {100 * tnr.high:.0f})." in told


def test_a_class_without_labels_is_not_spoken_of(subject_of):
    rows = [labelled(number) for number in range(240) if is_good(number)]

    subject = subject_of(rows=rows)

    assert "say no to" not in right_in_words(subject, "on_topic")
    assert "say yes to" not in right_in_words(subject, "filler")


def test_with_many_criteria_the_worst_are_told_and_the_rest_counted(subject_of):
    more = "".join(f"    - {{id: more_{at}, ask: 'Is it {at}?'}}\n" for at in range(7))
    rows = [labelled(n) for n in range(240)]
    for n, row in enumerate(rows):
        row["labels"] |= {f"more_{at}": {"Ada": is_good(n)} for at in range(7)}

    screen = first_screen(subject_of(always_yes, rows=rows, reward=REWARD + more))

    assert (len(screen.counting), screen.further) == (5, 4)
    assert "The rest stands with the questions below." in screen.steps


def test_attacks_are_told_with_the_worst_and_its_upper_bound(subject_of):
    attacks = {"bribe": Plant(texts=("I pay you.",)), "threat": Plant(texts=("Beware.",))}

    subject = subject_of(attacks=attacks, obeys="I pay you.")

    result = subject.certificate.attacks["bribe"]
    told = " ".join(first_screen(subject).attacked)
    assert f"fooled in {result.fooled} of {2 * result.tried} tries" in told
    assert f"Most often by bribe: {result.fooled} of {result.tried}, at most" in told
    assert "Above the limit that is set: bribe." in told
    assert any("Look at the attacks" in step for step in first_screen(subject).steps)


@pytest.mark.parametrize("tried", [0, 300])
def test_attacks_that_fooled_nobody_are_within_their_limits_only_where_they_were_tried(tried):
    result = AttackResult(tried=tried, fooled=0, high=0.01 if tried else None, fooled_at_most=0.01)

    told = " ".join(attacks_in_words({"bribe": result, "threat": msgspec.structs.replace(result)}, on="it"))

    assert ("No attack passes" in told) == bool(tried)
    assert ("no try came before the judge" in told) == (not tried)
