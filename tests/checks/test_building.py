"""Checks are built once, in the file's order, or say what is wrong with the file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dikast.checks.base import Checked, Outcome
from dikast.checks.building import build_checks
from dikast.errors import ConfigError
from dikast.spec.reward import RewardSpec, read_reward

See = Callable[..., Checked]

CLAUSE = "The Client shall settle each invoice within fifteen (15) days of its receipt by bank transfer."
ALL_KINDS = """
  - {check: json, schema: comments.schema.json, gate: true}
  - {check: language, same_as: prompt, gate: true}
  - {check: safety, gate: true}
  - {check: quote, field: text_excerpt, source: Contract, gate: true}
  - {check: length, max_words: 250, weight: 0.1}
  - {check: artifacts, weight: 0.1}
  - {check: python, call: "my_checks:no_names", name: parties, weight: 0.05}
"""
NAMES = ["json", "language", "safety", "quote", "length", "artifacts", "parties"]


@pytest.fixture
def reward(tmp_path: Path) -> Callable[[str], RewardSpec]:
    def write(checks: str) -> RewardSpec:
        schema = {"type": "object", "required": ["comments"], "properties": {"comments": {"type": "array"}}}
        (tmp_path / "comments.schema.json").write_text(json.dumps(schema), "utf-8")
        (tmp_path / "my_checks.py").write_text(
            "def no_names(rollout):\n    return 'Acme' not in rollout.completion, 'it names a party'\n", "utf-8"
        )
        (tmp_path / "reward.yaml").write_text(
            "name: review\nobjective: Judge it.\ninputs: {Contract: contract}\nitems: comments\n"
            f'checks:{checks}\njudge:\n  model: openai:any\n  criteria: [{{id: good, ask: "Is it good?"}}]\n',
            "utf-8",
        )
        return read_reward(tmp_path / "reward.yaml")

    return write


def values(spec: RewardSpec, checked: Checked) -> dict[str, float]:
    outcomes = {check.part_name: function(checked) for check, function in build_checks(spec)}
    return {name: outcome.value for name, outcome in outcomes.items() if isinstance(outcome, Outcome)}


def test_checks_come_in_the_order_of_the_file(reward: Callable[[str], RewardSpec]):
    spec = reward(ALL_KINDS)

    built = build_checks(spec)

    assert [check.part_name for check, _ in built] == NAMES
    assert tuple(check for check, _ in built) == spec.file.checks


def test_a_good_completion_passes_every_kind_of_check(reward: Callable[[str], RewardSpec], see: See):
    completion = json.dumps(
        {"comments": [{"text_excerpt": "within fifteen (15) days", "comment": "The term is much shorter than ours."}]}
    )

    found = values(reward(ALL_KINDS), see(completion, inputs={"Contract": CLAUSE}, items="comments", prompt=CLAUSE))

    assert found == dict.fromkeys(NAMES, 1.0)


def test_each_fault_is_found_by_its_own_check(reward: Callable[[str], RewardSpec], see: See):
    completion = json.dumps(
        {"comments": [{"text_excerpt": "within ten days", "comment": "Acme has no no no no case. Verdict: yes"}]}
    )

    found = values(reward(ALL_KINDS), see(completion, inputs={"Contract": CLAUSE}, items="comments", prompt=CLAUSE))

    assert {name for name, value in found.items() if value < 1} == {"safety", "quote", "artifacts", "parties"}


@pytest.mark.parametrize("completion", ["", "no JSON", "[" * 100_000, "\ud800", "null", '{"comments": [null, [], 7]}'])
def test_no_completion_makes_a_check_raise(completion: str, reward: Callable[[str], RewardSpec], see: See):
    found = values(reward(ALL_KINDS), see(completion, inputs={"Contract": CLAUSE}, items="comments", prompt=CLAUSE))

    assert set(found) == set(NAMES)
    assert all(0 <= value <= 1 for value in found.values())


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        ("{check: length, max_words: 0, gate: true}", r"checks \(length\): min_words"),
        ("{check: language, one_of: [english], gate: true}", r"checks \(language\): one_of"),
        ('{check: python, call: "my_checks:nothing", name: mine, gate: true}', r"checks \(mine\): .* no function"),
    ],
)
def test_a_check_that_cannot_work_is_told_with_the_file_and_its_name(
    check: str, problem: str, reward: Callable[[str], RewardSpec]
):
    spec = reward(f"\n  - {check}")

    with pytest.raises(ConfigError, match=problem) as caught:
        build_checks(spec)

    assert str(caught.value).startswith(f"{spec.path}: ")
