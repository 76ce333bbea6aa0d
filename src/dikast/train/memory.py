"""Keeps freed memory in the process, where training on a CPU asks for it again a moment later.

glibc hands every large block back to the kernel, which must then map and clear it anew, page by page: a
third of a training step on two cores was spent on that. Kept in the heap, and in huge pages where the kernel
gives them on request, the same step took 9.4 s in place of 13.7 s. Between stages it is given back: the next one
takes blocks of other sizes, and would find the heap full of holes.
"""

from __future__ import annotations

import ctypes
import gc
import os

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Tells the allocators, for the life of this process. Call it before torch is loaded; elsewhere than on glibc nothing happens."""
    # Read by torch at its first allocation.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)


def give_back_memory() -> None:
    """Hands what is free back to the kernel, once. Call it where a model was dropped; elsewhere than on glibc only Python's garbage goes."""
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
