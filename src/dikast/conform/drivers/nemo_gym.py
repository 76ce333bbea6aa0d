"""NeMo Gym: the resources server's own web application, asked for every rollout.

NeMo RL needs a GPU. What it demands of the answers is held here: components whose sum is the reward, the same names
in each. `mask_sample` takes the sample out of the loss.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from fastapi.testclient import TestClient
from nemo_gym.server_utils import BaseServerConfig, ServerClient
from omegaconf import OmegaConf

from dikast.adapters.nemo_gym_server import DikastResourcesServer, DikastServerConfig
from dikast.conform.drivers.telling import drive
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    server = server_of(recorded.setting)
    rewards: dict[str, float | None] = {}
    advantages: dict[str, float | None] = {}
    names: set[tuple[str, ...]] = set()
    with TestClient(server.setup_webserver()) as web:
        for rollout in recorded.rollouts():
            answer = web.post("/verify", json=asked(rollout))
            answer.raise_for_status()
            told = answer.json()
            names.add(tuple(told["reward_components"]))
            # As NeMo RL asks, but closer.
            if not math.isclose(sum(told["reward_components"].values()), told["reward"], rel_tol=1e-12, abs_tol=1e-12):
                sys.exit(f"{rollout.id}: {told['reward_components']} do not add up to {told['reward']}")
            rewards[rollout.id] = None if told["mask_sample"] else told["reward"]
            if told["mask_sample"]:
                advantages[rollout.id] = None
    if len(names) != 1:
        sys.exit(f"the components have different names: {names}")
    yield Finding(trainer="NeMo Gym", version=version("nemo-gym"), rewards=rewards, advantages=advantages)


def server_of(reward: str, **config: Any) -> DikastResourcesServer:
    """The server without the head server that would start it."""
    return DikastResourcesServer(
        config=DikastServerConfig(
            name="dikast", host="127.0.0.1", port=1, entrypoint="app.py", domain="other", reward=reward, **config
        ),
        server_client=ServerClient(
            head_server_config=BaseServerConfig(host="127.0.0.1", port=1), global_config_dict=OmegaConf.create({})
        ),
    )


def asked(rollout: Rollout) -> dict[str, Any]:
    """A verify request as Gym's agents send it, with the row's fields."""
    turns: Any = rollout.prompt
    said = {"type": "output_text", "text": rollout.completion, "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
    return {
        "responses_create_params": {"input": [{"role": turn.role, "content": turn.content} for turn in turns]},
        "response": {
            "id": rollout.id, "created_at": 0, "model": "policy", "object": "response", "output": [message],
            "parallel_tool_calls": False, "tool_choice": "none", "tools": [],
        },
        "contract": rollout.columns["contract"],
        "rule": rollout.columns["rule"],
    }  # fmt: skip


if __name__ == "__main__":
    drive(findings)
