"""Compiles the safety lists of a reward beforehand: at each cold start that would take longer than all other checks together.

`regex` hands out what it compiled, as pickle. The bytes are the same twice: the Python that writes them orders its sets by
one seed. They are of use to this version of `regex` alone, which goes into the package, and their name says so.
"""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from dikast.aws.build.modules import SOURCE
from dikast.spec.checks import SafetyCheck
from dikast.spec.reward import RewardSpec

# A node hashes by its class, and a class by where it stands in memory, so sets of nodes would come in another order each time.
_SCRIPT = """
import json, pickle, sys
from regex._regex_core import RegexBase

def of_names(node):
    rest = node._key[1:] if isinstance(node._key, tuple) else ()
    return hash((type(node).__name__, *rest))

RegexBase.__hash__ = of_names
from dikast.checks.safety import compile_rules
sys.stdout.buffer.write(pickle.dumps(compile_rules(json.load(sys.stdin)), 5))
"""


def compiled_lists(spec: RewardSpec) -> dict[str, bytes]:
    """Gives what the lists compile to, by its place in the package. Raises `ConfigError` with list and line."""
    checks = [check for check in spec.file.checks if isinstance(check, SafetyCheck)]
    if not checks:
        return {}
    from dikast.checks.safety import compile_rules, place_compiled, texts_of

    files: dict[str, bytes] = {}
    for check in checks:
        lists = texts_of(None if check.lists is None else [spec.resource(name) for name in check.lists])
        compile_rules(lists)
        done = subprocess.run(
            [sys.executable, "-B", "-c", _SCRIPT],
            input=msgspec.json.encode(lists),
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(SOURCE), *filter(None, sys.path)]),
                "PYTHONHASHSEED": "0",
            },
            capture_output=True,
            check=False,
        )
        # A `regex` that is made otherwise compiles at the start, as it would anyhow.
        if done.returncode == 0:
            files[place_compiled(lists).relative_to(SOURCE).as_posix()] = done.stdout
    return files
