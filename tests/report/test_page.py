"""The page: everything stands in the file, and nothing that a policy writes gets out of its text."""

import json
import re

import msgspec
import pytest
from page_reader import HOSTILE, read

from dikast.report.page import render
from dikast.report.samples import samples_of
from dikast.report.sources import read_source
from dikast.report.write import report_of, write_report


def with_hostile(answers):
    """The trained arm's answers are hostile: half as raw text, half inside valid JSON."""
    raw = HOSTILE.encode("utf-8", "replace").decode()
    inside = json.dumps({"comments": [{"comment": raw, raw: "x"}, raw]})
    return [
        msgspec.structs.replace(
            one,
            completion=raw if at % 2 else inside,
            score=msgspec.structs.replace(one.score, detail=raw),
        )
        if one.arm == "rft"
        else one
        for at, one in enumerate(answers)
    ]


def page_of(folder, evaluation, banner=None):
    write_report(evaluation, folder, banner=banner)
    return (folder / "report.html").read_text()


def test_the_page_nests_and_loads_nothing(run_folder):
    page = page_of(*run_folder())

    reader = read(page)
    assert reader.wrong == []
    assert reader.open == []
    assert {tag for tag, _ in reader.tags}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    )
    assert not any(name in ("src", "href", "srcset", "action") for _, attrs in reader.tags for name in attrs)
    assert not re.search(r"url\(|@import|https?:", page)
    assert ("meta", "default-src 'none'; style-src 'unsafe-inline'") in {
        (tag, attrs.get("content")) for tag, attrs in reader.tags
    }


def test_hostile_answers_are_shown_as_text(run_folder):
    page = page_of(*run_folder(change=with_hostile))

    reader = read(page)
    assert reader.wrong == []
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "img" not in {tag for tag, _ in reader.tags}
    assert not any(name.startswith("on") for _, attrs in reader.tags for name in attrs)
    assert "<script>alert(1)</script>" in reader.text
    assert "{{ 7 * 7 }}" in reader.text


def test_what_cannot_be_seen_is_made_visible(run_folder):
    page = page_of(*run_folder(change=with_hostile))

    assert not re.search("[\u202e\x00\x1b\ud800]", page)
    assert "\N{REPLACEMENT CHARACTER} reversed" in page


def test_hostile_names_are_escaped_in_figures_and_tables(run_folder):
    folder, evaluation = run_folder()
    renamed = {"<b>bold</b>" if arm == "rft" else arm: figures for arm, figures in evaluation.arms.items()}
    evaluation = msgspec.structs.replace(evaluation, arms=renamed)

    page = page_of(folder, evaluation)

    assert "<b>bold" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_an_answer_without_end_is_cut(run_folder):
    def endless(answers):
        return [msgspec.structs.replace(one, completion="word " * 100_000) for one in answers]

    page = page_of(*run_folder(change=endless))

    assert len(page) < 1_000_000
    assert "496000 more characters" in page


def test_every_arm_and_metric_stands_on_the_page(run_folder):
    text = read(page_of(*run_folder())).text

    for said in (
        "base",
        "sft_start",
        "sft_long",
        "rft",
        "JSON validity",
        "best of k, gold",
        "on_the_excerpt",
        "repetition",
    ):
        assert said in text


def test_a_criterion_that_is_off_is_said_to_be(run_folder):
    page = page_of(*run_folder())

    assert '<span class="level red">red</span>' in page
    assert '<span class="off">off</span>' in page


def test_an_uncertified_run_carries_a_red_banner(run_folder):
    assert '<p class="banner bad">Not certified' in page_of(*run_folder(certificate_hash=None))
    assert '<p class="banner bad">' not in page_of(*run_folder(seed=1))


def test_a_banner_stays_when_the_report_is_made_again(run_folder):
    folder, evaluation = run_folder()

    page_of(folder, evaluation, banner="quick run: no <evidence>")
    again = page_of(folder, evaluation)

    assert "quick run: no &lt;evidence&gt;" in again


def test_six_documents_are_shown_with_the_answers_of_all_arms(run_folder):
    _, evaluation = run_folder()

    samples = samples_of(evaluation)

    assert [sample.kind for sample in samples] == ["biggest gain"] * 2 + ["biggest loss"] * 2 + ["random"] * 2
    assert len({sample.document.document for sample in samples}) == 6
    assert all([shown.arm for shown in sample.answers] == list(evaluation.arms) for sample in samples)


def test_the_biggest_gains_are_the_biggest_and_what_is_missing_is_no_loss(run_folder):
    def one_missing(answers):
        return [
            msgspec.structs.replace(
                one, score=msgspec.structs.replace(one.score, score=None, status="missing", missing="timeout")
            )
            if (one.arm, one.document) == ("rft", "d3")
            else one
            for one in answers
        ]

    _, evaluation = run_folder(change=one_missing)
    greedy = {(a.arm, a.document): a.score.score for a in evaluation.answers if a.sample is None}
    gains = {d: greedy["rft", d] - greedy["sft_start", d] for a, d in greedy if a == "rft" and greedy[a, d] is not None}

    samples = samples_of(evaluation)

    order = sorted(gains, key=gains.get)
    assert [s.document.document for s in samples if s.kind == "biggest gain"] == order[::-1][:2]
    assert [s.document.document for s in samples if s.kind == "biggest loss"] == order[:2]


def test_a_page_of_little_renders(run_folder):
    folder, evaluation = run_folder()
    (folder / "rl" / "log.jsonl").unlink()
    (folder / "certificate.json").unlink()
    (folder / "run.json").unlink()
    (folder / "state.json").unlink()
    alone = {"rft": {name: f for name, f in evaluation.arms["rft"].items() if name == "reward"}}
    evaluation = msgspec.structs.replace(evaluation, arms=alone, contrasts=(), answers=(), documents=())

    page = page_of(folder, evaluation)

    assert "No certificate stands beside this report" in page
    assert "step by step" not in page


@pytest.mark.parametrize("range_", [(0.0, 1.0), (-1.0, 1.0)])
def test_curves_of_several_seeds_share_a_panel(run_folder, range_):
    folders = [run_folder(seed)[0] for seed in (0, 1)]
    _, evaluation = run_folder(2)
    evaluation = msgspec.structs.replace(evaluation, about=msgspec.structs.replace(evaluation.about, range=range_))
    sources = [read_source(folder) for folder in folders]

    page = render(report_of(evaluation, sources), sources, [])

    assert page.count('<polyline class="curve"') == 6
    assert page.count('<polyline class="thin"') == 12
    assert "NaN" not in page
