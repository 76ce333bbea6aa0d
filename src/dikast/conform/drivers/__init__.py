"""One file a trainer: runs its own calling code over all rollouts, and prints what came of it.

    python -m dikast.conform.drivers.NAME FOLDER [ADDRESS]

FOLDER is a suite that was laid out (`conform/recorded.py`), ADDRESS where its reward is served. What is printed is one `Finding` a line.
"""
