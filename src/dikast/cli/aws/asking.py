"""Asks before anything is changed in an account."""

from __future__ import annotations

import typer


def agreed(question: str) -> bool:
    """Whether somebody says yes. The end of the input and Ctrl-C are a no: what was prepared must not stay behind."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        typer.echo("")
        return False
