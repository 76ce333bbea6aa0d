"""Where a journal is that a person names by its file or by the folder of a run."""

from __future__ import annotations

from pathlib import Path

from dikast.errors import UsageError

BESIDE = Path(".dikast/journal.db")
"""Where 'score' and 'certify' keep theirs, from the working folder."""
_IN_FOLDER = (Path("journal.db"), BESIDE)
"""The first is a run's."""


def journal_in(named: Path) -> Path:
    """Gives the journal itself, where a folder is named. Raises `UsageError` where there is none in it."""
    if not named.is_dir():
        return named
    for name in _IN_FOLDER:
        if (named / name).is_file():
            return named / name
    raise UsageError(f"{named}: there is no journal in this folder; name the file, or the folder of a run")


def folder_of(journal: Path) -> Path:
    """Gives the folder that a journal belongs to."""
    return journal.parent.parent if journal.parent.name == BESIDE.parent.name else journal.parent
