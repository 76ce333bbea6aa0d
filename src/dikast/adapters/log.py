"""Keeps rollouts with their scores and parts, for trainers that log a number only: one JSONL file a process.

A line is a rollout as a file of rollouts has it, with `step`, `score`, `status`, `missing`, `detail` and `parts`
beside its columns; so it can be scored again, or given to the monitors.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import msgspec

from dikast.records import Rollout, Score


class ScoreLog:
    """A file of this process in a folder that several may share. Lines are whole: each is one write."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{socket.gethostname()}-{os.getpid()}.jsonl"
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def add(self, rollout: Rollout, score: Score, *, step: int | None, at: float) -> None:
        """Appends a line; `at` is when it was scored, in seconds since 1970."""
        told: dict[str, Any] = {
            **rollout.columns,
            "id": rollout.id,
            "group": rollout.group,
            "prompt": rollout.prompt,
            "completion": rollout.completion,
            "reference": rollout.reference,
            "step": step,
            "at": at,
            "score": score.score,
            "status": score.status,
            "missing": score.missing,
            "detail": score.detail,
            "parts": score.parts,
        }
        with self.path.open("ab") as file:
            file.write(self._encode(told) + b"\n")
