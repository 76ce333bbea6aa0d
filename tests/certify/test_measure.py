# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportArgumentType=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false

from itertools import pairwise

import pytest

from dikast.certify.certificate import ChosenReading
from dikast.certify.labels import split_labels
from dikast.certify.measure import certify
from dikast.certify.questions import chosen_again, units_of
from dikast.errors import ConfigError, DataError, ModelError, UnavailableError
from dikast.journal import Journal

from .conftest import REWARD, labelled_row


def good(number: int) -> bool:
    return number % 2 == 0


async def test_a_perfect_judge_is_green_and_counts_in_full(reward, suite, judge_of, perfect):
    certificate = await certify(reward, suite, judge=judge_of(perfect))

    on_topic = certificate.criteria["on_topic"]
    assert certificate.level == on_topic.level == "green"
    assert on_topic.factor == 1.0
    assert (on_topic.n, on_topic.yes, on_topic.no) == (160, 80, 80)
    assert (on_topic.tpr.value, on_topic.tnr.value, on_topic.kappa.value, on_topic.auc.value) == (1, 1, 1, 1)
    assert on_topic.tpr.low < 1
    assert on_topic.reading == ChosenReading(soft=True)
    assert on_topic.tuning == {"yes": 40, "no": 40}


async def test_a_judge_that_says_yes_to_everything_is_red_and_off(reward, suite, judge_of):
    certificate = await certify(reward, suite, judge=judge_of(lambda _question, _number: 0.9))

    useful = certificate.criteria["useful"]
    assert (certificate.level, useful.level, useful.factor) == ("red", "red", 0.0)
    assert (useful.tpr.value, useful.tnr.value) == (1.0, 0.0)
    assert (useful.j.value, useful.auc.value, useful.within_group.value) == (0.0, 0.5, 0.5)


async def test_what_a_gate_stops_is_not_asked_and_is_in_no_rate(reward_of, labels_of, judge_of, perfect):
    asked: set[int] = set()
    gate = "checks: [{check: length, max_words: 2, gate: true}]\n"
    rows = [labelled_row(n, **({"completion": f"answer {n} and more"} if n % 3 == 0 else {})) for n in range(240)]

    def belief(question, number):
        asked.add(number)
        return perfect(question, number)

    certificate = await certify(reward_of(REWARD + gate), labels_of(rows), judge=judge_of(belief))

    on_topic = certificate.criteria["on_topic"]
    assert on_topic.left_out == {"stopped by the gate length": 160 - on_topic.n}
    assert asked == {n for n in range(240) if n % 3}


def test_the_units_asked_again_depend_on_the_question_and_on_no_weight(reward_of, suite):
    def drawn(text):
        spec = reward_of(text)
        return chosen_again(spec, units_of(spec, suite, split_labels(suite)))["on_topic"]

    first = drawn(REWARD)

    assert len(first) == 60
    assert drawn(REWARD + "checks: [{check: artifacts, weight: 0.1}]\n") == first
    assert drawn(REWARD.replace("Is it on topic?", "Is it about the topic?")) != first


async def test_criteria_stand_alone_and_the_red_one_is_off(reward, suite, judge_of, perfect):
    def belief(question, number):
        return 0.7 if "useful" in question or "help" in question else perfect(question, number)

    certificate = await certify(reward, suite, judge=judge_of(belief))

    assert certificate.level == "amber"
    assert certificate.criteria["useful"].level == "red"
    assert {name: reading.factor for name, reading in certificate.readings().items()} == {
        "on_topic": 1.0,
        "useful": 0.0,
    }


async def test_a_judge_that_errs_now_and_then_is_amber_and_weighted_by_js_lower_bound(reward, suite, judge_of):
    def belief(_question, number):
        return 0.9 if good(number) != (number % 7 == 0) else 0.1

    certificate = await certify(reward, suite, judge=judge_of(belief))

    on_topic = certificate.criteria["on_topic"]
    assert (certificate.level, on_topic.level) == ("amber", "amber")
    assert 0.4 < on_topic.factor == on_topic.j.low < on_topic.j.value


async def test_probabilities_that_are_off_centre_are_read_hard_at_a_threshold_of_the_tuning_part(
    reward, suite, judge_of
):
    certificate = await certify(reward, suite, judge=judge_of(lambda _question, n: 0.3 if good(n) else 0.1))

    on_topic = certificate.criteria["on_topic"]
    assert on_topic.reading == ChosenReading(threshold=pytest.approx(0.2))
    assert (on_topic.tpr.value, on_topic.tnr.value, on_topic.level) == (1.0, 1.0, "green")


async def test_the_figures_are_of_the_untouched_part_alone(reward, suite, judge_of, perfect):
    def lost_where_it_was_tuned(question, number):
        return 0.9 if number % 12 < 4 else perfect(question, number)

    certificate = await certify(reward, suite, judge=judge_of(lost_where_it_was_tuned))

    on_topic = certificate.criteria["on_topic"]
    assert (on_topic.tpr.value, on_topic.tnr.value, on_topic.n) == (1.0, 1.0, 160)
    assert set(certificate.split.tuning).isdisjoint(certificate.split.certificate)


async def test_a_missing_verdict_is_counted_by_its_reason_and_is_in_no_rate(reward, suite, judge_of, perfect):
    def belief(question, number):
        if number % 12 == 5:
            return ModelError("timeout", "slow")
        if number % 12 == 6:
            return ModelError("rejected", "too long")
        return perfect(question, number)

    certificate = await certify(reward, suite, judge=judge_of(belief))

    on_topic = certificate.criteria["on_topic"]
    assert on_topic.missing == {"timeout": 20, "rejected": 20}
    assert (on_topic.n, on_topic.yes, on_topic.no) == (120, 60, 60)
    assert on_topic.tpr.value == on_topic.tnr.value == 1.0


async def test_too_few_labels_of_a_class_are_insufficient_whatever_the_figures_say(
    reward, labels_of, row, judge_of, perfect
):
    labels = labels_of([row(number) for number in range(60)])

    certificate = await certify(reward, labels, judge=judge_of(perfect))

    assert certificate.level == "insufficient"
    assert certificate.criteria["on_topic"].factor == 0.0
    assert certificate.criteria["on_topic"].why == "20 yes and 20 no; needs 30 of each"


async def test_answers_that_a_paraphrase_changes_are_flips(reward, suite, judge_of, perfect):
    def belief(question, number):
        p = perfect(question, number)
        return 1 - p if question == "Does it keep to the topic?" else p

    certificate = await certify(reward, suite, judge=judge_of(belief))

    on_topic, useful = certificate.criteria["on_topic"], certificate.criteria["useful"]
    assert (on_topic.flip_rate.value, on_topic.flip_rate.n) == (0.5, 60)
    assert on_topic.level == "red"
    assert on_topic.variance.value > 0.1
    assert (useful.flip_rate.value, useful.flip_rate.n) == (0.0, 60)
    by_way = {way: result.flip_rate.value for way, result in certificate.consistency.variants["on_topic"].items()}
    assert by_way == {"paraphrase-1": 1.0, "paraphrase-2": 0.0}


async def test_a_probability_that_moves_without_crossing_the_threshold_is_no_flip(reward, suite, judge_of, perfect):
    def belief(question, number):
        p = perfect(question, number)
        return 0.5 + 0.7 * (p - 0.5) if question == "Would it help?" else p

    certificate = await certify(reward, suite, judge=judge_of(belief))

    useful = certificate.criteria["useful"]
    assert (useful.flip_rate.value, useful.level) == (0.0, "green")
    assert 0 < useful.variance.value < 0.02


async def test_a_judge_whose_consistency_was_not_measured_is_at_most_amber(
    reward_of, reward_text, suite, judge_of, perfect
):
    bare = reward_of("\n".join(line for line in reward_text.splitlines() if "paraphrases" not in line))

    certificate = await certify(bare, suite, judge=judge_of(perfect))

    on_topic = certificate.criteria["on_topic"]
    assert on_topic.flip_rate.value is None
    assert on_topic.level == "amber"
    assert "paraphrases" in on_topic.why


async def test_a_sampling_judge_is_asked_in_the_other_order_and_again(reward, suite, judge_of, perfect):
    judge = judge_of(perfect, logprobs=False)

    certificate = await certify(reward, suite, judge=judge, repeats=3)

    ways = certificate.consistency.variants["useful"]
    assert list(ways) == ["paraphrase-1", "reversed", "repeat-1", "repeat-2"]
    assert {result.flip_rate.n for result in ways.values()} == {60}
    assert certificate.criteria["useful"].flip_rate.value == 0.0
    assert ("Is it useful?", "Is it on topic?") in {
        (first, second) for (first, _), (second, _) in pairwise(judge.asker.model.asked)
    }


async def test_a_judge_that_changes_its_mind_when_asked_again_is_found_out(reward, suite, judge_of, perfect):
    times: dict[tuple[str, int], int] = {}

    def fickle(question, number):
        times[question, number] = times.get((question, number), 0) + 1
        p = perfect(question, number)
        return 1 - p if times[question, number] == 3 else p

    certificate = await certify(reward, suite, judge=judge_of(fickle, logprobs=False), repeats=2)

    # Base, reversed, repeat: the third time is the repeat.
    ways = certificate.consistency.variants["on_topic"]
    assert (ways["repeat-1"].flip_rate.value, ways["reversed"].flip_rate.value) == (1.0, 0.0)


async def test_a_second_measurement_asks_nothing_again(reward, suite, judge_of, perfect):
    journal = Journal.open(None)
    first, second = judge_of(perfect, journal), judge_of(perfect, journal)

    before = await certify(reward, suite, judge=first)
    after = await certify(reward, suite, judge=second)

    assert len(first.asker.model.asked) > 480
    assert second.asker.model.asked == []
    assert before == after


async def test_all_questions_about_one_answer_follow_each_other(reward, suite, judge_of, perfect):
    judge = judge_of(perfect)

    await certify(reward, suite, judge=judge)

    numbers = [number for _, number in judge.asker.model.asked]
    changes = sum(one != other for one, other in pairwise(numbers))
    assert changes == 239


async def test_many_at_a_time_give_the_same_figures(reward, suite, judge_of, perfect):
    one = await certify(reward, suite, judge=judge_of(perfect))
    many = await certify(reward, suite, judge=judge_of(perfect, concurrency=16))

    assert many == one


async def test_progress_ends_at_the_number_of_units(reward, suite, judge_of, perfect):
    seen: list[tuple[int, int]] = []

    await certify(reward, suite, judge=judge_of(perfect), progress=lambda done, of: seen.append((done, of)))

    assert seen[-1] == (240, 240)
    assert len(seen) == 240


async def test_wrong_credentials_stop_the_measurement_as_themselves(reward, suite, judge_of):
    def refuse(_question, _number):
        raise UnavailableError("401: set the key")

    with pytest.raises(UnavailableError, match="set the key"):
        await certify(reward, suite, judge=judge_of(refuse, concurrency=4))


async def test_units_that_people_disagree_on_are_left_out_and_counted(reward, labels_of, row, judge_of, perfect):
    rows = [row(number) for number in range(240)]
    rows[5]["labels"]["on_topic"] = {"ann": True, "bob": False}
    rows[6]["labels"]["on_topic"] = {"ann": "n/a", "bob": "n/a"}
    rows[7]["labels"] = {"useful": {"ann": False}}

    certificate = await certify(reward, labels_of(rows), judge=judge_of(perfect))

    on_topic = certificate.criteria["on_topic"]
    assert on_topic.left_out == {"people disagree": 1, "people say n/a": 1}
    assert on_topic.n == 157
    assert on_topic.human.agreement.value == pytest.approx(157 / 158)
    assert on_topic.human.agreement.n == 158


async def test_what_people_do_not_answer_is_not_asked(reward, labels_of, row, judge_of, perfect):
    rows = [row(number, labels={"on_topic": {"ann": good(number)}, "useful": {}}) for number in range(240)]
    judge = judge_of(perfect)

    certificate = await certify(reward, labels_of(rows), judge=judge)

    assert not [question for question, _ in judge.asker.model.asked if question in ("Is it useful?", "Would it help?")]
    assert certificate.criteria["useful"].level == "insufficient"
    assert certificate.criteria["useful"].n == 0
    assert certificate.criteria["on_topic"].human is None


async def test_of_a_negative_criterion_a_wrong_no_is_the_false_credit(reward_of, reward_text, suite, judge_of):
    negative = reward_of(reward_text.replace("ask: Is it useful?", "ask: Is it useful?\n      negative: true"))

    def misses_a_fifth_of_the_yeses(_question, number):
        return 0.9 if good(number) and number % 8 != 0 else 0.1

    certificate = await certify(negative, suite, judge=judge_of(misses_a_fifth_of_the_yeses))

    on_topic, useful = certificate.criteria["on_topic"], certificate.criteria["useful"]
    assert on_topic.tpr == useful.tpr
    assert on_topic.level == "amber"
    assert useful.level == "red"
    assert "deserves none" in useful.why


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"labels": {"on_topik": {"ann": True}}}, r"labels.jsonl:1: labels for 'on_topik'.*on_topic, useful"),
        ({"item": 0}, r"labels.jsonl:1: 'item' is given, but .* judges completions as a whole"),
    ],
)
async def test_a_row_that_does_not_fit_the_reward_is_named_before_anything_is_asked(
    reward, labels_of, row, judge_of, perfect, change, problem
):
    judge = judge_of(perfect)
    labels = labels_of([row(0, **change), *(row(number) for number in range(1, 240))])

    with pytest.raises(DataError, match=problem):
        await certify(reward, labels, judge=judge)
    assert judge.asker.model.asked == []


async def test_a_missing_column_is_named_with_file_and_line(reward, labels_of, row, judge_of, perfect):
    rows = [row(number) for number in range(240)]
    del rows[2]["contract"]

    with pytest.raises(DataError, match=r"labels.jsonl:3: .*no column 'contract'"):
        await certify(reward, labels_of(rows), judge=judge_of(perfect))


async def test_items_of_a_set_are_judged_one_by_one(reward_of, reward_text, labels_of, row, judge_of, perfect):
    spec = reward_of(reward_text.replace("inputs:", "items: comments\ninputs:"))
    rows = [
        row(number, completion=f'{{"comments": [{{"text": "answer {number}"}}, {{"text": "answer 9999"}}]}}', item=0)
        for number in range(240)
    ]
    judge = judge_of(perfect)

    certificate = await certify(spec, labels_of(rows), judge=judge)

    assert certificate.level == "green"
    assert 9999 not in {number for _, number in judge.asker.model.asked}


@pytest.mark.parametrize(
    ("item", "problem"), [(None, "say which 'item' is labelled"), (2, "no item 2; the completion has 1")]
)
async def test_an_item_that_is_not_there_is_named(
    reward_of, reward_text, labels_of, row, judge_of, perfect, item, problem
):
    spec = reward_of(reward_text.replace("inputs:", "items: comments\ninputs:"))
    rows = [row(number, completion='{"comments": [{"text": "answer 1"}]}', item=item) for number in range(240)]

    with pytest.raises(DataError, match=problem):
        await certify(spec, labels_of(rows), judge=judge_of(perfect))


async def test_a_preference_judge_has_no_criteria_and_is_measured_elsewhere(reward_of, suite, judge_of, perfect):
    spec = reward_of(
        "name: n\nobjective: o\ninputs: {Document: contract}\n"
        "judge: {mode: preference, model: 'scripted:judge', compare: swiss, prefer: the shorter}"
    )

    with pytest.raises(ConfigError, match="a preference judge has no criteria; it is measured by certify_preference"):
        await certify(spec, suite, judge=judge_of(perfect))
