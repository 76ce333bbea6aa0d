"""reward.yaml: what is refused when it is read, and what its hash is of."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from dikast.errors import ConfigError
from dikast.spec import reward as spec_reward
from dikast.spec.checks import JsonCheck, LengthCheck, PythonCheck
from dikast.spec.reading import canonical
from dikast.spec.reward import named_files, read_reward

Write = Callable[..., Path]

PLAIN: dict[str, Any] = {
    "name": "review",
    "objective": "Judge the comments.",
    "inputs": {"Document": "contract", "Reference": "playbook"},
    "judge": {"model": "openai:big", "criteria": [{"id": "good", "ask": "Is it good?"}]},
}


def text_of(**changes: Any) -> str:
    """The plain reward with some keys changed."""
    return yaml.safe_dump({**PLAIN, **changes}, sort_keys=False)


def judge_of(*criteria: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"model": "openai:big", "criteria": list(criteria), **changes}


def preferring(**changes: Any) -> dict[str, Any]:
    return {"mode": "preference", "model": "openai:big", "compare": "swiss", "prefer": "Cites the clause."} | changes


def problem_of(path: Path) -> str:
    """What is said about a file that is refused, without the file's own name."""
    with pytest.raises(ConfigError) as error:
        read_reward(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


def test_the_defaults_are_those_that_the_documents_name(reward_file: Write):
    spec = read_reward(reward_file(text_of(checks=[{"check": "json", "gate": True}])))

    [criterion] = spec.file.judge.criteria
    assert spec.file.range == (0.0, 1.0)
    assert (criterion.weight, criterion.negative, criterion.na, criterion.evidence) == (1.0, False, False, None)
    assert spec.file.checks == (JsonCheck(gate=True),)
    assert spec.file.checks[0].part_name == "json"


def test_the_inputs_keep_the_order_of_the_file(reward_file: Write):
    spec = read_reward(reward_file(text_of(inputs={"Z": "z", "A": "a", "M": "m"})))

    assert list(spec.file.inputs) == ["Z", "A", "M"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rnage": [0, 1]}, "unknown key 'rnage'; did you mean 'range'?"),
        ({"range": [1, 1]}, "range: [1.0, 1.0] is not a range; write two numbers, the lower one first"),
        ({"range": [0, float("nan")]}, "range: [0.0, nan] is not a range; write two numbers, the lower one first"),
        (
            {"range": [-1.5e308, 1.5e308]},
            "range: [-1.5e+308, 1.5e+308] is not a range; write two numbers, the lower one first",
        ),
        ({"judge": judge_of()}, "judge.criteria: there is none; write at least one with an 'ask'"),
        ({"judge": judge_of({"id": "good"})}, "judge.criteria[0]: 'ask' is missing; add it"),
        (
            {"judge": judge_of({"id": "good", "ask": " "})},
            "judge.criteria[0] (good): 'ask' is empty; write one question",
        ),
        (
            {"judge": judge_of({"id": "a b", "ask": "?"})},
            "judge.criteria[0] (a b): the id must be a word of letters, digits, _ and -",
        ),
        (
            {"judge": judge_of({"id": "a", "ask": "?"}, {"id": "a", "ask": "?"})},
            "judge.criteria[1] (a): the id is taken; ids and check names must differ",
        ),
        (
            {"judge": judge_of({"id": "a", "ask": "?", "weight": 0})},
            "judge.criteria[0] (a): weight must be above 0; for a bad trait write 'negative: true'",
        ),
        (
            {"judge": judge_of({"id": "a", "ask": "?", "weight": float("nan")})},
            "judge.criteria[0] (a): weight must be above 0; for a bad trait write 'negative: true'",
        ),
        (
            {"judge": judge_of({"id": "a", "ask": "?", "evidence": "Contract"})},
            "judge.criteria[0] (a): evidence 'Contract' is no input that the judge sees; those are Document, Reference",
        ),
        (
            {"judge": {**judge_of({"id": "a", "ask": "?", "evidence": "Reference"}), "inputs": ["Document"]}},
            "judge.criteria[0] (a): evidence 'Reference' is no input that the judge sees; those are Document",
        ),
        (
            {"judge": {**judge_of({"id": "a", "ask": "?"}), "inputs": ["X"]}},
            "judge.inputs: 'X' is no input; inputs are Document, Reference",
        ),
        (
            {"judge": judge_of({"id": "a", "ask": "?", "examples": [{"candidate": " ", "answer": True}]})},
            "judge.criteria[0] (a): an example's 'candidate' is empty; write what the judge would see",
        ),
        (
            {"judge": judge_of({"id": "a", "ask": "?"}, model="big")},
            "judge.model: 'big' must be written as provider:model, for instance openai:gpt-oss-120b",
        ),
        (
            {"checks": [{"check": "json"}]},
            "checks[0] (json): a check is a gate or has a weight; write 'gate: true' or 'weight: 0.1'",
        ),
        (
            {"checks": [{"check": "json", "gate": True, "weight": 0.1}]},
            "checks[0] (json): a check is a gate or has a weight; write 'gate: true' or 'weight: 0.1'",
        ),
        (
            {"checks": [{"check": "json", "weight": 1.5}]},
            "checks[0] (json): weight 1.5 is outside 0..1; it is a share of the score",
        ),
        (
            {"checks": [{"check": "json", "weight": 0.5}, {"check": "artifacts", "weight": 0.5}]},
            "checks: their weights add up to 1; they are shares and must stay under 1",
        ),
        (
            {"checks": [{"check": "json", "gate": True}, {"check": "json", "gate": True}]},
            "checks[1] (json): the name is taken; give it a 'name' of its own",
        ),
        (
            {"checks": [{"check": "json", "name": "good", "gate": True}]},
            "judge.criteria[0] (good): the id is taken; ids and check names must differ",
        ),
        (
            {"checks": [{"check": "quote", "field": "f", "source": "X", "gate": True}]},
            "checks[0] (quote): source 'X' is no input; inputs are Document, Reference",
        ),
        ({"checks": [{"check": "length", "gate": True}]}, "checks[0] (length): write max_words or min_words"),
        ({"checks": [{"check": "language", "gate": True}]}, "checks[0] (language): write same_as or one_of"),
        (
            {"recall": {"issues": "issues", "key": "rule"}},
            "recall: it counts the items of a set; write 'items', or remove it",
        ),
        (
            {"items": "comments", "recall": {"issues": "issues", "key": "rule", "beta": 0}},
            "recall.beta: 0.0 must be above 0; 1 counts precision and recall alike",
        ),
        (
            {"items": "comments", "recall": {"issues": "issues", "key": "rule", "beta": float("inf")}},
            "recall.beta: inf must be above 0; 1 counts precision and recall alike",
        ),
        (
            {"items": "comments", "judge": {**preferring(), "show": ["text"]}},
            "items: a preference judge compares whole completions; remove 'items'",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_with_its_place_and_mend(
    reward_file: Write, changes: dict[str, Any], said: str
):
    assert problem_of(reward_file(text_of(**changes))) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": []}, "model: the panel is empty; name at least one model as provider:model"),
        (
            {"model": ["openai:big", "openai:big"]},
            "model: a model stands twice in the panel; its votes would be copies, so name each once",
        ),
        (
            {"model": ["openai:big", "small"]},
            "model: 'small' must be written as provider:model, for instance openai:gpt-oss-120b",
        ),
        (
            {"fallback": {"model": "small"}},
            "model: 'small' must be written as provider:model, for instance openai:gpt-oss-120b",
        ),
        ({"fallback": {"model": "openai:big"}}, "fallback: it is one of the judge's own models; name another"),
        (
            {"model": ["openai:big", "openai:small"], "fallback": {"model": "openai:small"}},
            "fallback: it is one of the judge's own models; name another",
        ),
        (
            {"fallback": {"model": "openai:small", "after": 0}},
            "fallback.after: 0.0 must be above 0 seconds",
        ),
        (
            {"fallback": {"model": "openai:small", "after": float("nan")}},
            "fallback.after: nan must be above 0 seconds",
        ),
        ({"samples": 0}, "samples: 0 must be at least 1"),
        (
            {"samples": 3, "temperature": 0},
            "temperature: at 0 every sample is the same; raise it, or remove 'samples'",
        ),
        ({"max_criteria_per_call": 0}, "max_criteria_per_call: 0 must be at least 1"),
    ],
)
def test_what_does_not_fit_together_about_who_is_asked_is_refused(
    reward_file: Write, changes: dict[str, Any], said: str
):
    judge = judge_of({"id": "good", "ask": "?"}) | changes

    assert problem_of(reward_file(text_of(judge=judge))) == f"judge.{said}"


FIVE = {level: f"level {level}" for level in range(1, 6)}
NOT_A_SCALE = "must be two whole numbers within 0..9, the lower one first"
FOR_YES_NO = "belongs to a yes/no question; a scale says it in its levels"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scale": [1, 1]}, f"scale [1, 1] {NOT_A_SCALE}"),
        ({"scale": [5, 1]}, f"scale [5, 1] {NOT_A_SCALE}"),
        ({"scale": [-1, 3]}, f"scale [-1, 3] {NOT_A_SCALE}"),
        ({"scale": [1, 10]}, f"scale [1, 10] {NOT_A_SCALE}"),
        ({"scale": [1, 3]}, "level 1, 2, 3 has no text; write in 'levels' what each level of the scale means"),
        (
            {"scale": [1, 3], "levels": {1: "dark", 2: " "}},
            "level 2, 3 has no text; write in 'levels' what each level of the scale means",
        ),
        ({"scale": [1, 4], "levels": FIVE}, "level 5 lies outside the scale [1, 4]"),
        ({"levels": FIVE}, "it has levels and no scale; write 'scale: [1, 5]', or remove them"),
        ({"scale": [1, 5], "levels": FIVE, "pass": "It is."}, f"'pass' {FOR_YES_NO}"),
        ({"scale": [1, 5], "levels": FIVE, "fail": "It is not."}, f"'fail' {FOR_YES_NO}"),
        ({"scale": [1, 5], "levels": FIVE, "evidence": "Reference"}, f"'evidence' {FOR_YES_NO}"),
        (
            {"scale": [1, 5], "levels": FIVE, "examples": [{"candidate": "c", "answer": True}]},
            f"'examples' {FOR_YES_NO}",
        ),
        (
            {"required": True, "na": True},
            "it is required and may be n/a; what does not apply cannot be required, so remove one of the two",
        ),
    ],
)
def test_what_does_not_fit_together_in_a_criterion_is_refused(reward_file: Write, changes: dict[str, Any], said: str):
    path = reward_file(text_of(aggregate="veto", judge=judge_of({"id": "good", "ask": "?"} | changes)))

    assert problem_of(path) == f"judge.criteria[0] (good): {said}"


@pytest.mark.parametrize("scale", [[0, 1], [1, 5], [0, 9]])
def test_a_scale_is_read_with_its_levels(reward_file: Write, scale: list[int]):
    levels = dict.fromkeys(range(scale[0], scale[1] + 1), "so")

    spec = read_reward(
        reward_file(text_of(judge=judge_of({"id": "good", "ask": "?", "scale": scale, "levels": levels})))
    )

    assert spec.file.judge.criteria[0].scale == tuple(scale)
    assert spec.file.judge.criteria[0].levels == levels


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"criteria": [{"id": "good", "ask": "?"}]},
            "criteria: a preference judge has none; write what is preferred into 'prefer'",
        ),
        ({"compare": None}, "compare: not given; write reference, swiss, listwise or round_robin"),
        ({"prefer": None}, "prefer: not given; write what makes one of two completions the better one"),
        ({"prefer": " "}, "prefer: not given; write what makes one of two completions the better one"),
        ({"rounds": 0}, "rounds: 0 must be at least 1"),
        (
            {"samples": 3},
            "samples: a preference judge asks each duel once; write 'swap: true' to ask it in both orders",
        ),
        ({"mode": "rubric"}, "compare: it belongs to a preference judge; write 'mode: preference', or remove it"),
        (
            {"mode": "rubric", "compare": None},
            "prefer: it belongs to a preference judge; write 'mode: preference', or remove it",
        ),
        (
            {"mode": "rubric", "compare": None, "prefer": None, "swap": True},
            "swap: it belongs to a preference judge; write 'mode: preference', or remove it",
        ),
    ],
)
def test_what_does_not_fit_together_in_a_preference_is_refused(reward_file: Write, changes: dict[str, Any], said: str):
    assert problem_of(reward_file(text_of(judge=preferring() | changes))) == f"judge.{said}"


def test_a_way_of_comparing_that_does_not_exist_is_refused(reward_file: Write):
    assert "'knockout'" in problem_of(reward_file(text_of(judge=preferring(compare="knockout"))))


@pytest.mark.parametrize("compare", ["reference", "swiss", "listwise", "round_robin"])
def test_a_preference_is_read(reward_file: Write, compare: str):
    judge = read_reward(reward_file(text_of(judge=preferring(compare=compare)))).file.judge

    assert (judge.compare, judge.rounds, judge.swap, judge.panel) == (compare, 4, False, "mean")
    assert judge.sampling_temperature == 0


@pytest.mark.parametrize(
    ("model", "models"), [("openai:big", ("openai:big",)), (["a:x", "b:y", "c:z"], ("a:x", "b:y", "c:z"))]
)
def test_one_model_or_a_panel_is_read(reward_file: Write, model: Any, models: tuple[str, ...]):
    spec = read_reward(reward_file(text_of(judge=judge_of({"id": "good", "ask": "?"}, model=model))))

    assert spec.file.judge.models == models


@pytest.mark.parametrize(
    ("changes", "temperature"), [({}, 0.0), ({"samples": 3}, 1.0), ({"samples": 3, "temperature": 0.5}, 0.5)]
)
def test_several_samples_are_drawn_at_a_temperature(reward_file: Write, changes: dict[str, Any], temperature: float):
    spec = read_reward(reward_file(text_of(judge=judge_of({"id": "good", "ask": "?"}, **changes))))

    assert spec.file.judge.sampling_temperature == temperature


@pytest.mark.parametrize("aggregate", ["saturating", "healthbench"])
def test_what_adds_up_criteria_is_refused_for_a_preference(reward_file: Write, aggregate: str):
    said = problem_of(reward_file(text_of(aggregate=aggregate, judge=preferring())))

    assert said == f"aggregate: {aggregate} adds up criteria, and a preference judge has none; remove it"


BAD = {"id": "bad", "ask": "?", "negative": True, "weight": 2}
GOOD = {"id": "good", "ask": "?"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"aggregate": "veto"}, "aggregate: veto needs a criterion with 'required: true'"),
        (
            {"judge": judge_of(GOOD | {"required": True})},
            "judge.criteria (good): 'required' is heeded by 'aggregate: veto' only",
        ),
        (
            {"aggregate": "healthbench", "items": "comments"},
            "aggregate: healthbench scores whole completions; remove 'items', or use weighted_mean",
        ),
        (
            {"aggregate": "healthbench", "judge": judge_of(BAD)},
            "aggregate: healthbench divides by the weights of positive criteria, and there are none",
        ),
        (
            {"aggregate": "healthbench", "judge": judge_of(GOOD, BAD)},
            "range: [0.0, 1.0] does not hold what healthbench can give, -2 to 1; write 'range: [-2, 1]'",
        ),
        (
            {"aggregate": "healthbench", "judge": judge_of(GOOD | {"weight": 3}, BAD), "range": [-0.66, 1]},
            "range: [-0.66, 1.0] does not hold what healthbench can give, -0.6667 to 1; write 'range: [-0.67, 1]'",
        ),
        (
            {"aggregate": "healthbench", "judge": judge_of(GOOD, BAD), "range": [-2, 0.5]},
            "range: [-2.0, 0.5] does not hold what healthbench can give, -2 to 1; write 'range: [-2, 1]'",
        ),
        (
            {
                "aggregate": "healthbench",
                "judge": judge_of(GOOD, BAD),
                "checks": [{"check": "artifacts", "weight": 0.5}],
            },
            "range: [0.0, 1.0] does not hold what healthbench can give, -1 to 1; write 'range: [-1, 1]'",
        ),
        (
            {
                "aggregate": "healthbench",
                "judge": judge_of(GOOD | {"weight": 9}, GOOD | {"id": "may", "na": True}, BAD),
            },
            "range: [0.0, 1.0] does not hold what healthbench can give, -0.2222 to 1; write 'range: [-0.23, 1]'",
        ),
        (
            {"aggregate": "healthbench", "judge": judge_of({**GOOD, "weight": 4, "na": True}, BAD)},
            "range: [0.0, 1.0] does not hold what healthbench can give, -0.5 to 1; write 'range: [-0.5, 1]'",
        ),
    ],
)
def test_what_an_aggregator_cannot_add_up_is_refused(reward_file: Write, changes: dict[str, Any], said: str):
    assert problem_of(reward_file(text_of(**changes))) == said


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregate": "veto", "judge": judge_of(GOOD | {"required": True})},
        {"aggregate": "saturating"},
        {"aggregate": "healthbench"},
        {"aggregate": "healthbench", "judge": judge_of(GOOD, BAD), "range": [-2, 1]},
    ],
)
def test_an_aggregator_that_fits_is_read(reward_file: Write, changes: dict[str, Any]):
    assert read_reward(reward_file(text_of(**changes))).file.aggregate == changes["aggregate"]


def test_more_criteria_than_a_judge_answers_well_are_refused(reward_file: Write):
    criteria = [{"id": f"c{at}", "ask": "?"} for at in range(31)]

    assert read_reward(reward_file(text_of(judge=judge_of(*criteria[:30])))).file.judge.criteria[29].id == "c29"
    assert (
        problem_of(reward_file(text_of(judge=judge_of(*criteria))))
        == "judge.criteria: there are 31; a judge answers at most 30 well"
    )


@pytest.mark.parametrize("kind", ["jsno", "veto"])
def test_an_unknown_check_is_refused(reward_file: Write, kind: str):
    assert f"'{kind}'" in problem_of(reward_file(text_of(checks=[{"check": kind, "gate": True}])))


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "inner/../../secret.json", "link.json"])
def test_a_file_outside_the_rewards_folder_is_refused(reward_file: Write, tmp_path: Path, name: str):
    (tmp_path / "secret.json").write_text("{}")
    path = reward_file(text_of(checks=[{"check": "json", "schema": name, "gate": True}]))
    (path.parent / "link.json").symlink_to(tmp_path / "secret.json")

    assert problem_of(path) == f"'{name}' leaves the reward's folder; keep the files it names beside it"


def test_a_named_file_that_is_not_there_is_told(reward_file: Write):
    path = reward_file(text_of(checks=[{"check": "safety", "lists": ["none.txt"], "gate": True}]))

    assert problem_of(path) == f"it names 'none.txt', and {path.parent / 'none.txt'} is not there"


@pytest.mark.parametrize("call", ["score", "checks:", ":score", "..etc.checks:score", ".checks:score", "a/b:score"])
def test_a_call_that_is_no_module_and_function_is_refused(reward_file: Write, call: str):
    path = reward_file(text_of(checks=[{"check": "python", "call": call, "gate": True}]))

    assert problem_of(path) == f"checks[0] (python): call '{call}' must be written as module:function"


@pytest.mark.parametrize("module", ["none_such", "sys", "os", "none.such", "yaml.none", "json.none"])
def test_a_module_without_a_source_to_hash_is_refused(reward_file: Write, module: str):
    path = reward_file(text_of(checks=[{"check": "python", "call": f"{module}:score", "gate": True}]))

    assert f"no module '{module}'; put {module}.py beside the reward file" in problem_of(path)


def test_a_check_beside_the_reward_that_is_a_link_to_the_outside_is_refused(reward_file: Write, tmp_path: Path):
    (tmp_path / "outside.py").write_text("def score(rollout): return 1.0")
    path = reward_file(text_of(checks=[{"check": "python", "call": "mine:score", "gate": True}]))
    (path.parent / "mine.py").symlink_to(tmp_path / "outside.py")

    assert problem_of(path) == "'mine.py' leaves the reward's folder; keep the files it names beside it"


def test_reading_a_reward_never_runs_the_users_code(reward_file: Write, tmp_path: Path):
    trap = f"open({str(tmp_path / 'ran')!r}, 'w').close()"
    path = reward_file(text_of(checks=[{"check": "python", "call": "mine:score", "gate": True}]), {"mine.py": trap})

    spec = read_reward(path)

    assert isinstance(spec.file.checks[0], PythonCheck)
    assert named_files(spec) == [(path.parent / "mine.py").resolve()]
    assert spec.hash
    assert not (tmp_path / "ran").exists()


def test_a_module_beside_the_reward_comes_before_an_installed_one(reward_file: Write):
    path = reward_file(
        text_of(checks=[{"check": "python", "call": "yaml:score", "gate": True}]), {"yaml.py": "def score(r): ..."}
    )

    assert named_files(read_reward(path)) == [(path.parent / "yaml.py").resolve()]


def test_an_installed_module_is_found_and_hashed(reward_file: Write):
    path = reward_file(text_of(checks=[{"check": "python", "call": "yaml:safe_load", "gate": True}]))

    [source] = named_files(read_reward(path))

    assert source.name == "__init__.py"
    assert source.parent.name == "yaml"


FILES = {
    "comments.schema.json": '{"type": "object"}',
    "words.txt": "bad\n",
    "mine.py": "def score(rollout): return 1.0\n",
}
NAMING_ALL = text_of(
    checks=[
        {"check": "json", "schema": "comments.schema.json", "gate": True},
        {"check": "safety", "lists": ["words.txt"], "gate": True},
        {"check": "python", "call": "mine:score", "weight": 0.1},
    ]
)


@pytest.mark.parametrize("changed", FILES)
def test_the_hash_changes_with_one_byte_of_any_file_that_the_reward_names(reward_file: Write, changed: str):
    before = read_reward(reward_file(NAMING_ALL, FILES)).hash

    after = read_reward(reward_file(NAMING_ALL, FILES | {changed: FILES[changed] + " "})).hash

    assert len(before) == 64
    assert after != before


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"objective": "Judge the comments"},
        {"range": [0, 2]},
        {"inputs": {"Reference": "playbook", "Document": "contract"}},
        {"judge": judge_of({"id": "good", "ask": "Is it good?"}, model="openai:small")},
        {"judge": judge_of({"id": "good", "ask": "Is it good?", "weight": 2})},
        {"judge": judge_of({"id": "good", "ask": "Is it good?", "negative": True})},
        {"checks": [{"check": "artifacts", "weight": 0.1}]},
        {"aggregate": "saturating"},
        {"judge": judge_of({"id": "good", "ask": "Is it good?"}, samples=2)},
        {"judge": judge_of({"id": "good", "ask": "Is it good?"}, panel="min")},
        {"judge": judge_of({"id": "good", "ask": "Is it good?"}, fallback={"model": "openai:small"})},
        {"judge": preferring()},
    ],
)
def test_the_hash_changes_with_everything_that_changes_a_score(reward_file: Write, changes: dict[str, Any]):
    before = read_reward(reward_file(text_of())).hash

    assert read_reward(reward_file(text_of(**changes))).hash != before


def test_a_preference_judge_has_no_score_to_hold_against_outcomes(reward_file: Write):
    with pytest.raises(ConfigError, match="outcomes: the scores of a preference judge compare within a prompt only"):
        read_reward(reward_file(text_of(judge=preferring(), outcomes={"accepted": {"at_least": 1}})))


def test_outcomes_belong_to_the_hash_and_a_reward_without_keeps_the_hash_that_it_had(reward_file: Write):
    without = read_reward(reward_file(text_of()))
    limit = read_reward(reward_file(text_of(outcomes={"accepted": {"at_least": 0.5}})))
    other = read_reward(reward_file(text_of(outcomes={"accepted": {"at_least": 0.6}})))

    assert b"outcomes" not in msgspec.json.encode(canonical(without.file))
    assert len({without.hash, limit.hash, other.hash}) == 3


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({}, "outcomes.accepted: from where on is it good"),
        ({"at_least": 1, "at_most": 2}, "write one of 'at_least' and 'at_most'"),
        ({"at_least": float("inf")}, "with a number"),
        ({"at_least": 1, "criteria": ["other"]}, "outcomes.accepted: 'other' is no criterion; its criteria may be"),
        ({"atleast": 1}, "unknown key 'atleast'; did you mean 'at_least'"),
    ],
)
def test_an_outcome_says_from_where_on_it_is_good_and_names_criteria(
    reward_file: Write, outcome: dict[str, Any], said: str
):
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_reward(reward_file(text_of(outcomes={"accepted": outcome})))


def test_the_hash_is_of_the_content_not_of_its_layout_or_place(reward_file: Write, tmp_path: Path):
    here = read_reward(reward_file(NAMING_ALL, FILES)).hash
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name, content in FILES.items():
        (elsewhere / name).write_text(content)
    spelled_out = yaml.safe_load(NAMING_ALL) | {"range": [0.0, 1.0], "aggregate": "weighted_mean"}
    (elsewhere / "other.yaml").write_text("# a comment\n" + yaml.safe_dump(spelled_out, sort_keys=False, indent=8))

    assert read_reward(elsewhere / "other.yaml").hash == here


def test_the_hash_changes_with_the_prompts(reward_file: Write, monkeypatch: pytest.MonkeyPatch):
    before = read_reward(reward_file(text_of())).hash

    monkeypatch.setattr(spec_reward, "PROMPTS_VERSION", "next")

    assert read_reward(reward_file(text_of())).hash != before


def test_bytes_cannot_move_from_one_named_file_into_the_next_unseen(reward_file: Write):
    naming_two = text_of(checks=[{"check": "safety", "lists": ["a.txt", "b.txt"], "gate": True}])
    before = read_reward(reward_file(naming_two, {"a.txt": "xy", "b.txt": "z"})).hash

    assert read_reward(reward_file(naming_two, {"a.txt": "x", "b.txt": "yz"})).hash != before


def test_a_reward_reads_the_same_from_another_working_folder(
    reward_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = reward_file(NAMING_ALL, FILES)
    absolute = read_reward(path).hash

    monkeypatch.chdir(tmp_path)

    assert read_reward(Path(os.path.relpath(path))).hash == absolute


def test_a_length_check_reads_its_bounds(reward_file: Write):
    spec = read_reward(reward_file(text_of(checks=[{"check": "length", "max_words": 5, "weight": 0.1}])))

    assert spec.file.checks == (LengthCheck(max_words=5, weight=0.1),)


def test_weights_whose_sum_is_no_number_are_refused(reward_file: Write):
    bad = [{"id": name, "ask": "?", "weight": 1.5e308, "negative": True} for name in ("a", "b")]
    path = reward_file(text_of(judge=judge_of({"id": "good", "ask": "?"}, *bad), aggregate="healthbench"))

    assert problem_of(path) == "judge.criteria: the weights are too large to add up; write smaller ones"
