"""Makes review.png: starts `dikast review` on the example's comments, answers as its author did, and takes a picture.

`python docs/images/review.py SCORES`, where SCORES is what `dikast score` wrote of the example's data/labels.jsonl.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "contract_review"
AUTHOR = "author-pass-1"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
UNITS = 40
"""Units that are answered before the picture is taken."""


def main(scores: str) -> None:
    labels = EXAMPLE / "data" / "labels.jsonl"
    rows = [json.loads(line) for line in labels.read_text("utf-8").splitlines()]
    answers = {(row["contract"], comment_of(row)): row["labels"]["same_point"][AUTHOR] for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        unlabelled = Path(folder) / "comments.jsonl"
        unlabelled.write_text("".join(json.dumps(row | {"labels": {}}) + "\n" for row in rows), "utf-8")
        options = ["--reward", str(EXAMPLE / "reward.yaml"), "--scores", scores, "--annotator", "Ada"]
        command = [str(Path(sys.executable).with_name("dikast")), "review", str(unlabelled), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as review:
            try:
                take(review.stdout.readline().strip(), answers)
            finally:
                review.terminate()


def comment_of(row: dict) -> str:
    return json.loads(row["completion"])["comments"][row["item"]]["comment"]


def take(address: str, answers: dict[tuple[str, str], bool]) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 786}, color_scheme="light")
        page.goto(address)
        for at in range(UNITS):
            expect(page.locator("#place")).to_contain_text(f"unit {at + 1} of")
            contract = page.locator("#documents .text").first.text_content()
            comment = page.locator("#candidate dd").first.text_content()
            page.keyboard.press("y" if answers[contract, comment] else "n")
            expect(page.locator("#told")).to_contain_text("kept")
            if at + 1 < UNITS:
                page.keyboard.press("Enter")
        page.screenshot(path=HERE / "review.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
