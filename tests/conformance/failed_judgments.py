"""What a judge that fails at 5 % does in each stack, with our adapter and with a judge that is plugged in by hand.

    PYTHONPATH=src:bench python tests/conformance/failed_judgments.py [TRAINER]...    # or: make failed-judgments

Prints the rows of the table in docs/trainers.md: of the trainers whose environments are made, driven by their own code.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from environments import Environments
from make_rollouts import write_failing

from dikast.conform.finding import NOTHING, Finding, problems
from dikast.conform.recorded import Recorded, lay_out
from dikast.conform.running import TRAINERS, environment_of, run_driver
from dikast.records import Score

PROJECT = Path(__file__).parents[2]
MOVED = 0.01
"""An advantage that differs by less stays what it was: more than rounding and what is added to a deviation make."""

HEAD = """
import json, math, sys
from pathlib import Path
from dikast.conform.drivers.telling import alone, groups_of
from dikast.conform.recorded import Recorded

recorded = Recorded(folder=Path(sys.argv[1]))
rollouts = recorded.rollouts()
ids = [one.id for one in rollouts]
scores = {score.id: score.score for score in recorded.expected()}

def told(worth, advantages):
    print(json.dumps([worth, alone(rollouts, scores, advantages)]))

def by_group(failed, advantages):
    worth = {}
    for group in groups_of(rollouts).values():
        given = [failed if scores[one.id] is None else scores[one.id] for one in group]
        worth.update(zip((one.id for one in group), advantages(given), strict=True))
    told(worth, advantages)
"""
TRL = """
import asyncio
from trl.trainer.grpo_config import GRPOConfig
from dikast.conform.drivers import trl

def well_formed(completions, **_):
    return [0.1] * len(completions)

judge = trl.KIND.load(recorded.setting)
judge.on_missing = "native"
told(dict(zip(ids, ADVANTAGES, strict=True)), trl.ALONE)
"""
"""`None` as the judge's word for what failed, whatever the adapter would say to this version."""


def trl(kind: str, advantages: str, alone: str) -> str:
    """The script for one of TRL's trainers."""
    return TRL.replace("KIND", kind).replace("ADVANTAGES", advantages).replace("ALONE", alone)


BESIDE = "[judge, well_formed], rollouts"
RLOO = "from trl.trainer.rloo_config import RLOOConfig\n"


class ByHand(msgspec.Struct, frozen=True):
    """A stack with a judge of the user's own: what it does, and where that is a number, a script that has it do so."""

    does: str
    script: str = ""


_MS_SWIFT = """
import torch
from swift.rl_core.advantage import compute_advantages
by_group(math.nan, lambda rewards: compute_advantages(
    torch.tensor(rewards).unsqueeze(1), torch.ones(1), len(rewards))[0].tolist())
"""
_TINKER = """
from tinker_cookbook.rl.data_processing import compute_advantages
from tinker_cookbook.rl.types import Trajectory, TrajectoryGroup
by_group(math.nan, lambda rewards: compute_advantages(
    [TrajectoryGroup([Trajectory([], None)] * len(rewards), rewards, [{}] * len(rewards))])[0].tolist())
"""
_AREAL = """
import torch
from dikast.conform.drivers.areal import normed
by_group(0.0, lambda rewards: normed(torch.tensor(rewards, dtype=torch.float32), len(rewards)))
"""
BY_HAND: dict[str, list[ByHand]] = {
    "TRL GRPO": [
        ByHand(
            "`None` beside a format reward is 0",
            trl("Kept", f"trl.train(trl.RecitingGRPO, GRPOConfig, {BESIDE})", "in_group"),
        )
    ],
    "TRL RLOO": [
        ByHand(
            "the same", RLOO + trl("Kept", f"trl.train(trl.RecitingRLOO, RLOOConfig, {BESIDE})", "leave_one_out")
        )
    ],
    "TRL AsyncGRPO": [ByHand("the same", trl("Kept", f"asyncio.run(trl.score_groups({BESIDE}))", "of_population"))],
    "TRL before 1.6": [
        ByHand("`None` is 0", trl("KeptSync", "trl.train(trl.RecitingGRPO, GRPOConfig, judge, rollouts)", "in_group"))
    ],
    "verifiers judge": [
        ByHand(
            "a NaN passes silently",
            "from dikast.conform.drivers.verifiers import centred\nby_group(math.nan, centred)",
        )
    ],
    "tinker-cookbook": [ByHand("a NaN is taken", _TINKER)],
    "ART": [
        ByHand("an error ends the gathering"),
        ByHand("a NaN is taken", "from dikast.conform.drivers.art import advantages_of\nby_group(math.nan, advantages_of)"),
    ],
    "NeMo Gym": [ByHand("a failed call is masked, an unreadable answer is 0")],
    "verl": [
        ByHand(
            "`rate_limited` makes 0 of an error", "from dikast.conform.drivers.verl import advantages\nby_group(0.0, advantages)"
        ),
        ByHand("a NaN is taken", "from dikast.conform.drivers.verl import advantages\nby_group(math.nan, advantages)"),
    ],
    "OpenRLHF, filtering": [ByHand("what fails five times is `None`, and the step ends in an error")],
    "slime": [ByHand("ten tries, then the rollout is aborted")],
    "ms-swift": [ByHand("`None` is 0", _MS_SWIFT)],
    "SkyRL gym": [
        ByHand(
            "its example of a judge makes 0 of an error",
            "from dikast.conform.drivers.skyrl_gym import in_group\nby_group(0.0, in_group)",
        )
    ],
    "AReaL": [ByHand("after 15 seconds, 0", _AREAL)],
}  # fmt: skip
"""By a finding's trainer; a stack that is not here does as the one before it."""


def failing(folder: Path) -> Recorded:
    """Lays the set of the failing judge out."""
    source = folder / "source"
    source.mkdir(parents=True)
    write_failing(source)
    return lay_out(folder / "suite", source=source)


def rows(
    found: Iterable[Finding], recorded: Recorded, expected: Mapping[str, Score], python: str | Path
) -> Iterator[str]:
    """The table's rows of one trainer. Raises `AssertionError` where its adapter does not keep its word."""
    for finding in found:
        if wrong := list(problems(finding, expected)):
            raise AssertionError(f"{finding.trainer}: {wrong[0]}")
        hands = [_by_hand(one, recorded, expected, python) for one in BY_HAND.get(finding.trainer, ())]
        cells = [f"{finding.trainer} ({finding.version})", *with_us(finding, expected), "; ".join(hands) or "as before"]
        yield f"| {' | '.join(cells)} |"


def with_us(finding: Finding, expected: Mapping[str, Score]) -> tuple[str, str]:
    """What the failed ones get, and what becomes of their siblings; `problems` has found nothing wrong with either."""
    failed, siblings = failed_of(expected), siblings_of(expected)
    worth = finding.advantages
    had = [name for name in failed if worth.get(name) is not None]
    left = [name for name in siblings if worth.get(name) is not None]
    if not worth or not finding.alone:
        return "none: left out" if not had else "0", "left to the trainer"
    changed = "as if it had not been there" if finding.siblings == "same" else "× √((G−1)/(m−1))"
    return "0" if had else "none: left out", changed if left else "left out with it"


def _by_hand(hand: ByHand, recorded: Recorded, expected: Mapping[str, Score], python: str | Path) -> str:
    if not hand.script:
        return hand.does
    command = [str(python), "-c", HEAD + hand.script, str(recorded.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment_of(python))
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    worth, alone = json.loads(done.stdout.splitlines()[-1])
    return f"{hand.does}: {effect(worth, alone, expected)}"


def effect(worth: Mapping[str, float], alone: Mapping[str, float], expected: Mapping[str, Score]) -> str:
    """Counts the failed ones that get an advantage, and the siblings that get another one than without them."""
    failed, siblings = failed_of(expected), siblings_of(expected)
    if nothing := [name for name in (*failed, *siblings) if math.isnan(worth[name])]:
        return f"{len(nothing)} of {len(failed) + len(siblings)} advantages are NaN"
    got = [worth[name] for name in failed if abs(worth[name]) > NOTHING]
    moved = [name for name in siblings if abs(worth[name] - alone[name]) > MOVED]
    span = f", {min(got):.2f} to {max(got):.2f}".replace("-", "−") if got else ""
    return f"{len(got)} of {len(failed)} get an advantage{span}; {len(moved)} of {len(siblings)} siblings are changed"


def failed_of(expected: Mapping[str, Score]) -> list[str]:
    """Those without a score."""
    return [name for name, score in expected.items() if score.score is None]


def siblings_of(expected: Mapping[str, Score]) -> list[str]:
    """Those with a score in groups in which something failed."""
    groups = {expected[name].group for name in failed_of(expected)}
    return [name for name, score in expected.items() if score.group in groups and score.score is not None]


def main(wanted: list[str]) -> int:
    """Prints the table."""
    environments = Environments(PROJECT / "conformance")
    absent = False
    with tempfile.TemporaryDirectory() as folder:
        recorded = failing(Path(folder))
        expected = {score.id: score for score in recorded.expected()}
        print(f"{len(expected)} rollouts, {len(failed_of(expected))} failed, {len(siblings_of(expected))} siblings")
        for name, trainer in TRAINERS.items():
            if wanted and name not in wanted:
                continue
            python = environments.made(trainer.environment) if trainer.environment else Path(sys.executable)
            if python is None:
                print(f"{name}: no environment; 'make conformance-{trainer.environment}' makes it", file=sys.stderr)
                absent = True
                continue
            found = run_driver(trainer.driver, recorded, python=python)
            print("\n".join(rows(found, recorded, expected, python)), flush=True)
        if (source := os.environ.get("DIKAST_SLIME")) and (python := environments.made("verl")):
            os.environ["PYTHONPATH"] = source
            print("\n".join(rows(run_driver("slime", recorded, python=python), recorded, expected, python)))
    return int(absent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
