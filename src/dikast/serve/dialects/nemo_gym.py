"""NeMo Gym's `POST /verify` of a resources server: one response a request, with the fields of its data row.

A missing score has `mask_sample`. Its reward is then the mean of its siblings where two are scored in time, since
some of NeMo RL's loops let a masked sample vote in its group's baseline, else the 0 that Gym itself writes there. The
components are the checks that weigh and what is left, the judge's; their sum is the reward.
"""

from __future__ import annotations

import json
from typing import Any

from dikast.adapters.nemo_gym import completion_of, components, failure_of, prompt_of
from dikast.serve.dialects.base import Answered, Asked, Dialect, made_rollout
from dikast.serve.dialects.base import decoded as decode
from dikast.serve.options import Options

_NOT_COLUMNS = ("responses_create_params", "response", "agent_ref")


def read(body: bytes, _options: Options) -> Asked:
    """Reads a request. Raises `DataError`."""
    sent = decode(body, dict[str, Any])
    columns = {name: value for name, value in sent.items() if name not in _NOT_COLUMNS and not name.startswith("_ng_")}
    prompt = prompt_of(sent.get("responses_create_params"))
    completion = completion_of(sent.get("response"))
    return Asked(rollouts=[made_rollout(columns, place=1, prompt=prompt, completion=completion)], body=sent)


def write(answered: Answered) -> bytes:
    """Writes the request again, as Gym wants it, with the reward and what came of it."""
    [score], [reward] = answered.scores, answered.rewards
    missing = score.score is None
    told = {
        **answered.asked.body,
        "reward": reward,
        "reward_components": components(answered.reward.about, score, reward),
        "mask_sample": missing,
        **failure_of(score),
    }
    return json.dumps(told).encode()


DIALECT = Dialect(
    name="verify", trainer="NeMo Gym", read=read, write=write, options=frozenset({"siblings"}), missing="masked"
)
