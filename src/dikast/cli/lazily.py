"""Commands whose modules are imported when they are used, so that a list of them loads nothing.

A module has its function `command`, or a Typer application `app` where the command has commands of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

if TYPE_CHECKING:
    from typer._click import Command, Context


def lazy_application(
    package: str, commands: Mapping[str, str], *, with_their_own: Collection[str] = (), **settings: Any
) -> typer.Typer:
    """Gives an application that lists each command by its line, and imports `package.NAME` for the one that is used."""

    class Commands(TyperGroup):
        def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
            name, _listed, rest = super().resolve_command(ctx, args)
            return name, load(name) if name else None, rest

    def load(name: str) -> Command:
        module = importlib.import_module(f"{package}.{name}")
        if name in with_their_own:
            return get_group(module.app)
        alone = typer.Typer(add_completion=False)
        alone.command(name)(module.command)
        return get_command(alone)

    app = typer.Typer(cls=Commands, no_args_is_help=True, **settings)
    for name, line in commands.items():
        app.command(name, help=line)(_listed)
    return app


def _listed() -> None:
    """Stands for a command in the list; the group puts the real one in its place."""
