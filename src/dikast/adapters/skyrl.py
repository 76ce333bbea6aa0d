"""SkyRL gym: an environment of one turn whose step is judged.

    register(id="dikast", entry_point="dikast.adapters.skyrl:JudgedEnv")

A row of the data has `env_class: dikast`, `reward_spec.ground_truth` (the reference) and the reward's columns, at its
top or under `extra_info`; the settings are the environment's own configuration, `skyrl_gym.dikast`, with `siblings`
beside them: how many others of a prompt are waited for, all but one of its rollouts.

SkyRL has no word for a missing score and steps in threads of one process. So a step whose score is missing waits for
its siblings and gives their mean: its advantage is zero, and under scaling by the standard deviation theirs grow by
√((G−1)/(m−1)), m scored of G. Where none is scored when the deadline comes it raises, which ends the batch.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from dikast.adapters.opening import RewardSettings, read_settings
from dikast.adapters.siblings import ENOUGH_SIBLINGS, MOST_SIBLINGS, Siblings
from dikast.adapters.single import SingleScorer
from dikast.adapters.told import reasons_of, values_of
from dikast.adapters.turns import messages_of, plain
from dikast.errors import ConfigError
from dikast.records import Message, Rollout, Score
from dikast.reward.blocking import run_blocking
from dikast.rollouts import group_of

_NOT_COLUMNS = frozenset({"reward_spec", "extra_info", "max_turns"})
_OPENING = threading.Lock()
"""Environments are made in several threads at once, and siblings must meet in one scorer."""


class JudgedEnv(BaseTextEnv):
    """Ends with the policy's first answer, which is judged."""

    def __init__(self, env_config: Any = None, extras: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._scorer = _scorer_of(plain(env_config or {}))
        self._row = plain(dict(extras or {}))
        self._prompt: tuple[Message, ...] = ()
        self._score: Score | None = None

    def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
        """Remembers the prompt."""
        self._prompt = messages_of(prompt)
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Judges the answer. Raises `ModelError` where neither it nor a sibling has a score."""
        score, until = run_blocking(self._scorer.score(rollout_of(self._row, self._prompt, action)))
        self._score = score
        reward = run_blocking(self._scorer.number(score, until))
        told = {"status": score.status, "parts": values_of(score), "reasons": reasons_of(score)}
        return BaseTextEnvStepOutput(observations=[], reward=reward, done=True, metadata={"dikast": told})

    def get_metrics(self) -> dict[str, Any]:
        """Gives the parts that were had: SkyRL takes means of numbers."""
        if self._score is None:
            return {}
        parts = {
            f"part/{name}": value
            for name, value in self._scorer.single.part_values(self._score).items()
            if value is not None
        }
        missing, gated = self._score.status == "missing", self._score.status == "gated"
        return {"share/missing": float(missing), "share/gated": float(gated), **parts}


def rollout_of(row: Mapping[str, Any], prompt: tuple[Message, ...], completion: str) -> Rollout:
    """Makes a rollout of a row of SkyRL's data and what was said."""
    columns = {name: value for name, value in row.items() if name not in _NOT_COLUMNS}
    columns |= row.get("extra_info") or {}
    truth = (row.get("reward_spec") or {}).get("ground_truth")
    reference = columns.pop("reference", truth)
    group = str(columns.pop("group", None) or group_of(prompt))
    return Rollout(
        id=str(columns.pop("id", group)),
        group=group,
        prompt=prompt,
        completion=completion,
        reference=reference if isinstance(reference, str) else None,
        columns={"ground_truth": truth, **columns},
    )


class _Scorer:
    """Scores rollouts as they come; one whose score is missing waits for its siblings."""

    def __init__(self, settings: RewardSettings, siblings: int) -> None:
        self._waits = settings.on_missing in ("native", "group_mean")
        alone = msgspec.structs.replace(settings, on_missing="native") if self._waits else settings
        self.single = SingleScorer.of(alone, trainer="SkyRL")
        self._siblings = Siblings()
        self._enough = siblings

    async def score(self, rollout: Rollout) -> tuple[Score, float]:
        """Gives the score, and until when its siblings may be waited for."""
        until = asyncio.get_running_loop().time() + self.single.deadline
        score = await self.single.score(rollout)
        self._siblings.note([score])
        return score, until

    async def number(self, score: Score, until: float) -> float:
        """Gives what SkyRL gets for it. Raises `ModelError` where there is nothing."""
        if score.score is None and self._waits:
            mean = await self._siblings.mean(score.group, enough=self._enough, until=until)
            if mean is not None:
                return mean
        return self.single.number(score)


def _scorer_of(given: Mapping[str, Any]) -> _Scorer:
    where = "skyrl_gym.dikast"
    settings = read_settings({name: value for name, value in given.items() if name != "siblings"}, where=where)
    if settings.on_missing == "drop":
        raise ConfigError(
            f"{where}: on_missing: drop: SkyRL drops no rollout; use native (its siblings' mean), raise or a constant"
        )
    siblings = given.get("siblings", ENOUGH_SIBLINGS)
    if not (isinstance(siblings, int) and 1 <= siblings <= MOST_SIBLINGS):
        raise ConfigError(f"{where}: siblings must be a number from 1 to {MOST_SIBLINGS}, not {siblings!r}")
    with _OPENING:
        return _scorer(settings, siblings)


@cache
def _scorer(settings: RewardSettings, siblings: int) -> _Scorer:
    return _Scorer(settings, siblings)
