"""Makes a certificate of 10,000 candidates and ten criteria from verdicts that are there already.

    python bench/certify.py [candidates]

Every candidate has outcomes of production. Five shapes: verdicts from a file with eight candidates a prompt; the same with three
annotators, with all candidates in twenty prompts, and with as many rollouts again that nobody labelled; and a second run, whose
answers all stand in the journal, a question each. The attacks are made as ever; where verdicts were recorded there are none on them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from measuring import costs, in_child, show

from dikast.models.base import Capabilities, Reply, Request

CRITERIA = 10
REWARD = """
name: bench
objective: Judge the answer.
inputs: {{Document: document}}
judge:
  model: {model}
  criteria:
{criteria}
outcomes:
  accepted: {{at_least: 0.5}}
  minutes: {{at_most: 20}}
"""
SHAPES = (
    ("recorded, 8 candidates a prompt", "file", 8, 1),
    ("recorded, 8 a prompt, 3 annotators", "file", 8, 3),
    ("recorded, 20 prompts", "file", None, 1),
    ("recorded, 8 a prompt, rollouts", "rollouts", 8, 1),
    ("from the journal, 8 a prompt", "journal", 8, 1),
)


class InstantJudge:
    """Says at once what a number drawn from the question says."""

    name = "bench:instant"
    fingerprint = "bench"
    capabilities = Capabilities(logprobs=True, concurrency=64)

    async def reply(self, request: Request) -> Reply:
        p = random.Random(request.messages[-1].content).uniform(0.01, 0.99)
        return Reply(text="Yes", first_token=(("Yes", math.log(p)), ("No", math.log(1 - p))))

    async def close(self) -> None:
        return None


def main() -> None:
    """Writes each shape and measures it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("candidates", type=int, nargs="?", default=10_000)
    options.add_argument("--one", choices=("file", "rollouts", "journal"))
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    if given.one:
        work = ONE[given.one]
        print(json.dumps(costs(lambda: work(given.folder))))
        return
    rows = []
    for name, kind, group, annotators in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), kind, given.candidates, group=group or given.candidates // 20, annotators=annotators)
            if kind == "journal":
                in_child(Path(__file__), "--one", kind, "--folder", folder)
            found = in_child(Path(__file__), "--one", kind, "--folder", folder)
        rows.append(
            {
                "shape": name,
                "candidates": given.candidates,
                "s": found["wall"],
                "CPU s": found["cpu_ms"] * found["units"] / 1000,
                "peak MB": found["peak_mb"],
            }
        )
    show(f"a certificate from verdicts that are there, {CRITERIA} criteria", rows, list(rows[0]))


def from_file(folder: Path) -> int:
    """Runs `dikast certify` over recorded verdicts; what it prints goes nowhere."""
    from dikast.cli.main import run

    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        rollouts = folder / "rollouts.jsonl"
        beside = ("--rollouts", str(rollouts)) if rollouts.exists() else ()
        code = run(["certify", str(folder / "reward.yaml"), str(folder / "labels.jsonl"), *beside])
    if code not in (0, 1):
        raise RuntimeError(f"dikast certify left with {code}")
    return _lines(folder)


def from_journal(folder: Path) -> int:
    """Certifies with a judge that answers at once; the second time the journal does."""
    import asyncio

    from dikast.certify.attacks import read_attacks
    from dikast.certify.files import write_whole
    from dikast.certify.labels import read_labels
    from dikast.certify.measure import certify
    from dikast.journal import Journal
    from dikast.reward.assembly import Judges
    from dikast.spec.reward import read_reward

    spec = read_reward(folder / "reward.yaml")
    journal = Journal.open(folder / "journal.db")
    attacks = read_attacks(None, [criterion.id for criterion in spec.file.judge.criteria])
    judge = Judges(spec, [InstantJudge()], journal).rubric()
    certificate = asyncio.run(certify(spec, read_labels(folder / "labels.jsonl"), judge=judge, attacks=attacks))
    journal.close()
    write_whole(certificate, folder / "certificate.json")
    return _lines(folder)


ONE: dict[str, Callable[[Path], int]] = {"file": from_file, "rollouts": from_file, "journal": from_journal}


def _lines(folder: Path) -> int:
    with (folder / "labels.jsonl").open("rb") as lines:
        return sum(1 for _ in lines)


def write(folder: Path, kind: str, candidates: int, *, group: int, annotators: int) -> None:
    """Writes a reward, labels, and verdicts that are right nine times in ten."""
    draw = random.Random(1)
    names = [f"criterion_{at}" for at in range(CRITERIA)]
    model = "recorded:verdicts.jsonl" if kind != "journal" else InstantJudge.name
    questions = "\n".join(
        f'    - {{id: {name}, ask: "Is {name} met?", paraphrases: ["Does it meet {name}?"]}}' for name in names
    )
    (folder / "reward.yaml").write_text(REWARD.format(model=model, criteria=questions))
    with (folder / "labels.jsonl").open("w") as labels, (folder / "verdicts.jsonl").open("w") as verdicts:
        for at in range(candidates):
            truth = {name: draw.random() < 0.6 for name in names}
            row = {
                "id": f"r{at}",
                "group": f"g{at // group}",
                "prompt": f"prompt {at // group}",
                "completion": f"Answer {at}: the goods come within ten days of the order, and the price is fixed.",
                "document": f"Contract {at // group}. The Supplier shall deliver the goods within ten days. " * 4,
                "labels": {
                    name: {f"person-{p}": true != (draw.random() < 0.05 * (annotators > 1)) for p in range(annotators)}
                    for name, true in truth.items()
                },
                "outcomes": {"accepted": truth[names[0]], "minutes": draw.expovariate(0.05)},
            }
            said = {
                name: round(draw.betavariate(5, 1.5) if true != (draw.random() < 0.1) else draw.betavariate(1.5, 5), 6)
                for name, true in truth.items()
            }
            labels.write(json.dumps(row) + "\n")
            verdicts.write(json.dumps({"id": row["id"], "verdicts": said}) + "\n")
    if kind == "rollouts":
        _write_rollouts(folder, candidates, group)


def _write_rollouts(folder: Path, candidates: int, group: int) -> None:
    """Rollouts of further prompts, which people did not see."""
    draw = random.Random(2)
    with (folder / "rollouts.jsonl").open("w") as rollouts, (folder / "verdicts.jsonl").open("a") as verdicts:
        for at in range(candidates, 2 * candidates):
            row = {
                "id": f"r{at}",
                "group": f"g{at // group}",
                "prompt": f"prompt {at // group}",
                "completion": f"Answer {at}: the goods come within ten days of the order, and the price is fixed.",
                "document": f"Contract {at // group}. The Supplier shall deliver the goods within ten days. " * 4,
            }
            said = {f"criterion_{number}": round(draw.random(), 6) for number in range(CRITERIA)}
            rollouts.write(json.dumps(row) + "\n")
            verdicts.write(json.dumps({"id": row["id"], "verdicts": said}) + "\n")


if __name__ == "__main__":
    main()
