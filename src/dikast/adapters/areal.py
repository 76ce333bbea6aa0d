"""AReaL: a workflow around one of AReaL's own, whose answers are judged.

    workflow = JudgedWorkflow(RLVRWorkflow(unused, gconfig, tokenizer), {"reward": "/data/reward.yaml"})

AReaL would run a reward function in a pool of processes, give it 15 seconds, and make 0 of what takes longer. This takes
its place in the workflow, with a deadline of its own. What AReaL hands on as the completion has the tokenizer's marks in
it, so the tokens are read again. A missing score rejects the episode, which AReaL then replaces:

    native   the whole group: AReaL norms rewards in slices of `group_size`, and one that lacks a rollout would shift
             every later group of the batch into its neighbours
    drop     the rollout alone, by returning None: for norms over the batch, and for groups of one
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from areal.api import RolloutWorkflow

from dikast.adapters.opening import read_settings
from dikast.adapters.single import SingleScorer
from dikast.adapters.turns import messages_of, plain
from dikast.errors import ModelError
from dikast.records import Rollout
from dikast.rollouts import group_of

_NOT_COLUMNS = frozenset({"messages", "prompt", "query_id"})


class JudgedWorkflow(RolloutWorkflow):
    """Runs an episode of the inner workflow, and rejects it where its score is missing."""

    def __init__(self, inner: Any, settings: Mapping[str, Any]) -> None:
        """`inner` is a workflow that asks `self.async_reward_fn`, as RLVRWorkflow and MultiTurnWorkflow do."""
        self.inner = inner
        self.scorer = SingleScorer.of(read_settings(plain(settings), where="AReaL"), trainer="AReaL")
        inner.reward_fn = inner.async_reward_fn = self._reward

    async def arun_episode(self, engine: Any, data: dict[str, Any]) -> Any:
        """Gives the inner workflow's trajectory; None for a missing score with `on_missing: drop`, else raises."""
        try:
            return await self.inner.arun_episode(engine, data)
        except ModelError:
            if self.scorer.on_missing == "drop":
                return None
            raise

    async def _reward(
        self, prompt: str, _completion: str, _prompt_ids: Any, completion_ids: Sequence[int], **row: Any
    ) -> float:
        said = self.inner.tokenizer.decode(completion_ids, skip_special_tokens=True)
        return self.scorer.number(await self.scorer.score(rollout_of(row, prompt, said)))


def rollout_of(row: Mapping[str, Any], prompt: str, completion: str) -> Rollout:
    """Makes a rollout of a row of AReaL's data; `prompt` is the text with its marks, for rows without messages."""
    columns = {name: value for name, value in plain(row).items() if name not in _NOT_COLUMNS}
    turns = plain(row.get("messages"))
    bound = messages_of(turns) if turns else prompt
    group = str(row.get("query_id") or group_of(bound))
    reference = columns.pop("reference", columns.get("answer"))
    return Rollout(
        id=group,
        group=group,
        prompt=bound,
        completion=completion,
        reference=reference if isinstance(reference, str) else None,
        columns=columns,
    )
