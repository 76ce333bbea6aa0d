"""The judge's prompt in other words: the same question, fence and form of the reply, and no reward's hash."""

import re
from pathlib import Path

import pytest

from dikast.journal import Journal
from dikast.judges import render
from dikast.judges.ask import Asker
from dikast.judges.decide import decisions_request
from dikast.judges.fence import fence_of
from dikast.judges.panel import FallbackJudge, PanelJudge
from dikast.judges.recorded import RecordedJudge
from dikast.judges.render import WORDINGS, Case, fill, structured_system, yes_no_messages
from dikast.judges.rubric import RubricJudge
from dikast.judges.wordings import reworded
from dikast.spec.judge import Criterion
from dikast.spec.reward import PROMPTS_VERSION

PROMPTS = Path(render.__file__).parent / "prompts"
CASE = Case(documents=(("Contract", "The Supplier pays."),), candidate="90 days breaks R1.")
GOOD = Criterion(id="good", ask="Is it good?", pass_="It is.", fail="It is not.")
DEPTH = Criterion(id="depth", ask="How deep?", scale=(1, 2), levels={1: "flat", 2: "deep"})


def text_of(messages) -> str:
    return "\n".join(message.content for message in messages)


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_wording_has_the_slots_of_the_prompt_that_it_stands_for(wording: str):
    texts = {path.stem: path.read_text("utf-8") for path in (PROMPTS / "wordings" / wording).glob("*.md")}

    assert set(texts) == {"system", "yes_no", "scale", "decision", "structured", "structured_set"}
    for name, text in texts.items():
        base = (PROMPTS / f"{name}.md").read_text("utf-8")
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", base))
        # What a parser reads is the same.
        assert re.findall(r'\{"\w+": .*', text) == re.findall(r'\{"\w+": .*', base)


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_question_in_other_words_holds_the_same_and_reads_otherwise(wording: str):
    base = text_of(yes_no_messages("Judge it.", CASE, GOOD))

    worded = text_of(yes_no_messages("Judge it.", CASE, GOOD, wording))

    for held in ("Judge it.", "The Supplier pays.", fence_of(CASE.candidate), "Is it good?", "Yes means: It is."):
        assert held in worded
    assert worded != base
    assert "Yes or" in worded


def test_no_two_wordings_are_alike():
    values = {"objective": "", "ask": "", "meanings": "", "levels": "", "which": "", "questions": "", "shape": ""}

    for name in ("system", "yes_no", "scale", "decision", "structured", "structured_set"):
        assert len({fill(name, values, wording) for wording in (None, *WORDINGS)}) == 4


@pytest.mark.parametrize("wording", WORDINGS)
def test_scales_sets_and_decision_models_are_asked_in_other_words_too(wording: str):
    scale = text_of(yes_no_messages("o", CASE, DEPTH, wording))
    one, many = (structured_system("o", [GOOD], reason=True, cases=n, wording=wording).content for n in (1, 2))
    request = decisions_request("o", [CASE], [GOOD], wording)

    assert "2 means: deep" in scale
    assert '"verdicts"' in one
    assert '"candidates"' in many
    assert "- good: Is it good? Yes: It is. No: It is not." in one
    assert "Is it good?" in request.choices[0].ask
    assert request != decisions_request("o", [CASE], [GOOD])


def test_the_prompts_that_rewards_are_scored_with_are_as_they_were():
    # A change to one of them goes with a new version; a change to a wording does not.
    assert PROMPTS_VERSION == "3"
    assert text_of(yes_no_messages("o", CASE, GOOD)).endswith("Answer Yes or No.")


def test_every_judge_that_asks_is_reworded_whole_and_one_that_does_not_is_none(scripted_model, tmp_path):
    def rubric():
        return RubricJudge(asker=Asker(scripted_model(0.7), Journal.open(None)), objective="o")

    path = tmp_path / "verdicts.jsonl"
    path.write_text("")
    recorded = RecordedJudge("recorded:verdicts.jsonl", path)

    panel = reworded(PanelJudge(members=(rubric(), rubric()), rule="mean"), "brief")
    fallback = reworded(FallbackJudge(first=rubric(), second=rubric(), after=None), "formal")

    assert [member.wording for member in panel.members] == ["brief", "brief"]
    assert (fallback.first.wording, fallback.second.wording) == ("formal", "formal")
    assert reworded(recorded, "brief") is None
    assert reworded(PanelJudge(members=(rubric(), recorded), rule="mean"), "brief") is None
