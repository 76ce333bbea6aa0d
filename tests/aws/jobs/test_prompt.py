"""The rubric as a template: whole, safe against the template language, and the arithmetic said in words."""

from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest

from dikast.aws.jobs.prompt import judge_template
from dikast.errors import ConfigError
from dikast.spec.reward import read_reward

REWARD = """
name: plain
objective: Judge {{ prompt }} and {% raw %}.
inputs: {Document: contract}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?", pass: It is., fail: It is not., weight: 3}
    - {id: filler, ask: "Is it filler?", negative: true}
    - {id: clear, ask: "How clear is it?", scale: [1, 3], levels: {1: not, 2: half, 3: wholly}}
"""


def test_the_template_shows_criteria_prompt_and_response_and_fills_nothing_of_the_reward(
    reward_file: Callable[..., Path],
):
    template = judge_template(read_reward(reward_file(REWARD)))

    filled = jinja2.Template(template).render(prompt="PROMPT", response="{{ prompt }} RESPONSE")

    assert filled.startswith("Judge {{ prompt }} and {% raw %}.")
    assert "1. (+3 points) Is it good?\n   Met: It is.\n   Not met: It is not." in filled
    assert "2. (-1 points) Is it filler?" in filled
    assert "A level x from 1 to 3; of the points it brings (x - 1) / 2." in filled
    assert "PROMPT\n" in filled
    assert "{{ prompt }} RESPONSE" in filled
    assert "divide them by 4" in filled


def test_a_preference_judge_cannot_be_one_template(reward_file: Callable[..., Path]):
    text = REWARD.split("  criteria:")[0] + "  mode: preference\n  compare: round_robin\n  prefer: Which is better?\n"

    with pytest.raises(ConfigError, match="needs the reward Lambda"):
        judge_template(read_reward(reward_file(text)))
