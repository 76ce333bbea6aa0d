"""Rollouts are compared as the reward says, and each is worth what it won."""

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import ConfigError, DataError, ModelError
from dikast.journal import Journal
from dikast.judges.budget import Budget
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Rollout, Score
from dikast.reward.assembly import Judges
from dikast.reward.duels import Duel, ranking_duels, sigmoid, strengths
from dikast.reward.reward import Reward
from dikast.spec.reward import RewardFile, RewardSpec

Make = Callable[..., Rollout]

FENCED = re.compile(r"<([0-9a-f]{16})>\n(.*?)\n</\1>", flags=re.DOTALL)


def text_of(compare: str, **judge: Any) -> str:
    """A reward that compares; JSON is YAML too."""
    spec = {"mode": "preference", "model": "scripted:judge", "compare": compare, "prefer": "More is better."} | judge
    return json.dumps({"name": "compared", "objective": "Judge.", "inputs": {"Document": "contract"}, "judge": spec})


def candidates_of(request: Request) -> list[str]:
    return [found[2] for found in FENCED.finditer(request.messages[-1].content)]


def number_of(candidate: str) -> float:
    return float(candidate.split()[-1])


def fair(request: Request) -> float | str:
    """The larger number is the better one: P(first) by log-probabilities, a word or a ranking in writing."""
    shown = candidates_of(request)
    if request.form is not None and "ranking" in request.form.schema["properties"]:
        order = sorted(range(len(shown)), key=lambda at: -number_of(shown[at]))
        return json.dumps({"reason": "by number", "ranking": [at + 1 for at in order]})
    first, second = map(number_of, shown)
    if request.form is not None:
        return json.dumps(
            {"reason": "by number", "better": "A" if first > second else "B" if second > first else "tie"}
        )
    return word_of(1.0 if first > second else 0.0 if second > first else 0.5)


def word_of(share: float) -> Any:
    tokens = tuple((word, math.log(p)) for word, p in (("A", share), ("B", 1 - share)) if p > 0)
    return Reply(text="", first_token=tokens)


def first_wins(request: Request) -> Any:
    return word_of(1.0)


@pytest.fixture
def compared(judged_by: Any, scripted_model: Any):
    """Scores rollouts by comparison; gives the scores and the model that was asked."""

    async def run(
        text: str, answer: Any, rollouts: Sequence[Rollout], *, logprobs: bool = True, journal: Path | None = None
    ) -> tuple[list[Score], Any]:
        model = scripted_model(answer, logprobs=logprobs, concurrency=16)
        return await judged_by(text, model, journal=journal).ascore(rollouts), model

    return run


@pytest.fixture
def group(rollout: Make) -> Callable[..., list[Rollout]]:
    """Rollouts of one prompt, one for each number, with a reference."""

    def make(numbers: Iterable[float], *, name: str = "g", reference: str | None = "reference 4.5") -> list[Rollout]:
        made = [rollout(f"{name}{at}", f"answer {number}", group=name) for at, number in enumerate(numbers)]
        return [msgspec.structs.replace(one, reference=reference) for one in made]

    return make


def values_of(scores: Sequence[Score]) -> list[float | None]:
    return [score.score for score in scores]


def pairs_of(requests: Sequence[Request]) -> list[tuple[float, float]]:
    """Who met whom, by their numbers, in the order in which they were shown."""
    return [tuple(map(number_of, candidates_of(request))) for request in requests]  # pyright: ignore[reportReturnType]


EIGHT = (3.0, 7.0, 1.0, 8.0, 2.0, 5.0, 4.0, 6.0)
MODES = [
    pytest.param("reference", True, id="reference"),
    pytest.param("swiss", True, id="swiss"),
    pytest.param("round_robin", True, id="round_robin"),
    pytest.param("swiss", False, id="swiss-writing"),
    pytest.param("listwise", False, id="listwise"),
]


class TestReference:
    async def test_it_is_the_share_won_against_the_reference(self, compared: Any, group: Any):
        scores, model = await compared(text_of("reference"), fair, group([3, 4.5, 6]))

        assert values_of(scores) == pytest.approx([0.0, 0.5, 1.0])
        assert len(model.asked) == 3
        assert all("reference 4.5" in candidates_of(request) for request in model.asked)
        assert [score.parts[0].reason for score in scores] == [
            f"won {share} of 1 against the reference" for share in ("0", "0.5", "1")
        ]

    async def test_it_is_laid_over_the_range(self, compared: Any, group: Any):
        text = text_of("reference").replace('"inputs"', '"range": [-1, 3], "inputs"')

        scores, _ = await compared(text, fair, group([3, 6]))

        assert values_of(scores) == [-1.0, 3.0]

    async def test_a_probability_is_a_share_too_whoever_sits_first(self, compared: Any, group: Any):
        def likely(request: Request) -> Any:
            return word_of(0.75 if "reference" not in candidates_of(request)[0] else 0.25)

        scores, _ = await compared(text_of("reference"), likely, group(range(8)))

        assert values_of(scores) == pytest.approx([0.75] * 8)

    async def test_seats_are_shuffled(self, compared: Any, group: Any):
        _, model = await compared(text_of("reference"), fair, group(range(16)))

        firsts = Counter("reference" in candidates_of(request)[0] for request in model.asked)
        assert min(firsts[True], firsts[False]) >= 2

    async def test_with_swap_both_orders_are_asked_and_position_bias_cancels(self, compared: Any, group: Any):
        scores, model = await compared(text_of("reference", swap=True), first_wins, group([1, 8]))

        assert values_of(scores) == [0.5, 0.5]
        assert len(model.asked) == 4
        assert Counter(frozenset(pair) for pair in pairs_of(model.asked)) == {
            frozenset((1, 4.5)): 2,
            frozenset((8, 4.5)): 2,
        }

    async def test_one_of_two_orders_answered_is_half_and_counts(self, compared: Any, group: Any):
        def patchy(request: Request) -> Any:
            return ModelError("timeout", "late") if "reference" in candidates_of(request)[0] else fair(request)

        scores, _ = await compared(text_of("reference", swap=True), patchy, group([1, 8]))

        assert values_of(scores) == [0.0, 1.0]

    async def test_a_duel_that_fails_is_missing_with_its_reason(self, compared: Any, group: Any):
        def patchy(request: Request) -> Any:
            return ModelError("rate_limited", "full") if "answer 8" in candidates_of(request) else fair(request)

        good, bad = (await compared(text_of("reference"), patchy, group([6, 8])))[0]

        assert (good.score, good.status) == (1.0, "scored")
        assert (bad.score, bad.missing, bad.detail) == (None, "rate_limited", "preference: 1 of 1 duels")

    async def test_one_rollout_is_enough(self, compared: Any, group: Any):
        scores, _ = await compared(text_of("reference"), fair, group([6]))

        assert values_of(scores) == [1.0]

    async def test_what_equals_the_reference_is_worth_half_and_not_asked(self, compared: Any, group: Any):
        rollouts = group([3, 6], reference="answer 6")

        scores, model = await compared(text_of("reference", swap=True), first_wins, rollouts)

        assert values_of(scores) == [0.5, 0.5]
        assert pairs_of(model.asked) in ([(3, 6), (6, 3)], [(6, 3), (3, 6)])

    @pytest.mark.parametrize("compare", ["reference", "swiss", "round_robin"])
    async def test_rollouts_of_one_group_are_shown_with_one_set_of_documents(
        self, compared: Any, rollout: Make, compare: str
    ):
        rollouts = [
            msgspec.structs.replace(rollout(f"r{at}", f"answer {at}", contract=f"Contract {at}."), reference="answer 5")
            for at in range(3)
        ]

        with pytest.raises(DataError, match=r"rollouts 'r0' and 'r1' of group 'g' have different inputs"):
            await compared(text_of(compare), fair, rollouts)

    async def test_a_missing_reference_is_told_before_anything_is_asked(
        self, judged_by: Any, scripted_model: Any, group: Any
    ):
        model = scripted_model(fair)
        rollouts = [*group([1, 2]), *group([3, 4], name="h", reference=None)]

        with pytest.raises(
            DataError,
            match=r"^rollout 'h0': no column 'reference', which judge.compare of .*reward.yaml names; add it, or name one that is there:",
        ):
            await judged_by(text_of("reference"), model).ascore(rollouts)

        assert not model.asked

    async def test_rollouts_of_one_group_have_one_reference(self, compared: Any, group: Any):
        rollouts = [*group([1, 2], reference="answer 5"), *group([3], reference="answer 6")]

        with pytest.raises(DataError, match="different inputs or references, and cannot be compared"):
            await compared(text_of("reference"), fair, rollouts)

    async def test_the_reference_is_shown_in_the_fields_that_a_completion_is(
        self, compared: Any, group: Any, rollout: Make
    ):
        one = msgspec.structs.replace(
            rollout("a", {"text": "mine 1", "note": "x"}), reference='{"note": "y", "text": "theirs 2"}'
        )

        _, model = await compared(text_of("reference", show=["text"]), fair, [one])

        assert sorted(candidates_of(model.asked[0])) == ["text: mine 1", "text: theirs 2"]


class TestRoundRobin:
    async def test_everybody_meets_everybody_once(self, compared: Any, group: Any):
        scores, model = await compared(text_of("round_robin"), fair, group(EIGHT))

        met = [frozenset(pair) for pair in pairs_of(model.asked)]
        assert len(met) == len(set(met)) == 28
        assert sorted(EIGHT) == [number for _, number in sorted(zip(values_of(scores), EIGHT, strict=True))]

    async def test_the_worth_is_the_sigmoid_of_the_strength_over_the_range(self, compared: Any, group: Any):
        text = text_of("round_robin").replace('"inputs"', '"range": [-1, 1], "inputs"')

        scores, _ = await compared(text, fair, group([3, 2, 1]))

        theta = strengths(3, {Duel(0, 1): 1.0, Duel(0, 2): 1.0, Duel(1, 2): 1.0})
        assert values_of(scores) == pytest.approx([-1 + 2 * sigmoid(one) for one in theta], abs=1e-9)
        assert [score.parts[0].reason for score in scores] == [f"won {n} of 2 duels in its group" for n in (2, 1, 0)]

    async def test_ties_make_equals(self, compared: Any, rollout: Make):
        rollouts = [rollout("a", "one 1"), rollout("b", "other 1"), rollout("c", "third 1")]

        scores, _ = await compared(text_of("round_robin"), fair, rollouts)

        assert values_of(scores) == pytest.approx([0.5] * 3)

    async def test_with_swap_position_bias_cancels(self, compared: Any, group: Any):
        scores, model = await compared(text_of("round_robin", swap=True), first_wins, group([1, 2, 3]))

        assert values_of(scores) == pytest.approx([0.5] * 3)
        assert len(model.asked) == 6


async def test_where_the_documents_are_long_one_duel_goes_first(judged_by: Any, scripted_model: Any, group: Any):
    model = scripted_model(fair, concurrency=16)
    long = [msgspec.structs.replace(one, columns={"contract": "word " * 1000}) for one in group(EIGHT)]

    await judged_by(text_of("round_robin"), model).ascore(long)

    events = [what for what, _ in model.events]
    assert events[:2] == ["asked", "answered"]
    assert events[2:] == ["asked"] * 27 + ["answered"] * 27


class TestSwiss:
    @pytest.mark.parametrize(("settings", "calls"), [({}, 16), ({"rounds": 1}, 4), ({"rounds": 2, "swap": True}, 16)])
    async def test_every_round_is_one_duel_for_each(self, compared: Any, group: Any, settings: Any, calls: int):
        _, model = await compared(text_of("swiss", **settings), fair, group(EIGHT))

        fought = Counter(number for pair in pairs_of(model.asked) for number in pair)
        assert len(model.asked) == calls
        assert set(fought.values()) == {2 * calls // 8}

    async def test_no_pair_meets_twice(self, compared: Any, group: Any):
        _, model = await compared(text_of("swiss"), fair, group(EIGHT))

        met = [frozenset(pair) for pair in pairs_of(model.asked)]
        assert len(met) == len(set(met)) == 16

    async def test_winners_meet_winners(self, compared: Any, group: Any):
        _, model = await compared(text_of("swiss", rounds=2), fair, group(EIGHT))

        pairs = pairs_of(model.asked)
        winners = {max(pair) for pair in pairs[:4]}
        assert all((one in winners) == (other in winners) for one, other in pairs[4:])

    async def test_the_best_and_the_worst_are_found(self, compared: Any, group: Any):
        scores, _ = await compared(text_of("swiss"), fair, group(EIGHT))

        worth = dict(zip(EIGHT, values_of(scores), strict=True))
        assert max(worth, key=lambda number: worth[number] or 0) == 8
        assert min(worth, key=lambda number: worth[number] or 0) == 1

    async def test_more_rounds_than_opponents_end_when_all_have_met(self, compared: Any, group: Any):
        scores, model = await compared(text_of("swiss", rounds=50), fair, group([1, 2, 3, 4]))

        assert len(model.asked) == 6
        assert None not in values_of(scores)

    @pytest.mark.parametrize("players", [3, 5, 7])
    async def test_nobody_of_an_odd_number_is_left_without_a_duel(self, compared: Any, group: Any, players: int):
        for name in "abcdefgh":
            scores, _ = await compared(text_of("swiss", rounds=2), fair, group(range(players), name=name))

            assert None not in values_of(scores)

    async def test_one_that_rests_in_the_only_round_is_missing(self, compared: Any, group: Any):
        scores, _ = await compared(text_of("swiss", rounds=1), fair, group([1, 2, 3]))

        [rested] = [score for score in scores if score.score is None]
        assert (rested.missing, rested.detail) == ("not_applicable", "preference: no duel was planned for it")


class TestListwise:
    async def test_a_group_is_ranked_in_one_request(self, compared: Any, group: Any):
        scores, model = await compared(text_of("listwise"), fair, group(EIGHT), logprobs=False)

        order = sorted(range(8), key=lambda at: -EIGHT[at])
        theta = strengths(8, ranking_duels(order))
        assert len(model.asked) == 1
        assert values_of(scores) == pytest.approx([sigmoid(one) for one in theta], abs=1e-6)

    async def test_with_swap_the_other_order_is_the_first_turned_round(self, compared: Any, group: Any):
        def as_shown(request: Request) -> str:
            return json.dumps({"reason": "", "ranking": list(range(1, len(candidates_of(request)) + 1))})

        scores, model = await compared(text_of("listwise", swap=True), as_shown, group(EIGHT), logprobs=False)

        first, second = (candidates_of(request) for request in model.asked)
        assert second == first[::-1] != first
        assert values_of(scores) == pytest.approx([0.5] * 8)

    async def test_the_order_shown_is_shuffled(self, compared: Any, group: Any):
        _, model = await compared(text_of("listwise"), fair, group(range(20)), logprobs=False)

        shown = [number_of(text) for text in candidates_of(model.asked[0])]
        assert sorted(shown) == list(range(20)) != shown

    async def test_a_ranking_that_cannot_be_read_leaves_the_group_missing(self, compared: Any, group: Any):
        scores, model = await compared(text_of("listwise"), '{"ranking": [1, 1, 1]}', group([1, 2, 3]), logprobs=False)

        assert [(score.score, score.missing) for score in scores] == [(None, "unparsable")] * 3
        assert len(model.asked) == 2

    async def test_one_of_two_orders_is_half_and_counts(self, compared: Any, group: Any):
        answers = iter([ModelError("timeout", "late"), None])

        def patchy(request: Request) -> Any:
            return next(answers) or fair(request)

        scores, _ = await compared(text_of("listwise", swap=True), patchy, group([1, 2, 3]), logprobs=False)

        low, middle, high = values_of(scores)
        assert low < middle < high

    @pytest.mark.parametrize("can", [Capabilities(logprobs=True), Capabilities(decisions=True)])
    def test_a_model_that_only_gives_probabilities_is_refused(self, judged_by: Any, scripted_model: Any, can: Any):
        model = scripted_model(fair)
        model.capabilities = can

        with pytest.raises(ConfigError, match="listwise needs a model that writes, and scripted:judge only gives"):
            judged_by(text_of("listwise"), model)


class TestGroups:
    @pytest.mark.parametrize(("compare", "logprobs"), MODES)
    async def test_a_better_rollout_is_worth_more(self, compared: Any, group: Any, compare: str, logprobs: bool):
        scores, _ = await compared(text_of(compare), fair, group([1, 8]), logprobs=logprobs)

        worse, better = scores
        assert 0 <= worse.score < 0.5 < better.score <= 1
        assert [part.kind for part in better.parts] == ["preference"]
        assert (better.parts[0].name, better.parts[0].weight) == ("preference", 1.0)

    @pytest.mark.parametrize(("compare", "logprobs"), MODES)
    async def test_equal_completions_are_one_player(self, compared: Any, group: Any, compare: str, logprobs: bool):
        alone, fewer = await compared(text_of(compare), fair, group([1, 8, 3]), logprobs=logprobs)

        scores, model = await compared(text_of(compare), fair, group([1, 8, 1, 3, 8]), logprobs=logprobs)

        one, eight, same_one, three, same_eight = values_of(scores)
        assert (one, eight) == (same_one, same_eight)
        assert sorted([one, eight, three]) == pytest.approx(sorted(values_of(alone)))
        assert len(model.asked) == len(fewer.asked)

    @pytest.mark.parametrize("compare", ["swiss", "round_robin", "listwise"])
    async def test_one_that_equals_all_its_siblings_is_worth_half_without_a_question(
        self, compared: Any, group: Any, compare: str
    ):
        scores, model = await compared(text_of(compare), fair, group([5, 5, 5]), logprobs=False)

        assert values_of(scores) == [0.5] * 3
        assert not model.asked

    @pytest.mark.parametrize("compare", ["swiss", "round_robin", "listwise"])
    async def test_one_without_a_sibling_is_missing_since_a_share_of_nothing_is_no_number(
        self, compared: Any, group: Any, compare: str
    ):
        [score], model = await compared(text_of(compare), fair, group([5]), logprobs=False)

        assert (score.score, score.missing) == (None, "not_applicable")
        assert score.detail == "preference: no other rollout of its prompt to compare with"
        assert not model.asked

    @pytest.mark.parametrize(("compare", "logprobs"), MODES)
    async def test_groups_do_not_meet(self, compared: Any, group: Any, compare: str, logprobs: bool):
        rollouts = [one for pair in zip(group([1, 2]), group([3, 4], name="h"), strict=True) for one in pair]

        scores, model = await compared(text_of(compare), fair, rollouts, logprobs=logprobs)

        assert [score.id for score in scores] == ["g0", "h0", "g1", "h1"]
        for numbers in map(set, pairs_of(model.asked)):
            assert numbers - {4.5} <= {1, 2} or numbers - {4.5} <= {3, 4}

    @pytest.mark.parametrize("compare", ["reference", "swiss", "round_robin"])
    async def test_who_a_gate_stopped_takes_no_part(self, compared: Any, group: Any, rollout: Make, compare: str):
        text = text_of(compare).replace(
            '"inputs"', '"range": [-1, 1], "checks": [{"check": "length", "max_words": 2, "gate": true}], "inputs"'
        )
        rollouts = group([1, 8, 3])
        gated = group(["far too long 9"], name="x")[0]
        rollouts.insert(1, msgspec.structs.replace(gated, id="gated", group="g"))

        scores, model = await compared(text, fair, rollouts)

        assert (scores[1].status, scores[1].score) == ("gated", -1.0)
        assert all(9 not in pair for pair in pairs_of(model.asked))
        assert None not in values_of(scores)

    async def test_one_whose_siblings_were_all_stopped_is_missing(self, compared: Any, group: Any):
        text = text_of("swiss").replace(
            '"inputs"', '"checks": [{"check": "length", "max_words": 2, "gate": true}], "inputs"'
        )

        scores, _ = await compared(text, fair, group([1, "far too long 2"]))

        assert [(score.status, score.missing) for score in scores] == [("missing", "not_applicable"), ("gated", None)]

    async def test_checks_keep_their_shares(self, compared: Any, group: Any):
        text = text_of("reference").replace(
            '"inputs"', '"checks": [{"check": "length", "max_words": 1, "weight": 0.25}], "inputs"'
        )

        scores, _ = await compared(text, fair, group([8]))

        assert 0.75 <= scores[0].score < 1.0
        assert scores[0].score == pytest.approx(0.75 + 0.25 * scores[0].parts[0].value)

    @pytest.mark.parametrize(("compare", "logprobs"), MODES)
    async def test_the_same_rollouts_meet_in_the_same_pairs_and_seats(
        self, compared: Any, group: Any, compare: str, logprobs: bool
    ):
        first, one = await compared(text_of(compare), fair, group(EIGHT), logprobs=logprobs)
        second, other = await compared(text_of(compare), fair, group(EIGHT), logprobs=logprobs)

        assert one.asked == other.asked
        assert first == second

    @pytest.mark.parametrize("compare", ["reference", "swiss", "round_robin"])
    async def test_another_group_has_other_seats(self, compared: Any, group: Any, compare: str):
        _, one = await compared(text_of(compare), fair, group(EIGHT))
        _, other = await compared(text_of(compare), fair, group(EIGHT, name="h"))

        assert pairs_of(one.asked) != pairs_of(other.asked)

    async def test_a_second_run_is_answered_by_the_journal(self, compared: Any, group: Any, tmp_path: Any):
        journal = tmp_path / "journal.db"
        first, _ = await compared(text_of("swiss"), fair, group(EIGHT), journal=journal)

        second, model = await compared(text_of("swiss"), fair, group(EIGHT), journal=journal)

        assert not model.asked
        assert values_of(second) == values_of(first)
        assert sum(score.usage.questions for score in second) == 16
        assert sum(score.usage.asked for score in second) == 0

    async def test_what_the_group_cost_is_counted_once(self, compared: Any, group: Any):
        scores, model = await compared(text_of("round_robin"), fair, group([1, 2, 3]))

        assert sum(score.usage.asked for score in scores) == len(model.asked) == 3


class TestHalfOfItsDuels:
    """A rollout with fewer than half of its planned duels answered is missing; the others are not touched."""

    def failing(self, *pairs: tuple[float, float]) -> Callable[[Request], Any]:
        broken = {frozenset(pair) for pair in pairs}

        def answer(request: Request) -> Any:
            met = frozenset(map(number_of, candidates_of(request)))
            return ModelError("timeout", "late") if met in broken else fair(request)

        return answer

    async def test_half_is_enough(self, compared: Any, group: Any):
        scores, _ = await compared(text_of("round_robin"), self.failing((1, 2)), group([1, 2, 3]))

        low, middle, high = values_of(scores)
        assert low == pytest.approx(middle)
        assert middle < high

    async def test_less_is_missing_with_the_commonest_reason(self, compared: Any, group: Any):
        def answer(request: Request) -> Any:
            met = frozenset(map(number_of, candidates_of(request)))
            late = ModelError("timeout", "late")
            return {frozenset((1, 2)): late, frozenset((1, 3)): late, frozenset((1, 4)): ModelError("refused", "")}.get(
                met, fair(request)
            )

        scores, _ = await compared(text_of("round_robin"), answer, group([1, 2, 3, 4, 5]))

        assert [score.missing for score in scores] == ["timeout", None, None, None, None]
        assert scores[0].detail == "preference: 2 of 4 duels"

    async def test_where_everything_fails_everyone_is_missing(self, compared: Any, group: Any):
        for compare, logprobs in (("swiss", True), ("round_robin", True), ("listwise", False)):
            scores, _ = await compared(
                text_of(compare), ModelError("rejected", "too long"), group([1, 2, 3]), logprobs=logprobs
            )

            assert [(score.score, score.missing) for score in scores] == [(None, "rejected")] * 3

    @given(broken=st.sets(st.integers(0, 27)), logprobs=st.booleans())
    async def test_a_rollout_is_scored_exactly_where_half_of_its_duels_are_answered(
        self, broken: set[int], logprobs: bool
    ):
        pairs = [(one, other) for one in range(8) for other in range(one + 1, 8)]
        judge = Scripted(self.failing(*(pairs[at] for at in broken)), Capabilities(logprobs=logprobs, concurrency=16))

        scores = await judge.scores(text_of("round_robin"), range(8))

        for number, score in enumerate(scores):
            failed = sum(number in pairs[at] for at in broken)
            assert (score.score is None) == (7 - failed < 3.5)
            assert score.score is None or 0 < score.score < 1


class Scripted:
    """A model that answers by a function, for properties: no fixture is made anew for each example."""

    name, fingerprint = "scripted:judge", "f00d"

    def __init__(self, answer: Callable[[Request], Any], can: Capabilities) -> None:
        self.capabilities = can
        self._answer = answer

    async def reply(self, request: Request) -> Reply:
        answer = self._answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(text=answer)

    async def close(self) -> None:
        pass

    async def scores(self, text: str, numbers: Iterable[float]) -> list[Score]:
        spec = RewardSpec(file=msgspec.convert(json.loads(text), RewardFile), path=Path("reward.yaml"))
        journal = Journal.open(None)
        try:
            return await Reward(Judges(spec, [self], journal)).ascore(
                [
                    Rollout(id=str(at), group="g", prompt="p", completion=f"answer {n}", columns={"contract": "c"})
                    for at, n in enumerate(numbers)
                ]
            )
        finally:
            journal.close()


class TestSeveralModels:
    PANEL = ("scripted:a", "scripted:b", "scripted:c")

    @pytest.fixture
    def panel(self, scripted_model: Any):
        def make(*answers: Any, logprobs: bool = True) -> list[Any]:
            models = [scripted_model(answer, logprobs=logprobs, concurrency=16) for answer in answers]
            for name, model in zip("abc", models, strict=False):
                model.name = model.fingerprint = name
            return models

        return make

    async def test_a_panel_votes_on_every_duel(self, judged_by: Any, panel: Any, group: Any):
        models = panel(fair, fair, first_wins)

        reward = judged_by(text_of("reference", model=self.PANEL, panel="majority"), models)
        scores = await reward.ascore(group([1, 8]))

        assert values_of(scores) == [0.0, 1.0]
        assert [len(model.asked) for model in models] == [2, 2, 2]
        assert scores[0].usage.asked == 6
        assert [score.parts[0].votes for score in scores] in (
            [(0, 0, seat), (1, 1, other)] for seat in (0.0, 1.0) for other in (0.0, 1.0)
        )

    async def test_a_member_that_fails_leaves_the_duel_to_the_others(self, judged_by: Any, panel: Any, group: Any):
        models = panel(ModelError("timeout", "late"), fair, fair)

        scores = await judged_by(text_of("swiss", model=self.PANEL), models).ascore(group(range(6)))

        assert values_of(scores) == sorted(values_of(scores))
        assert None not in values_of(scores)
        for score in scores:
            silent, one, other = score.parts[0].votes
            assert silent is None
            assert one == other

    async def test_a_panel_ranks_by_the_mean_of_its_rankings(self, judged_by: Any, panel: Any, group: Any):
        def contrary(request: Request) -> str:
            ranked = json.loads(str(fair(request)))["ranking"]
            return json.dumps({"reason": "", "ranking": ranked[::-1]})

        models = panel(fair, contrary, logprobs=False)

        scores = await judged_by(text_of("listwise", model=self.PANEL[:2]), models).ascore(group([1, 2, 3]))

        assert values_of(scores) == pytest.approx([0.5] * 3)

    FALLBACK: ClassVar = {"fallback": {"model": "scripted:second"}}

    @pytest.mark.parametrize(("compare", "logprobs"), MODES)
    async def test_a_second_model_answers_what_the_first_does_not(
        self, judged_by: Any, panel: Any, group: Any, compare: str, logprobs: bool
    ):
        broken, second = panel(ModelError("timeout", "late"), fair, logprobs=logprobs)

        reward = judged_by(text_of(compare, **self.FALLBACK), broken, fallback=second)
        low, high = await reward.ascore(group([1, 8]))

        assert low.score < 0.5 < high.score
        assert len(broken.asked) == len(second.asked) == low.usage.asked / 2
        assert [score.parts[0].by for score in (low, high)] == [second.name] * 2

    async def test_a_second_model_is_not_asked_where_the_first_answers(self, judged_by: Any, panel: Any, group: Any):
        first, second = panel(fair, fair)

        scores = await judged_by(text_of("swiss", **self.FALLBACK), first, fallback=second).ascore(group(EIGHT))

        assert not second.asked
        assert [score.parts[0].by for score in scores] == [None] * 8

    async def test_where_both_fail_the_firsts_reason_stands(self, judged_by: Any, panel: Any, group: Any):
        first, second = panel(ModelError("timeout", "late"), ModelError("refused", "no"))

        scores = await judged_by(text_of("reference", **self.FALLBACK), first, fallback=second).ascore(group([1]))

        assert scores[0].missing == "timeout"

    async def test_over_the_budget_nobody_else_is_asked(self, judged_by: Any, panel: Any, group: Any):
        first, second = panel(fair, fair)
        reward = judged_by(text_of("reference", **self.FALLBACK), first, fallback=second, budget=Budget(calls=1))

        scores = await reward.ascore(group([1, 8]))

        assert sorted(str(score.missing) for score in scores) == ["None", "over_budget"]
        assert not second.asked

    @pytest.mark.parametrize(("compare", "logprobs"), MODES)
    async def test_a_first_that_takes_too_long_is_overtaken(
        self, judged_by: Any, panel: Any, group: Any, compare: str, logprobs: bool
    ):
        _, second = panel(fair, fair, logprobs=logprobs)
        text = text_of(compare, fallback={"model": "scripted:second", "after": 0.01})

        low, high = await judged_by(text, Hanging(logprobs=logprobs), fallback=second).ascore(group([1, 8]))

        assert low.score < 0.5 < high.score
        assert len(asyncio.all_tasks()) == 1


class Hanging:
    """A model that never answers."""

    name, fingerprint = "scripted:slow", "slow"

    def __init__(self, *, logprobs: bool) -> None:
        self.capabilities = Capabilities(logprobs=logprobs, concurrency=16)

    async def reply(self, request: Request) -> Reply:
        await asyncio.sleep(3600)
        raise AssertionError("it never answers")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(("compare", "logprobs"), MODES)
async def test_what_is_open_at_the_deadline_is_expired(
    judged_by: Any, group: Any, late: Any, compare: str, logprobs: bool
):
    reward = judged_by(text_of(compare), Hanging(logprobs=logprobs))

    scores = await reward.ascore(group(EIGHT), deadline=0.05)

    assert [(score.score, score.missing) for score in scores] == [(None, "expired")] * 8
    assert len(asyncio.all_tasks()) == 1
    assert 0 <= await late(reward, group(EIGHT), deadline=0.05) < 1


class TestPair:
    """One pair, as a certificate asks it."""

    def comparison_of(self, compare: str, answer: Any, judged_by: Any, scripted_model: Any, **judge: Any) -> Any:
        logprobs = compare != "listwise"
        reward = judged_by(text_of(compare, **judge), scripted_model(answer, logprobs=logprobs))
        return reward.judges.comparison()

    @pytest.mark.parametrize("compare", ["reference", "swiss", "listwise", "round_robin"])
    async def test_it_is_asked_as_a_group_would_be(self, compare: str, judged_by: Any, scripted_model: Any):
        comparison = self.comparison_of(compare, fair, judged_by, scripted_model)

        won, usage = await comparison.pair((), "answer 2", "answer 1")
        lost, _ = await comparison.pair((), "answer 1", "answer 2")

        assert (round(won.value), round(lost.value), usage.questions) == (1, 0, 1)

    @pytest.mark.parametrize("compare", ["swiss", "listwise"])
    async def test_equal_texts_are_a_tie_that_nobody_is_asked_about(
        self, compare: str, judged_by: Any, scripted_model: Any
    ):
        comparison = self.comparison_of(compare, ModelError("timeout", "slow"), judged_by, scripted_model)

        outcome, usage = await comparison.pair((), "answer 1", "answer 1")

        assert (outcome.value, usage.questions) == (0.5, 0)

    async def test_it_names_all_that_may_answer(self, judged_by: Any, scripted_model: Any):
        text = text_of("swiss", fallback={"model": "scripted:other"})
        reward = judged_by(text, scripted_model(fair), fallback=scripted_model(fair, concurrency=2))

        comparison = reward.judges.comparison()

        assert (comparison.name, comparison.fingerprint) == (reward.model, reward.fingerprint)
        assert (comparison.capabilities.logprobs, comparison.capabilities.concurrency) == (True, 1)
