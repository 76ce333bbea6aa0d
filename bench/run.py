"""Runs the benchmarks one after another and writes what they found, with the machine, into bench/last.json.

    make bench                                  # all of them
    python bench/run.py judging.py journal.py   # some of them; the tables of the others stay as they were
    python bench/run.py --docs                  # put the tables into docs/performance.md too

Nothing else should run beside it.
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
from typing import Any

from measuring import cell

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs" / "performance.md"
MARK = "<!-- the last run -->"
BENCHMARKS = (
    "starting.py",
    "engine.py",
    "judging.py",
    "journal.py",
    "streaming.py",
    "preference.py",
    "agree.py",
    "certify.py",
    "serve.py",
    "lambda.py",
)


def main() -> None:
    """Runs all, or those that are named."""
    named = [name for name in sys.argv[1:] if name != "--docs"]
    last = HERE / "last.json"
    tables = json.loads(last.read_bytes())["tables"] if named and last.exists() else {}
    for name in named or BENCHMARKS:
        tables[name] = _run(name)
    versions = {name: importlib.metadata.version(name) for name in ("dikast", "aiohttp", "msgspec", "pyreqwest")}
    found = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version()},
        "versions": versions,
        "tables": tables,
    }
    last.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if "--docs" in sys.argv:
        _write_docs(found)


def _run(name: str) -> list[dict[str, Any]]:
    rows = HERE / "last.jsonl"
    rows.unlink(missing_ok=True)
    environment = os.environ | {"DIKAST_BENCH_JSON": str(rows)}
    subprocess.run([sys.executable, str(HERE / name)], check=True, env=environment)
    tables = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    rows.unlink()
    return tables


def _write_docs(found: dict[str, Any]) -> None:
    """Replaces what stands behind the page's mark by the last run's tables."""
    page = DOCS.read_text("utf-8")
    kept, mark, _ = page.partition(MARK)
    machine, versions = found["machine"], found["versions"]
    lines = [
        f"{found['date']}; {machine['cores']} cores of {machine['cpu']}, Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + "."
    ]
    for name, tables in found["tables"].items():
        for table in tables:
            lines += ["", f"### {table['title']}", "", f"`python bench/{name}`", "", *_markdown(table["rows"])]
    DOCS.write_text(f"{kept}{mark}\n\n" + "\n".join(lines) + "\n", "utf-8")


def _markdown(rows: list[dict[str, Any]]) -> list[str]:
    columns = list(rows[0])
    body = ["| " + " | ".join(cell(row.get(name)) for name in columns) + " |" for row in rows]
    return ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |", *body]


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


if __name__ == "__main__":
    main()
