"""Freed memory stays in the process, so that a block that is taken again costs no page faults, until it is given back."""

import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import ctypes, resource, sys
# PR_SET_THP_DISABLE: huge pages make a fault stand for 4 kB or for 2 MB, as the kernel has them to give.
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)
if sys.argv[1] == "keep":
    from dikast.train.memory import keep_freed_memory
    keep_freed_memory()
import torch
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(16_000_000)
if sys.argv[1] == "resident":
    from dikast.train.memory import give_back_memory, keep_freed_memory
    keep_freed_memory()
    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
    blocks = [torch.ones(16_000_000) for _ in range(4)]
    del blocks
    full = resident()
    give_back_memory()
    print(full - resident())
    sys.exit()
before = faults()
for _ in range(20):
    torch.ones(16_000_000)
print(faults() - before)
"""


def probe(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROBE, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux only")
def test_a_block_that_is_taken_again_is_not_mapped_anew():
    assert probe("keep") < probe("leave") / 10


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux only")
def test_what_was_kept_is_given_back_on_request():
    assert probe("resident") > 200_000_000
