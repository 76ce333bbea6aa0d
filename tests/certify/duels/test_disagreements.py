import re

from dikast.certify.duels.measure import certify_preference
from dikast.errors import ModelError
from dikast.spec.judge import PREFERENCE

from .conftest import fair, labelled_pair


def number_in(text):
    return int(re.search(r"answer (\d+)", text)[1])


def wrong_about(shares):
    """Fair but for the pairs of `shares`, where the better side wins that share wherever it stands."""

    def believe(first, second):
        share = shares.get(number_in(first))
        if share is None or isinstance(share, ModelError):
            return fair(first, second) if share is None else share
        return share if " is good" in first else 1 - share

    return believe


async def test_they_are_of_the_untouched_part_and_the_worst_comes_first(reward_of, suite, judge_of):
    # 0 is of the tuning part, and 4 is right.
    belief = wrong_about({0: 0.01, 2: 0.4, 3: 0.1, 4: 0.6, 5: ModelError("timeout", "slow")})
    spec = reward_of()

    certificate = await certify_preference(spec, suite, judge=judge_of(spec, belief))

    found = [(one.id, one.criterion, round(one.value, 2), one.people) for one in certificate.disagreements]
    assert found == [
        ("line-4", PREFERENCE, 0.9, {"ann": False, "bob": False}),
        ("line-3", PREFERENCE, 0.4, {"ann": True, "bob": True}),
    ]


async def test_they_are_ten_at_most(reward_of, suite, judge_of):
    spec = reward_of()

    certificate = await certify_preference(spec, suite, judge=judge_of(spec, lambda a, b: 1 - fair(a, b)))

    assert [one.id for one in certificate.disagreements] == [f"line-{n}" for n in (*range(3, 9), *range(11, 15))]


async def test_place_alone_is_a_tie_and_no_disagreement(reward_of, suite, judge_of):
    spec = reward_of()

    certificate = await certify_preference(spec, suite, judge=judge_of(spec, lambda _first, _second: 0.72))

    assert certificate.disagreements == ()


async def test_what_people_call_a_tie_is_none(reward_of, labels_of, judge_of):
    rows = [labelled_pair(n) for n in range(160)]
    rows[3]["labels"] = {"ann": "tie", "bob": "tie"}
    spec = reward_of()

    certificate = await certify_preference(spec, labels_of(rows), judge=judge_of(spec, wrong_about({3: 0.1})))

    assert certificate.disagreements == ()
