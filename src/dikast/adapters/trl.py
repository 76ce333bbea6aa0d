"""A reward as TRL's GRPO and RLOO trainers call it: one callable, one total for each rollout.

    trainer = GRPOTrainer(reward_funcs=TrlReward(reward), ...)

The total is made here, not by the trainer's weights: TRL masks a rollout only where every reward
function says None, so a missing judgment beside a valid format reward would count as zero. Parts and
reasons go to the trainer's logs.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from dikast.adapters.base import AnyReward
from dikast.adapters.missing import WARN_SHARE, Coverage, require_in_range, rewards_of
from dikast.journal import LoggedScore
from dikast.records import Message, Rollout, Score, Usage
from dikast.rollouts import group_of
from dikast.spec.run import Constant, OnMissing

_NOT_COLUMNS = ("prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric", "environments")


class StepCost(msgspec.Struct, frozen=True, kw_only=True):
    """What scoring one batch cost."""

    step: int
    seconds: float
    rollouts: int
    distinct: int
    gated: int
    missing: int
    usage: Usage


class TrlReward:
    """Scores the trainer's batch. Equal completions of a prompt are judged once."""

    __name__ = "dikast"

    def __init__(
        self,
        reward: AnyReward,
        *,
        on_missing: OnMissing | Constant = "native",
        phase: str = "rl",
        note: Callable[[StepCost], None] | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        require_in_range(on_missing, reward.range)
        self.reward = reward
        self.on_missing: OnMissing | Constant = on_missing
        self.phase = phase
        self.note = note
        self.warn = warn
        self.coverage = Coverage()

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        trainer_state: Any = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Gives one number for each completion, or None where its score is missing."""
        step = getattr(trainer_state, "global_step", 0)
        rollouts = rollouts_of(prompts, completions, columns, step)
        started = time.monotonic()
        scores = await self.reward.ascore(rollouts)
        seconds = time.monotonic() - started
        self._keep(step, rollouts, scores)
        if log_metric:
            for name, value in metrics_of(scores).items():
                log_metric(name, value)
        if log_extra:
            log_extra("score_status", [score.status for score in scores])
            log_extra("score_parts", [reasons_of(score) for score in scores])
        if self.note:
            self.note(_cost(step, seconds, rollouts, scores))
        share = self.coverage.add(scores)
        if share >= WARN_SHARE and self.warn:
            self.warn(f"step {step}: {share:.1%} of the latest scores are missing")
        return rewards_of(scores, self.on_missing, self.reward.range)

    def _keep(self, step: int, rollouts: Sequence[Rollout], scores: Sequence[Score]) -> None:
        entries = [
            LoggedScore(step=step, position=at, rollout=msgspec.json.encode(rollout), score=msgspec.json.encode(score))
            for at, (rollout, score) in enumerate(zip(rollouts, scores, strict=True))
        ]
        self.reward.journal.log_scores(
            entries, reward=self.reward.hash, certificate=self.reward.certificate_hash or "", phase=self.phase
        )


def rollouts_of(
    prompts: Sequence[Any], completions: Sequence[Any], columns: dict[str, Any], step: int
) -> list[Rollout]:
    """Makes rollouts of what the trainer passes: texts or chat turns, and every other column as a list."""
    known = {name: values for name, values in columns.items() if name not in _NOT_COLUMNS}
    rollouts: list[Rollout] = []
    for at, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        bound = prompt if isinstance(prompt, str) else msgspec.convert(list(prompt), tuple[Message, ...])
        row = {name: values[at] for name, values in known.items()}
        reference = row.pop("reference", None)
        row.pop("id", None)
        rollouts.append(
            Rollout(
                id=f"step-{step}-{at}",
                group=str(row.pop("group", None) or group_of(bound)),
                prompt=bound,
                completion=_text_of(completion),
                reference=reference,
                columns=row,
            )
        )
    return rollouts


def metrics_of(scores: Sequence[Score]) -> dict[str, float]:
    """Means over a batch: each part where it was had, and the shares gated and missing."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for score in scores:
        for part in score.parts:
            if part.value is not None:
                values[f"part/{part.name}"].append(part.value)
    means = {name: sum(seen) / len(seen) for name, seen in values.items()}
    means["share/gated"] = sum(score.status == "gated" for score in scores) / max(1, len(scores))
    means["share/missing"] = sum(score.status == "missing" for score in scores) / max(1, len(scores))
    return means


def reasons_of(score: Score) -> str:
    """One line for a log: every part with its value, and what decided where something went wrong."""
    parts = ", ".join(
        f"{part.name}={'n/a' if part.na else part.missing or f'{part.value:.2f}'}" for part in score.parts
    )
    return f"{parts} ({score.detail})" if score.detail else parts


def _text_of(completion: Any) -> str:
    if isinstance(completion, str):
        return completion
    return "".join(str(turn.get("content") or "") for turn in completion if turn.get("role") == "assistant")


def _cost(step: int, seconds: float, rollouts: Sequence[Rollout], scores: Sequence[Score]) -> StepCost:
    usage = Usage()
    for score in scores:
        usage += score.usage
    return StepCost(
        step=step,
        seconds=seconds,
        rollouts=len(rollouts),
        distinct=len({(rollout.group, rollout.completion) for rollout in rollouts}),
        gated=sum(score.status == "gated" for score in scores),
        missing=sum(score.status == "missing" for score in scores),
        usage=usage,
    )
