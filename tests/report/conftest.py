"""A run's folder with made-up but realistic values: what the report is made of."""

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import pytest

from dikast.certify.certificate import (
    Certificate,
    ChosenReading,
    Consistency,
    CriterionCertificate,
    ModelIdentity,
)
from dikast.certify.files import write_whole
from dikast.certify.labels import Split
from dikast.evaluate.records import About, Answer, Document, Evaluation, Judge, Value
from dikast.evaluate.store import evaluation_of, save
from dikast.evaluate.values import judged_values
from dikast.records import Part, Score
from dikast.stats.intervals import Interval, unknown

SKILL = {"base": 0.02, "sft_start": 0.45, "sft_long": 0.55, "rft": 0.7}
DOCUMENTS, JUDGED, SAMPLED, BEST_OF = 60, 24, 12, 4

CLAUSE = (
    "{n}. The Customer shall pay each undisputed invoice within {d} days of receipt. Should payment be late, the "
    "Supplier may charge interest at {r} % for every month begun, and may suspend the Services without further notice."
)
PLAYBOOK = (
    "PAY-1: Payment terms are at least 45 days from receipt of a correct invoice.\n"
    "PAY-2: Interest on late payment is at most 8 % a year.\n"
    "PAY-3: Suspension of services needs a written notice of 30 days."
)

Change = Callable[[list[Answer]], list[Answer]]


def review(rng: random.Random, days: int) -> str:
    """A completion as a policy that learnt the form writes it."""
    comment = {
        "rule": rng.choice(["PAY-1", "PAY-2", "PAY-3"]),
        "text_excerpt": f"within {days} days of receipt",
        "comment": "The period is shorter than the 45 days of our rule, so invoices may be late before we can check them.",
        "type": "risk",
        "action": "Replace it with 45 days from receipt of a correct invoice.",
    }
    return json.dumps({"comments": [comment]})


def answer(rng: random.Random, arm: str, document: int, sample: int | None, seed: int) -> Answer:
    valid = rng.random() < (0.3 if arm == "base" else 0.97)
    quality = min(1.0, max(0.0, rng.gauss(SKILL[arm], 0.18)))
    gate = Part(
        name="json",
        kind="check",
        value=float(valid),
        weight=0,
        gate=True,
        reason=None if valid else "Expecting ',' delimiter",
    )
    if not valid:
        score = Score(
            id="d",
            group=f"d{document}",
            score=0.0,
            status="gated",
            detail="json: Expecting ',' delimiter",
            parts=(gate,),
        )
        text = 'The clause "within 14 days" is fine. {"comments": ['
    else:
        parts = (
            gate,
            Part(name="quote", kind="check", value=1.0, weight=0, gate=True),
            Part(name="length", kind="check", value=1.0, weight=0.1),
            Part(name="on_the_excerpt", kind="criterion", value=min(1.0, quality + 0.1), weight=2, item=0),
            Part(name="playbook_rule", kind="criterion", value=max(0.0, quality - 0.1), weight=1, item=0),
        )
        score = Score(id="d", group=f"d{document}", score=round(quality, 4), status="scored", parts=parts)
        text = review(rng, 14 + document)
    return Answer(
        seed=seed,
        arm=arm,
        document=f"d{document}",
        sample=sample,
        completion=text,
        score=score,
        gold=round(quality * 0.8, 3) if valid else 0.0,
        judge_score=None if sample is not None else 1 + 4 * (quality if valid else 0.0),
    )


def picked(answers: list[Answer]) -> list[Answer]:
    """Marks the best sample of each arm and document, with a judge score."""
    best: dict[tuple[str, str], Answer] = {}
    for one in answers:
        held = best.get((one.arm, one.document))
        if one.sample is not None and (held is None or one.score.score > held.score.score):
            best[one.arm, one.document] = one
    marked = {id(one) for one in best.values()}
    return [
        msgspec.structs.replace(one, picked=True, judge_score=1 + 4 * one.score.score) if id(one) in marked else one
        for one in answers
    ]


@cache
def made_up(seed: int = 0, *, change: Change = list, certificate_hash: str | None = "c" * 64) -> Evaluation:
    """An evaluation of four arms."""
    rng = random.Random(seed)
    answers: list[Answer] = []
    values: list[Value] = []
    for arm in SKILL:
        for document in range(DOCUMENTS):
            one = answer(rng, arm, document, None, seed)
            found = {
                "gold": one.gold,
                "json_validity": float(one.score.status == "scored"),
                "words": float(len(one.completion.split())),
                "items": 1.0 if one.score.status == "scored" else None,
                "odd_characters": 3.0 * rng.random() if arm == "base" else 0.0,
                "repetition": 0.2 * rng.random() if arm == "base" else 0.02 * rng.random(),
            }
            values += [
                Value(seed=seed, arm=arm, metric=metric, document=f"d{document}", value=value)
                for metric, value in found.items()
            ]
            if document < JUDGED:
                answers.append(one)
            if document < SAMPLED:
                answers += [answer(rng, arm, document, sample, seed) for sample in range(BEST_OF)]
    answers = change(picked(answers))
    about = About(
        reward="contract-review",
        reward_hash="ab" * 32,
        certificate_hash=certificate_hash,
        judge=Judge(name="local:qwen2.5-coder-1.5b-instruct-q4", fingerprint="ef" * 32),
        range=(0.0, 1.0),
        items="comments",
        best_of=BEST_OF,
        ask="Does the candidate agree with the known answer in what it finds and what it proposes?",
        seeds=(seed,),
        documents=DOCUMENTS,
        date="2026-11-20",
        made_with={"python": "3.11.2", "dikast": "0.1.0", "trl": "1.16.0"},
    )
    documents = [
        Document(
            document=f"d{at}",
            id=f"payment-w{at:02}-1",
            inputs={"TargetDocument": CLAUSE.format(n=at + 1, d=14 + at, r=1.5), "Reference": PLAYBOOK},
            known='{"rule": "PAY-1", "span": "within 14 days"}',
        )
        for at in range(JUDGED)
    ]
    return evaluation_of(about, [*values, *judged_values(answers, best_of=BEST_OF)], answers, documents)


def certified() -> Certificate:
    def interval(value: float, half: float, n: int) -> Interval:
        return Interval(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), n=n)

    def criterion(
        level: str, factor: float, tpr: float, tnr: float, why: str, **reading: object
    ) -> CriterionCertificate:
        return CriterionCertificate(
            n=124,
            yes=62,
            no=62,
            level=level,
            factor=factor,
            reading=ChosenReading(**reading),
            why=why,
            tpr=interval(tpr, 0.07, 62),
            tnr=interval(tnr, 0.07, 62),
            precision=interval(tpr, 0.07, 62),
            base_rate=0.5,
            j=interval(tpr + tnr - 1, 0.1, 124),
            kappa=interval(tpr + tnr - 1, 0.1, 124),
            ac1=interval(tpr + tnr - 1, 0.1, 124),
            auc=interval((tpr + tnr) / 2, 0.05, 124),
            flip_rate=interval(0.03, 0.03, 200) if level != "insufficient" else unknown(),
            variance=interval(0.01, 0.01, 200),
            within_group=interval(0.9, 0.05, 300),
        )

    return Certificate(
        reward="contract-review",
        reward_hash="ab" * 32,
        model=ModelIdentity(name="local:qwen2.5-coder-1.5b-instruct-q4", fingerprint="ef" * 32),
        level="amber",
        criteria={
            "on_the_excerpt": criterion("green", 1.0, 0.97, 0.95, "reaches every bound", soft=True),
            "playbook_rule": criterion(
                "amber", 0.62, 0.88, 0.85, "TPR 0.88 (from 0.81) is short of 0.90 (from 0.80)", threshold=0.31
            ),
            "useful_action": criterion(
                "red", 0.0, 0.9, 0.3, "gives credit to 0.70 of what deserves none, above 0.20", soft=True
            ),
        },
        annotators=("author-pass-1", "author-pass-2"),
        labels_hash="12" * 32,
        split=Split(by="hash", tuning=("g1",), certificate=("g2", "g3"), hash="34" * 32),
        consistency=Consistency(units=60, variants={}),
        seed=0,
        made_with={"python": "3.11.2"},
        date="2026-11-19",
    )


def rl_row(rng: random.Random, step: int) -> dict[str, float]:
    grown = 0.4 + 0.3 * (1 - 0.8**step)
    return {
        "step": step,
        "reward": grown + rng.gauss(0, 0.03),
        "part/json": 0.95,
        "part/length": 0.99,
        "part/on_the_excerpt": min(1.0, grown + 0.15 + rng.gauss(0, 0.03)),
        "part/playbook_rule": grown - 0.1 + rng.gauss(0, 0.04),
        "share/gated": max(0.0, 0.15 - step * 0.01 + rng.gauss(0, 0.02)),
        "share/missing": 0.0,
        "seconds_step": 92.0,
        "seconds_generation": 31.0,
        "seconds_reward": 26.0,
        "seconds_update": 35.0,
        "rollouts": 16,
        "rollouts_distinct": 13,
        "questions": 40,
        "questions_asked": 31,
        "prompt_tokens": 9300,
        "cached_tokens": 6800,
    }


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[..., tuple[Path, Evaluation]]:
    """Makes a run's folder, as training leaves it."""

    def make(
        seed: int = 0, *, change: Change = list, certificate_hash: str | None = "c" * 64
    ) -> tuple[Path, Evaluation]:
        folder = tmp_path / f"demo-s{seed}"
        evaluation = made_up(seed, change=change, certificate_hash=certificate_hash)
        save(evaluation, folder)
        rng = random.Random(seed)
        (folder / "rl").mkdir()
        rows = [rl_row(rng, step) for step in range(1, 15)]
        (folder / "rl" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "run.json").write_text(json.dumps({"policy": "smollm2-135m-instruct", "seed": seed}))
        (folder / "state.json").write_text(
            json.dumps({"sft": {"seconds": 95.0}, "rl": {"steps": 14, "seconds": 1290.0}})
        )
        if certificate_hash:
            write_whole(certified(), folder / "certificate.json")
        return folder, evaluation

    return make
