"""The published figures that `dikast agree` reproduces; docs/certificate.md lists them. Each reader is for its file only."""

# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportArgumentType=false

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.agree.records import Agreement

Agreed = Callable[..., Agreement]
Shared = Callable[[str], Path]
RESULT = {"1": 1, "2": 2, "Tie": 0, "garbage": None}
RECIPES = ("grammar", "fluency", "verbosity", "structure", "success", "overall")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def row(item: object, rater: str, label: object, **more: object) -> dict[str, Any]:
    return {"item": item, "rater": rater, "label": label, **more}


def by_column(table: list[list[Any]]) -> list[dict[str, Any]]:
    """A row an item, a column a rater."""
    return [row(item, f"r{rater}", x) for item, labels in enumerate(table) for rater, x in enumerate(labels)]


@pytest.fixture
def pandalm(shared_data: Shared) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    folder = shared_data("pandalm")
    people = [row(one["idx"], name, one[name]) for one in lines(folder / "human.jsonl") for name in ("a1", "a2", "a3")]
    judge = [row(one["idx"], "gpt35", RESULT[one["result"]]) for one in lines(folder / "judge_gpt35.jsonl")]
    return people + judge, json.loads((folder / "expected.json").read_text())


def test_pandalms_annotators(agreed: Agreed, pandalm: tuple[list[dict[str, Any]], dict[str, Any]]):
    rows, expected = pandalm

    found = agreed(rows, judges=("gpt35",))

    published, recomputed = expected["published"], expected["recomputed"]
    kappas = {f"cohen_kappa_{pair.a[1]}_{pair.b[1]}": pair.cohen_kappa for pair in found.pairs if pair.b != "gpt35"}
    assert kappas == {name: pytest.approx(recomputed[name]) for name in kappas}
    assert len(kappas) == 3
    assert {name: round(value, 2) for name, value in kappas.items()} == {name: published[name] for name in kappas}
    assert found.people.fleiss_kappa == pytest.approx(recomputed["fleiss_kappa"])
    assert found.people.krippendorff_alpha.nominal == pytest.approx(recomputed["krippendorff_nominal"])
    assert found.overall.leave_one_out == pytest.approx(recomputed["loo_mode_agreement"])
    majority = found.annotators.majority
    assert {f"{label:g}": n for label, n in majority.counts} == published["majority_counts"]
    assert (majority.unanimous, majority.undecided) == (recomputed["unanimous"], 0)


def test_pandalms_judge_with_its_garbage_counted_as_errors(
    agreed: Agreed, pandalm: tuple[list[dict[str, Any]], dict[str, Any]]
):
    rows, expected = pandalm

    found = agreed(rows, judges=("gpt35",), gold="majority")

    wanted = expected["recomputed"]["gpt35"]
    judge = found.gold["gpt35"]
    assert judge.accuracy.value == pytest.approx(wanted["accuracy"])
    assert judge.macro_f1.value == pytest.approx(wanted["macro_f1_3class"])
    assert (judge.null, judge.null_counted_as) == (wanted["counts"]["garbage"], "errors")
    assert {f"{label:g}": n for label, n in found.verdicts["gpt35"].counts} == {
        name: n for name, n in wanted["counts"].items() if name != "garbage"
    }


def test_pandalms_judge_with_garbage_as_a_label_of_its_own(
    agreed: Agreed, pandalm: tuple[list[dict[str, Any]], dict[str, Any]]
):
    rows, expected = pandalm
    rows = [one if one["label"] is not None else {**one, "label": "garbage"} for one in rows]

    found = agreed(rows, judges=("gpt35",))

    kappas = [pair.cohen_kappa for pair in found.pairs if pair.b == "gpt35"]
    assert sum(kappas) / 3 == pytest.approx(expected["recomputed"]["gpt35"]["mean_kappa_vs_each_annotator"])


def test_the_recipes_ordinal_alphas(agreed: Agreed, shared_data: Shared):
    folder = shared_data("multirater")
    rows = [
        row(recipe["id"], f"person-{at}", label, criterion=metric)
        for recipe in lines(folder / "recipes.jsonl")
        for metric in RECIPES
        for at, label in enumerate(recipe[metric])
    ]

    found = agreed(rows)

    expected = json.loads((folder / "recipes.expected.json").read_text())
    assert set(found.criteria) == set(RECIPES) == set(expected)
    for metric in RECIPES:
        one = found.criteria[metric]
        assert one.overall.krippendorff_alpha.ordinal == pytest.approx(
            expected[metric]["krippendorff_alpha_published"], abs=1e-12
        )
        assert one.items == expected[metric]["n_items"]


def test_krippendorffs_example(agreed: Agreed, shared_data: Shared):
    example = json.loads((shared_data("textbook") / "krippendorff2011.json").read_text())
    rows = [
        row(item, f"observer-{at}", label)
        for at, labels in enumerate(example["raters"])
        for item, label in enumerate(labels)
        if label is not None
    ]

    alpha = agreed(rows).overall.krippendorff_alpha

    for name, published in example["published"].items():
        assert getattr(alpha, name) == pytest.approx(published, abs=5e-4)
        assert getattr(alpha, name) == pytest.approx(example["recomputed"][name], abs=5e-5)


def test_fleiss_example(agreed: Agreed, shared_data: Shared):
    example = json.loads((shared_data("textbook") / "fleiss1971.json").read_text())
    rows = by_column([[label for label, n in enumerate(counts) for _ in range(n)] for counts in example["counts"]])

    assert agreed(rows).overall.fleiss_kappa == pytest.approx(example["published"], abs=5e-4)


def test_alpaca_evals_leave_one_out(agreed: Agreed, shared_data: Shared):
    example = json.loads((shared_data("textbook") / "alpaca_eval_unit_test.json").read_text())
    plain, half, soft = example, example["half_credit_row"], example["soft_row"]

    found = agreed(by_column(plain["rows"]))
    halved = agreed(by_column(half["rows"]))
    softened = agreed(by_column(soft["rows"]))

    assert found.overall.agreement == pytest.approx(plain["one_vs_one"])
    assert found.overall.leave_one_out == pytest.approx(plain["one_vs_mode_of_3"])
    # Their score is one less the distance.
    assert 1 - halved.annotators.distance_to_mode.value == pytest.approx(half["absolute_rule_one_vs_mode_of_3"])
    assert 1 - softened.annotators.distance_to_median.value == pytest.approx(soft["absolute_rule_one_vs_median_of_3"])


def winners(folder: Path) -> dict[tuple[str, str, str], list[tuple[str, str | None, str | None]]]:
    """(item, winner forward, winner swapped) by subset, judge and strategy, as LLMBar's own evaluation reads them."""
    found: dict[tuple[str, str, str], list[tuple[str, str | None, str | None]]] = {}
    with gzip.open(folder / "verdicts.jsonl.gz", "rt", encoding="utf-8") as verdicts:
        for one in map(json.loads, verdicts):
            key = one["subset"], one["judge"], one["strategy"]
            found.setdefault(key, []).append((str(one["idx"]), one["win_forward"], one["win_swapped"]))
    for one in lines(folder / "ratings.jsonl"):
        key = one["subset"], one["judge"], one["strategy"]
        found.setdefault(key, []).append((str(one["idx"]), *rating_winners(one["score_1_raw"], one["score_2_raw"])))
    return found


def rating_winners(first: str, second: str) -> tuple[str, str]:
    """Only a strictly higher score wins, so a tie goes to the second shown; no integer gives 1 forward and 2 swapped."""
    try:
        one, two = int(first), int(second)
    except ValueError:
        return "1", "2"
    return "1" if one > two else "2", "2" if two > one else "1"


def test_llmbars_28_rows(agreed: Agreed, shared_data: Shared):
    folder = shared_data("llmbar")
    gold = {(one["subset"], str(one["idx"])): str(one["label"]) for one in lines(folder / "items.jsonl")}
    said = winners(folder)
    expected = json.loads((folder / "expected.json").read_text())
    assert len(expected) == 28

    for wanted in expected:
        subset = wanted["subset"]
        verdicts = said[subset, wanted["judge"], wanted["strategy"]]
        rows = [row(item, "gold", gold[subset, item]) for item, _, _ in verdicts]
        rows += [row(item, "judge", winner, order="1") for item, winner, _ in verdicts]
        rows += [row(item, "judge", winner, order="2") for item, _, winner in verdicts]

        found = agreed(rows, gold="gold", nominal=True)

        position = found.position["judge"]
        assert position.n == wanted["n"]
        ours = {
            "acc_forward": position.accuracy["1"].value,
            "acc_swapped": position.accuracy["2"].value,
            "acc_average": position.accuracy_mean.value,
            "acc_both": position.accuracy_all.value,
            "positional_agreement": position.consistency.value,
        }
        assert {name: 100 * value for name, value in ours.items()} == pytest.approx(wanted["published"])
        assert {
            "parse_failures": position.null,
            "picked_first_slot_rate": position.first_place.value,
            "kappa_forward_vs_gold_decided": found.pairs[0].cohen_kappa,
            "kappa_forward_vs_swapped_decided": position.kappa.value,
        } == pytest.approx(wanted["recomputed"])


def test_llmbars_judges_among_each_other(agreed: Agreed, shared_data: Shared):
    folder = shared_data("llmbar")
    gold = {(one["subset"], str(one["idx"])): str(one["label"]) for one in lines(folder / "items.jsonl")}
    said = winners(folder)

    for wanted in json.loads((folder / "cross_judge.expected.json").read_text()):
        rows = [row(item, "gold", label) for (subset, item), label in gold.items() if subset == wanted["subset"]]
        for judge in wanted["judges"]:
            verdicts = said[wanted["subset"], judge, wanted["strategy"]]
            rows += [row(item, judge, winner) for item, winner, _ in verdicts]

        found = agreed(rows, humans=tuple(wanted["judges"]), gold="gold", nominal=True)

        pairs = {f"{pair.a} | {pair.b}": pair for pair in found.pairs if "gold" not in (pair.a, pair.b)}
        assert {
            name: {"n": pair.n, "agreement": pair.agreement, "cohen_kappa": pair.cohen_kappa}
            for name, pair in pairs.items()
        } == {name: pytest.approx(one) for name, one in wanted["pairs"].items()}
        assert found.people.krippendorff_alpha.nominal == pytest.approx(wanted["krippendorff_nominal_null_as_missing"])
