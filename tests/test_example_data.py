"""The example's data holds together: what its card says is so, and its files are what prepare.py makes."""

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import yaml

from dikast.certify.certificate import read_certificate
from dikast.certify.labels import read_labels
from dikast.models.catalog import MODELS
from dikast.rollouts import read_rows, rollout_of
from dikast.spec.reward import read_reward
from dikast.spec.run import read_run

EXAMPLE = Path(__file__).parents[1] / "examples" / "contract_review"
FAMILIES = sorted((EXAMPLE / "families").glob("*.yaml"))


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def rows(side: str) -> list[dict]:
    return [row for _, row in read_rows(EXAMPLE / "data" / f"{side}.jsonl")]


@pytest.mark.parametrize("path", FAMILIES, ids=lambda path: path.stem)
def test_every_span_stands_in_its_clause_and_every_action_is_its_rules(path: Path):
    family = yaml.safe_load(path.read_text("utf-8"))
    rules = {rule["id"]: rule for rule in family["rules"]}
    for wording in family["wordings"]:
        for clause in wording["clauses"]:
            for issue in clause["issues"] or [clause["kept"]]:
                assert issue["span"] in clause["text"], (wording["id"], issue["span"])
                assert issue["rule"] in rules
            for issue in clause["issues"]:
                terms = rules[issue["rule"]]["action_terms"]
                assert any(term in issue["action"].lower() for term in terms), issue["action"]


def test_there_are_enough_families_and_clauses_and_none_twice():
    everything = [row for side in ("train", "valid", "test") for row in rows(side)]

    assert len({row["family"] for row in everything}) >= 12
    assert len(everything) >= 400
    assert len({row["contract"] for row in everything}) == len(everything)
    assert 0.25 < sum(not row["expert_issues"] for row in everything) / len(everything) < 0.4


def test_no_wording_stands_on_two_sides():
    sides = {side: {row["wording"] for row in rows(side)} for side in ("train", "valid", "test")}

    assert not sides["train"] & sides["test"]
    assert not sides["train"] & sides["valid"]
    assert not sides["valid"] & sides["test"]
    assert len(rows("test")) >= 200


def test_the_data_files_are_what_prepare_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepare = load("prepare")
    (tmp_path / "data").mkdir()
    (tmp_path / "families").symlink_to(EXAMPLE / "families")
    monkeypatch.setattr(prepare, "HERE", tmp_path)

    prepare.main()

    for side in ("train", "valid", "test"):
        made = (tmp_path / "data" / f"{side}.jsonl").read_bytes()
        assert made == (EXAMPLE / "data" / f"{side}.jsonl").read_bytes(), f"run prepare.py again for {side}"


def answer(row: dict, completion: str):
    return rollout_of(row, path=Path("x"), line=1, completion=completion)


def test_gold_gives_the_expert_everything_and_nonsense_nothing():
    gold = load("gold")
    for row in rows("valid"):
        assert gold.score(answer(row, row["reference"])) == pytest.approx(1.0), row["id"]
        assert gold.score(answer(row, "Looks fine.")) == 0
        assert gold.score(answer(row, '{"comments": []}')) == 0


def test_gold_falls_with_the_wrong_rule_a_useless_action_a_false_quote_and_more_comments():
    gold = load("gold")
    row = next(row for row in rows("valid") if len(row["expert_issues"]) == 1)
    comment = json.loads(row["reference"])["comments"][0]

    def of(*comments: dict) -> float:
        return gold.score(answer(row, json.dumps({"comments": comments})))

    assert of({**comment, "comment": "Against our rule: be fair."}) == 0
    assert of({**comment, "comment": f"Against our rules: {row['playbook']}"}) == 0
    assert of({**comment, "action": "Discuss it."}) == 0
    assert of({**comment, "text_excerpt": "words that are not there"}) == 0
    assert of(comment, comment) == pytest.approx(0.5)
    assert 0 < of({**comment, "text_excerpt": " ".join(comment["text_excerpt"].split()[:2])}) < 1


@pytest.mark.parametrize("side", ["train", "valid"])
def test_the_rewards_own_checks_pass_every_reference(side: str):
    checks = load("checks")
    for row in rows(side):
        for check in (checks.names_one_rule, checks.same_verdict, checks.action_fits):
            assert check(answer(row, row["reference"])) == 1, row["id"]


def test_the_rewards_own_checks_fail_what_does_not_hang_together():
    checks = load("checks")
    row = next(row for row in rows("valid") if len(row["expert_issues"]) == 1)
    comment = json.loads(row["reference"])["comments"][0]
    rule = comment["comment"].partition(": ")[2]

    def of(function: str, **changes: str) -> float:
        return getattr(checks, function)(answer(row, json.dumps({"comments": [comment | changes, comment]})))

    assert of("names_one_rule", comment="Against our rule: be fair.") == 0.5
    assert of("names_one_rule", comment=f"Against our rules: {row['playbook']}") == 0.5
    assert of("same_verdict", comment=f"Keeps our rule: {rule}") == 0.5
    assert of("action_fits", action="Review this clause carefully.") == 0.5
    assert of("action_fits", action=sorted(checks.stems(rule))[0]) == pytest.approx(
        0.5 + 0.5 / len(checks.stems(rule)) / checks.ENOUGH
    )
    assert of("action_fits", comment=f"Keeps our rule: {rule}") == 0.5
    assert of("action_fits", type="assessment", action="Accept as drafted.") == 0.5
    accepted = {"comment": f"Keeps our rule: {rule}", "type": "assessment", "action": "Accept as drafted."}
    assert of("action_fits", **accepted) == 1
    assert of("excerpt_on_rule", text_excerpt=rule) - of("excerpt_on_rule", text_excerpt="of the") == 0.5


def test_gold_wants_the_kept_rule_named_quoted_and_accepted_where_nothing_is_wrong():
    gold = load("gold")
    row = next(row for row in rows("valid") if row["expert_kept"])
    comment = json.loads(row["reference"])["comments"][0]
    other = next(rule for rule in row["playbook"].splitlines() if rule != row["expert_kept"]["rule"])

    def of(**changes: str) -> float:
        return gold.score(answer(row, json.dumps({"comments": [comment | changes]})))

    assert of(type="risk") == 0
    assert of(comment=f"Keeps our rule: {other}") == 0
    assert of(action="Demand a change.") == 0
    assert of(text_excerpt="words that are not there") == 0
    assert 0 < of(text_excerpt=" ".join(comment["text_excerpt"].split()[:2])) < 1


def test_references_follow_the_schema():
    from jsonschema import Draft202012Validator

    schema = Draft202012Validator(msgspec.json.decode((EXAMPLE / "comments.schema.json").read_bytes()))
    for side in ("train", "valid", "test"):
        for row in rows(side):
            schema.validate(json.loads(row["reference"]))


def test_both_sides_hold_every_family():
    families = {path.stem for path in FAMILIES}
    for side in ("train", "valid", "test"):
        assert Counter(row["family"] for row in rows(side)).keys() == families


def test_the_shipped_certificate_speaks_about_the_shipped_reward_and_lets_it_train():
    spec = read_reward(EXAMPLE / "reward.yaml")
    certificate = read_certificate(EXAMPLE / "certificate.json")

    model = MODELS[spec.file.judge.model.partition(":")[2]]
    assert certificate.fits(spec.hash, model.sha256), "run dikast certify again"
    assert certificate.labels_hash == read_labels(EXAMPLE / "data" / "labels.jsonl").hash
    assert certificate.level in ("amber", "green")


def test_the_suite_has_enough_of_both_answers_in_the_untouched_part_and_half_of_it_is_sampled():
    certificate = read_certificate(EXAMPLE / "certificate.json")
    sources = [row["source"] for _, row in read_rows(EXAMPLE / "data" / "labels.jsonl")]

    assert all(min(criterion.yes, criterion.no) >= 60 for criterion in certificate.criteria.values())
    assert sum(source != "authored" for source in sources) >= len(sources) / 2


def test_the_full_run_trains_as_the_demo_does():
    demo, full = (read_run(EXAMPLE / name).file for name in ("run.yaml", "full.yaml"))

    assert msgspec.structs.replace(full, eval=demo.eval) == demo
    # Three seeds give more than 200 greedy answers to tell of JSON validity by.
    assert 200 <= 3 * full.eval.documents <= 3 * len(rows("test"))
