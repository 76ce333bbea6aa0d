from dikast.certify.labels import split_labels
from dikast.certify.measure import certify
from dikast.certify.questions import units_of
from dikast.certify.wanted import MOST_NAMED, in_words, undecided, wanted_of


async def test_too_few_labels_are_counted_and_rows_at_hand_are_named_first(reward, labels_of, row, judge_of, perfect):
    rows = [row(number) for number in range(84)]
    rows[5]["labels"] = {"useful": {"ann": False, "bob": False}}
    rows[7]["labels"]["on_topic"] = {"ann": True, "bob": False}
    rows[2]["labels"]["on_topic"] = {"ann": True, "bob": False}

    certificate = await certify(reward, labels_of(rows), judge=judge_of(perfect))

    on_topic = certificate.criteria["on_topic"]
    # 56 rows are untouched, 28 of them good; row 2 is among the tuning part.
    assert on_topic.level == "insufficient"
    assert (on_topic.wanted.yes, on_topic.wanted.no) == (2, 4)
    assert on_topic.wanted.first == ("r5", "r7")
    # Four noes at a half of the labels: nine more, of which two are at hand.
    assert on_topic.wanted.new == 7
    assert in_words(on_topic.wanted, "labels.jsonl") == (
        "2 yes and 4 no are missing; label the rows r5, r7, which are there and undecided, "
        "then about 7 rollouts of new prompts: dikast review labels.jsonl"
    )


def test_nothing_is_wanted_where_both_classes_are_full(reward, suite):
    split = split_labels(suite)
    units = units_of(reward, suite, split)

    assert wanted_of(undecided("on_topic", units), split, yes=80, no=80, least=80) is None
    assert wanted_of(undecided("on_topic", units), split, yes=80, no=79, least=80).no == 1


def test_a_split_by_hash_sends_some_of_the_new_prompts_to_the_tuning_part(reward, labels_of, row):
    rows = [row(number) for number in range(60)]
    for one in rows:
        del one["split"]
    labels = labels_of(rows)
    split = split_labels(labels)

    wanted = wanted_of(undecided("on_topic", units_of(reward, labels, split)), split, yes=29, no=9, least=30)

    # 21 noes at a quarter of the labels are 84; of new prompts three in five are untouched.
    assert (wanted.yes, wanted.no, wanted.new) == (1, 21, 140)


def test_no_more_rows_are_named_than_anybody_reads(reward, labels_of, row):
    rows = [row(number, labels={"on_topic": {}, "useful": {"ann": True}}) for number in range(60)]
    labels = labels_of(rows)
    split = split_labels(labels)

    wanted = wanted_of(undecided("on_topic", units_of(reward, labels, split)), split, yes=0, no=0, least=30)

    assert len(wanted.first) == MOST_NAMED
    assert wanted.first_of == 40
    assert " and 20 more, which are there" in in_words(wanted, "l.jsonl")
    assert "review" not in in_words(wanted, None)
