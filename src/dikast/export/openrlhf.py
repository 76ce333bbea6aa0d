"""OpenRLHF: a script that serves the reward and starts the trainer against it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dikast.export.run import SHARED, ExportedRun, turns
from dikast.export.writing import HEAD, as_lines
from dikast.spec.run import Constant

TAKES = SHARED - {"max_steps", "top_k"}
"""It counts episodes over the data, not steps."""
PORT = 8600
LONGEST_PROMPT = 4096
"""Tokens. Judgement."""

SCRIPT = """\
#!/usr/bin/env bash
# Trains with OpenRLHF against a reward server of this machine. Needs a started Ray with GPUs.
# {head}
set -euo pipefail

address=$(mktemp)
{serve} >"$address" &
server=$!
trap 'kill "$server"; rm "$address"' EXIT
# It says its address when it listens. One that cannot, as where another holds the port, ends this before any training.
until [ -s "$address" ]; do
    kill -0 "$server"
    sleep 1
done

{train}
"""


def files(run: ExportedRun, folder: Path) -> Iterator[tuple[str, str]]:
    """The script and the data: all that the reward needs of a row is in its label."""
    yield "train.jsonl", as_lines(_row(row.reference, turns(row), row.columns) for row in run.rows("train"))
    serve = _broken(_serve(run))
    train = _broken(["python", "-m", "openrlhf.cli.train_ppo_ray", *arguments(run, folder)])
    yield "train.sh", SCRIPT.format(head=HEAD, serve=serve, train=train)


def command(folder: Path) -> str:
    """What starts it."""
    return shlex.join(["bash", str(folder / "train.sh")])


def arguments(run: ExportedRun, folder: Path) -> list[str]:
    """The trainer's own command line."""
    rl, gpus = run.rl, str(run.gpus)
    drops = run.spec.file.on_missing in ("native", "drop")
    pairs: dict[str, Any] = {
        "actor.model_name_or_path": run.policy,
        "actor.num_nodes": 1,
        "actor.num_gpus_per_node": gpus,
        "ref.num_nodes": 1,
        "ref.num_gpus_per_node": gpus,
        "vllm.num_engines": gpus,
        "vllm.tensor_parallel_size": 1,
        "reward.remote_url": f"http://127.0.0.1:{PORT}/openrlhf?{_options(run)}",
        "data.prompt_dataset": str(folder / "train.jsonl"),
        "data.input_key": "prompt",
        "data.label_key": "label",
        "data.max_len": LONGEST_PROMPT + rl["max_completion_length"],
        "rollout.max_new_tokens": rl["max_completion_length"],
        "rollout.batch_size": run.prompts,
        "rollout.n_samples_per_prompt": rl["num_generations"],
        "rollout.temperature": rl["temperature"],
        "rollout.top_p": rl.get("top_p", 1.0),
        "train.batch_size": run.prompts * rl["num_generations"],
        "train.micro_batch_size": min(8, rl["per_device_train_batch_size"]),
        "rollout.micro_batch_size": min(8, rl["per_device_train_batch_size"]),
        "actor.adam.lr": rl["learning_rate"],
        "algo.advantage.estimator": "group_norm" if rl["scale_rewards"] not in ("none", False) else "dr_grpo",
        "algo.kl.init_coef": rl["beta"],
        "train.seed": run.spec.file.seed,
        "ckpt.save_steps": rl["save_steps"],
        "ckpt.output_dir": str(folder / "policy"),
        "ckpt.path": str(folder / "checkpoints"),
    }
    flags = ["data.apply_chat_template", "train.colocate_all"]
    given = [word for name, value in pairs.items() for word in (f"--{name}", str(value))]
    if drops:
        low, high = _outside(run)
        flags.append("algo.dynamic_filtering_enable")
        given += ["--algo.dynamic_filtering_range", str(low), str(high)]
    return given + [f"--{flag}" for flag in flags]


def _options(run: ExportedRun) -> str:
    on_missing = run.spec.file.on_missing
    said = f"{on_missing.constant}" if isinstance(on_missing, Constant) else on_missing
    options = f"label=json&siblings={run.rl['num_generations'] - 1}&on_missing={said}"
    return options + ("&dynamic_filtering=true" if said in ("native", "drop") else "")


def _outside(run: ExportedRun) -> tuple[float, float]:
    """A range that no group's mean leaves: only NaN is filtered."""
    from dikast.spec.reward import read_reward

    low, high = read_reward(run.spec.reward).file.range
    return low - 1, high + 1


def _serve(run: ExportedRun) -> list[str]:
    settings = run.settings
    trust = ["--certificate", settings["certificate"]] if "certificate" in settings else ["--uncertified"]
    return ["dikast", "serve", settings["reward"], *trust, "--journal", settings["journal"], "--port", str(PORT)]


def _row(reference: str | None, prompt: list[dict[str, str]], columns: dict[str, Any]) -> dict[str, Any]:
    held = {**msgspec.to_builtins(columns), **({} if reference is None else {"reference": reference})}
    return {"prompt": prompt, "label": json.dumps(held, ensure_ascii=False)}


def _broken(words: list[str]) -> str:
    """A command over several lines, an option each."""
    lines: list[str] = []
    for word in words:
        if word.startswith("--") or not lines:
            lines.append(shlex.quote(word))
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return " \\\n    ".join(lines)
