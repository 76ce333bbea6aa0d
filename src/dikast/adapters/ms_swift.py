"""ms-swift: a reward class of `--external_plugins`.

    # plugin.py
    from dikast.adapters.ms_swift import reward_class
    from swift.rewards import orms

    orms["dikast"] = reward_class({"reward": "/data/reward.yaml", "certificate": "/data/certificate.json"})

    swift rlhf --rlhf_type grpo --external_plugins plugin.py --reward_funcs dikast ...

ms-swift makes 0 of a missing score, so it is given the mean of its group instead: its advantage is zero, and under
scaling by the standard deviation its siblings' grow by √((G−1)/(m−1)), m scored of G. A group without any score gets
the lowest of the range throughout, which is as flat. Every step has an event loop of its own; the reward's connections
live on another. A rank sees its own rollouts: keep the generations of a prompt on one, as a batch of whole groups does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dikast.adapters.group import group_scorer
from dikast.adapters.missing import rewards_of
from dikast.adapters.opening import RewardSettings, read_settings
from dikast.adapters.turns import messages_of, plain, text_of
from dikast.errors import ConfigError
from dikast.records import Rollout
from dikast.rollouts import group_of

_NOT_COLUMNS = frozenset(
    {
        "messages", "trainer_state", "request_id", "prompt_id", "response_token_ids", "response_loss_mask",
        "finish_reason", "is_truncated", "add_eos", "rollout_infos", "trajectory_inputs", "global_step",
    }
)  # fmt: skip


def reward_class(settings: Mapping[str, Any]) -> type:
    """Gives a class as ms-swift's list of rewards takes them. Raises `ConfigError`."""
    read = read_settings(settings, where="dikast")
    if read.on_missing == "drop":
        raise ConfigError(
            "on_missing: drop: ms-swift drops no rollout; use native (the group's mean), raise or a constant"
        )

    class DikastReward(SwiftReward):
        settings = read

    return DikastReward


class SwiftReward:
    """Scores a batch. ms-swift makes one of it, with its own arguments."""

    __name__ = "dikast"
    settings: RewardSettings

    def __init__(self, args: Any = None, **_: Any) -> None:
        self.args = args
        self._scorer = group_scorer(self.settings)

    async def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float]:
        """Gives one number for each completion."""
        rollouts = rollouts_of(completions, columns)
        scores = await self._scorer.score(rollouts, step=getattr(columns.get("trainer_state"), "global_step", None))
        low, _high = limits = self._scorer.reward.about.range
        setting = "group_mean" if self.settings.on_missing == "native" else self.settings.on_missing
        return [low if number is None else number for number in rewards_of(scores, setting, limits)]


def rollouts_of(completions: Sequence[Any], columns: Mapping[str, Any]) -> list[Rollout]:
    """Makes rollouts of what ms-swift passes: completions, and every column as a list."""
    rollouts: list[Rollout] = []
    for at, completion in enumerate(completions):
        row = {
            name: plain(values[at])
            for name, values in columns.items()
            if isinstance(values, Sequence) and len(values) == len(completions)
        }
        turns = list(row.get("messages") or [])
        # The last turn is the completion itself.
        prompt = messages_of(turns[:-1] if turns and turns[-1].get("role") == "assistant" else turns)
        group = str(row.get("prompt_id") or group_of(prompt))
        known = {name: value for name, value in row.items() if name not in _NOT_COLUMNS}
        reference = known.pop("reference", known.get("solution"))
        rollouts.append(
            Rollout(
                id=str(row.get("request_id") or f"{group}-{at}"),
                group=group,
                prompt=prompt,
                completion=text_of(completion),
                reference=reference if isinstance(reference, str) else None,
                columns=known,
            )
        )
    return rollouts
