"""verifiers, and prime-rl which trains on its traces: a judge plugin, and a reward function of a task.

    [[env.taskset.task.judges]]                # or orchestrator.train.source.env.taskset.task.judges
    id = "dikast-judge"
    reward = "/data/reward.yaml"

    contract_review = reward_function("/data/reward.yaml")        # in a module of yours, then
    rewards = {contract_review = {fn = "my_rewards:contract_review"}}

A missing score is raised: verifiers notes the error on the trace, and prime-rl leaves it out of its group. Parts
become metrics of the trace, and what the judge said stands in its `judge_calls`. verifiers takes its own scoring
time-out for no failure and trains on what was scored by then, so the deadline here must come first.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import verifiers.v1 as vf

from dikast.adapters.opening import DEADLINE, RewardSettings, read_settings
from dikast.adapters.single import SingleScorer
from dikast.adapters.turns import messages_of
from dikast.records import Message, Rollout, Score
from dikast.rollouts import group_of
from dikast.spec.run import Constant, OnMissing

OF_TIMEOUT = 0.9
"""Of a task's own time-out for scoring, how much a score may take: an answer must come before verifiers gives up."""
_FIXED = frozenset(vf.TaskData.model_fields)


class DikastConfig(vf.JudgeConfig):
    """Which reward, and what becomes of a missing score. The model and its endpoint are the reward's own."""

    reward: str
    certificate: str | None = None
    journal: str | None = None
    on_missing: str | dict[str, float] = "native"
    deadline: float = DEADLINE
    log: str | None = None


class DikastJudge(vf.Judge[float, DikastConfig]):
    """The plugin. It is made anew for every trace; the reward is opened once."""

    @property
    def reward_name(self) -> str:
        """The name under which the trace has the reward."""
        return self.config.name or "dikast"

    async def score(self, task: Any, trace: Any) -> float:
        """Gives the reward of a trace's last reply. Raises `ModelError` where it is missing."""
        given = {name: getattr(self.config, name) for name in RewardSettings.__struct_fields__}
        settings = read_settings(given, where="task.judges: dikast-judge")
        return await _scored(settings, self.reward_name, task, trace)


def reward_function(
    path: str | Path,
    *,
    certificate: str | Path | None = None,
    journal: str | Path | None = None,
    on_missing: OnMissing | Constant = "native",
    deadline: float = DEADLINE,
) -> Callable[..., Coroutine[Any, Any, float]]:
    """Gives a function for `task.rewards`, or to be called by a `@vf.reward` of a task of your own."""
    settings = RewardSettings(
        reward=str(path),
        certificate=None if certificate is None else str(certificate),
        journal=None if journal is None else str(journal),
        on_missing=on_missing,
        deadline=deadline,
    )

    async def dikast(task: Any, trace: Any) -> float:
        return await _scored(settings, "dikast", task, trace)

    return dikast


def rollout_of(task: Any, trace: Any) -> Rollout:
    """Makes a rollout of a task's data and the last reply: its columns are the fields that the task adds."""
    data = task.model_dump()
    prompt = _prompt_of(data)
    columns = {name: value for name, value in data.items() if name not in _FIXED}
    group = data.get("id") or columns.pop("group", None) or data.get("idx")
    reference = columns.pop("reference", None)
    return Rollout(
        id=str(trace.id),
        group=group_of(prompt) if group is None else str(group),
        prompt=prompt,
        completion=_completion_of(trace),
        reference=reference if isinstance(reference, str) else None,
        columns=columns,
    )


async def _scored(settings: RewardSettings, name: str, task: Any, trace: Any) -> float:
    scorer = _scorer(_within(settings, task))
    rollout = rollout_of(task, trace)
    score = await scorer.score(rollout)
    _record(scorer, name, trace, score)
    return scorer.number(score)


@cache
def _scorer(settings: RewardSettings) -> SingleScorer:
    return SingleScorer.of(settings, trainer="verifiers")


def _within(settings: RewardSettings, task: Any) -> RewardSettings:
    """Settings whose deadline comes before the task's own time-out."""
    if task.timeout.scoring is None or task.timeout.scoring * OF_TIMEOUT >= settings.deadline:
        return settings
    return msgspec.structs.replace(settings, deadline=task.timeout.scoring * OF_TIMEOUT)


def _record(scorer: SingleScorer, name: str, trace: Any, score: Score) -> None:
    for part, value in scorer.part_values(score).items():
        if value is not None:
            trace.record_metric(f"{name}/{part}", value)
    trace.record_metric(f"{name}/gated", float(score.status == "gated"))
    trace.record_metric(f"{name}/missing", float(score.status == "missing"))
    usage, about = score.usage, scorer.reward.about
    trace.record_judge_call(
        name=name,
        request={"model": about.model, "reward": about.name, "hash": about.hash},
        response=vf.JudgeResponse(
            text=msgspec.json.encode(score).decode(),
            usage=vf.Usage(
                prompt_tokens=usage.prompt_tokens - usage.cached_tokens,
                completion_tokens=usage.completion_tokens,
                cached_input_tokens=usage.cached_tokens,
            ),
        ),
    )


def _prompt_of(data: dict[str, Any]) -> str | tuple[Message, ...]:
    prompt, system = data.get("prompt") or "", data.get("system_prompt")
    if isinstance(prompt, str) and system is None:
        return prompt
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return messages_of([*([{"role": "system", "content": system}] if system else []), *turns])


def _completion_of(trace: Any) -> str:
    """The last reply as it was written: verifiers' own `last_reply` strips it."""
    if trace.root_reply is not None:
        return trace.root_reply
    written = trace.assistant_messages
    return (written[-1].content or "") if written else ""
