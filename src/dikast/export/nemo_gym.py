"""NeMo Gym: a resources server that answers `verify`, its configuration, and data rows that name it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dikast.export.run import ExportedRun, turns
from dikast.export.writing import HEAD, as_lines, as_yaml

TAKES: frozenset[str] = frozenset()
"""Who trains asks the server, and brings policy and settings."""
APP = '''\
"""The reward as a resources server of NeMo Gym.

{head}
"""

from dikast.adapters.nemo_gym_server import DikastResourcesServer

if __name__ == "__main__":
    DikastResourcesServer.run_webserver()
'''
SERVER = "dikast"
AGENT = "dikast_agent"
CONFIGURATION = f"resources_servers/{SERVER}/configs/{SERVER}.yaml"


def files(run: ExportedRun, folder: Path) -> Iterator[tuple[str, str]]:
    """A folder as Gym has it: the server, its configuration and its data."""
    yield f"resources_servers/{SERVER}/app.py", APP.format(head=HEAD)
    yield f"resources_servers/{SERVER}/requirements.txt", "dikast\n"
    rows = as_lines(_row(row.reference, turns(row), row.columns) for row in run.rows("train"))
    yield f"resources_servers/{SERVER}/data/train.jsonl", rows
    head = f"Serves the reward to NeMo Gym:\n  {command(folder)}"
    yield CONFIGURATION, as_yaml(_configuration(run), head)


def command(folder: Path) -> str:
    """What starts the servers. The capitals are for the user: Gym does not start without the address of a policy."""
    model = "--model-type vllm_model --model NAME --model-url URL --model-api-key KEY"
    return f"cd {shlex.quote(str(folder))} && gym env start --config {CONFIGURATION} {model}"


def _row(reference: str | None, prompt: list[dict[str, str]], columns: dict[str, Any]) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(columns),
        "reference": reference,
        "responses_create_params": {"input": prompt},
        "agent_ref": {"type": "responses_api_agents", "name": AGENT},
    }


def _configuration(run: ExportedRun) -> dict[str, Any]:
    settings = run.settings_of_one
    data = {
        "name": "train",
        "type": "train",
        "jsonl_fpath": f"resources_servers/{SERVER}/data/train.jsonl",
        "license": "TBD",
    }
    return {
        SERVER: {"resources_servers": {SERVER: {"entrypoint": "app.py", "domain": "other", **settings}}},
        AGENT: {
            "responses_api_agents": {
                "simple_agent": {
                    "entrypoint": "app.py",
                    "resources_server": {"type": "resources_servers", "name": SERVER},
                    "model_server": {"type": "responses_api_models", "name": "policy_model"},
                    "datasets": [data],
                }
            }
        },
    }
