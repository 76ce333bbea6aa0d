"""A preference judge is measured: what trains, in both orders, with what place and repetition change."""

# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportArgumentType=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false

from collections import Counter

import pytest

from dikast.certify.bounds import Levels
from dikast.certify.certificate import ChosenReading, read_certificate
from dikast.certify.duels.measure import certify_preference
from dikast.certify.files import write_whole
from dikast.errors import DataError, ModelError
from dikast.journal import Journal
from dikast.reward.duels import sigmoid
from dikast.spec.judge import PREFERENCE

from .conftest import ScriptedDuels, fair, labelled_pair


def test_the_fair_belief_is_fair():
    assert fair("answer 1 is good", "answer 1 is poor") == 1 - fair("answer 1 is poor", "answer 1 is good")


async def test_a_fair_judge_is_green_and_every_labelled_pair_was_asked_in_both_orders(reward_of, suite, judge_of):
    model = ScriptedDuels(fair)
    spec = reward_of()

    certificate = await certify_preference(spec, suite, judge=judge_of(spec, model))

    one = certificate.criteria[PREFERENCE]
    assert (certificate.level, one.level, one.factor) == ("green", "green", 1.0)
    assert (one.n, one.yes, one.no, one.tuning) == (120, 60, 60, {"yes": 20, "no": 20})
    assert (one.tpr.value, one.tnr.value, one.kappa.value, one.ac1.value, one.auc.value) == (1, 1, 1, 1, 1)
    assert one.reading == ChosenReading(soft=True)
    assert (one.preference.consistency.value, one.preference.consistency.n) == (1.0, 120)
    assert (one.preference.first_place.value, one.preference.right_twice.value) == (0.5, 1.0)
    assert one.preference.tuning.n == 40
    assert Counter(model.asked) == Counter({order for row in suite.rows for order in orders(row)})
    assert one.flip_rate.value is None


def orders(row):
    a, b = row.a.completion, row.b.completion
    return (a, b), (b, a)


async def test_a_judge_that_goes_by_place_alone_is_red(reward_of, suite, judge_of):
    spec = reward_of()

    certificate = await certify_preference(spec, suite, judge=judge_of(spec, lambda _first, _second: 0.72))

    one = certificate.criteria[PREFERENCE]
    assert (certificate.level, one.factor) == ("red", 0.0)
    assert (one.preference.consistency.value, one.preference.first_place.value) == (0.0, 1.0)
    assert (one.preference.accuracy.value, one.j.value, one.auc.value) == (0.5, 0.0, 0.5)
    assert {name: share.value for name, share in one.preference.by_order.items()} == {"a_first": 0.5, "b_first": 0.5}


async def test_what_trains_is_certified_one_order_or_the_mean_of_both(reward_of, suite, judge_of):
    def knows_but_leans(first, second):
        return sigmoid((1 if " is good" in first else -1) + 1.2)

    alone = reward_of()
    one = (await certify_preference(alone, suite, judge=judge_of(alone, knows_but_leans))).criteria[PREFERENCE]
    swapped = reward_of("  swap: true\n")
    both = (await certify_preference(swapped, suite, judge=judge_of(swapped, knows_but_leans))).criteria[PREFERENCE]

    assert (one.preference.accuracy.value, one.tpr.value, one.level) == (0.5, 0.5, "red")
    assert one.preference.both_orders.value == one.auc.value == 1.0
    assert (both.preference.accuracy.value, both.tpr.value) == (1.0, 1.0)
    # Place decides every duel, so the mean is amber at most, however right it is.
    assert (both.level, both.preference.consistency.value) == ("amber", 0.0)
    assert both.why == "the same side wins in both orders in 0.00 of the pairs, under 0.90"
    assert both.factor == both.j.low


async def test_ties_of_people_are_left_out_and_ties_of_the_judge_are_half_right(reward_of, labels_of, judge_of):
    def undecided_about_some(first, second):
        return 0.5 if int(first.split()[1]) % 10 < 2 else fair(first, second)

    votes = {3: {"ann": "tie", "bob": "tie"}, 5: {"ann": "a", "bob": "b"}, 6: {}}
    rows = [labelled_pair(n, **({"labels": votes[n]} if n in votes else {}), split=None) for n in range(160)]
    for row in rows:
        row["split"] = "tuning" if row["prompt"] == "prompt 0" else "certificate"
    spec = reward_of()

    judge = judge_of(spec, undecided_about_some, logprobs=False)
    one = (await certify_preference(spec, labels_of(rows), judge=judge)).criteria[PREFERENCE]

    assert one.left_out == {"people say tie": 1, "people disagree": 1}
    assert one.n == 160 - 2 - 3
    # 30 of the untouched pairs are tied by the judge.
    assert one.preference.accuracy.value == pytest.approx((155 - 30 / 2) / 155)
    # Twice a tie is consistent, and pairs that people tied or argued about count too.
    assert (one.preference.consistency.value, one.preference.consistency.n) == (1.0, 157)


async def test_an_answer_that_could_not_be_had_keeps_its_pair_out_of_every_rate(reward_of, suite, judge_of):
    def fails_at_times(first, second):
        number = int(first.split()[1])
        if number % 10 == 2 and " is good" in first:
            return ModelError("timeout", "slow")
        if number % 10 == 5:
            return ModelError("rejected", "too long")
        return fair(first, second)

    spec = reward_of()

    one = (await certify_preference(spec, suite, judge=judge_of(spec, fails_at_times))).criteria[PREFERENCE]

    assert one.missing == {"timeout": 12, "rejected": 24}
    assert (one.n, one.preference.consistency.n, one.tpr.value) == (96, 96, 1.0)


async def test_a_pair_with_a_side_that_a_gate_stops_is_not_asked(reward_of, labels_of, judge_of):
    model = ScriptedDuels(fair)
    long = {"a": "answer 4 is poor and far too long for this"}
    rows = [labelled_pair(number, **(long if number == 4 else {})) for number in range(160)]
    spec = reward_of("checks: [{check: length, max_words: 5, gate: true}]\n")

    one = (await certify_preference(spec, labels_of(rows), judge=judge_of(spec, model))).criteria[PREFERENCE]

    assert one.left_out == {"stopped by the gate length": 1}
    assert len(model.asked) == 2 * 159


async def test_what_a_sampled_judge_says_again_is_its_flip_rate(reward_of, suite, judge_of):
    times: Counter[tuple[str, str]] = Counter()

    def changes_its_mind(first, second):
        times[first, second] += 1
        wavers = int(first.split()[1]) % 10 == 4 and " is good" in first
        return 1 - fair(first, second) if wavers and times[first, second] == 3 else fair(first, second)

    spec = reward_of()

    judge = judge_of(spec, changes_its_mind, logprobs=False)
    certificate = await certify_preference(spec, suite, judge=judge, repeats=3)

    one, variants = certificate.criteria[PREFERENCE], certificate.consistency.variants[PREFERENCE]
    again = {order for order, count in times.items() if count == 3}
    wavering = sum(int(first.split()[1]) % 10 == 4 and " is good" in first for first, _ in again)
    assert certificate.consistency.units == 60
    assert len(again) == 2 * 60
    assert variants["repeat-1"].flip_rate.value == 0
    # One of two orders changed, which is half a flip where one order trains.
    assert variants["repeat-2"].flip_rate.value == pytest.approx(wavering / 2 / 60)
    assert one.flip_rate.value == pytest.approx(wavering / 2 / 120)
    assert one.flip_rate.n == 60
    assert 0 < one.variance.value < 0.1


async def test_people_who_disagree_bound_what_can_be_expected(reward_of, labels_of, judge_of):
    rows = [
        labelled_pair(n, **({"labels": {"ann": "a", "bob": "b", "cem": "a"}} if n % 4 == 2 else {})) for n in range(160)
    ]
    spec = reward_of()

    one = (await certify_preference(spec, labels_of(rows), judge=judge_of(spec, fair))).criteria[PREFERENCE]

    # A third of the annotators' pairs agree on every other pair with an even number.
    asked = [n for n in range(160) if n // 2 % 4]
    argued = sum(n % 4 == 2 for n in asked)
    assert one.human.agreement.value == pytest.approx((len(asked) - argued * 2 / 3) / len(asked))


async def test_a_second_measurement_asks_nothing_and_says_the_same(reward_of, suite, judge_of, tmp_path):
    spec, model = reward_of(), ScriptedDuels(fair, logprobs=False)
    journal = Journal.open(tmp_path / "journal.db")
    first = await certify_preference(spec, suite, judge=judge_of(spec, model, journal))
    asked = len(model.asked)

    second = await certify_preference(spec, suite, judge=judge_of(spec, model, journal))
    journal.close()

    assert second == first
    assert len(model.asked) == asked == 2 * 160 + 2 * 60 * 4


async def test_the_certificate_is_written_and_read_again(reward_of, suite, judge_of, tmp_path):
    spec = reward_of()
    certificate = await certify_preference(spec, suite, judge=judge_of(spec, fair))

    write_whole(certificate, tmp_path / "certificate.json")

    assert read_certificate(tmp_path / "certificate.json") == certificate


async def test_a_judge_that_ranks_is_asked_for_a_ranking_of_two(reward_of, suite, judge_of):
    spec, model = reward_of(compare="listwise"), ScriptedDuels(fair, logprobs=False)

    certificate = await certify_preference(spec, suite, judge=judge_of(spec, model), repeats=2)

    assert certificate.level == "green"
    assert model.ranked == len(model.asked) == 2 * 160 + 2 * 60


async def test_who_is_compared_with_the_reference_may_have_it_as_the_other_side(reward_of, suite, judge_of):
    spec = reward_of(compare="reference")

    certificate = await certify_preference(spec, suite, judge=judge_of(spec, fair))

    assert certificate.level == "green"


async def test_a_missing_column_is_one_line_with_its_place(reward_of, labels_of, judge_of):
    rows = [labelled_pair(number) for number in range(8)]
    del rows[2]["contract"]
    spec = reward_of()

    with pytest.raises(DataError, match=r"pairs.jsonl:3: rollout 'line-3/a': no column 'contract'"):
        await certify_preference(spec, labels_of(rows), judge=judge_of(spec, fair))


async def test_sides_that_look_the_same_to_the_judge_are_told(reward_of, labels_of, judge_of):
    rows = [labelled_pair(number) for number in range(8)]
    rows[1] |= {"a": '{"text": "same", "n": 1}', "b": '{"text": "same", "n": 2}'}
    spec = reward_of("  show: [text]\n")

    with pytest.raises(DataError, match=r"pairs.jsonl:2: 'a' and 'b' look the same to the judge"):
        await certify_preference(spec, labels_of(rows), judge=judge_of(spec, fair))


async def test_bounds_of_ones_own_decide_and_too_few_pairs_are_counted(reward_of, labels_of, judge_of):
    spec = reward_of()
    labels = labels_of([labelled_pair(n) for n in range(160)])
    levels = Levels(least_per_class=70)

    ours = await certify_preference(spec, labels, judge=judge_of(spec, fair))
    theirs = await certify_preference(spec, labels, judge=judge_of(spec, fair), levels=levels)

    assert ours.criteria[PREFERENCE].wanted is None
    wanted = theirs.criteria[PREFERENCE].wanted
    assert (theirs.level, theirs.levels) == ("insufficient", levels)
    assert (wanted.yes, wanted.no) == (70 - theirs.criteria[PREFERENCE].yes, 70 - theirs.criteria[PREFERENCE].no)
