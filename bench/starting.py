"""What it costs to begin: the import, and the first judgment beside a bare script that imports the client and asks once."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from judging import REWARD
from measuring import DOCUMENT, judge_server, show

IMPORT = "import resource, dikast; u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"
NOTHING = "import resource; u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"
HEAVY = ("torch", "boto3", "aiohttp", "numpy", "starlette", "fastapi", "pyreqwest")
LOADED = f"import dikast, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
BARE = """
import asyncio, json, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        form = {"type": "json_schema", "json_schema": {"schema": {"properties": {"verdicts": {"properties": {
            "follows": {"properties": {"reason": {}, "answer": {"enum": ["yes", "no"]}}}}}}}}}
        text = "# Document\\n" + sys.argv[2] + "\\n# Candidate\\n<0123456789abcdef>\\nA.\\n</0123456789abcdef>"
        body = {"messages": [{"role": "user", "content": text}], "response_format": form}
        async with session.post(sys.argv[1] + "/v1/chat/completions", json=body) as answer:
            json.loads((await answer.json())["choices"][0]["message"]["content"])
asyncio.run(main())
"""
FIRST = """
import sys, dikast
reward = dikast.load(sys.argv[1])
rollout = dikast.Rollout(id="a", group="a", prompt="Q?", completion="A.", columns={"contract": sys.argv[2]})
assert reward.score([rollout])[0].score is not None
"""
ROUNDS = 9


def main() -> None:
    """Measures and prints."""
    imported = _median_of_output(IMPORT) - _median_of_output(NOTHING)
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.strip()
    show("import dikast", [{"CPU ms": 1000 * imported, "heavy modules": loaded}], ["CPU ms", "heavy modules"])
    with judge_server(0.0) as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "reward.yaml").write_text(REWARD)
        (folder / "models.yaml").write_text(f"judge: {{provider: openai, endpoint: '{url}/v1', transport: aiohttp}}")
        bare, first = [], []
        for _ in range(ROUNDS):
            bare.append(_seconds(BARE, url, DOCUMENT))
            first.append(_seconds(FIRST, str(folder / "reward.yaml"), DOCUMENT))
        row = {
            "bare script s": statistics.median(bare),
            "dikast s": statistics.median(first),
            "ratio": statistics.median(first) / statistics.median(bare),
        }
        show(f"first judgment, process and all, median of {ROUNDS}", [row], list(row))


def _median_of_output(code: str) -> float:
    runs = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(ROUNDS)
    )
    return statistics.median(float(run.stdout) for run in runs)


def _seconds(code: str, *arguments: str) -> float:
    # What is imported is compiled once and not each time, as at everybody's who did not forbid it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=environment)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
