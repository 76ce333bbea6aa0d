"""NeMo Gym: a resources server that answers `verify`, its configuration, and data rows that name it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dikast.export.run import ExportedRun, turns
from dikast.export.writing import HEAD, as_lines, as_yaml

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


def files(run: ExportedRun, folder: Path) -> Iterator[tuple[str, str]]:
    """A folder as Gym has it: the server, its configuration and its data."""
    yield f"resources_servers/{SERVER}/app.py", APP.format(head=HEAD)
    yield f"resources_servers/{SERVER}/requirements.txt", "dikast\n"
    rows = as_lines(_row(row.reference, turns(row), row.columns) for row in run.rows("train"))
    yield f"resources_servers/{SERVER}/data/train.jsonl", rows
    head = f"Serves the reward to NeMo Gym:\n  {command(folder)}"
    yield f"resources_servers/{SERVER}/configs/{SERVER}.yaml", as_yaml(_configuration(run), head)


def command(folder: Path) -> str:
    """What starts the servers; a model of Gym's own belongs beside them."""
    return f'cd {shlex.quote(str(folder))} && ng_run "+config_paths=[resources_servers/{SERVER}/configs/{SERVER}.yaml]"'


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
