"""Freed memory stays in the process: a block that is taken again costs no page faults."""

import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import resource, sys
if sys.argv[1] == "keep":
    from dikast.train.memory import keep_freed_memory
    keep_freed_memory()
import torch
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(16_000_000)
before = faults()
for _ in range(20):
    torch.ones(16_000_000)
print(faults() - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROBE, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux only")
def test_a_block_that_is_taken_again_is_not_mapped_anew():
    assert faults("keep") < faults("leave") / 10
