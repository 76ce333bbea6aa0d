"""The Python that a Lambda function runs on: which one, on which processor, and which wheels fit it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from dikast.errors import UsageError

if TYPE_CHECKING:
    from packaging.tags import Tag

Architecture = Literal["x86_64", "arm64"]

GLIBC = {"3.11": 26, "3.12": 34, "3.13": 34, "3.14": 34}
"""Python of a Lambda runtime → minor version of its glibc: Amazon Linux 2 has 2.26, Amazon Linux 2023 has 2.34."""


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """One of Lambda's Python runtimes."""

    python: str
    architecture: Architecture = "x86_64"

    @property
    def name(self) -> str:
        """As Lambda calls it."""
        return f"python{self.python}"

    @property
    def machine(self) -> str:
        """As wheels call the processor."""
        return "aarch64" if self.architecture == "arm64" else "x86_64"

    @property
    def is_here(self) -> bool:
        """Whether this machine and this Python run what is built for it."""
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        return self.python == here and sys.platform == "linux" and platform.machine() == self.machine

    def platforms(self) -> list[str]:
        """Wheel platforms that it runs, best first."""
        newer = [f"manylinux_2_{minor}_{self.machine}" for minor in range(GLIBC[self.python], 16, -1)]
        return [*newer, f"manylinux2014_{self.machine}"]

    def tags(self) -> Iterator[Tag]:
        """Wheel tags that fit it."""
        from packaging.tags import compatible_tags, cpython_tags

        version, platforms = tuple(map(int, self.python.split("."))), self.platforms()
        yield from cpython_tags(version, platforms=platforms)
        yield from compatible_tags(version, f"cp{''.join(map(str, version))}", platforms=platforms)

    def markers(self) -> dict[str, str]:
        """What a requirement's conditions are held against."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "platform_machine": self.machine,
            "platform_system": "Linux",
            "sys_platform": "linux",
            "os_name": "posix",
            "extra": "",
        }


def runtime_of(python: str | None, architecture: Architecture) -> Runtime:
    """Gives the runtime for a version of Python: the one that runs now where none is named, so that it was tested here."""
    python = python or f"{sys.version_info.major}.{sys.version_info.minor}"
    if python not in GLIBC:
        raise UsageError(f"no Lambda runtime has Python {python}; say which with --python: {', '.join(GLIBC)}")
    return Runtime(python=python, architecture=architecture)
