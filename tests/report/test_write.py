"""report.json and the printed table."""

import json

import pytest
from rich.console import Console

from dikast.errors import DataError
from dikast.evaluate.store import read_pooled
from dikast.report.sources import read_steps
from dikast.report.table import plain_text, print_table, read_report
from dikast.report.write import write_report


def test_the_report_has_the_promised_keys(run_folder):
    folder, evaluation = run_folder()

    write_report(evaluation, folder)

    report = json.loads((folder / "report.json").read_text())
    assert {"arms", "contrasts", "reward_hash", "certificate_hash", "seeds"} <= set(report)
    for figures in report["arms"].values():
        for metric in ("reward", "gold", "json_validity", "judge_score", "best_of_k"):
            assert {"value", "low", "high", "n"} <= set(figures[metric])
    assert {"a", "b", "metric", "value", "low", "high", "p"} <= set(report["contrasts"][0])
    assert report["arms"]["rft"]["json_validity"]["exact_low"] < report["arms"]["rft"]["json_validity"]["value"]
    assert [flag["flag"] for flag in report["flags"]] == ["same model", "picks and counts"]


def test_what_was_written_reads_back(run_folder):
    folder, evaluation = run_folder()

    report = write_report(evaluation, folder)

    assert read_report(folder / "report.json") == report


def test_costs_are_sums_and_means_of_the_logged_steps(run_folder):
    folder, evaluation = run_folder()

    cost = write_report(evaluation, folder).cost

    assert (cost.steps, cost.questions, cost.questions_asked) == (14, 14 * 40, 14 * 31)
    assert cost.seconds == {"step": 92.0, "generation": 31.0, "reward": 26.0, "update": 35.0}
    assert cost.questions_per_second == pytest.approx(31 / 26)
    assert cost.stages == {"sft": 95.0, "rl": 1290.0}


def test_a_step_that_was_done_again_counts_once_and_as_it_was_done_last(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = [
        {"step": 1, "reward": 0.1},
        {"step": 2, "reward": 0.2},
        {"step": 2, "reward": 0.3},
        {"step": 2, "train_runtime": 9},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))

    assert [step["reward"] for step in read_steps(path)] == [0.1, 0.3]


def test_a_broken_log_is_told_with_its_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "reward": 0.1}\n{"step"')

    with pytest.raises(DataError, match=r"log\.jsonl:2"):
        read_steps(path)


def test_several_runs_make_one_report(run_folder, tmp_path):
    folders = [run_folder(seed)[0] for seed in (3, 1, 2)]

    report = write_report(read_pooled(folders), tmp_path / "pooled", runs=folders)

    assert report.seeds == (1, 2, 3)
    assert report.arms["rft"]["gold"].n == 60
    assert report.cost.steps == 3 * 14
    assert set(report.contrasts[0].by_seed) == {"1", "2", "3"}
    assert report.coverage["rft"].answers == 3 * (24 + 12 * 4)


def test_the_printed_table_tells_the_verdict_and_every_arm(run_folder):
    folder, evaluation = run_folder()
    report = write_report(evaluation, folder, banner="[bold]no evidence[/bold]")
    console = Console(record=True, width=160)

    print_table(folder / "report.json", console)

    printed = console.export_text()
    assert report.verdict[0] in printed
    assert "[bold]no evidence[/bold]" in printed
    assert all(arm in printed for arm in report.arms)
    assert "\x1b" not in plain_text(report)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"arms": 1}', "[" * 100_000])
def test_what_is_no_report_is_told(content, tmp_path):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(DataError, match=r"report\.json"):
        read_report(path)
