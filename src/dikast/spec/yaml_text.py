"""Reads a text as YAML, with PyYAML's safe loader, and stricter: no tag but YAML's own, no alias, no key twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from dikast.errors import ConfigError


def loaded(text: str, path: Path) -> Any:
    """Gives plain data: no object of ours or Python's is ever made. Raises `ConfigError` with the file and the line."""
    try:
        return yaml.load(text, _Loader)
    except RecursionError as error:
        raise ConfigError(f"{path}: not valid YAML (nested too deeply)") from error
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise ConfigError(f"{path}:{line} not valid YAML ({error.problem})") from error
    except _BAD_VALUE as error:
        raise ConfigError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error


_BAD_VALUE = (yaml.YAMLError, ValueError, KeyError, AttributeError)
"""What PyYAML lets through for a value that its tag does not fit: `!!timestamp soon`, `!!bool maybe`."""


class _Loader(yaml.SafeLoader):
    """The safe loader, stricter."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        events: Any = self
        if events.check_event(yaml.AliasEvent):
            event = events.peek_event()
            raise ComposerError(None, None, f"'*{event.anchor}' repeats another part; write it out", event.start_mark)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> Any:
        node = super().compose_scalar_node(anchor)
        node.value.encode()  # an escape can write half a surrogate, which no request or hash can hold: UnicodeEncodeError
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ComposerError(None, None, f"the key '{key.value}' stands twice", key.start_mark)
            seen.add(str(key.value))
        return node


# PyYAML takes 5e-5 for a text, since it has no dot; everybody else takes it for a number.
_loader: Any = _Loader
_loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)
# No setting is a date: what looks like one is a text, as in a price's `date: 2026-11-24`.
_loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _loader.yaml_implicit_resolvers.items()
}
# Other libraries teach PyYAML's own loader tags of theirs, and would teach this one with it.
_loader.yaml_constructors = {
    tag: make for tag, make in _loader.yaml_constructors.items() if tag is None or tag.startswith("tag:yaml.org,2002:")
}
_loader.yaml_multi_constructors = {}
