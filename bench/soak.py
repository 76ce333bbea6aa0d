"""Asks a reward server for a long time, while one client in ten hangs up, and looks at what it keeps.

    make soak                               # 30 minutes; MINUTES=2 for a short one
    python bench/soak.py --minutes 2

200 requests a second in all shapes of trainers, each with one rollout or eight, against a judge that takes 20 ms and
fails now and then. A tenth of the clients vanish: half of these in the middle of their body, half before the answer.
At the end nothing may be under way, and the server may not have grown by more than 20 MB since it was warm.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from measuring import DOCUMENT, judge_server, show
from serve import resident_mb, serving

REWARD = """
name: soak
objective: You judge whether an answer follows from the document.
inputs: {Document: contract}
judge:
  model: openai:judge
  criteria:
    - {id: follows, ask: "Does the answer follow from the document?", pass: It does., fail: It does not.}
"""
RATE = 200
VANISHING = 0.1
WARM_SECONDS = 30
ANSWERS = 20_000
"""Different answers; the journal grows on the disk until all are judged."""
MOST_MB = 20.0
IDLE_TASKS = 4
"""Of a server that nobody asks, with the task that answers this very question."""


def main() -> int:
    """Runs the soak, prints what was found, and exits with 1 where it is too much."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=30.0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name, judge_server(0.02) as judge:
        folder = Path(name)
        (folder / "reward.yaml").write_text(REWARD)
        (folder / "models.yaml").write_text(json.dumps({"judge": {"provider": "openai", "endpoint": f"{judge}/v1"}}))
        with serving(folder / "reward.yaml") as (url, pid):
            asyncio.run(ask_for(url, WARM_SECONDS))
            warm = resident_mb(pid)
            asked = [asyncio.run(ask_for(url, 30 * given.minutes))]
            halfway = resident_mb(pid)
            asked.append(asyncio.run(ask_for(url, 30 * given.minutes, seed=1)))
            time.sleep(3)
            row = {
                "minutes": given.minutes,
                **{name: sum(one[name] for one in asked) for name in asked[0]},
                "warm MB": warm,
                "grew MB": resident_mb(pid) - warm,
                "in the second half": resident_mb(pid) - halfway,
                "under way": gauge(url, "requests_under_way") + gauge(url, "rollouts_under_way"),
                "tasks": gauge(url, "tasks"),
            }
    show("soak", [row], list(row))
    bad = row["grew MB"] > MOST_MB or row["under way"] > 1 or row["tasks"] > IDLE_TASKS or row["other answers"]
    return int(bool(bad))


def gauge(url: str, name: str) -> int:
    """Reads one of the server's figures."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        found = re.search(rf"^dikast_{name} (\S+)$", answer.read().decode(), re.MULTILINE)
    assert found
    return int(found[1])


async def ask_for(url: str, seconds: float, *, seed: int = 0) -> dict[str, int]:
    """Sends requests at a steady rate, and counts what came back."""
    host, _, port = url.removeprefix("http://").partition(":")
    dice = random.Random(seed)
    statuses: Counter[str] = Counter()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as running:
        for at in range(int(RATE * seconds)):
            await asyncio.sleep(max(0.0, began + at / RATE - time.perf_counter()))
            path, body = request(dice)
            running.create_task(_one(host, int(port), path, body, dice.random(), statuses))
    answered, gone = statuses["200"], statuses["gone"]
    return {
        "requests": sum(statuses.values()),
        "answered": answered,
        "vanished": gone,
        "other answers": statuses.total() - answered - gone,
    }


async def _one(host: str, port: int, path: str, body: bytes, draw: float, statuses: Counter[str]) -> None:
    """Sends one request over a connection of its own, and sees it through or vanishes."""
    reader, writer = await asyncio.open_connection(host, port)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    whole = head.encode() + body
    cut = len(whole) if draw >= VANISHING / 2 else len(whole) // 2
    writer.write(whole[:cut])
    await writer.drain()
    if draw < VANISHING:
        await asyncio.sleep(0.01)
        writer.transport.abort()
        statuses["gone"] += 1
        return
    told = await reader.read()
    statuses[told.split(b" ", 2)[1].decode()] += 1
    writer.close()


def request(dice: random.Random) -> tuple[str, bytes]:
    """Makes up one request in one of the shapes."""
    at = dice.randrange(ANSWERS)
    prompt, answer, columns = f"Question {at // 8}?", f"Answer {at}: within ten days.", {"contract": DOCUMENT}
    turns = [{"role": "user", "content": prompt}]
    said = {"role": "assistant", "content": [{"type": "output_text", "text": answer}]}
    shapes: list[tuple[str, Any]] = [
        ("score", {"rollouts": [{"prompt": prompt, "completion": f"{answer} ({n})", **columns} for n in range(8)]}),
        ("score", {"rollouts": [{"prompt": prompt, "completion": answer, **columns}]}),
        ("openrlhf", {"query": [f"{prompt}\n{answer}</s>"], "prompts": [f"{prompt}\n"], "labels": [columns]}),
        ("slime", {"prompt": prompt, "response": answer, "label": columns}),
        ("nova", [{"id": str(at), "messages": [*turns, {"role": "assistant", "content": answer}], **columns}]),
        ("verify", {"responses_create_params": {"input": turns}, "response": {"output": [said]}, **columns}),
    ]
    name, body = dice.choice(shapes)
    return f"/v1/rewards/soak/{name}", json.dumps(body).encode()


if __name__ == "__main__":
    sys.exit(main())
