"""verl: a reward manager that sees the prompt, and a reward function for managers that do not.

    reward:
      reward_manager: {source: importlib, name: DikastRewardManager, module: {path: "pkg://dikast.adapters.verl"}}
      reward_kwargs: {reward: /data/reward.yaml, certificate: /data/certificate.json}

A missing score is raised: verl's v1 trainer then trains the group without that rollout (its asynchronous modes
replace the group). The v0 trainer has no word for it. verl's own `rate_limited` manager makes 0 of what is raised,
and its `remote` manager takes no asynchronous function: use neither. Every answer has the same keys, and none is
`acc`, which verl's validation counts as 0 for what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from dikast.adapters.opening import RewardSettings, read_settings
from dikast.adapters.single import SingleScorer
from dikast.adapters.turns import messages_of, plain
from dikast.errors import ConfigError, DataError
from dikast.records import Message, Rollout, Score
from dikast.rollouts import group_of
from dikast.spec.run import Constant

_OURS = "reward.reward_kwargs"
_NOT_COLUMNS = frozenset(
    {
        "raw_prompt", "reward_model", "extra_info", "uid", "session_id", "index", "agent_name", "tools_kwargs",
        "interaction_kwargs", "tool_extra_fields", "reward_scores", "prompt_len", "response_len", "global_steps",
    }
)  # fmt: skip


class DikastRewardManager:
    """What verl's reward workers load: `source=importlib`. It needs none of verl's base class but one function."""

    def __init__(
        self,
        config: Any,
        tokenizer: Any,
        compute_score: Any,
        reward_router_address: str | None = None,
        reward_model_tokenizer: Any = None,
    ) -> None:
        given = config.reward.get("reward_kwargs") or {}
        settings = read_settings(given, where=_OURS)
        _require_v1(config, settings)
        self.config = config
        self.tokenizer = tokenizer
        self.scorer = SingleScorer.of(settings, trainer="verl")

    async def run_single(self, data: Any) -> dict[str, Any]:
        """Scores one trajectory: of several outputs the last. Raises `ModelError` where its score is missing."""
        fields = {name: plain(value) for name, value in data[-1:][0].non_tensor_batch.items()}
        rollout = rollout_of(fields, self._completion(data[-1:][0]))
        told = answer_of(self.scorer, await self.scorer.score(rollout, step=fields.get("global_steps")))
        return {"reward_score": told["score"], "reward_extra_info": told}

    @classmethod
    def assemble_rm_scores(cls, data: Any, scores: list[float]) -> Any:
        """Puts rewards on the last tokens, as verl does."""
        from verl.experimental.reward_loop.reward_manager.base import (  # pyright: ignore[reportMissingImports]
            RewardManagerBase,
        )

        return RewardManagerBase.assemble_rm_scores(data, scores)

    def _completion(self, item: Any) -> str:
        tokens = item.batch["responses"]
        valid = item.batch["attention_mask"][-tokens.shape[-1] :].sum()
        return self.tokenizer.decode(tokens[:valid], skip_special_tokens=True)


async def compute_score(
    data_source: Any, solution_str: str, ground_truth: Any, extra_info: Mapping[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    """`reward.custom_reward_function`, with the settings as its `reward_kwargs`. Raises for a missing score.

    verl does not pass the prompt: the data must have it as `extra_info.prompt`.
    """
    ours = {name: value for name, value in given.items() if name in RewardSettings.__struct_fields__}
    scorer = _scorer(read_settings(plain(ours), where="reward.custom_reward_function.reward_kwargs"))
    columns = plain(dict(extra_info or {}))
    if columns.get("prompt") is None:
        raise DataError(
            "verl passes no prompt to a reward function; put it into the data as extra_info.prompt, "
            "or use the reward manager, which sees it"
        )
    fields = {
        "raw_prompt": columns.pop("prompt"),
        "data_source": data_source,
        "extra_info": columns,
        "reward_model": {"ground_truth": plain(ground_truth)},
    }
    return answer_of(scorer, await scorer.score(rollout_of(fields, solution_str)))


def rollout_of(fields: Mapping[str, Any], completion: str) -> Rollout:
    """Makes a rollout of a row of verl's data: its columns are the row's, and those in `extra_info`."""
    prompt = _prompt(fields.get("raw_prompt"))
    truth = (fields.get("reward_model") or {}).get("ground_truth")
    columns = {name: value for name, value in fields.items() if name not in _NOT_COLUMNS and not name.startswith("__")}
    columns |= fields.get("extra_info") or {}
    reference = columns.pop("reference", truth)
    group = str(fields.get("uid") or columns.pop("group", None) or group_of(prompt))
    return Rollout(
        id=f"{group}-{fields.get('session_id', 0)}",
        group=group,
        prompt=prompt,
        completion=completion,
        reference=reference if isinstance(reference, str) else None,
        columns={"ground_truth": truth, **columns},
    )


def answer_of(scorer: SingleScorer, score: Score) -> dict[str, Any]:
    """Gives the number as `score`, with the same keys beside it for every score. Raises for a missing one."""
    return {
        "score": scorer.number(score),
        "gated": float(score.status == "gated"),
        "missing": float(score.status == "missing"),
        **{f"part/{name}": value for name, value in scorer.part_values(score).items()},
    }


@cache
def _scorer(settings: RewardSettings) -> SingleScorer:
    return SingleScorer.of(settings, trainer="verl")


def _require_v1(config: Any, settings: RewardSettings) -> None:
    trainer = config.get("trainer") or {}
    if trainer.get("use_v1", True) is False and not isinstance(settings.on_missing, Constant):
        raise ConfigError(
            "trainer.use_v1: the v0 trainer stops at the first missing score; set it to true, "
            f"or {_OURS}.on_missing to {{constant: x}}"
        )


def _prompt(raw: Any) -> str | tuple[Message, ...]:
    if isinstance(raw, str):
        return raw
    try:
        return messages_of(raw)
    except msgspec.ValidationError as error:
        raise DataError(f"raw_prompt: must be a text or a list of role and content ({error})") from None
