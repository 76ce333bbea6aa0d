import json

import pytest

from dikast.certify.labels import read_labels
from dikast.errors import ConfigError, UsageError
from dikast.records import Part, Score
from dikast.spec.reward import read_reward
from dikast.web.review.session import annotator_named, answerable


def key_of(review, name, item=0):
    return next(key for key, unit in review.units.items() if (unit.id, unit.item) == (name, item))


def page_of(review, annotator, name):
    return review.page(annotator, review.place_of(key_of(review, name)))


def rows_of(review):
    return {row["id"]: row for row in map(json.loads, review.output.read_text().splitlines())}


def test_a_verdict_is_shown_only_to_whoever_answered_that_criterion(review_of, row, score):
    review = review_of([row(1)], [score(1, on_topic=0.8, justified=0.3, evidence="14 days")])
    key = key_of(review, "r1")

    before = page_of(review, "Ada", "r1")
    review.answer("Ada", key, "on_topic", True)
    after = page_of(review, "Ada", "r1")

    assert before.answers == {}
    assert list(after.answers) == ["on_topic"]
    assert (after.answers["on_topic"].judge.says, after.answers["on_topic"].judge.value) == ("yes", 0.8)
    assert page_of(review, "Bob", "r1").answers == {}


def test_the_judges_evidence_is_marked_only_after_the_answer(review_of, row, score):
    review = review_of([row(1)], [score(1, on_topic=0.8, evidence="nine percent")])

    def kinds():
        return {kind for _, marked in page_of(review, "Ada", "r1").documents for _, kind in marked}

    before = kinds()
    review.answer("Ada", key_of(review, "r1"), "on_topic", False)

    assert before == {"plain", "candidate"}
    assert kinds() == {"plain", "candidate", "evidence"}


def test_a_verdict_taken_back_is_blind_no_more(review_of, row, score):
    review = review_of([row(1)], [score(1, on_topic=0.8)])
    key = key_of(review, "r1")

    for vote in (False, None, True):
        review.answer("Ada", key, "on_topic", vote)

    [given] = review.answers.last.values()
    assert (given.answer, given.blind) == (True, False)
    progress = review.progress("Ada")
    assert progress.shown == 1
    both = [progress.random["on_topic"].agreement, progress.unsure["on_topic"].agreement]
    assert [one.value for one in both if one.n] == [0.0]


def test_what_the_judge_cannot_tell_from_an_answered_unit_is_blind_no_more(review_of, row, score):
    same = json.loads(row(1)["completion"])["notes"]
    rows = [row(1), row(2, [same[0] | {"priority": "low"}]), row(3, same, contract="Another one.")]
    review = review_of(rows, [score(number, on_topic=0.9) for number in (1, 2, 3)])

    for name in ("r1", "r2", "r3"):
        review.answer("Ada", key_of(review, name), "on_topic", True)
    review.answer("Bob", key_of(review, "r2"), "on_topic", True)

    blind = {(given.annotator, given.unit): given.blind for given in review.answers.last.values()}
    assert blind == {("Ada", "r1"): True, ("Ada", "r2"): False, ("Ada", "r3"): True, ("Bob", "r2"): True}
    progress = review.progress("Ada")
    assert progress.random["on_topic"].agreement.n + progress.unsure["on_topic"].agreement.n == 2
    assert progress.shown == 1


def test_where_no_judge_spoke_a_second_thought_is_still_blind(review_of, row):
    review = review_of([row(1)])
    key = key_of(review, "r1")

    for vote in (False, None, True):
        review.answer("Ada", key, "on_topic", vote)

    assert [given.blind for given in review.answers.last.values()] == [True]
    assert page_of(review, "Ada", "r1").answers["on_topic"].judge is None


def test_the_same_answer_again_is_no_second_thought(review_of, row, score):
    review = review_of([row(1)], [score(1, on_topic=0.8)])

    for _ in range(3):
        review.answer("Ada", key_of(review, "r1"), "on_topic", True)

    assert len(review.answers.path.read_text().splitlines()) == 2
    assert review.progress("Ada").shown == 0


def test_missing_and_not_applicable_verdicts_are_said_and_count_nowhere(review_of, row):
    parts = (
        Part(name="on_topic", kind="criterion", value=None, weight=1, item=0, missing="timeout"),
        Part(name="justified", kind="criterion", value=None, weight=1, item=0, na=True),
    )
    review = review_of([row(1)], [Score(id="r1", group="g1", score=None, status="missing", parts=parts)])

    for name in ("on_topic", "justified"):
        review.answer("Ada", key_of(review, "r1"), name, True)

    answers = page_of(review, "Ada", "r1").answers
    assert [answers[name].judge.says for name in ("on_topic", "justified")] == ["missing", "n/a"]
    assert answers["on_topic"].judge.reason == "timeout"
    progress = review.progress("Ada")
    assert {one.agreement.n for one in (*progress.random.values(), *progress.unsure.values())} == {0}


def test_a_verdict_is_read_at_the_certificates_threshold(review_of, row, score):
    review = review_of([row(1)], [score(1, on_topic=0.8)], cuts={"on_topic": 0.9})

    review.answer("Ada", key_of(review, "r1"), "on_topic", False)

    assert page_of(review, "Ada", "r1").answers["on_topic"].judge.says == "no"


def test_agreement_is_told_apart_by_how_units_were_drawn(review_of, row, score):
    rows = [row(number) for number in range(40)]
    review = review_of(rows, [score(number, on_topic=number / 40) for number in range(40)])

    for place in review.places[:20]:
        unit = review.units[place.key]
        review.answer("Ada", place.key, "on_topic", int(unit.id[1:]) >= 20)

    progress = review.progress("Ada")
    both = (progress.random["on_topic"].agreement, progress.unsure["on_topic"].agreement)
    assert [(one.value, one.n) for one in both] == [(1.0, 10), (1.0, 10)]
    assert progress.random["justified"].agreement.n == 0


def test_other_judges_that_disagree_make_a_unit_one_to_label(review_of, row, score):
    sure = [score(number, on_topic=1.0) for number in range(20)]
    other = [score(number, on_topic=0.0 if number < 5 else 1.0) for number in range(20)]

    review = review_of([row(number) for number in range(20)], sure, other)

    unsure = [review.units[place.key].id for place in review.places if place.drawn == "unsure"]
    split = [name for name in unsure if int(name[1:]) < 5]
    assert split
    assert set(unsure[: len(split)]) == set(split)


def test_without_the_scores_of_before_no_unit_becomes_a_random_one(review_of, row, score):
    rows = [row(number) for number in range(20)]
    before = review_of(rows, [score(number, on_topic=0.5) for number in range(20)])
    drawn = {place.key: place.drawn for place in before.places}
    first = next(place for place in before.places if place.drawn == "unsure")
    before.answer("Ada", first.key, "on_topic", True)

    after = review_of(rows)

    assert {place.key: place.drawn for place in after.places} == drawn


def test_people_are_compared_where_both_answered(review_of, row):
    labelled = row(1, item=0, labels={"on_topic": {"Bob": True}})
    review = review_of([labelled, row(2)])
    for name in ("r1", "r2"):
        review.answer("Ada", key_of(review, name), "on_topic", True)
    review.answer("Eve", key_of(review, "r2"), "on_topic", False)

    others = review.progress("Ada").others

    assert {name: (one.agreement.value, one.agreement.n) for name, one in others["on_topic"].items()} == {
        "Bob": (1.0, 1),
        "Eve": (0.0, 1),
    }
    assert others["justified"] == {}


def test_taken_up_again_nothing_is_lost_and_it_begins_where_it_stopped(review_of, row):
    rows = [row(number) for number in range(6)]
    review = review_of(rows, seed=3)
    for place in review.places[:2]:
        for criterion in ("on_topic", "justified"):
            review.answer("Ada", place.key, criterion, True)

    again = review_of(rows)

    assert again.places == review.places
    assert again.start("Ada") == 2
    assert again.start("Bob") == 0
    assert again.progress("Ada").labelled == 2


def test_the_labels_file_is_what_certify_reads(review_of, row):
    labelled = row(1, item=0, labels={"on_topic": {"Bob": True}, "justified": {"Bob": False}})
    review = review_of([labelled, row(2), row(3)])
    review.answer("Ada", key_of(review, "r1"), "on_topic", False)
    review.answer("Ada", key_of(review, "r2"), "justified", "n/a")

    count = review.export()

    read = read_labels(review.output)
    assert count == 2
    assert {one.rollout.id: one.labels for one in read.rows} == {
        "r1": {"on_topic": {"Bob": True, "Ada": False}, "justified": {"Bob": False}},
        "r2": {"justified": {"Ada": "n/a"}},
    }
    assert [(one.item, one.rollout.columns["drawn"]) for one in read.rows] == [(0, "random"), (0, "random")]
    assert read.rows[0].rollout.columns["contract"] == labelled["contract"]


def test_the_labels_file_says_which_answers_are_not_blind(review_of, row, score):
    review = review_of([row(1), row(2)], [score(1, on_topic=0.8), score(2, on_topic=0.8)])
    for name, votes in (("r1", (False, True)), ("r2", (True,))):
        for vote in votes:
            review.answer("Ada", key_of(review, name), "on_topic", vote)

    review.export()

    rows = rows_of(review)
    assert rows["r1"]["not_blind"] == {"on_topic": ["Ada"]}
    assert "not_blind" not in rows["r2"]


def test_an_answer_taken_back_is_in_no_labels_file(review_of, row):
    labelled = row(1, item=0, labels={"on_topic": {"Ada": True}})
    review = review_of([labelled])
    review.answer("Ada", key_of(review, "r1"), "on_topic", None)

    assert review.export() == 0
    assert not review.output.exists()


def test_answers_to_another_wording_or_about_other_units_count_nowhere_and_stay(review_of, reward, row):
    review = review_of([row(1), row(2)])
    review.answer("Ada", key_of(review, "r1"), "on_topic", True)
    review.answer("Ada", key_of(review, "r2"), "justified", True)
    reward.write_text(reward.read_text().replace("about the excerpt", "about the contract"))

    again = review_of([row(1)])

    assert again.strays == 2
    assert page_of(again, "Ada", "r1").answers == {}
    assert again.export() == 0
    assert len(again.answers.last) == 2


def test_hidden_characters_are_made_visible(review_of, row):
    hostile = row(1, [{"note": "yes\u200b\u202e</script>", "exc\u2060erpt": 1}])
    review = review_of([hostile])

    [(_, text, _), (name, _, _)] = page_of(review, "Ada", "r1").candidate

    assert text == "yes\ufffd\ufffd</script>"
    assert name == "exc\ufffderpt"


@pytest.mark.parametrize(
    ("criterion", "vote", "told"),
    [("gone", True, "no criterion 'gone'"), ("on_topic", "n/a", "'on_topic' cannot be n/a")],
)
def test_what_cannot_be_answered_is_told(review_of, row, criterion, vote, told):
    review = review_of([row(1)])

    with pytest.raises(UsageError, match=told):
        review.answer("Ada", key_of(review, "r1"), criterion, vote)
    assert review.answers.last == {}


def test_a_unit_that_is_not_there_is_told(review_of, row):
    review = review_of([row(1)])

    with pytest.raises(UsageError, match="no unit 1; there are 1"):
        review.page("Ada", 1)
    with pytest.raises(UsageError, match="load the page anew"):
        review.answer("Ada", "f00d", "on_topic", True)


def test_without_anything_to_label_there_is_no_review(review_of, row):
    with pytest.raises(UsageError, match="nothing is there to label"):
        review_of([row(1, [])])


def test_a_reward_of_scales_alone_is_refused(reward_file):
    text = (
        "name: s\nobjective: o\ninputs: {P: prompt}\njudge: {model: 'scripted:judge', criteria: "
        "[{id: s, ask: 'How good is it?', scale: [0, 1], levels: {0: bad, 1: fine}}]}"
    )

    with pytest.raises(ConfigError, match="people answer only those"):
        answerable(read_reward(reward_file(text)))


def test_a_preference_has_no_criteria_to_answer(reward_file):
    text = (
        "name: p\nobjective: o\ninputs: {P: prompt}\n"
        "judge: {model: 'scripted:judge', mode: preference, compare: round_robin, prefer: The shorter one.}"
    )

    with pytest.raises(ConfigError, match="preference has no criteria to answer"):
        answerable(read_reward(reward_file(text)))


def test_a_name_is_what_can_be_read():
    assert annotator_named("  Ada   Lovelace ") == "Ada Lovelace"
    for name in ("", "  ", "a\u202eb", "x" * 41):
        with pytest.raises(UsageError, match="1 to 40 letters"):
            annotator_named(name)
