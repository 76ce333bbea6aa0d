"""What is asked about labelled pairs: every pair in both orders, and some of them again.

An answer is kept as P(a), the share that side a wins, whichever of the two was shown first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dikast.certify.duels.labels import LabelledPair, PairLabels, Side
from dikast.certify.labels import Split, Vote, consensus
from dikast.certify.questions import ASKED_AGAIN, Progress, place_in_draw
from dikast.checks.building import build_checks
from dikast.errors import DataError
from dikast.judges.render import Case
from dikast.records import Missing, Rollout, Verdict
from dikast.reward.binding import bind, case_of
from dikast.reward.compare import Comparison
from dikast.reward.engine import run_checks
from dikast.reward.worth import turned
from dikast.spec.reward import RewardSpec
from dikast.tasks import side_by_side

SIDES: tuple[Side, Side] = ("a", "b")
"""Which side is shown first, in the two orders."""
REPEAT = "repeat-"

Answers = dict[tuple[str, str], Verdict | Missing]
"""(key of the pair, name of the question) → P(a)."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two candidates, ready to be put before the judge."""

    key: str
    group: str
    tuning: bool
    rollouts: Mapping[Side, Rollout]
    cases: Mapping[Side, Case]
    votes: Mapping[str, Vote]
    """annotator → whether a is the better one; "n/a" for a tie."""
    truth: Vote | None
    """Whether people prefer a; "n/a" for a tie, None where they do not agree."""
    gate: str | None = None
    """The gate of the reward that stops one of them: it takes part in no duel, and the pair is not asked."""

    @property
    def a_is_better(self) -> bool | None:
        """What people say, where they prefer one."""
        return self.truth if isinstance(self.truth, bool) else None

    @property
    def asked(self) -> bool:
        """Whether it is put before the judge: somebody compared it, and it comes that far."""
        return self.gate is None and bool(self.votes)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One pair in one order."""

    pair: str
    name: str
    documents: tuple[tuple[str, str], ...]
    texts: Mapping[Side, str]
    first: Side
    repeat: int = 0

    @property
    def asks(self) -> tuple[object, ...]:
        """What is equal where the judge would be asked the same."""
        return self.documents, self.texts["a"], self.texts["b"], self.first


def pairs_of(spec: RewardSpec, labels: PairLabels, split: Split) -> list[Pair]:
    """Binds every row to the reward, groups together. Raises `DataError` with file and line where that fails."""
    tuning = set(split.tuning)
    checks = build_checks(spec)
    order = {group: at for at, group in enumerate(dict.fromkeys(row.group for row in labels.rows))}
    pairs: list[Pair] = []
    for row in sorted(labels.rows, key=lambda row: order[row.group]):
        where = f"{labels.path}:{row.line}"
        try:
            rollouts = sides_of(spec, row)
            bound = {side: bind(spec, rollouts[side]) for side in SIDES}
        except DataError as error:
            raise DataError(f"{where}: {error}") from None
        cases: dict[Side, Case] = {side: case_of(bound[side], None) for side in SIDES}
        if cases["a"].candidate.strip() == cases["b"].candidate.strip():
            raise DataError(f"{where}: 'a' and 'b' look the same to the judge, which sees what judge.show names")
        gates = [gate for side in SIDES if (gate := run_checks(checks, bound[side])[1])]
        pairs.append(
            Pair(
                key=row.id,
                group=row.group,
                tuning=row.group in tuning,
                rollouts=rollouts,
                cases=cases,
                votes=row.votes,
                truth=consensus(row.votes),
                gate=gates[0].name if gates else None,
            )
        )
    return pairs


def sides_of(spec: RewardSpec, row: LabelledPair) -> dict[Side, Rollout]:
    """Both sides. Where completions meet the reference and the row has none, the other side stands for it."""
    rollouts: dict[Side, Rollout] = {"a": row.a, "b": row.b}
    if spec.file.judge.compare != "reference" or "reference" in spec.file.inputs.values():
        return rollouts
    others = {"a": row.b.completion, "b": row.a.completion}
    return {
        side: one if one.reference is not None else msgspec.structs.replace(one, reference=others[side])
        for side, one in rollouts.items()
    }


def drawn(prefer: str, pairs: Sequence[Pair]) -> list[Pair]:
    """Gives the untouched pairs that are asked, in an order that depends on the question and the pair alone."""
    return sorted(
        (pair for pair in pairs if pair.asked and not pair.tuning), key=lambda pair: place_in_draw(prefer, pair.key)
    )


def seats_of(pair: Pair, *, swap: bool) -> tuple[Side, ...]:
    """Which side is shown first where it trains: each in turn, or one by the pair's own lot."""
    if swap:
        return SIDES
    return (SIDES[place_in_draw("seat", pair.key)[0] % 2],)


def name_of(first: Side, repeat: int = 0) -> str:
    """Under which an order's answer is kept."""
    return f"{REPEAT}{repeat}_{first}_first" if repeat else f"{first}_first"


def questions_of(pairs: Sequence[Pair], *, prefer: str, repeats: int) -> list[Question]:
    """Every pair in both orders, a group after the other; of some the same again, until it is asked `repeats` times."""
    again = {pair.key for pair in drawn(prefer, pairs)[:ASKED_AGAIN]}
    return [
        Question(
            pair=pair.key,
            name=name_of(first, repeat),
            documents=pair.cases["a"].documents,
            texts={side: pair.cases[side].candidate for side in SIDES},
            first=first,
            repeat=repeat,
        )
        for pair in pairs
        if pair.asked
        for repeat in range(repeats if pair.key in again else 1)
        for first in SIDES
    ]


async def ask_duels(questions: Sequence[Question], judge: Comparison, progress: Progress | None) -> Answers:
    """Puts all questions, as many at a time as the models take. A failed one is a `Missing` among the answers."""
    answers: Answers = {}
    waiting = iter(questions)
    done = 0

    async def work() -> None:
        nonlocal done
        for question in waiting:
            texts = [question.texts[side] for side in (SIDES if question.first == "a" else SIDES[::-1])]
            said, _ = await judge.pair(question.documents, texts[0], texts[1], repeat=question.repeat)
            answers[question.pair, question.name] = said if question.first == "a" else turned(said)
            done += 1
            if progress:
                progress(done, len(questions))

    await side_by_side(work() for _ in range(max(1, judge.capabilities.concurrency)))
    return answers
