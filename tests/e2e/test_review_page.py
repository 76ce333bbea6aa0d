"""The page of `dikast review` in a real browser without a window: Debian's Chromium or another that is installed."""

import json
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import OWN
from running_review import RunningReview

from dikast.certify.labels import read_labels

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -r requirements/dev.txt")

REWARD = """
name: contract-notes
objective: Judge the note.
inputs: {Contract: contract}
items: notes
judge:
  model: scripted:judge
  show: [note, excerpt]
  criteria:
    - {id: on_topic, ask: "Is it about the excerpt?", pass: It is., fail: It is not.}
    - {id: justified, ask: "Does a rule justify it?", na: true}
"""
CONTRACT = "Invoices are due within 14 days of receipt. Late payment bears interest at nine percent a year."

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


class Pages:
    """Opens pages, and keeps every error that one of them reports and every address elsewhere that it asks for."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._contexts: list[Any] = []
        self.wrong: list[str] = []

    def __call__(self, review: RunningReview, **options: Any) -> Any:
        self._contexts.append(self._browser.new_context(**options))
        page = self._contexts[-1].new_page()
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        page.on("request", lambda asked: self._heard(asked.url, review))
        page.goto(review.address)
        return page

    def _heard(self, url: str, review: RunningReview) -> None:
        if not url.startswith((review.address, "data:")):
            self.wrong.append(url)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def page_of(browser: Any) -> Iterator[Pages]:
    pages = Pages(browser)
    yield pages
    pages.close()
    assert pages.wrong == []


@pytest.fixture
def review_of(tmp_path: Path) -> Iterator[Callable[..., RunningReview]]:
    started: list[RunningReview] = []

    def start(notes: list[Any], *options: str, contract: str = CONTRACT) -> RunningReview:
        (tmp_path / "reward.yaml").write_text(REWARD)
        rows = [
            {"id": f"r{at}", "prompt": f"p{at}", "completion": json.dumps({"notes": [one]}), "contract": contract}
            for at, one in enumerate(notes)
        ]
        scores = [
            {"id": f"r{at}", "group": "g", "score": 0.5, "status": "scored", "parts": parts_of(at / len(notes))}
            for at in range(len(notes))
        ]
        for name, lines in (("rollouts", rows), ("scores", scores)):
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        started.append(RunningReview(tmp_path / "rollouts.jsonl", "--scores", str(tmp_path / "scores.jsonl"), *options))
        return started[-1]

    yield start
    for review in started:
        review.stop()


def parts_of(p: float) -> list[dict[str, Any]]:
    return [
        {"name": name, "kind": "criterion", "value": p, "weight": 1, "item": 0, "evidence": "nine percent"}
        for name in ("on_topic", "justified")
    ]


def notes(count: int) -> list[dict[str, str]]:
    return [
        {"note": f"Too short, note {at}.", "excerpt": "due within 14 days", "priority": "high"} for at in range(count)
    ]


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def texts(page: Any, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


def give_name(page: Any, name: str) -> None:
    """Waits until the page asks who labels, and answers by keyboard."""
    playwright.expect(page.locator("#name")).to_be_focused()
    page.keyboard.type(name)
    press(page, "Enter")


def told(page: Any, text: str) -> None:
    """Waits until the page says so."""
    playwright.expect(page.locator("#told")).to_contain_text(text)


def test_a_person_labels_by_keyboard_alone_and_sees_the_judge_only_then(review_of, page_of, tmp_path):
    review = review_of(notes(4))
    page = page_of(review)

    give_name(page, "Ada")
    playwright.expect(page.locator("#place")).to_have_text("Ada: unit 1 of 4, 0 labelled")
    before = page.content()
    press(page, "y")
    told(page, "on_topic: yes, kept; the judge says")
    after_one = texts(page, ".verdict")
    press(page, "a")
    told(page, "justified: n/a, kept")
    marks = texts(page, "mark.evidence")
    press(page, "Enter")
    playwright.expect(page.locator("#place")).to_have_text("Ada: unit 2 of 4, 1 labelled")
    press(page, "n", "n", "u", "y", "Enter")
    playwright.expect(page.locator("#place")).to_have_text("Ada: unit 3 of 4, 2 labelled")
    code, _ = review.end(signal.SIGTERM)

    assert "P(yes)" not in before
    assert "nine percent</mark>" not in before
    assert 'class="candidate">due within 14 days</mark>' in before
    assert len(after_one) == 1
    assert marks == ["nine percent"]
    assert code == 0
    labels = [row.labels for row in read_labels(tmp_path / "rollouts.labels.jsonl").rows]
    assert sorted(labels, key=str) == [
        {"on_topic": {"Ada": False}, "justified": {"Ada": True}},
        {"on_topic": {"Ada": True}, "justified": {"Ada": "n/a"}},
    ]


def test_keys_pressed_faster_than_the_disk_are_all_kept_in_their_order(review_of, page_of):
    review = review_of(notes(10), "--annotator", "Ada")
    page = page_of(review)
    playwright.expect(page.locator("#place")).to_contain_text("unit 1 of 10")

    press(page, *("y", "n", "Enter") * 10)
    told(page, "All units are labelled")

    for at in range(10):
        answers = review.ask(f"api/unit?annotator=Ada&at={at}")["page"]["answers"]
        assert (answers["on_topic"]["answer"], answers["justified"]["answer"]) == (True, False)


def test_agreement_and_what_more_labels_would_bring_are_shown(review_of, page_of):
    review = review_of(notes(6), "--annotator", "Ada")
    page = page_of(review)
    playwright.expect(page.locator("#place")).to_contain_text("unit 1 of 6")

    press(page, *("y", "y", "Enter") * 6)
    told(page, "All units are labelled")

    [first, second] = texts(page, "#agreement table")
    assert "drawn at random" in first
    assert "after 50 more" in first
    assert "unsure" in second
    drawn = page.locator("#agreement table").first.locator("tbody tr").first.locator("td").all_inner_texts()
    now, after_10, after_50 = map(float, drawn[1:])
    assert now > after_10 > after_50


def test_killed_and_started_again_it_goes_on_where_it_stopped(review_of, page_of):
    first = review_of(notes(5), "--annotator", "Ada")
    page = page_of(first)
    playwright.expect(page.locator("#place")).to_contain_text("unit 1 of 5")
    press(page, "y", "y", "Enter", "n")
    told(page, "on_topic: no, kept")
    first.end(signal.SIGKILL)

    page = page_of(review_of(notes(5), "--annotator", "Ada"))

    playwright.expect(page.locator("#place")).to_have_text("Ada: unit 2 of 5, 1 labelled")
    playwright.expect(page.locator("[data-criterion=on_topic] [aria-pressed=true]")).to_have_text("no")
    playwright.expect(page.locator("[aria-current=true]")).to_have_attribute("data-criterion", "justified")


def test_an_answer_that_was_not_kept_is_told(review_of, page_of):
    review = review_of(notes(2), "--annotator", "Ada")
    page = page_of(review)
    playwright.expect(page.locator("#place")).to_contain_text("unit 1 of 2")
    resource.prlimit(review.process.pid, resource.RLIMIT_FSIZE, (0, 0))

    press(page, "y")
    told(page, "rollouts.labels.answers.jsonl: cannot be written (File too large)")

    assert page.locator("[aria-pressed=true]").count() == 0
    [line] = page_of.wrong
    assert "503" in line
    page_of.wrong.clear()


def test_two_people_in_two_browsers_see_how_they_agree(review_of, page_of):
    review = review_of(notes(2))
    pages = [page_of(review) for _ in range(2)]

    for page, name, key in zip(pages, ("Ada", "Bob"), ("y", "n"), strict=True):
        give_name(page, name)
        playwright.expect(page.locator("#place")).to_contain_text(f"{name}: unit 1 of 2")
        press(page, key)
        told(page, "on_topic:")

    assert any("You and other people" in one and "Ada" in one for one in texts(pages[1], "#agreement table"))
    assert not any("Bob" in one for one in texts(pages[0], "#agreement table"))


def test_what_a_policy_wrote_stays_text(review_of, page_of):
    attacks = [
        "<img src=x onerror=\"document.title='moved'\">",
        "<script>document.title='moved'</script>",
        *OWN.values(),
    ]
    contract = "<b>two words</b> </script><script>document.title='moved'</script> " + OWN["padding"]
    hostile = [{"note": f"{text} two words", attack_name(text): text} for text in attacks]
    page = page_of(review_of(hostile, "--annotator", "Ada", contract=contract))

    for at in range(len(attacks)):
        playwright.expect(page.locator("#place")).to_contain_text(f"unit {at + 1} of {len(attacks)}")
        assert page.title() == "contract-notes: dikast review"
        assert page.locator("#candidate :is(img, script, b), #documents :is(img, script, b)").count() == 0
        assert "<b>two words</b>" in page.locator("#documents .text").first.inner_text()
        press(page, "ArrowRight")


def attack_name(text: str) -> str:
    return text[:60] or "empty"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 780)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_laptop_and_a_phone_in_light_and_dark(review_of, page_of, width, height, scheme):
    long = [{"note": "word " * 400, "excerpt": "x" * 5000}]
    review = review_of(long, "--annotator", "Ada")
    page = page_of(review, viewport={"width": width, "height": height}, color_scheme=scheme)
    playwright.expect(page.locator("#place")).to_contain_text("unit 1 of 1")
    press(page, "y")
    told(page, "kept")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert dark == (scheme == "dark")


def test_everything_that_can_be_pressed_is_reached_by_tab_and_shows_its_focus(review_of, page_of):
    page = page_of(review_of(notes(2), "--annotator", "Ada"))
    playwright.expect(page.locator("#place")).to_contain_text("unit 1 of 2")

    reached: list[tuple[str, str, int]] = []
    while True:
        press(page, "Tab")
        # Between the last element and the first one the focus is at the browser's own.
        name, style, width, again = page.evaluate(
            "(() => { const one = document.activeElement; const style = getComputedStyle(one);"
            " const again = 'reached' in one.dataset; one.dataset.reached = '';"
            " return [one.textContent.trim(), style.outlineStyle, parseInt(style.outlineWidth), again]; })()"
        )
        if again:
            break
        if page.evaluate("document.activeElement !== document.body"):
            reached.append((name, style, width))

    names = [name for name, _, _ in reached]
    assert {"next →", "write labels file", "Objective"} <= set(names)
    assert names.count("yes") == names.count("no") == 2
    assert all(style == "solid" and width >= 3 for _, style, width in reached)


def test_by_mouse_it_does_the_same(review_of, page_of, tmp_path):
    page = page_of(review_of(notes(2), "--annotator", "Ada"))
    page.get_by_role("button", name="yes").first.click()
    told(page, "on_topic: yes, kept")
    page.get_by_role("button", name="take back").click()
    told(page, "taken back")
    page.get_by_role("button", name="no", exact=True).nth(1).click()
    told(page, "justified: no, kept")
    page.get_by_role("button", name="write labels file").click()
    told(page, "1 labelled units written to rollouts.labels.jsonl")

    [row] = read_labels(tmp_path / "rollouts.labels.jsonl").rows
    assert row.labels == {"justified": {"Ada": False}}
