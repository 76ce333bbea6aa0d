"""`dikast agree` as a user sees it."""

import json
import os
import random
from pathlib import Path

import pytest

from dikast.cli.main import run

CSV = "item,rater,label\n" + "".join(
    f"i{at},{rater},{label}\n"
    for at in range(40)
    for rater, label in (("ann", at % 3 == 0), ("bob", at % 3 == 0 or at == 1), ("gpt", "" if at == 2 else at % 2 == 0))
)
DESIGNED = {
    "overall": {
        "agreement",
        "fleiss_kappa",
        "krippendorff_alpha",
        "gwet_ac1",
        "icc_2_1",
        "leave_one_out",
    },
    "pair": {
        "a",
        "b",
        "n",
        "agreement",
        "cohen_kappa",
        "kappa_linear",
        "kappa_quadratic",
        "gwet_ac1",
        "kendall_tau_b",
        "spearman",
        "pearson",
        "bias",
    },
    "gold": {"accuracy", "tpr", "tnr", "precision", "f1", "macro_f1", "j", "null"},
}


@pytest.fixture
def ratings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")
    path = Path("ratings.csv")
    path.write_text(CSV)
    return path


def test_the_json_has_the_keys_that_the_design_names(ratings: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["agree", str(ratings), "--gold", "ann", "--judges", "gpt", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert {"items", "raters", "overall", "pairs", "gold", "warnings"} <= set(told)
    assert (told["items"], told["raters"], told["ac2_weights"]) == (40, 3, "quadratic")
    assert set(told["overall"]) >= DESIGNED["overall"]
    assert set(told["overall"]["krippendorff_alpha"]) == {"nominal", "ordinal", "interval"}
    assert len(told["pairs"]) == 3
    assert all(set(pair) >= DESIGNED["pair"] for pair in told["pairs"])
    assert set(told["gold"]) == {"bob", "gpt"}
    assert all(set(one) >= DESIGNED["gold"] for one in told["gold"].values())
    assert told["gold"]["gpt"]["null"] == 1
    assert set(told["gold"]["bob"]["accuracy"]) == {"value", "low", "high", "n"}
    assert told["pairs"][0]["cohen_kappa"] == pytest.approx(told["pairs"][0]["intervals"]["cohen_kappa"]["value"])


def test_the_tables_show_every_kind_of_figure(ratings: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["agree", str(ratings), "--gold", "majority", "--humans", "ann, bob", "-o", "out/agreement.json"]) == 0

    told = capsys.readouterr()
    assert "ratings.csv: 120 verdicts, 40 items, 3 raters, gold: majority" in told.out
    for heading in (
        "Krippendorff's alpha, ordinal",
        "ann | bob",
        "macro F1",
        "human ceiling",
        "Alternative annotator test, gpt",
    ):
        assert heading in told.out
    assert "verdicts without a label are errors; yes is True" in told.out
    assert "warning: verdicts without a label: gpt 1 of 40" in told.out
    assert told.err == "written: out/agreement.json\n"
    assert json.loads(Path("out/agreement.json").read_text())["gold"].keys() == {"gpt"}


def test_criteria_positions_repeats_and_probabilities_are_shown_too(ratings: Path, capsys: pytest.CaptureFixture[str]):
    rows = [
        {"item": at, "rater": "gpt", "label": 0.9 - at % 2 / 2, "criterion": "clear", "repeat": r, "order": o}
        for at in range(30)
        for r in (1, 2)
        for o in ("x", "y")
    ]
    rows += [{"item": at, "rater": "ann", "label": at % 2 == 0, "criterion": "clear"} for at in range(30)]
    Path("ratings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert run(["agree", "ratings.jsonl", "--gold", "ann"]) == 0

    told = capsys.readouterr().out
    for heading in (
        "== clear: 30 items, 2 raters ==",
        "In every order",
        "asked again",
        "Brier",
        "Reliability of gpt",
        "yes is 1.0; probabilities from 0.5 on are a yes)",
        "== by criterion ==",
    ):
        assert heading in told


def test_every_figure_of_a_pair_is_shown_with_its_bounds(ratings: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["agree", str(ratings), "-o", "agreement.json"]) == 0

    told = capsys.readouterr().out
    pair = json.loads(Path("agreement.json").read_text())["pairs"][0]
    assert set(pair["intervals"]) >= DESIGNED["pair"] - {"a", "b", "n"} | {"fleiss_kappa", "gwet_ac2", "alpha_ordinal"}
    shown = " ".join(line for line in told.splitlines() if "ann | bob" in line)
    for name, one in pair["intervals"].items():
        assert f"{one['value']:.3f} ({one['low']:.3f}..{one['high']:.3f})" in shown, name
    assert "Cohen's kappa, mean of the pairs" in told


def test_a_name_that_looks_like_markup_is_shown_as_it_stands(ratings: Path, capsys: pytest.CaptureFixture[str]):
    ratings.write_text(CSV.replace("ann", "[/x]").replace("bob", "[red]:tada:"))

    assert run(["agree", str(ratings)]) == 0

    assert "[/x] | [red]:tada:" in capsys.readouterr().out


def test_a_name_does_not_steer_the_terminal(ratings: Path, capsys: pytest.CaptureFixture[str]):
    ratings.write_text(CSV.replace("ann", "\x1b[31mann\x07"))

    assert run(["agree", str(ratings)]) == 0
    assert run(["agree", str(ratings), "--gold", "zoe"]) == 2

    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert "\ufffd[31mann\ufffd | bob" in told.out


def test_a_file_whose_name_is_no_text_is_measured(ratings: Path, capsys: pytest.CaptureFixture[str]):
    odd = ratings.rename(ratings.with_name(os.fsdecode(b"\xff.csv")))

    assert run(["agree", str(odd), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ratings"] == "\ufffd.csv"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--gold", "zoe"], "error: --gold: no rater is named 'zoe'; the file has ann, bob, gpt\n"),
        (["--humans", " , "], "error: --humans: no name; write it as --humans ann,bob\n"),
        (["--epsilon", "2"], "error: Invalid value for '--epsilon'"),
    ],
)
def test_a_wrong_option_is_one_line(ratings: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert run(["agree", str(ratings), *options]) == 2

    told = capsys.readouterr().err
    assert told.startswith(said)
    assert told.count("\n") == 1


def test_the_figures_do_not_take_the_ratings_place(ratings: Path, capsys: pytest.CaptureFixture[str]):
    before = ratings.read_text()

    assert run(["agree", str(ratings), "-o", f"./{ratings.name}"]) == 2
    assert "would take its place" in capsys.readouterr().err
    assert ratings.read_text() == before


def test_a_broken_row_is_one_line_with_its_place(ratings: Path, capsys: pytest.CaptureFixture[str]):
    ratings.write_text(CSV + "i,ann,nan\n")

    assert run(["agree", str(ratings)]) == 2

    assert capsys.readouterr().err.startswith("error: ratings.csv:122: the label nan is no number")


def test_raters_who_share_nothing_are_too_little_data(ratings: Path, capsys: pytest.CaptureFixture[str]):
    ratings.write_text("item,rater,label\na,ann,1\nb,bob,1\n")

    assert run(["agree", str(ratings), "-o", "agreement.json", "--json"]) == 3

    told = capsys.readouterr()
    assert "no item has labels by two raters" in told.err
    assert json.loads(told.out)["overall"]["agreement"] is None
    assert Path("agreement.json").exists()


@pytest.mark.parametrize("seed", range(6))
def test_no_bound_of_few_items_lies_where_its_figure_cannot_be(seed: int, tmp_path: Path, capsys):
    draw = random.Random(seed)
    said = {"expert": lambda: draw.random() < 0.5, "gpt": draw.random, "bob": draw.random}
    rows = [{"item": item, "rater": name, "label": say()} for item in range(3 + seed) for name, say in said.items()]
    path = tmp_path / "few.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert run(["agree", str(path), "--gold", "expert", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    for pair in found["pairs"]:
        for name in ("cohen_kappa", "kappa_linear", "kappa_quadratic"):
            kappa = pair["intervals"].get(name) or {"low": None}
            assert kappa["low"] is None or -1 <= kappa["low"] <= kappa["value"] <= kappa["high"] <= 1
    assert found["annotators"]["distance_to_median"]["low"] >= 0
    for one in found["calibration"].values():
        assert 0 <= one["brier"]["low"] <= one["brier"]["value"] <= one["brier"]["high"] <= 1
        assert one["log_loss"]["low"] >= 0
