"""Reads a template of CloudFormation: its own YAML tags stay what they are written as."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a template."""

    default: str | None
    description: str


class _Loader(yaml.SafeLoader):
    """The safe loader, to which `!Ref X` is X."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return loader.construct_scalar(node)
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
        case _:
            return loader.construct_mapping(node, deep=True)  # pyright: ignore[reportArgumentType]  the third kind


_Loader.add_multi_constructor("!", _plain)


def parameters_of(template: str) -> dict[str, Parameter]:
    """Lists a template's parameters, in its order."""
    read: Any = yaml.load(template, _Loader)
    return {
        name: Parameter(
            default=None if "Default" not in one else str(one["Default"]),
            description=str(one.get("Description", "")).strip(),
        )
        for name, one in read["Parameters"].items()
    }
