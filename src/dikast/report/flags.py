"""Flags the figures that are worth less than they look: a judge that marks its own work, or its own family's."""

from __future__ import annotations

import re
from collections.abc import Collection

from dikast.report.record import Flag

FAMILIES = (
    "claude",
    "deepseek",
    "falcon",
    "gemini",
    "gemma",
    "glm",
    "gpt",
    "granite",
    "kimi",
    "llama",
    "mistral",
    "mixtral",
    "nova",
    "olmo",
    "phi",
    "qwen",
    "smollm",
    "titan",
)
# A name stands at the beginning of a word, but for the llamas: codellama, tinyllama.
_FAMILY = re.compile(rf"(?<![a-z])(?:{'|'.join(FAMILIES)})|llama")


def family_of(model: str) -> str | None:
    """Gives a model's family by its name, or None where the name tells none."""
    found = _FAMILY.search(model.casefold())
    return found[0] if found else None


def flags_of(judge: str, policy: str | None, metrics: Collection[str]) -> tuple[Flag, ...]:
    """Gives the flags of an evaluation's metrics. `judge` is one model's name, or a panel's, parted by commas."""
    flags: list[Flag] = []
    for member in judge.split(", "):
        family = family_of(member)
        if policy and family and family == family_of(policy):
            flags.append(
                Flag(
                    metrics=tuple(m for m in metrics if not m.startswith("gold") and not m.endswith("gold")),
                    flag="same family",
                    why=f"the judge {member} is of the policy's family ({family}): models prefer the writing of their own kind",
                )
            )
    flags.append(
        Flag(
            metrics=("judge_score", "judge_score_best_of_k"),
            flag="same model",
            why=f"the judge score comes from {judge}, which also gives the reward, in another wording: no independent measure",
        )
    )
    if "best_of_k" in metrics:
        flags.append(
            Flag(
                metrics=("best_of_k",),
                flag="picks and counts",
                why="the reward picks the best sample and counts it too, so it flatters; best of k in gold does not",
            )
        )
    return tuple(flags)
