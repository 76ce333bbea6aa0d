"""Chooses held-out documents to look at: where the trained arm gained most, where it lost most, and two at random.

Random is by hash, so a report made again shows the same ones, and nobody chose them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from dikast.checks.parsing import items_of, parse_completion
from dikast.evaluate.records import Answer, Document, Evaluation
from dikast.evaluate.summary import pairs_of
from dikast.records import Part

OF_A_KIND = 2
MOST_CHARACTERS = 4000
"""Shown of one text; a policy that broke may write without end."""
MOST_ITEMS = 20


class ShownAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One arm's answer."""

    arm: str
    answer: Answer
    items: tuple[tuple[tuple[str, str], ...], ...] | None
    """The fields of each item; None where the answer is shown as raw text."""
    raw: str
    parts: tuple[Part, ...]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One document with all arms' answers."""

    kind: str
    document: Document
    answers: tuple[ShownAnswer, ...]


def samples_of(evaluation: Evaluation) -> list[Sample]:
    """Gives up to six documents; of one seed where several were pooled."""
    seed = evaluation.about.seeds[0]
    greedy = [answer for answer in evaluation.answers if answer.sample is None and answer.seed == seed]
    by_document: dict[str, dict[str, Answer]] = {}
    for answer in greedy:
        by_document.setdefault(answer.document, {})[answer.arm] = answer
    documents = {document.document: document for document in evaluation.documents}
    return [
        Sample(
            kind=kind,
            document=documents[name],
            answers=tuple(_shown(answer, evaluation.about.items) for answer in by_document[name].values()),
        )
        for kind, name in _chosen(by_document, list(evaluation.arms), evaluation.about.reward_hash)
        if name in documents
    ]


def _chosen(by_document: dict[str, dict[str, Answer]], arms: Sequence[str], reward_hash: str) -> list[tuple[str, str]]:
    pairs = pairs_of(arms)
    gains: dict[str, float] = {}
    if pairs:
        a, b = pairs[0]
        for name, answers in by_document.items():
            ours, theirs = (answers[arm].score.score if arm in answers else None for arm in (a, b))
            if ours is not None and theirs is not None:
                gains[name] = ours - theirs
    order = sorted(gains, key=lambda name: (-gains[name], name))
    best = [name for name in order if gains[name] > 0][:OF_A_KIND]
    worst = [name for name in reversed(order) if gains[name] < 0][:OF_A_KIND]
    rest = [name for name in by_document if name not in {*best, *worst}]
    rest.sort(key=lambda name: hashlib.sha256(f"{reward_hash}\x00{name}".encode("utf-8", "replace")).digest())
    kinds = [("biggest gain", best), ("biggest loss", worst), ("random", rest[:OF_A_KIND])]
    return [(kind, name) for kind, names in kinds for name in names]


def _shown(answer: Answer, items_key: str | None) -> ShownAnswer:
    items = items_of(parse_completion(answer.completion), items_key)
    return ShownAnswer(
        arm=answer.arm,
        answer=answer,
        items=None if items is None else tuple(_fields(item) for item in items[:MOST_ITEMS]),
        raw=cut(answer.completion),
        parts=answer.score.parts,
    )


def _fields(item: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(item, dict):
        return (("", cut(_plain(item))),)
    return tuple((str(name), cut(_plain(value))) for name, value in item.items())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cut(text: str) -> str:
    """Cuts a text that is too long to show, and says by how much."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]} … ({len(text) - MOST_CHARACTERS} more characters)"
