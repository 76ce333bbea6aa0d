"""Tells a person what long work does: bars on a terminal, plain lines elsewhere. Always on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

from dikast.report.words import visible

_WIDER_THAN_ANY = 10_000
"""Columns; a table takes what it needs of them."""

PLAIN_EVERY = 15.0
"""Seconds between two plain lines of one piece of work."""


def print_figures(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table on standard output, names left and figures right. A narrow terminal breaks lines, never figures.

    Names come from users' files: what looks like markup or an emoji is printed as it stands, and nothing steers the terminal.
    """
    columns = (Column(name, justify="right" if at else "left", no_wrap=True) for at, name in enumerate(names))
    table = Table(*columns)
    for row in rows:
        table.add_row(*map(visible, row))
    Console(width=_WIDER_THAN_ANY, markup=False, emoji=False).print(table)


class ConsoleTeller:
    """Lines and progress bars on standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet

    def say(self, line: str) -> None:
        """Prints a line with the time of day."""
        if not self.quiet:
            self.console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Shows how much of `total` is done; the callable moves it on."""
        if self.console.is_terminal and not self.quiet:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=self.console, transient=True) as progress:
                task = progress.add_task(title, total=total)
                yield lambda done: progress.advance(task, done)
            return
        yield self._plain(title, total)

    def _plain(self, title: str, total: int) -> Callable[[int], None]:
        done = 0
        latest = time.monotonic()

        def move(count: int) -> None:
            nonlocal done, latest
            done += count
            if time.monotonic() - latest >= PLAIN_EVERY:
                latest = time.monotonic()
                self.say(f"{title}: {done} of {total}")

        return move
