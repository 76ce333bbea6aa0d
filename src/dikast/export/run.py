"""What every trainer needs to know of a run: where its files are, and its settings in one form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dikast.adapters.opening import DEADLINE
from dikast.errors import ConfigError
from dikast.models.catalog import MODELS
from dikast.records import Rollout
from dikast.rollouts import read_rows, rollout_of
from dikast.spec.run import Constant, RunSpec
from dikast.train.rl import DEFAULTS

SHARED = frozenset(
    {
        "policy", "max_steps", "num_generations", "per_device_train_batch_size", "gradient_accumulation_steps",
        "max_completion_length", "learning_rate", "temperature", "top_p", "top_k", "beta", "save_steps",
        "scale_rewards",
    }
)  # fmt: skip
"""The policy, and settings of `rl` that trainers have in some form; the others are TRL's own."""


class ExportedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run, for a trainer that is not ours."""

    spec: RunSpec
    certificate: Path | None
    """None where every criterion counts as the file says."""
    gpus: int
    rl: dict[str, Any]
    """TRL's names, with dikast's own defaults."""

    @property
    def name(self) -> str:
        """The reward's name stands in the run's folder; a run has none of its own."""
        return self.spec.path.resolve().parent.name

    @property
    def policy(self) -> str:
        """A checkpoint folder's absolute path, or a name for the trainer to find.

        Raises `ConfigError` for one that only dikast has: whoever writes no policy need not have another.
        """
        _require_readable(self.spec.file.policy, where=f"{self.spec.path}: policy")
        folder = self.spec.resolve(self.spec.file.policy)
        return str(folder.resolve()) if (folder / "config.json").is_file() else self.spec.file.policy

    @property
    def settings(self) -> dict[str, Any]:
        """The adapters' settings, with absolute paths: a worker has a working folder of its own."""
        settings: dict[str, Any] = {"reward": str(self.spec.reward.resolve())}
        if self.certificate is not None:
            settings["certificate"] = str(self.certificate.resolve())
        settings["journal"] = str(self.spec.reward.resolve().parent / ".dikast" / "journal.db")
        on_missing = self.spec.file.on_missing
        settings["on_missing"] = {"constant": on_missing.constant} if isinstance(on_missing, Constant) else on_missing
        return {**settings, "deadline": DEADLINE}

    @property
    def settings_of_one(self) -> dict[str, Any]:
        """The settings where a trainer asks about one rollout at a time: no group's mean is known, and it drops what is missing."""
        settings = self.settings
        return {**settings, "on_missing": "native"} if settings["on_missing"] == "group_mean" else settings

    @property
    def prompts(self) -> int:
        """Prompts in a step."""
        completions = (
            self.rl["per_device_train_batch_size"] * self.rl.get("gradient_accumulation_steps", 1) * max(1, self.gpus)
        )
        return max(1, completions // self.rl["num_generations"])

    def rows(self, part: str) -> Iterator[Rollout]:
        """The prompts of `train`, `valid` or `test`, as rollouts without a completion."""
        path = self.spec.resolve(getattr(self.spec.file.data, part))
        for number, row in read_rows(path):
            yield rollout_of(row, path=path, line=number, completion="")


def exported(spec: RunSpec, *, gpus: int, uncertified: bool, policy: str | None = None) -> ExportedRun:
    """Looks at a run as another trainer would. Raises `ConfigError` for what no other trainer could use.

    `policy` stands in for the run's own: a checkpoint folder, from the working folder, or a name.
    """
    if policy is not None:
        _require_readable(policy, where="--policy")
        spec = msgspec.structs.replace(spec, file=msgspec.structs.replace(spec.file, policy=_found(policy)))
    certificate = None if uncertified else spec.certificate
    if certificate is not None and not certificate.is_file():
        raise ConfigError(
            f"{certificate}: no certificate; measure the judge with 'dikast certify', or export with --uncertified"
        )
    return ExportedRun(spec=spec, certificate=certificate, gpus=gpus, rl={**DEFAULTS, **spec.file.rl})


def _found(policy: str) -> str:
    return str(Path(policy).resolve()) if (Path(policy) / "config.json").is_file() else policy


def _require_readable(policy: str, *, where: str) -> None:
    mend = "name a checkpoint folder, or the model as its hub has it, here or with --policy"
    if policy == "tiny":
        raise ConfigError(f"{where}: 'tiny' is made from scratch by 'dikast train'; {mend}")
    if policy in MODELS:
        raise ConfigError(
            f"{where}: '{policy}' is a file of dikast's own store, which other trainers cannot read; {mend}"
        )


def turns(rollout: Rollout) -> list[dict[str, str]]:
    """A prompt as chat turns; a text is what the user says."""
    if isinstance(rollout.prompt, str):
        return [{"role": "user", "content": rollout.prompt}]
    return [{"role": turn.role, "content": turn.content} for turn in rollout.prompt]
