"""tinker-cookbook: its group rollout with a policy that recites, and its advantages."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import pickle
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from tinker_cookbook import renderers
from tinker_cookbook.completers import TokensWithLogprobs
from tinker_cookbook.rl.data_processing import compute_advantages
from tinker_cookbook.rl.rollout_strategy import RetryOnFailure
from tinker_cookbook.rl.rollouts import do_group_rollout

from dikast.adapters.opening import RewardSettings
from dikast.adapters.tinker import JudgedGroup
from dikast.conform.drivers.telling import alone, drive, groups_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.errors import ModelError
from dikast.records import Rollout
from dikast.train.tiny import make_tokenizer


class Reciting:
    """A policy that writes what is recorded, one answer a call, and knows whose it was."""

    def __init__(self, tokenizer: Any, group: Sequence[Rollout]) -> None:
        written = [[*tokenizer.encode(one.completion), tokenizer.eos_token_id] for one in group]
        self.answers = iter(written)
        self._whose: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
        for one, tokens in zip(group, written, strict=True):
            self._whose[tuple(tokens)].append(one.id)

    async def __call__(self, model_input: Any, stop: Any, **_: Any) -> TokensWithLogprobs:
        tokens = next(self.answers)
        return TokensWithLogprobs(tokens=tokens, maybe_logprobs=[0.0] * len(tokens))

    def whose(self, trajectories: Sequence[Any]) -> list[str]:
        """The rollouts' ids: the cookbook gives trajectories as they end."""
        return [self._whose[tuple(one.transitions[0].ac.tokens)].pop() for one in trajectories]


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    yield asyncio.run(rolled_out(recorded))


async def rolled_out(recorded: Recorded) -> Finding:
    """Rolls out every group; one that fails as a whole is left out, as the training loop does."""
    rollouts = recorded.rollouts()
    tokenizer = make_tokenizer([rollout.completion for rollout in rollouts])
    renderer = renderers.get_renderer("qwen3_instruct", tokenizer)
    settings = pickle.loads(pickle.dumps(RewardSettings(reward=recorded.setting)))
    rewards: dict[str, float | None] = {}
    advantages: dict[str, float | None] = {}
    for group in groups_of(rollouts).values():
        policy = Reciting(tokenizer, group)
        try:
            done = await do_group_rollout(builder_of(group, settings, renderer), policy, RetryOnFailure(max_retries=1))
        except ModelError:
            rewards.update({one.id: None for one in group})
            advantages.update({one.id: None for one in group})
            continue
        ids = policy.whose(done.trajectories_G)
        for name, reward, metrics in zip(ids, done.get_total_rewards(), done.metrics_G, strict=True):
            rewards[name] = None if metrics["share/missing"] else reward
        [worth] = compute_advantages([done])
        advantages.update(zip(ids, worth.tolist(), strict=True))
    return Finding(
        trainer="tinker-cookbook",
        version=version("tinker-cookbook"),
        rewards=rewards,
        advantages=advantages,
        alone=alone(rollouts, rewards, centred),
    )


def builder_of(group: Sequence[Rollout], settings: RewardSettings, renderer: Any) -> JudgedGroup:
    """The group as a data set would bring it."""
    turns: Any = group[0].prompt
    return JudgedGroup(
        settings=settings,
        prompt=[{"role": turn.role, "content": turn.content} for turn in turns],
        renderer=renderer,
        size=len(group),
        columns={"contract": group[0].columns["contract"], "rule": group[0].columns["rule"]},
    )


def centred(rewards: Sequence[float]) -> list[float]:
    """The cookbook's advantages, of rewards that are all there."""
    return [reward - sum(rewards) / len(rewards) for reward in rewards]


if __name__ == "__main__":
    drive(findings)
