import json

import pytest

from dikast.certify.placing import placed
from dikast.records import Rollout

SET = "items: comments\njudge:\n  show: [comment, action]"
COMMENTS = {"comments": [{"comment": "The cap is low.", "action": "Raise it.", "type": "risk"}, {"comment": "Fine."}]}


@pytest.fixture
def places(reward_of, reward_text):
    def find(completion: str, item: int | None = None, *, head: str = "judge:", everywhere: bool = False) -> list[str]:
        spec = reward_of(reward_text.replace("judge:", head, 1))
        rollout = Rollout(id="r", group="g", prompt="p", completion=completion, columns={"contract": "c"})
        return [one.completion for one in placed(spec, rollout, item, lambda _: "X", everywhere=everywhere)]

    return find


def test_a_text_is_changed_as_it_stands(places):
    assert places("The cap is low.") == ["X"]


def test_a_json_completion_that_is_shown_whole_is_changed_whole_and_else_in_its_longest_text(places):
    assert places('{"a": "short", "b": "a longer one", "n": 1}') == ["X", '{"a": "short", "b": "X", "n": 1}']


def test_of_a_json_completion_a_field_that_the_judge_is_not_shown_stays(places):
    completion = '{"comment":"Low.","note":"a much longer text"}'

    assert places(completion, head="judge:\n  show: [comment]") == ['{"comment":"X","note":"a much longer text"}']


def test_of_a_set_one_item_is_changed_and_the_others_stay(places):
    [changed] = places(json.dumps(COMMENTS), 0, head=SET)

    assert json.loads(changed)["comments"] == [COMMENTS["comments"][0] | {"comment": "X"}, COMMENTS["comments"][1]]


def test_everywhere_changes_all_that_is_shown_before_the_longest_alone(places):
    first, second = places(json.dumps(COMMENTS), 0, head=SET, everywhere=True)

    assert json.loads(first)["comments"][0] == {"comment": "X", "action": "X", "type": "risk"}
    assert json.loads(second)["comments"][0] == {"comment": "X", "action": "Raise it.", "type": "risk"}


def test_an_item_may_be_a_text(places):
    assert places('{"comments": ["Low.", "Fine."]}', 1, head="items: comments\njudge:") == [
        '{"comments": ["Low.", "X"]}'
    ]


@pytest.mark.parametrize("completion", ['{"comments": [1]}', '{"comments": [{"comment": " ", "n": 2}]}', '{"comments": [{"comment": "X"}]}'])  # fmt: skip
def test_where_there_is_nothing_to_change_there_is_no_attack(places, completion: str):
    assert places(completion, 0, head=SET) == []


@pytest.mark.parametrize("kept", [{"separators": (",", ":")}, {}])
def test_json_is_spaced_as_before(places, kept):
    completion = json.dumps(COMMENTS, **kept)

    [changed] = places(completion, 0, head=SET)

    assert changed == completion.replace("The cap is low.", "X")
