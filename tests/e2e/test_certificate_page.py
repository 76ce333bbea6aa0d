"""The certificate's page in a real browser without a window, as `dikast certify` writes it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_reader import HOSTILE

REWARD = """
name: contract-notes
objective: Judge the note.
inputs: {Contract: contract}
items: notes
judge:
  model: recorded:verdicts.jsonl
  criteria:
    - {id: on_topic, ask: "Is it about the excerpt?", pass: It is., fail: It is not., weight: 2}
    - {id: useful_to_a_negotiator_who_reads_it, ask: "Would it help a negotiator?"}
    - {id: rare, ask: "Is it a rare one?"}
"""
CONTRACT = (
    "Invoices are due within 14 days of receipt. " + "This clause says nothing. " * 120 + "Interest is nine percent."
)
TEXT = HOSTILE.encode("utf-8", "replace").decode()

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a criterion of each level but green, hostile texts and long words in it."""
    folder = tmp_path_factory.mktemp("certificate")
    rows, verdicts = [], []
    for n in range(160):
        good = n % 2 == 0
        note = {"note": f"{n} {TEXT} {'x' * 300}", "excerpt": "due within 14 days", TEXT: "y" * 200}
        row = {"id": f"r{n}", "group": f"g{n}", "prompt": "p", "contract": f"{CONTRACT} {TEXT}", "item": 0}
        labels = {"on_topic": {"Ada": good, "Bob": good}, "useful_to_a_negotiator_who_reads_it": {"Ada": good}}
        labels["rare"] = {"Ada": n < 5}
        split = "tuning" if n % 8 < 2 else "certificate"
        rows.append(row | {"completion": json.dumps({"notes": [note]}), "labels": labels, "split": split})
        wrong = {"value": not good, "reason": TEXT, "evidence": "nine percent"}
        said = {
            "on_topic": wrong if n % 14 == 4 else good,
            "useful_to_a_negotiator_who_reads_it": wrong if n % 3 else good,
        }
        verdicts.append({"id": f"r{n}", "item": 0, "verdicts": said | {"rare": n < 5}})
    (folder / "reward.yaml").write_text(REWARD)
    for name, lines in (("labels", rows), ("verdicts", verdicts)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    # A process of its own: the browser's driver holds this thread's event loop.
    command = [sys.executable, "-c", "from dikast.cli.main import main; main()", "certify"]
    done = subprocess.run(
        [*command, str(folder / "reward.yaml"), str(folder / "labels.jsonl")], capture_output=True, text=True
    )
    assert done.returncode in (0, 1, 3), done.stderr
    return folder / "certificate.html"


@pytest.fixture
def open_page(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page; whatever it reports or asks for elsewhere fails the test."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def opened(**options: Any) -> Any:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda said: wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda asked: wrong.append(asked.url) if asked.url != page_file.as_uri() else None)
        page.goto(page_file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("width", [1100, 500])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_wide_and_narrow_in_light_and_dark(open_page, width, scheme):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    inside = "(() => [...document.querySelectorAll('.sides > div, .headed, .answer, .screen li, .figures-of td')]"
    assert page.evaluate(inside + ".every(one => one.scrollWidth <= one.clientWidth + 1))()")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert dark == (scheme == "dark")


def test_the_verdict_and_what_to_do_stand_on_the_first_screen(open_page):
    page = open_page(viewport={"width": 1100, "height": 900})

    bottom = page.evaluate("document.querySelector('.screen').getBoundingClientRect().bottom")
    assert page.locator("h1").inner_text() == "This judge may train a model, with limits."
    assert bottom < 900


def test_on_a_phone_every_figure_carries_its_name(open_page):
    page = open_page(viewport={"width": 500, "height": 900})

    named = page.locator("td[data-name='right on yes']").first
    assert page.evaluate("one => getComputedStyle(one, '::before').content", named.element_handle()) == '"right on yes"'
    assert page.evaluate("document.querySelector('.figures-of').getBoundingClientRect().right <= 500")


def test_hostile_texts_stay_text_and_quotes_are_marked(open_page):
    page = open_page()

    assert page.locator("main :is(script, img)").count() == 0
    assert page.locator(".differing").count() > 0
    assert "<script>alert(1)</script>" in page.locator(".differing .candidate").first.inner_text()
    assert page.locator(".differing mark.candidate").first.inner_text() == "due within 14 days"
    assert "nine percent" in page.locator("mark.evidence").all_inner_texts()
    assert page.locator(".differing .text").first.inner_text().count("This clause says nothing.") < 100


def test_the_list_of_words_opens_by_keyboard(open_page):
    page = open_page()
    words = page.get_by_text("What the words mean")

    words.focus()
    page.keyboard.press("Enter")

    assert page.get_by_text("Youden's J").last.is_visible()


def test_every_row_and_figure_has_a_name_for_who_cannot_see_it(open_page):
    page = open_page()

    assert page.get_by_role("row").count() >= 3 * 3
    assert page.locator(".criteria").get_by_role("rowheader").count() == 3
    assert page.locator("svg").count() == page.get_by_role("img").count() > 10
    assert page.locator("svg:not([aria-label])").count() == 0
    assert page.locator("html").get_attribute("lang") == "en"
