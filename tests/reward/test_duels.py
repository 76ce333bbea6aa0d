"""Who meets whom, and what a player is worth after it."""

import math
import random
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from dikast.reward.duels import Duel, all_pairs, dice_of, ranking_duels, sigmoid, strengths, swiss_round

SHARE = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))


@st.composite
def tournaments(draw: st.DrawFn) -> tuple[int, dict[Duel, float]]:
    """Some players with some of their duels, in either seats or both."""
    players = draw(st.integers(2, 8))
    pairs = [Duel(one, other) for one in range(players) for other in range(players) if one != other]
    duels = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20))
    return players, {duel: draw(SHARE) for duel in duels}


def log_posterior(theta: list[float], outcomes: dict[Duel, float]) -> float:
    """Written anew from its definition, with no gradient."""
    total = -sum(value**2 for value in theta) / 2
    for duel, won in outcomes.items():
        gap = theta[duel.first] - theta[duel.second]
        total -= won * math.log1p(math.exp(-gap)) + (1 - won) * math.log1p(math.exp(gap))
    return total


class TestStrengths:
    def test_who_wins_is_stronger_and_nobody_is_without_a_duel(self):
        first, second, third = strengths(3, {Duel(0, 1): 1.0})

        assert first > 0 > second
        assert third == 0

    def test_one_won_duel_by_hand(self):
        theta, _ = strengths(2, {Duel(0, 1): 1.0})

        assert theta == pytest.approx(1 - sigmoid(2 * theta))

    def test_a_tie_is_half_a_win(self):
        assert strengths(2, {Duel(0, 1): 0.5}) == pytest.approx([0, 0])
        other = {Duel(1, 2): 1.0}
        ties = {Duel(0, 1): 0.5, Duel(1, 0): 0.5}
        one_each = {Duel(0, 1): 1.0, Duel(1, 0): 1.0}
        assert strengths(3, ties | other) == pytest.approx(strengths(3, one_each | other))

    @given(tournaments())
    def test_the_seats_of_a_duel_change_nothing(self, played: tuple[int, dict[Duel, float]]):
        players, outcomes = played
        turned = {Duel(duel.second, duel.first): 1 - won for duel, won in outcomes.items()}

        assert strengths(players, turned) == pytest.approx(strengths(players, outcomes), abs=1e-8)

    @given(tournaments())
    def test_where_every_outcome_is_turned_round_every_strength_is(self, played: tuple[int, dict[Duel, float]]):
        players, outcomes = played
        turned = {duel: 1 - won for duel, won in outcomes.items()}

        mirrored = [-value for value in strengths(players, outcomes)]

        assert strengths(players, turned) == pytest.approx(mirrored, abs=1e-8)

    @given(tournaments(), st.randoms())
    def test_another_numbering_of_the_players_is_the_same_numbering_of_the_strengths(
        self, played: tuple[int, dict[Duel, float]], dice: random.Random
    ):
        players, outcomes = played
        number = list(range(players))
        dice.shuffle(number)

        renamed = strengths(players, {Duel(number[d.first], number[d.second]): won for d, won in outcomes.items()})

        assert [renamed[number[player]] for player in range(players)] == pytest.approx(
            strengths(players, outcomes), abs=1e-8
        )

    @given(tournaments())
    def test_the_slope_of_the_posterior_is_nothing_there(self, played: tuple[int, dict[Duel, float]]):
        players, outcomes = played
        theta = strengths(players, outcomes)

        step = 1e-5
        for player in range(players):
            above, below = (
                [value + sign * step * (at == player) for at, value in enumerate(theta)] for sign in (1, -1)
            )
            slope = (log_posterior(above, outcomes) - log_posterior(below, outcomes)) / (2 * step)
            assert slope == pytest.approx(0, abs=1e-5)

    @pytest.mark.parametrize("seed", range(5))
    def test_a_general_optimiser_finds_the_same(self, seed: int):
        dice = random.Random(seed)
        outcomes = {duel: dice.choice([0.0, 0.5, 1.0, dice.random()]) for duel in all_pairs(6, dice)}

        found = minimize(lambda theta: -log_posterior(list(theta), outcomes), [0.0] * 6, tol=1e-10).x

        assert strengths(6, outcomes) == pytest.approx(list(found), abs=1e-4)

    @given(st.integers(2, 16))
    def test_who_wins_everything_stays_finite_and_the_order_of_wins_is_kept(self, players: int):
        won = strengths(players, ranking_duels(range(players)))

        assert all(math.isfinite(value) for value in won)
        assert won == sorted(won, reverse=True)
        assert len({round(value, 6) for value in won}) == players
        assert sum(won) == pytest.approx(0, abs=1e-6)

    def test_where_all_meet_all_more_wins_are_more_strength(self):
        dice = random.Random(0)
        for _ in range(50):
            outcomes = {duel: float(dice.random() < 0.5) for duel in all_pairs(7, dice)}
            wins = Counter(duel.first if won else duel.second for duel, won in outcomes.items())
            theta = strengths(7, outcomes)

            for one, other in combinations(range(7), 2):
                if wins[one] != wins[other]:
                    assert (wins[one] > wins[other]) == (theta[one] > theta[other])
                else:
                    assert theta[one] == pytest.approx(theta[other], abs=1e-6)

    def test_one_more_win_never_makes_weaker(self):
        dice = random.Random(0)
        for _ in range(50):
            outcomes = {duel: dice.random() for duel in all_pairs(5, dice)[:6]}
            duel = next(iter(outcomes))

            assert (
                strengths(5, outcomes | {duel: 1.0})[duel.first]
                >= strengths(5, outcomes)[duel.first]
                >= strengths(5, outcomes | {duel: 0.0})[duel.first]
            )

    def test_a_large_group_is_done_too(self):
        dice = random.Random(0)
        true = [dice.gauss(0, 2) for _ in range(64)]
        outcomes = {d: float(dice.random() < sigmoid(true[d.first] - true[d.second])) for d in all_pairs(64, dice)}

        theta = strengths(64, outcomes)

        for player in range(64):
            slope = -theta[player]
            for duel, won in outcomes.items():
                sign = (duel.first == player) - (duel.second == player)
                slope += sign * (won - sigmoid(theta[duel.first] - theta[duel.second]))
            assert slope == pytest.approx(0, abs=1e-6)


class TestAllPairs:
    @pytest.mark.parametrize("players", [1, 2, 3, 8, 15])
    def test_everybody_meets_everybody_once_and_sits_first_in_half(self, players: int):
        for seed in range(20):
            duels = all_pairs(players, random.Random(seed))

            assert {frozenset((d.first, d.second)) for d in duels} == set(
                map(frozenset, combinations(range(players), 2))
            )
            assert len(duels) == players * (players - 1) // 2
            firsts = Counter(duel.first for duel in duels)
            assert all(abs(2 * firsts[player] - (players - 1)) <= 1 for player in range(players))

    def test_who_sits_where_is_the_dices_choice(self):
        seated = {tuple(all_pairs(3, random.Random(seed))) for seed in range(40)}

        assert len(seated) > 1
        assert len({Duel(0, 1) in duels for duels in seated}) == 2


def played(players: int, rounds: int, dice: random.Random) -> list[list[Duel]]:
    """The rounds of one tournament in which a coin decides."""
    fought: list[list[Duel]] = []
    won: Counter[int] = Counter()
    had: Counter[int] = Counter()
    for _ in range(rounds):
        before = [duel for duels in fought for duel in duels]
        standings = [won[player] / had[player] if had[player] else 0.5 for player in range(players)]
        fought.append(swiss_round(standings, before, dice))
        for duel in fought[-1]:
            won[duel.first if dice.random() < 0.5 else duel.second] += 1
            had.update([duel.first, duel.second])
    return fought


class TestSwissRound:
    @given(st.integers(0, 13), st.integers(1, 16), st.randoms())
    def test_a_pair_never_meets_twice_and_nobody_fights_twice_in_a_round(
        self, players: int, rounds: int, dice: random.Random
    ):
        fought = played(players, rounds, dice)

        met = [frozenset((duel.first, duel.second)) for duels in fought for duel in duels]
        assert len(met) == len(set(met))
        assert all(len(pair) == 2 for pair in met)
        for duels in fought:
            seated = [player for duel in duels for player in (duel.first, duel.second)]
            assert len(seated) == len(set(seated))
            assert set(seated) <= set(range(players))

    @given(st.integers(1, 8).map(lambda half: 2 * half), st.randoms())
    def test_for_half_as_many_rounds_as_players_nobody_of_an_even_number_rests(self, players: int, dice: random.Random):
        fought = played(players, players // 2, dice)

        assert [len(duels) for duels in fought] == [players // 2] * (players // 2)

    @given(st.sampled_from([3, 5, 7, 9, 11]), st.randoms())
    def test_of_an_odd_number_one_rests_and_none_twice_before_all_have(self, players: int, dice: random.Random):
        fought = played(players, players // 2, dice)

        rests = Counter(
            player
            for duels in fought
            for player in range(players)
            if all(player not in (duel.first, duel.second) for duel in duels)
        )
        assert [len(duels) for duels in fought] == [players // 2] * (players // 2)
        assert set(rests.values()) <= {1}

    def test_in_the_end_all_have_met_and_there_is_nothing_left(self):
        fought = played(4, 5, random.Random(0))

        assert [len(duels) for duels in fought] == [2, 2, 2, 0, 0]

    @given(st.permutations(range(8)), st.randoms())
    def test_players_of_like_standing_are_paired(self, order: list[int], dice: random.Random):
        standings = [0.0] * 8
        for place, player in enumerate(order):
            standings[player] = 1 - place / 8

        pairs = {frozenset((duel.first, duel.second)) for duel in swiss_round(standings, [], dice)}

        assert pairs == {frozenset(order[at : at + 2]) for at in (0, 2, 4, 6)}

    def test_one_who_has_met_its_neighbour_meets_the_next(self):
        duels = swiss_round([0.9, 0.8, 0.7, 0.6], [Duel(1, 0), Duel(2, 3)], random.Random(0))

        assert {frozenset((duel.first, duel.second)) for duel in duels} == {frozenset((0, 2)), frozenset((1, 3))}

    def test_a_pair_is_parted_for_two_who_would_be_left_over(self):
        duels = swiss_round([0.9, 0.8, 0.7, 0.6], [Duel(2, 3)], random.Random(0))

        assert {frozenset((duel.first, duel.second)) for duel in duels} == {frozenset((0, 2)), frozenset((1, 3))}

    def test_the_lowest_of_an_odd_number_rests(self):
        [duel] = swiss_round([0.2, 0.9, 0.5], [], random.Random(0))

        assert {duel.first, duel.second} == {1, 2}

    def test_equal_standings_are_paired_by_the_dice(self):
        pairings = {
            frozenset(frozenset((d.first, d.second)) for d in swiss_round([0.5] * 4, [], random.Random(seed)))
            for seed in range(60)
        }

        assert len(pairings) == 3

    @given(st.integers(2, 12), st.randoms())
    def test_of_a_pair_sits_first_who_did_so_less_often(self, players: int, dice: random.Random):
        firsts: Counter[int] = Counter()
        for duels in played(players, 4, dice):
            assert all(firsts[duel.first] <= firsts[duel.second] for duel in duels)
            firsts.update(duel.first for duel in duels)


class TestDice:
    ASKED = ("hash", "group", ("a", "b"), 1)

    def test_the_same_round_has_the_same_dice(self):
        assert dice_of(*self.ASKED).random() == dice_of(*self.ASKED).random()

    @pytest.mark.parametrize(
        "other",
        [
            ("other", "group", ("a", "b"), 1),
            ("hash", "other", ("a", "b"), 1),
            ("hash", "group", ("a", "c"), 1),
            ("hash", "group", ("b", "a"), 1),
            ("hash", "group", ("a",), 1),
            ("hash", "group", ("a", "b"), 2),
            ("hashg", "roup", ("a", "b"), 1),
            ("hash", "group", ("ab",), 1),
            ("hash", "groupa", ("b",), 1),
        ],
    )
    def test_every_field_matters_and_none_runs_into_the_next(self, other: tuple[str, str, tuple[str, ...], int]):
        assert dice_of(*other).random() != dice_of(*self.ASKED).random()

    @given(st.text(st.characters()), st.text(st.characters()))
    def test_any_name_has_dice(self, group: str, name: str):
        assert 0 <= dice_of("hash", group, [name], 0).random() < 1

    def test_they_are_the_same_on_every_machine(self):
        assert dice_of("hash", "group", ["a", "b"], 0).randrange(10**9) == 876000625


def test_a_ranking_stands_for_the_duels_of_everybody_with_whoever_is_behind():
    assert ranking_duels([2, 0, 1]) == {Duel(2, 0): 1.0, Duel(2, 1): 1.0, Duel(0, 1): 1.0}


@given(st.floats(allow_nan=False))
def test_the_sigmoid_is_a_share_and_symmetric(x: float):
    assert 0 <= sigmoid(x) <= 1
    assert sigmoid(x) + sigmoid(-x) == pytest.approx(1)
