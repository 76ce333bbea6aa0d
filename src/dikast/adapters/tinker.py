"""tinker-cookbook: groups of environments that are rewarded when all of them are done, by `compute_group_rewards`.

    settings = RewardSettings(reward="/data/reward.yaml", certificate="/data/certificate.json")
    builder = JudgedGroup(settings=settings, prompt=messages, columns={"contract": ...}, renderer=renderer, size=8)

or, for environments of your own, `await judged(settings, prompt, completions, columns=..., trajectories=...)`.

The cookbook has no word for one missing reward, and takes the mean of the group from each: a missing one gets the mean
of the others, so its advantage is zero and theirs are what they were. Where none of a group is there, it is raised:
the cookbook leaves the group out with `rollout_error_tolerance` on, and stops without it.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tinker import ModelInput
from tinker_cookbook.renderers import Renderer, get_text_content
from tinker_cookbook.rl.types import Env, EnvGroupBuilder, StepResult

from dikast.adapters.group import group_scorer
from dikast.adapters.missing import rewards_of
from dikast.adapters.opening import RewardSettings
from dikast.adapters.told import metrics_of, reasons_of, values_of
from dikast.adapters.turns import messages_of
from dikast.errors import ConfigError, ModelError
from dikast.records import Message, Rollout, Score
from dikast.rollouts import group_of

Turns = str | Sequence[dict[str, Any]]


@dataclass
class JudgedEnv(Env):
    """One answer to a prompt. It gives no reward of its own; the group's does."""

    renderer: Renderer
    prompt: list[dict[str, Any]]
    completion: str = ""

    async def initial_observation(self) -> tuple[Any, Any]:
        """The prompt, as the model's template has it."""
        return self.renderer.build_generation_prompt(self.prompt), self.renderer.get_stop_sequences()

    async def step(self, action: list[int], *, extra: Any = None) -> StepResult:
        """Keeps what the policy wrote."""
        message, _ = self.renderer.parse_response(action)
        self.completion = get_text_content(message)
        return StepResult(
            reward=0.0, episode_done=True, next_observation=ModelInput.from_ints([]), next_stop_condition=[]
        )


@dataclass(frozen=True)
class JudgedGroup(EnvGroupBuilder):
    """Several answers to one prompt, rewarded together. It can be sent to another process; the reward is opened there."""

    settings: RewardSettings
    prompt: list[dict[str, Any]]
    renderer: Renderer
    size: int
    columns: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ("dikast",)

    async def make_envs(self) -> Sequence[JudgedEnv]:
        """As many as there are answers in a group."""
        return [JudgedEnv(renderer=self.renderer, prompt=self.prompt) for _ in range(self.size)]

    async def compute_group_rewards(
        self, trajectory_group: list[Any], env_group: Sequence[Any]
    ) -> list[tuple[float, dict[str, float]]]:
        """A reward for each trajectory, with its parts. Raises `ModelError` where none of the group can be had."""
        completions = [env.completion for env in env_group]
        return await judged(
            self.settings, self.prompt, completions, columns=self.columns, trajectories=trajectory_group
        )

    def logging_tags(self) -> list[str]:
        """Under what the training loop adds up the metrics."""
        return list(self.tags)


async def judged(
    settings: RewardSettings,
    prompt: Turns,
    completions: Sequence[str],
    *,
    columns: dict[str, Any] | None = None,
    trajectories: Sequence[Any] = (),
) -> list[tuple[float, dict[str, float]]]:
    """Scores a group, for a `compute_group_rewards` of your own. Raises `ModelError` where none can be had.

    What the judge said goes to the logs of the trajectories' last steps.
    """
    if settings.on_missing == "drop":
        raise ConfigError(
            "on_missing: drop: tinker-cookbook drops no trajectory; use native (the mean of the others), raise or a constant"
        )
    scorer = group_scorer(settings)
    scores = await scorer.score(_rollouts(prompt, completions, dict(columns or {})))
    for trajectory, score in zip(trajectories, scores, strict=False):
        if trajectory.transitions:
            trajectory.transitions[-1].logs.update(_told(score))
    on_missing = "group_mean" if settings.on_missing == "native" else settings.on_missing
    rewards = rewards_of(scores, on_missing, scorer.reward.about.range)
    return [(_had(reward, score), metrics_of([score])) for reward, score in zip(rewards, scores, strict=True)]


def _rollouts(prompt: Turns, completions: Sequence[str], columns: dict[str, Any]) -> list[Rollout]:
    bound: str | tuple[Message, ...] = prompt if isinstance(prompt, str) else messages_of(prompt)
    group = str(columns.pop("group", None) or group_of(bound))
    reference = columns.pop("reference", None)
    return [
        Rollout(
            id=f"{group}-{at}", group=group, prompt=bound, completion=completion, reference=reference, columns=columns
        )
        for at, completion in enumerate(completions)
    ]


def _told(score: Score) -> dict[str, str]:
    return {"score_status": score.status, "score_parts": values_of(score), "score_reasons": reasons_of(score)}


def _had(reward: float | None, score: Score) -> float:
    if reward is None:
        raise ModelError(
            score.missing or "rejected", f"rollout '{score.id}', and all others of its group: {score.detail}"
        )
    return reward
