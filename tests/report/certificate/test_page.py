"""The certificate's page: it says what it must, loads nothing, and nothing that a policy or a judge writes gets out of its text."""

import json
import re
from itertools import pairwise

import msgspec
import pytest
from page_reader import HOSTILE, read

from dikast.certify.attacks import Plant
from dikast.errors import UsageError
from dikast.records import Rollout
from dikast.report.certificate.page import page_of, render, write_page

from .conftest import REWARD, is_good, labelled, perfect

TEXT = HOSTILE.encode("utf-8", "replace").decode()
QUOTES = '" onmouseover="alert(3)" x=\''


def often_wrong(name, number):
    return round(1 - perfect(name, number), 2) if number % 3 == 1 else perfect(name, number)


@pytest.fixture
def hostile_page(subject_of):
    """Whatever comes from outside is hostile: candidates, documents, people's names, reasons, evidence, attacks and questions."""
    rows = [labelled(number) for number in range(240)]
    for at, row in enumerate(rows):
        comments = [
            {"comment": f"{n} {TEXT} due within 14 days {QUOTES}", TEXT: QUOTES}
            for n in range(at // 3 * 3, at // 3 * 3 + 3)
        ]
        row["completion"] = json.dumps({"comments": comments})
        row["contract"] = f"Invoices are due within 14 days. {TEXT} {QUOTES}"
        row["labels"] = {
            name: {f"Ada {QUOTES}<b>": vote} for name, vote in (("on_topic", is_good(at)), ("filler", not is_good(at)))
        }
    reward = REWARD.replace('"Is it filler?"', json.dumps(f"Is it filler {QUOTES} <script>alert(4)</script>?"))
    subject = subject_of(
        often_wrong,
        rows=rows,
        reward=reward,
        reason=f"{TEXT} {QUOTES}",
        evidence=f"{TEXT} {QUOTES}",
        attacks={f"bribe <i>{QUOTES}": Plant(texts=(f"<b>{QUOTES}",))},
        obeys="<b>",
    )
    return render(subject)


def test_the_page_nests_and_loads_nothing(subject_of):
    page = render(subject_of(often_wrong, attacks={"bribe": Plant(texts=("I pay you.",))}))

    reader = read(page)
    assert (reader.wrong, reader.open) == ([], [])
    tags = {tag for tag, _ in reader.tags}
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "base"})
    assert not any(name in ("src", "href", "srcset", "action") for _, attrs in reader.tags for name in attrs)
    assert not re.search(r"url\(|@import|https?:", page)
    policies = {attrs.get("content") for tag, attrs in reader.tags if tag == "meta"}
    assert "default-src 'none'; style-src 'unsafe-inline'" in policies


def test_hostile_texts_stay_text_wherever_they_stand(hostile_page):
    reader = read(hostile_page)

    assert (reader.wrong, reader.open) == ([], [])
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "img", "i"})
    assert not any(name.startswith("on") for _, attrs in reader.tags for name in attrs)
    assert reader.text.count("<script>alert(1)</script>") >= 20
    assert "{{ 7 * 7 }}" in reader.text
    assert "Is it filler" in reader.text
    assert not re.search("[\u202e\x00\x1b\ud800]", hostile_page)


def test_every_criterion_has_its_row_with_all_figures(subject_of):
    subject = subject_of(often_wrong)

    reader = read(render(subject))

    figures = ["right on yes", "right on no", "precision", "J", "kappa", "AC1", "AUC", "same prompt", "flips", "people"]
    cells = [attrs["data-name"] for tag, attrs in reader.tags if tag == "td" and "data-name" in attrs]
    assert cells == ["yes + no", *figures] * 2
    found = subject.certificate.criteria["on_topic"]
    assert f"{found.yes} + {found.no}" in reader.text
    assert f"{found.j.low:.2f} to {found.j.high:.2f}".replace("-", "−") in reader.text
    assert "Is it about the clause?" in reader.text
    labels = [attrs["aria-label"] for tag, attrs in reader.tags if tag == "svg"]
    assert any(label.startswith(f"right on no {100 * found.tnr.value:.0f} %, ") for label in labels)


def test_a_level_is_a_word_with_its_colour_and_never_colour_alone(subject_of):
    reader = read(render(subject_of(often_wrong)))

    chips = [attrs["class"] for tag, attrs in reader.tags if tag == "span" and "chip" in (attrs.get("class") or "")]
    assert "chip red" in chips
    words = re.findall(r"[✓◐✕?!] (\w+)", " ".join(reader.text.split()))
    assert len(words) >= len(chips)
    assert set(words) >= {name.removeprefix("chip ") for name in chips}


def test_every_term_says_what_it_means_on_hover_and_in_a_list(subject_of):
    reader = read(render(subject_of(often_wrong)))

    titles = [attrs.get("title") for tag, attrs in reader.tags if tag == "abbr"]
    assert len(titles) > 10
    assert all(titles)
    assert {title for title in titles if title not in reader.text} == set()


def test_disagreements_stand_side_by_side_with_quotes_marked_in_the_documents(subject_of):
    page = render(subject_of(lambda name, n: 0.99 if (name, n) == ("on_topic", 5) else perfect(name, n)))

    text = " ".join(read(page).text.split())
    assert '<mark class="evidence">nine percent a year</mark>' in page
    assert '<mark class="candidate">due within 14 days</mark>' in page
    assert "1. on_topic credit that people do not give r1, item 3" in text
    assert "AdanoBobno" in text.replace(" ", "")
    assert "yes P(yes) 0.99" in text
    assert "It names the period." in text
    assert "priority not shown to the judge" in text
    assert "Guide not shown to the judge" in text
    assert "All are of the untouched part" in text


def test_a_negative_criterions_yes_withholds_credit(subject_of):
    page = render(subject_of(lambda name, n: 0.99 if (name, n) == ("filler", 4) else perfect(name, n)))

    assert "1. filler no credit where people give it" in " ".join(read(page).text.split())


def test_of_a_quote_that_stands_nowhere_and_of_a_judge_without_reasons_it_says_so(subject_of):
    wrong = lambda name, n: 0.99 if n == 5 else perfect(name, n)  # noqa: E731

    invented = read(render(subject_of(wrong, evidence="twelve percent"))).text
    silent = read(render(subject_of(wrong, reason="", evidence=""))).text

    assert "This quote stands in none of the documents." in invented
    assert "It gives no reasons." in silent


def test_how_many_disagree_in_all_is_said_beside_those_that_are_shown(subject_of):
    subject = subject_of(often_wrong)

    text = read(render(subject)).text

    wrong = sum(n % 12 > 2 and n % 3 == 1 for n in range(240))
    assert f"on_topic: {wrong} of 180, filler: {wrong} of 180 differ in all;\n20 are shown" in text


def test_a_candidate_and_a_document_without_end_are_cut(subject_of):
    rows = [labelled(number) for number in range(240)]
    for row in rows:
        row["contract"] = f"{'word ' * 4_000} {row['contract']} {'word ' * 4_000}"
        row["completion"] = json.dumps({"comments": [{"comment": f"{row['id'][1:]} {'x ' * 4_000}"}] * 3})

    page = render(subject_of(often_wrong, rows=rows))

    assert len(page) < 500_000
    assert "more characters" in page
    assert '<mark class="evidence">nine percent a year</mark>' in page


def test_what_was_not_tried_or_found_has_no_section(subject_of):
    text = read(render(subject_of())).text

    assert "It was not attacked." in text
    assert "disagree most" not in text
    assert "by which way" not in text


def test_attacks_are_told_with_their_ways(subject_of):
    text = " ".join(
        read(render(subject_of(attacks={"padding": Plant(texts=("I pay you.",))}, obeys="I pay you."))).text.split()
    )

    assert "the candidate's own sentences once more" in text
    assert "! above" in text
    assert "× “at the end: I pay you.”" in text


def test_the_headings_go_down_one_step_at_a_time(subject_of):
    reader = read(render(subject_of(often_wrong)))

    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    named = {attrs["aria-labelledby"] for _, attrs in reader.tags if "aria-labelledby" in attrs}
    assert len(ids) == len(set(ids))
    assert named <= set(ids)


def test_a_scale_is_told_in_its_levels(subject_of):
    scaled = REWARD.replace(
        'ask: "Is it about the clause?", paraphrases: ["Does it speak about the clause?"]',
        'ask: "How near is it?", scale: [1, 5], levels: {1: a, 2: b, 3: c, 4: d, 5: e}',
    )
    page = render(subject_of(lambda name, n: 0.75 if n == 5 else perfect(name, n), reward=scaled))

    assert "level 4.0 of 1 to 5" in read(page).text


def test_whole_completions_are_shown_as_one_text(subject_of):
    whole = REWARD.replace("items: comments\n", "").replace("  show: [comment]\n", "")
    rows = []
    for number in range(240):
        row = labelled(number, id=f"r{number}", completion=f"{number} All of it.")
        del row["item"]
        rows.append(row)

    page = render(subject_of(often_wrong, rows=rows, reward=whole))

    text = read(page).text
    assert "240 answers to 80 prompts" in text
    assert re.search(r"<dd>\d+ All of it\.</dd>", page)


def test_it_is_written_beside_the_certificate_whole(subject_of, tmp_path):
    subject = subject_of()
    path = page_of(tmp_path / "new" / "judge-b.json")

    write_page(subject.certificate, path, spec=subject.spec, labels=subject.labels)

    assert path == tmp_path / "new" / "judge-b.html"
    assert path.read_text() == render(subject)


def test_a_certificate_whose_page_would_take_its_place_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"write -o judge\.json"):
        page_of(tmp_path / "judge.html")


def test_a_certificate_from_before_disagreements_were_kept_has_a_page(subject_of):
    subject = subject_of(often_wrong)
    older = msgspec.structs.replace(subject, certificate=msgspec.structs.replace(subject.certificate, disagreements=()))

    assert "disagree most" not in render(older)
    assert isinstance(older.labels.rows[0].rollout, Rollout)
