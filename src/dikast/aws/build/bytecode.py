"""Compiles the modules of a package beforehand: Lambda's code folder is read-only, so each cold start would do it anew.

The bytes are the same twice: a Python without site packages compiles all of it, in the order of the names, and the
files hold no date. They are of use to that version of Python alone. A reward's own checks are loaded by their source.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dikast.aws.build.contents import FOLDER
from dikast.aws.build.runtime import Runtime

WHERE = "/var/task"
"""Where Lambda puts a package; tracebacks name the files there."""

_SCRIPT = """
import importlib.util, pathlib, sys, warnings
from importlib._bootstrap_external import _code_to_hash_pyc
warnings.simplefilter("ignore")
root = pathlib.Path(sys.argv[1])
for path in sorted(root.rglob("*.py")):
    place, source = path.relative_to(root), path.read_bytes()
    code = compile(source, f"{sys.argv[2]}/{place}", "exec", dont_inherit=True)
    cached = pathlib.Path(importlib.util.cache_from_source(str(path), optimization=""))
    cached.parent.mkdir(exist_ok=True)
    cached.write_bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))
"""


def compiled(files: Mapping[str, bytes], runtime: Runtime) -> dict[str, bytes]:
    """Gives the compiled modules by their place; none where the function runs on another Python than this one."""
    if runtime.python != f"{sys.version_info.major}.{sys.version_info.minor}":
        return {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, content in files.items():
            if name.endswith(".py") and not name.startswith(f"{FOLDER}/"):
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        subprocess.run([sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _SCRIPT, folder, WHERE], check=True)
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.pyc")}
