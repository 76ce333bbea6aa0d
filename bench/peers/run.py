"""The judges of other packages beside dikast's, on one fake judge server and in one run.

    python bench/peers/run.py                                  # every peer, 3 rounds, medians
    python bench/peers/run.py --quick                          # one round
    python bench/peers/run.py --quick --only verifiers autoevals --judgments 64

Each peer has an environment of its own, made when it is missing (bench/environments.py), and is driven by
its public functions as its manual says (bench/peers/judge_*.py): one question of about 1 kB for each judgment, one
client for all where the package allows it, telemetry and caches off. 256 judgments are in flight and the server takes
50 ms. dikast runs with everything on, its journal too. Each run is a process of its own; rounds alternate. A peer that
is not installed or gets a verdict wrong has a line with the reason.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from environments import Environments, NotInstalledError
from measuring import AT_ONCE, in_child, judge_server, show

HERE = Path(__file__).parent
ENVIRONMENTS = Environments(HERE)
LATENCY = 0.05
JUDGING = HERE.parent / "judging.py"
DIKAST = ("dikast aiohttp", "dikast pyreqwest")
# What is run of each, and how many judgments: 4,000, or for the slow about as many as take 15 s.
OURS = dict.fromkeys((*DIKAST, "plain aiohttp"), 4000)
PEERS = {
    "autoevals": ("LLMClassifier", 4000),
    "openenv-core": ("LLMJudge", 4000),
    "openevals": ("create_async_llm_as_judge", 4000),
    "py-openjudge": ("LLMGrader", 4000),
    "inspect-ai": ("model_graded_qa", 4000),
    "autorubric": ("CriterionGrader", 4000),
    "verifiers": ("RubricJudge", 512),
    "deepeval": ("GEval", 512),
}
# Longer than the slowest takes many times over: a client that waits for ever must not stop the run.
GIVE_UP_S = 900


@dataclass(kw_only=True)
class Entrant:
    """One line of the table: how it is run, and what its runs found."""

    who: str
    version: str
    judgments: int
    before: int = 0
    """Judgments before those that are timed."""
    command: tuple[Path, tuple[str, ...], str] | None = None
    runs: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""
    again: int = 0
    """Questions beyond one for each judgment: what was asked again after a time-out of the client's own."""

    def run(self, url: str) -> None:
        """Makes one run, unless one has failed before."""
        if self.failed or self.command is None:
            return
        script, arguments, python = self.command
        asked(url, "/reset")
        count = str(self.judgments)
        try:
            found = in_child(script, *arguments, "--url", url, "--judgments", count, python=python, seconds=GIVE_UP_S)
        except RuntimeError as error:
            self.failed = str(error).splitlines()[-1]
        except subprocess.TimeoutExpired:
            self.failed = f"not done after {GIVE_UP_S} s"
        else:
            self.runs.append(found)
            self.again += asked(url, "/stats") - self.judgments - self.before

    def median(self, name: str) -> float | None:
        """The median of a figure, or nothing where a run failed."""
        return None if self.failed else statistics.median(run[name] for run in self.runs)

    def note(self) -> str:
        """What a reader of the figures must know."""
        return self.failed or (f"{self.again} questions were asked again" if self.again else "")


def asked(url: str, path: str) -> int:
    """How many questions the judge server remembers."""
    with urllib.request.urlopen(f"{url}{path}", timeout=60) as answer:
        return len(json.load(answer).get("asked", ()))


def main() -> None:
    """Runs all, or the peers that are named beside dikast, and prints one table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--quick", action="store_true", help="one round")
    options.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help=", ".join(PEERS))
    options.add_argument("--judgments", type=int, help="at most so many each; few of them tell nothing about speed")
    given = options.parse_args()
    rounds = 1 if given.quick else given.rounds
    entrants = [*map(ours, OURS), *map(peer, given.only)]
    if given.judgments:
        for entrant in entrants:
            entrant.judgments = min(entrant.judgments, given.judgments)
    with judge_server(LATENCY) as url:
        for _ in range(rounds):
            for entrant in entrants:
                entrant.run(url)
    rows = table(entrants)
    show(f"judges, {LATENCY * 1000:.0f} ms, {AT_ONCE} at once, median of {rounds}", rows, list(rows[0]))


def ours(way: str) -> Entrant:
    """A way of bench/judging.py, in this Python."""
    package = way.split()[0].replace("plain", "aiohttp")
    command = (JUDGING, ("--one", way), sys.executable)
    return Entrant(who=way, version=metadata.version(package), judgments=OURS[way], before=1, command=command)


def peer(name: str) -> Entrant:
    """A peer in its own Python, which is made ready here: no run waits for an installation."""
    what, judgments = PEERS[name]
    entrant = Entrant(who=f"{name} {what}", version=ENVIRONMENTS.version_of(name), judgments=judgments, before=1)
    try:
        python = ENVIRONMENTS.python_of(name)
    except NotInstalledError as error:
        entrant.failed = f"not installed: {error}"
    else:
        entrant.command = (HERE / f"judge_{name.replace('-', '_')}.py", (), str(python))
    return entrant


def table(entrants: list[Entrant]) -> list[dict[str, Any]]:
    """The rows, with how many times as many judgments a second dikast makes."""
    speed = {entrant.who: entrant.median("per_second") for entrant in entrants}
    rows: list[dict[str, Any]] = []
    for entrant in entrants:
        own = speed[entrant.who]
        row: dict[str, Any] = {
            "who": entrant.who,
            "version": entrant.version,
            "judgments": entrant.judgments,
            "a second": own,
            "CPU s / 1000": entrant.median("cpu_ms"),
            "peak MB": entrant.median("peak_mb"),
        }
        for way in DIKAST:
            theirs = speed[way]
            row[f"{way} / it"] = theirs / own if theirs and own else None
        rows.append(row | {"note": entrant.note()})
    return rows


if __name__ == "__main__":
    main()
