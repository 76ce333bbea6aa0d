"""SkyRL gym: an environment of one turn whose step is judged.

    register(id="dikast", entry_point="dikast.adapters.skyrl:JudgedEnv")

A row of the data carries `env_class: dikast`, `reward_spec.ground_truth`, and the reward's columns; the settings are
in `env_config` under `dikast`, or all of it. A step runs in one of SkyRL's threads. SkyRL has no word for a missing
score: what is raised ends the batch. Where that is too much, ask for a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from dikast.adapters.opening import RewardSettings, read_settings
from dikast.adapters.single import SingleScorer
from dikast.adapters.turns import messages_of, plain
from dikast.records import Message, Rollout, Score
from dikast.rollouts import group_of

if TYPE_CHECKING:
    Environment = Any
