"""A server that fails in every way: what could be judged is as if nothing had failed, the rest is missing with its reason."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from running_server import score

from dikast.records import MISSING_REASONS

ROLLOUTS = 5_000
TRANSPORT = ("timeout", "transport", "rate_limited")
WITHIN = 600
"""Seconds in which the run must end, on a busy machine too."""


def scores_of(folder: Path, *options: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        score(folder, "--min-coverage", "0", *options), capture_output=True, text=True, timeout=WITHIN
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]


def test_every_rollout_is_scored_as_without_faults_or_missing_with_its_reason(
    judge_server: Callable[..., Any], work: Callable[..., Path]
):
    calm = scores_of(work(judge_server(), ROLLOUTS))
    hostile = scores_of(work(judge_server("--faults", "--seed", "7"), ROLLOUTS, timeout=1.0, attempts=6))

    assert [one["id"] for one in hostile] == [one["id"] for one in calm] == [f"line-{at + 1}" for at in range(ROLLOUTS)]
    missing = Counter(one["missing"] for one in hostile if one["status"] == "missing")
    assert set(missing) <= set(MISSING_REASONS)
    # Refusals are the model's own answer; at a rate of 3 % some must be there, or the server did not do its worst.
    assert 0 < missing["refused"] < 0.1 * ROLLOUTS
    assert sum(missing[reason] for reason in TRANSPORT) < 0.005 * ROLLOUTS
    # Asked once more, and cut or no JSON once more: (5 % + 2 %) squared.
    assert missing["unparsable"] + missing["truncated"] < 0.015 * ROLLOUTS
    for one, other in zip(calm, hostile, strict=True):
        assert one["status"] == "scored"
        assert other["score"] is None or other["score"] == one["score"]
        assert (other["score"] is None) == (other["status"] == "missing")
