"""What the benchmarks share: what is judged, a judge server, a child process with its cost, a table."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
AT_ONCE = 256
DOCUMENT = "The Supplier shall deliver the goods within ten days of the order and bears the risk until then. " * 8


def answers_to_judge(count: int) -> list[str]:
    """So many different answers to judge against the document."""
    return [f"Answer {at}: the goods come within ten days." for at in range(count)]


@contextmanager
def judge_server(latency: float, *options: str) -> Iterator[str]:
    """Runs bench/judge_server.py with further options of its own, and gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [sys.executable, str(HERE / "judge_server.py"), "--latency", str(latency)]
        process = subprocess.Popen([*command, *options, "--port-file", str(port_file)])
        try:
            while not port_file.exists():
                if process.poll() is not None:
                    raise RuntimeError("the judge server ended before it listened")
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port_file.read_text()}"
        finally:
            process.kill()
            process.wait()


def in_child(
    script: Path, *arguments: str, python: str = sys.executable, seconds: float | None = None
) -> dict[str, Any]:
    """Runs a script that prints one JSON object last, and gives it. A child's memory and time are its own."""
    command = [python, str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"{script.name} {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def costs(work: Callable[[], int]) -> dict[str, float]:
    """Does the work, which gives how many units it did, and says what they cost."""
    before = _cpu()
    started = time.perf_counter()
    units = work()
    wall = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    cpu = _cpu() - before
    return {"units": units, "per_second": units / wall, "cpu_ms": 1000 * cpu / units, "peak_mb": peak, "wall": wall}


def show(title: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Prints a table and leaves its rows for `make bench` to gather."""
    print(f"\n{title}")
    widths = [max(len(name), *(len(cell(row.get(name))) for row in rows)) for name in columns]
    print("  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)))
    for row in rows:
        print("  ".join(cell(row.get(name)).ljust(width) for name, width in zip(columns, widths, strict=True)))
    if gathered := os.environ.get("DIKAST_BENCH_JSON"):
        with Path(gathered).open("a", encoding="utf-8") as out:
            out.write(json.dumps({"title": title, "rows": list(rows)}) + "\n")


def cell(value: Any) -> str:
    """Shows a figure to three digits."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
