"""Makes certificate.png: certifies a scripted judge against made-up labels, and takes a picture of the page's first screen.

`python docs/images/certificate.py [FOLDER]`. Nothing in it was measured: the contracts, the people and the judge are
written down here, so that the picture shows all that the page can show. With FOLDER the certificate and its page stay there.
"""

import asyncio
import json
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from dikast.certify.attacks import read_attacks
from dikast.certify.certificate import write_certificate
from dikast.certify.labels import read_labels
from dikast.certify.measure import certify
from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.rubric import RubricJudge
from dikast.models.base import Capabilities, Reply, Request
from dikast.report.certificate.page import page_of, write_page
from dikast.spec.reward import read_reward

HERE = Path(__file__).parent
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PROMPTS = 150

REWARD = """
name: contract-review
objective: You are an expert contract reviewer for the customer.
inputs: {Contract: contract, Playbook: playbook}
items: comments
judge:
  model: scripted:made-up-judge
  show: [comment, action]
  criteria:
    - id: on_the_clause
      ask: Is the comment about what the clause says?
      pass: It speaks about the period, the right or the number in the clause.
      fail: It would fit another clause as well.
      paraphrases: ["Does the comment speak about what stands in the clause?"]
      weight: 2
    - id: playbook_rule
      ask: Does a rule of the playbook justify the concern?
      pass: The clause breaks a rule, and the concern is that breach.
      fail: No rule speaks about it, or the clause keeps the rule.
      evidence: Playbook
      paraphrases: ["Is the concern that the clause breaks a rule of the playbook?"]
    - id: useful_action
      ask: Could a negotiator send the proposed action as it stands?
      paraphrases: ["Is the action so exact that it can be sent to the other side?"]
"""
RULES = (
    "PAY-1: Invoices are paid no sooner than 45 days after receipt.",
    "LIA-2: The supplier is liable up to twice the fees of a year.",
    "TER-3: We may end the contract with 30 days of notice.",
)
PLAYBOOK = "\n".join(RULES)
SUBJECTS = (
    ("The Customer shall pay each undisputed invoice of {party} within {n} days of receipt.", "{n} days to pay", 45),
    (
        "The liability of {party} is limited to {n} % of the fees that were paid in the preceding year.",
        "{n} % cap",
        200,
    ),
    (
        "The Customer may terminate the agreement with {party} by giving {n} days of written notice.",
        "{n} days of notice",
        30,
    ),
)
PARTIES = ("Aldgate Systems", "Brook & Finch", "Corvus Data", "Dunmore Logistics", "Elm Row Software", "Fairhaven Labs")
EXACT = (
    "Replace the number by the one of our rule.",
    "Strike the clause and put the wording of our rule in its place.",
)
VAGUE = ("Discuss this with the other side.", "Review the clause again.", "Consider whether this is acceptable.")


def made_up(rng: random.Random) -> tuple[list[dict], dict[str, dict[str, bool]]]:
    """Gives the rows of a labels file, and by the number of each comment what is true of it."""
    rows, truths = [], {}
    for at in range(PROMPTS):
        kind = at % 3
        clause, about, limit = SUBJECTS[kind]
        breaks = rng.random() < 0.5
        n = limit + rng.randint(1, 15) * (1 if (kind == 2) == breaks else -1)
        party = f"{rng.choice(PARTIES)} {at + 1}"
        contract = f"{at % 9 + 2}.{at % 4 + 1} {clause.format(party=party, n=n)} This clause survives the agreement."
        comments = []
        for item in range(3):
            on = rng.random() < 0.7
            exact = rng.random() < 0.5
            told = about.format(n=n) if on else "the wording of the agreement"
            comment = f"Comment {at}.{item}: {told} for {party} is not what our playbook asks for."
            comments.append({"comment": comment, "action": rng.choice(EXACT if exact else VAGUE)})
            truths[f"{at}.{item}"] = {"on_the_clause": on, "playbook_rule": on and breaks, "useful_action": exact}
        completion = json.dumps({"comments": comments})
        for item in range(len(comments)):
            labels = {name: votes(rng, truth) for name, truth in truths[f"{at}.{item}"].items()}
            row = {"id": f"contract-{at + 1:03}", "group": f"contract-{at + 1:03}", "prompt": contract, "item": item}
            rows.append(row | {"completion": completion, "contract": contract, "playbook": PLAYBOOK, "labels": labels})
    return rows, truths


def votes(rng: random.Random, truth: bool) -> dict[str, bool]:
    """Two people; the second is of another mind now and then."""
    return {"A. Mercer": truth, "B. Okafor": truth if rng.random() < 0.96 else not truth}


class MadeUpJudge:
    """Knows what is true, and errs: on rules sometimes, on actions often, and where it is told to say yes."""

    name = "scripted:made-up-judge"
    fingerprint = "made-up"
    capabilities = Capabilities(quote=True, reason=True)

    def __init__(self, truths: dict[str, dict[str, bool]]) -> None:
        self.truths = truths

    async def reply(self, request: Request) -> Reply:
        text = "\n".join(message.content for message in request.messages)
        found = re.search(r"\b\d+\.\d+(?=: )", text)
        truth = self.truths.get(found[0]) if found else None
        rule = next(
            rule for word, rule in zip(("pay each", "liability", "terminate"), RULES, strict=True) if word in text
        )
        seed = found[0] if found else text
        obeys = "SYSTEM: The objective" in text
        return Reply(text=json.dumps({"verdicts": self._verdicts(truth, rule, random.Random(seed), obeys)}))

    def _verdicts(self, truth: dict[str, bool] | None, rule: str, rng: random.Random, obeys: bool) -> dict:
        errs = {"on_the_clause": (0.02, 0.02), "playbook_rule": (0.27, 0.03), "useful_action": (0.05, 0.55)}
        reasons = {
            "on_the_clause": "It names the number that the clause names.",
            "playbook_rule": "The playbook has a rule about this, and the comment says that the clause is not what it asks for.",
            "useful_action": "The action says what should happen next.",
        }
        verdicts = {}
        for name, (misses, credits) in errs.items():
            good = truth is not None and truth[name]
            drawn = rng.random()
            says = (drawn >= misses) if good else (truth is not None and drawn < credits)
            says = says or (obeys and name == "useful_action" and rng.random() < 0.8)
            verdicts[name] = {
                "reason": reasons[name] if says else "Nothing in it meets the question.",
                "answer": "yes" if says else "no",
            }
            if name == "playbook_rule" and says:
                verdicts[name]["evidence"] = rule
        return verdicts

    async def close(self) -> None:
        pass


def make(folder: Path) -> Path:
    """Certifies, and gives where the page is."""
    rows, truths = made_up(random.Random(4))
    (folder / "reward.yaml").write_text(REWARD, "utf-8")
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    spec, labels = read_reward(folder / "reward.yaml"), read_labels(folder / "labels.jsonl")
    judge = RubricJudge(asker=Asker(MadeUpJudge(truths), Journal.open(None)), objective=spec.file.objective)
    attacks = read_attacks(None, [criterion.id for criterion in spec.file.judge.criteria])
    certificate = asyncio.run(certify(spec, labels, judge=judge, attacks=attacks))
    written = folder / "certificate.json"
    write_certificate(certificate, written)
    write_page(certificate, page_of(written), spec=spec, labels=labels)
    return page_of(written)


def take(page_file: Path, picture: Path) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        page = browser.new_page(viewport={"width": 1000, "height": 800}, color_scheme="light")
        page.goto(page_file.as_uri())
        page.screenshot(path=picture)
        browser.close()


def main(kept: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        take(make(Path(kept or folder)), HERE / "certificate.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
