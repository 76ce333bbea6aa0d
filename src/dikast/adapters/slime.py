"""slime: the function of `--custom-rm-path dikast.adapters.slime.reward`, with `--group-rm`.

    # the file of --custom-config-path
    dikast: {reward: /data/reward.yaml, certificate: /data/certificate.json}

A data row's `metadata` holds the reward's columns, its `label` the reference. slime has no word for a missing score:
the sample is taken out of the loss (`remove_sample`), and since it still counts in its group's mean it is given just
that mean, so that the mean is its siblings'; under scaling by the standard deviation their advantages grow by
√((G−1)/(m−1)), m scored of G. slime evaluates sample by sample; there a missing score is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dikast.adapters.group import group_scorer
from dikast.adapters.markup import without_end
from dikast.adapters.missing import rewards_of
from dikast.adapters.opening import RewardSettings, read_settings
from dikast.adapters.told import reasons_of, values_of
from dikast.adapters.turns import messages_of, plain
from dikast.errors import ConfigError
from dikast.records import Rollout, Score
from dikast.rollouts import group_of
from dikast.spec.run import Constant

LOGGED = "dikast"
"""Where a sample's metadata says what its score was made of."""


async def reward(args: Any, samples: Any, **_: Any) -> Any:
    """Gives a group's rewards, or that of one sample of an evaluation."""
    settings = _settings(args)
    if isinstance(samples, Sequence):
        return await _of_group(settings, samples)
    if not args.group_rm and not isinstance(settings.on_missing, Constant) and settings.on_missing != "raise":
        raise ConfigError("slime: start it with --group-rm, so that a missing score can be told from its siblings'")
    [score] = await _scored(settings, [samples])
    [number] = rewards_of([score], _alone(settings), group_scorer(settings).reward.about.range)
    return math.nan if number is None else number


def rollout_of(sample: Any) -> Rollout:
    """Makes a rollout of a sample."""
    prompt = sample.prompt if isinstance(sample.prompt, str) else messages_of(sample.prompt)
    columns = {name: value for name, value in plain(sample.metadata or {}).items() if name != LOGGED}
    group = group_of(prompt) if sample.group_index is None else str(sample.group_index)
    label = sample.label
    return Rollout(
        id=f"{group}-{0 if sample.index is None else sample.index}",
        group=group,
        prompt=prompt,
        completion=without_end(sample.response),
        reference=columns.pop("reference", label if isinstance(label, str) else None),
        columns={"label": label, **columns},
    )


async def _of_group(settings: RewardSettings, samples: Sequence[Any]) -> list[float]:
    scores = await _scored(settings, samples)
    low, _high = limits = group_scorer(settings).reward.about.range
    masks = settings.on_missing in ("native", "drop")
    numbers = rewards_of(scores, "group_mean" if masks else settings.on_missing, limits)
    rewards: list[float] = []
    for sample, score, number in zip(samples, scores, numbers, strict=True):
        # A group without any score has no mean, and nothing to learn: the number is not read.
        sample.remove_sample = sample.remove_sample or number is None or (masks and score.score is None)
        rewards.append(low if number is None else number)
    return rewards


async def _scored(settings: RewardSettings, samples: Sequence[Any]) -> list[Score]:
    scores = await group_scorer(settings).score([rollout_of(sample) for sample in samples])
    for sample, score in zip(samples, scores, strict=True):
        told = {"status": score.status, "parts": values_of(score), "reasons": reasons_of(score)}
        sample.metadata = {**(sample.metadata or {}), LOGGED: told}
    return scores


def _settings(args: Any) -> RewardSettings:
    given = getattr(args, "dikast", None)
    if given is None:
        raise ConfigError(
            "slime: no setting 'dikast'; write dikast: {reward: ...} into a file and name it with --custom-config-path"
        )
    return read_settings(plain(given), where="dikast")


def _alone(settings: RewardSettings) -> Any:
    """What a missing score of an evaluation becomes: nothing that is a number, but where it was asked for."""
    return (
        settings.on_missing if isinstance(settings.on_missing, Constant) or settings.on_missing == "raise" else "native"
    )
