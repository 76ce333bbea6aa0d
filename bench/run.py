"""Runs the benchmarks one after another and writes what they found, with the machine, into bench/last.json.

make bench
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("starting.py", "engine.py", "judging.py", "journal.py", "streaming.py", "preference.py")


def main() -> None:
    """Runs all, or those that are named."""
    rows = HERE / "last.jsonl"
    rows.unlink(missing_ok=True)
    for name in sys.argv[1:] or BENCHMARKS:
        subprocess.run(
            [sys.executable, str(HERE / name)], check=True, env=os.environ | {"DIKAST_BENCH_JSON": str(rows)}
        )
    tables = [json.loads(line) for line in rows.read_text("utf-8").splitlines()] if rows.exists() else []
    rows.unlink(missing_ok=True)
    versions = {name: importlib.metadata.version(name) for name in ("dikast", "aiohttp", "msgspec", "pyreqwest")}
    found = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version()},
        "versions": versions,
        "tables": tables,
    }
    (HERE / "last.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


if __name__ == "__main__":
    main()
