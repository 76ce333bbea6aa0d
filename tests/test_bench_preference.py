"""The simulation of ways to compare: its judge is as biased as it says, and a tournament beats a fixed opponent."""

import preference
import pytest

from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.preference import PreferenceJudge
from dikast.records import Verdict
from dikast.reward.duels import sigmoid


async def share_of_first(first: float, second: float, *, ranking: bool = False) -> float:
    """How often the first wins, over 2000 judges that differ in their noise."""
    won = 0.0
    for seed in range(2000):
        journal = Journal.open(None)
        judge = PreferenceJudge(asker=Asker(preference.BiasedJudge(seed), journal), objective="", prefer="Stronger.")
        if ranking:
            order, _ = await judge.rank((), [str(first), str(second)])
            won += order == [0, 1]
        else:
            outcome, _ = await judge.duel((), str(first), str(second))
            won += outcome == Verdict(value=1.0, reason="")
        journal.close()
    return won / 2000


@pytest.mark.parametrize("ranking", [False, True])
@pytest.mark.parametrize(("first", "second", "share"), [(0.5, 0.5, 0.72), (0.0, 1.0, None)])
async def test_the_judge_is_as_noisy_and_as_biased_as_it_says(
    first: float, second: float, share: float | None, ranking: bool
):
    expected = share or sigmoid(first - second + preference.BONUS)

    assert await share_of_first(first, second, ranking=ranking) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("reference", [0.0, 1.0])
async def test_at_equal_questions_a_swiss_tournament_finds_the_order_better_than_duels_with_the_reference(
    reference: float,
):
    groups = {"groups": 100, "spread": 1.0, "reference": reference, "seed": 1}

    swiss = await preference.recovered(preference.WAYS["swiss, 4 rounds"], **groups)
    fixed = await preference.recovered(preference.WAYS["reference, swap"], **groups)

    assert swiss.questions == fixed.questions == 16
    assert swiss.tau.value >= fixed.tau.value


async def test_the_same_seed_finds_the_same():
    groups = {"groups": 3, "spread": 1.0, "reference": 0.0, "seed": 4}

    assert await preference.recovered({"compare": "swiss"}, **groups) == await preference.recovered(
        {"compare": "swiss"}, **groups
    )


async def test_more_questions_find_more():
    groups = {"groups": 60, "spread": 1.0, "reference": 0.0}

    found = [
        await preference.recovered(preference.WAYS[name], **groups)
        for name in ("reference", "swiss, 4 rounds", "round_robin, swap")
    ]

    assert [one.questions for one in found] == [8, 16, 56]
    assert [one.tau.value for one in found] == sorted(one.tau.value for one in found)


def test_an_order_of_equals_says_nothing_and_the_true_one_everything():
    assert preference.tau_of([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]) == 0
    assert preference.tau_of([1.0, 2.0, 3.0], [0.1, 0.5, 0.7]) == pytest.approx(1)
    assert preference.tau_of([1.0, 2.0, 3.0], [0.7, 0.5, 0.1]) == pytest.approx(-1)


async def test_it_prints_one_line_for_each_way(capsys: pytest.CaptureFixture[str]):
    await preference.main(2, 1.0, 1.0)

    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3 + len(preference.WAYS)
    assert all(line.startswith(name) for line, name in zip(printed[3:], preference.WAYS, strict=True))
