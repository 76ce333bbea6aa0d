"""A reward as TRL's trainers call it: one callable, one total for each rollout.

    trainer = GRPOTrainer(reward_funcs=TrlReward.load("reward.yaml", certificate="certificate.json"), ...)

GRPO, RLOO and AsyncGRPO, and what is built on them. The total is made here, not by the trainer's weights: TRL masks
a rollout only where every reward function says None, so a missing judgment beside a valid format reward would count
as zero. Parts and reasons go to the trainer's logs, where it has a place for them.

`SyncTrlReward` is for trainers that cannot await: TRL before 1.14, and those that call a function and take its list.
TRL before 1.6 makes zero of None, so what is missing has its group's mean there.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from dikast.adapters.base import AnyReward
from dikast.adapters.missing import LOG, WARN_SHARE, Coverage, require_in_range, rewards_of
from dikast.adapters.opening import RewardSettings, require_deadline
from dikast.adapters.told import metrics_of, reasons_of, values_of
from dikast.adapters.turns import messages_of, text_of
from dikast.errors import ConfigError
from dikast.journal import LoggedScore
from dikast.records import Rollout, Score, Usage
from dikast.reward.blocking import run_blocking
from dikast.reward.reward import Reward
from dikast.rollouts import group_of
from dikast.spec.run import Constant, OnMissing

DEADLINE = 480.0
"""Seconds for a batch. The other ranks wait for it, and NCCL gives a rank up after 600."""
MASKS_NONE = (1, 6)
"""The first TRL that leaves a rollout out whose reward is None; an earlier one makes it zero."""
AWAITS_OBJECTS = (1, 14)
"""The first TRL that awaits a callable object; an earlier one takes its coroutine for the rewards."""

_ROOM_OF_A_RANK = 1_000_000
"""Places in a step's log that each rank has for itself."""
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


class _BatchReward:
    """What both forms share: all but the waiting."""

    __name__ = "dikast"

    def __init__(
        self,
        reward: AnyReward,
        *,
        on_missing: OnMissing | Constant = "native",
        deadline: float | None = DEADLINE,
        phase: str = "rl",
        note: Callable[[StepCost], None] | None = None,
        warn: Callable[[str], None] = LOG.warning,
    ) -> None:
        """Takes an open reward. What is not judged after `deadline` seconds of a call is missing as `expired`."""
        require_in_range(on_missing, reward.about.range)
        if deadline is not None:
            require_deadline(deadline, where="TRL")
        self.reward = reward
        self.on_missing: OnMissing | Constant = _as_trl_has_it(on_missing)
        self.deadline = deadline
        self.phase = phase
        self.note = note
        self.warn = warn
        self.coverage = Coverage()
        self._files: RewardSettings | None = None
        self._step = -1
        self._of_step = 0

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        certificate: str | Path | None = None,
        journal: str | Path | None = None,
        **options: Any,
    ) -> Self:
        """Opens a reward's files, or asks for it at an address; `options` are those of the class. What is made so can be pickled."""
        files = RewardSettings(
            reward=str(path),
            certificate=None if certificate is None else str(certificate),
            journal=None if journal is None else str(journal),
        )
        made = cls(files.open(), **options)
        made._files = files
        return made

    def __getstate__(self) -> dict[str, Any]:
        if self._files is None and isinstance(self.reward, Reward):
            raise TypeError(
                f"{type(self).__name__} of an open reward cannot be sent to another process; make it with "
                f"{type(self).__name__}.load('reward.yaml', ...), or of a RemoteReward"
            )
        return self.__dict__ | ({} if self._files is None else {"reward": None})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._files is not None:
            self.reward = self._files.open()

    async def _score(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        log_extra: Callable[[str, list[Any]], None] | None,
        log_metric: Callable[[str, float], None] | None,
        columns: dict[str, Any],
    ) -> list[float | None]:
        rollouts = self._begun(prompts, completions, columns)
        started = time.monotonic()
        scores = await self.reward.ascore(rollouts, deadline=self.deadline)
        return self._done(rollouts, scores, time.monotonic() - started, log_extra, log_metric)

    def _begun(self, prompts: Sequence[Any], completions: Sequence[Any], columns: dict[str, Any]) -> list[Rollout]:
        # AsyncGRPO has no step to tell: there a call is one.
        state = columns.pop("trainer_state", None)
        step = self._step + 1 if state is None else state.global_step
        # A trainer may call several times in a step, for parts of a batch or to evaluate.
        self._of_step = self._of_step if step == self._step else int(os.environ.get("RANK", "0")) * _ROOM_OF_A_RANK
        self._step = step
        rollouts = rollouts_of(prompts, completions, columns, step, first=self._of_step)
        self._of_step += len(rollouts)
        return rollouts

    def _done(
        self,
        rollouts: Sequence[Rollout],
        scores: Sequence[Score],
        seconds: float,
        log_extra: Callable[[str, list[Any]], None] | None,
        log_metric: Callable[[str, float], None] | None,
    ) -> list[float | None]:
        self._keep(rollouts, scores)
        if log_metric:
            for name, value in metrics_of(scores).items():
                log_metric(name, value)
        if log_extra:
            log_extra("score_status", [score.status for score in scores])
            log_extra("score_parts", [values_of(score) for score in scores])
            log_extra("score_reasons", [reasons_of(score) for score in scores])
        if self.note:
            self.note(_cost(self._step, seconds, rollouts, scores))
        share = self.coverage.add(scores)
        if share >= WARN_SHARE:
            self.warn(f"step {self._step}: {share:.1%} of the latest scores are missing")
        return rewards_of(scores, self.on_missing, self.reward.about.range)

    def _keep(self, rollouts: Sequence[Rollout], scores: Sequence[Score]) -> None:
        first = self._of_step - len(rollouts)
        entries = [
            LoggedScore(
                step=self._step,
                position=position,
                rollout=msgspec.json.encode(rollout),
                score=msgspec.json.encode(score),
            )
            for position, (rollout, score) in enumerate(zip(rollouts, scores, strict=True), start=first)
        ]
        about = self.reward.about
        self.reward.journal.log_scores(
            entries, reward=about.hash, certificate=about.certificate_hash or "", phase=self.phase
        )


class TrlReward(_BatchReward):
    """Scores the trainer's batch. Equal completions of a prompt are judged once."""

    def __init__(self, reward: AnyReward, **options: Any) -> None:
        if (have := _trl_version()) and have < AWAITS_OBJECTS:
            raise ConfigError(f"TRL {have[0]}.{have[1]} does not await an object; use SyncTrlReward, or TRL 1.14")
        super().__init__(reward, **options)

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Gives one number for each completion, or None where its score is missing."""
        return await self._score(prompts, completions, log_extra, log_metric, columns)


class SyncTrlReward(_BatchReward):
    """`TrlReward` for trainers that call and take what comes back."""

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Gives one number for each completion, or None where its score is missing."""
        return run_blocking(self._score(prompts, completions, log_extra, log_metric, columns))


def rollouts_of(
    prompts: Sequence[Any], completions: Sequence[Any], columns: dict[str, Any], step: int, *, first: int = 0
) -> list[Rollout]:
    """Makes rollouts of what the trainer passes: texts or chat turns, and every other column as a list."""
    known = {name: values for name, values in columns.items() if name not in _NOT_COLUMNS}
    rollouts: list[Rollout] = []
    for at, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        bound = prompt if isinstance(prompt, str) else messages_of(prompt)
        row = {name: values[at] for name, values in known.items()}
        reference = row.pop("reference", None)
        row.pop("id", None)
        rollouts.append(
            Rollout(
                id=f"step-{step}-{first + at}",
                group=str(row.pop("group", None) or group_of(bound)),
                prompt=bound,
                completion=_text_of(completion),
                reference=reference,
                columns=row,
            )
        )
    return rollouts


def _as_trl_has_it(on_missing: OnMissing | Constant) -> OnMissing | Constant:
    have = _trl_version()
    if have is None or have >= MASKS_NONE or on_missing not in ("native", "drop"):
        return on_missing
    if on_missing == "drop":
        raise ConfigError(f"on_missing: drop: TRL {have[0]}.{have[1]} makes 0 of what is dropped; use group_mean")
    return "group_mean"


def _trl_version() -> tuple[int, int] | None:
    """The installed TRL's; None where there is none, as where only its interface is used."""
    try:
        found = re.match(r"(\d+)\.(\d+)", importlib.metadata.version("trl"))
    except importlib.metadata.PackageNotFoundError:
        return None
    return (int(found[1]), int(found[2])) if found else None


def _text_of(completion: Any) -> str:
    if isinstance(completion, str):
        return completion
    return "".join(text_of(turn.get("content")) for turn in completion if turn.get("role") == "assistant")


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
