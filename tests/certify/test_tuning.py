"""The part that was tuned on decides the reading, and is in no certified figure."""

import json

import msgspec

from dikast.certify.attacks import read_attacks
from dikast.certify.certificate import ChosenReading
from dikast.certify.measure import certify

from .conftest import REWARD, labelled_row, truth_of

OUTCOMES = "outcomes: {accepted: {at_least: 0.5}}\n"


def of_the_tuning_part(number):
    return number < 240 and number % 12 < 4


async def test_whatever_the_tuning_rows_say_no_figure_moves_while_the_reading_stays(
    reward_of, labels_of, judge_of, perfect, tmp_path
):
    """All that people, production and the judge say of the tuning part is turned round; its rows are counted apart."""
    (tmp_path / "rollouts.jsonl").write_text(
        "".join(
            json.dumps({k: v for k, v in labelled_row(n).items() if k not in ("labels", "split")}) + "\n"
            for n in range(360)
        )
    )
    reward = reward_of(REWARD + OUTCOMES)
    everything = read_attacks(None, ["on_topic", "useful"])
    attacks = {name: everything[name] for name in ("planted_instructions", "paraphrases", "half_met")}

    def rows(turned):
        for n in range(240):
            row = labelled_row(n, outcomes={"accepted": truth_of(n)}, expect={"half": ["useful"]} if n % 4 == 1 else {})
            if turned and of_the_tuning_part(n):
                votes = {"ann": False, "bob": n % 4 == 0}
                row |= {"labels": {"on_topic": votes, "useful": votes}, "outcomes": {"accepted": 0}}
            yield row

    def lost(question, number):
        return 0.6 if of_the_tuning_part(number) else perfect(question, number)

    async def measured(turned):
        judge = judge_of(lost if turned else perfect)
        labels = labels_of(list(rows(turned)))
        return await certify(reward, labels, judge=judge, attacks=attacks, rollouts=tmp_path / "rollouts.jsonl")

    straight, turned = await measured(False), await measured(True)

    assert {one.reading for one in (*straight.criteria.values(), *turned.criteria.values())} == {
        ChosenReading(soft=True)
    }
    assert straight.criteria["on_topic"].tuning != turned.criteria["on_topic"].tuning
    assert straight.criteria["on_topic"].pass_rate is not None
    assert straight.outcomes is not None
    assert len(straight.attacks) == 3
    assert _figures(straight) == _figures(turned)


def _figures(certificate):
    """Everything that is certified, without what names the labels file and counts what was tuned on."""
    figures = msgspec.to_builtins(certificate)
    del figures["labels_hash"]
    for criterion in figures["criteria"].values():
        del criterion["tuning"]
    return figures
