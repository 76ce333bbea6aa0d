"""SkyRL gym: an environment of one turn whose step is judged.

    register(id="dikast", entry_point="dikast.adapters.skyrl:JudgedEnv")

A row of the data has `env_class: dikast`, `reward_spec.ground_truth` (the reference) and the reward's columns, at its
top or under `extra_info`; the settings are the environment's own configuration, `skyrl_gym.dikast`. SkyRL steps in
threads of one process and has no word for a missing score: what is raised ends the batch.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from dikast.adapters.opening import RewardSettings, read_settings
from dikast.adapters.single import SingleScorer
from dikast.adapters.told import reasons_of, values_of
from dikast.adapters.turns import messages_of, plain
from dikast.records import Message, Rollout, Score
from dikast.rollouts import group_of

_NOT_COLUMNS = frozenset({"reward_spec", "extra_info", "max_turns"})


class JudgedEnv(BaseTextEnv):
    """Ends with the policy's first answer, which is judged."""

    def __init__(self, env_config: Any = None, extras: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._scorer = _scorer(read_settings(plain(env_config or {}), where="skyrl_gym.dikast"))
        self._row = plain(dict(extras or {}))
        self._prompt: tuple[Message, ...] = ()
        self._score: Score | None = None

    def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
        """Remembers the prompt."""
        self._prompt = messages_of(prompt)
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Judges the answer. Raises `ModelError` where its score is missing."""
        self._score = score = self._scorer.score_now(rollout_of(self._row, self._prompt, action))
        told = {"status": score.status, "parts": values_of(score), "reasons": reasons_of(score)}
        return BaseTextEnvStepOutput(
            observations=[], reward=self._scorer.number(score), done=True, metadata={"dikast": told}
        )

    def get_metrics(self) -> dict[str, Any]:
        """Gives the parts that were had: SkyRL takes means of numbers."""
        if self._score is None:
            return {}
        parts = {
            f"part/{name}": value for name, value in self._scorer.part_values(self._score).items() if value is not None
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


@cache
def _scorer(settings: RewardSettings) -> SingleScorer:
    return SingleScorer.of(settings, trainer="SkyRL")
