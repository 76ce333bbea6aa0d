"""Checks that no term or pattern of the lists stands in a completion. Rule-based: a floor, no classifier.

A list is a text file: one entry a line, `#` starts a comment line. A plain entry is found as whole words,
whatever its case, width, blanks, quotation marks and invisible characters. An entry that starts with `re:`
is a regular expression; it sees the text with case and line ends as they are, for a bounded time.
The lists beside this file stand in when the reward names none.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import regex

from dikast.checks.base import PASSED, Checked, CheckFunction, Outcome
from dikast.checks.parsing import strings_in, text_of
from dikast.checks.patterns import compile_pattern, matches
from dikast.errors import ConfigError
from dikast.quoting import fold
from dikast.records import Missing

BUILT_IN = ("judge_injection", "secrets", "self_harm", "violence")
PATTERN_MARK = "re:"
LISTS = Path(__file__).parent / "lists"

# Words end at blanks only where the script has blanks.
_IN_WORD = r"[\w--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
_INVISIBLE = regex.compile(r"\p{Cf}+")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What must not stand in a completion; each entry with its place, as `list:line`."""

    terms: Mapping[str, str]
    """Plain entry as it is searched → place."""
    any_term: regex.Pattern[str] | None
    patterns: tuple[tuple[str, regex.Pattern[str]], ...]
    """(place, pattern)."""


def safety_check(lists: Sequence[Path] | None) -> CheckFunction:
    """The value is 1 or 0. Without `lists` the built-in ones are used. Raises `ConfigError` with file and line."""
    rules = _rules_of(texts_of(lists))

    def run(checked: Checked) -> Outcome | Missing:
        try:
            place = place_of(text_of(checked, keys=True), rules)
            if place is None:
                return PASSED
            item = _first_item(checked.items or (), rules)
        except TimeoutError:
            return Missing("check_error", "a pattern of the lists took too long on this completion")
        # Only the place is told: the text may be a secret, and reasons are logged.
        return Outcome(value=0.0, reason=f"it holds what {place} lists", item=item)

    return run


def texts_of(lists: Sequence[Path] | None) -> dict[str, str]:
    """Gives name → text of lists; without any, of the built-in ones."""
    paths = [LISTS / f"{name}.txt" for name in BUILT_IN] if lists is None else lists
    return {path.name: _read(path) for path in paths}


def place_compiled(lists: Mapping[str, str]) -> Path:
    """Where a package keeps what `compile_rules` gives for these lists: with 20 patterns it takes longer than all other checks."""
    told = json.dumps([regex.__version__, *lists.items()])
    return LISTS / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.rules"


def _rules_of(lists: Mapping[str, str]) -> Rules:
    try:
        # It comes with the package, as the code does.
        return pickle.loads(place_compiled(lists).read_bytes())
    except FileNotFoundError:
        return compile_rules(lists)


def compile_rules(lists: Mapping[str, str]) -> Rules:
    """Compiles lists, name → text. Raises `ConfigError` with the list and line."""
    terms: dict[str, str] = {}
    patterns: list[tuple[str, regex.Pattern[str]]] = []
    for name, text in lists.items():
        before = len(terms) + len(patterns)
        for number, line in enumerate(text.splitlines(), start=1):
            entry, place = line.strip(), f"{name}:{number}"
            if entry.startswith(PATTERN_MARK):
                patterns.append((place, compile_pattern(entry.removeprefix(PATTERN_MARK).strip(), where=place)))
            elif entry and not entry.startswith("#"):
                terms.setdefault(_plain(entry), place)
        if len(terms) + len(patterns) == before:
            raise ConfigError(f"{name}: the list has no entry; write one term or 're:' pattern a line")
    any_term = regex.compile(rf"(?<!{_IN_WORD})\L<terms>(?!{_IN_WORD})", flags=regex.V1, terms=list(terms))
    return Rules(terms=terms, any_term=any_term if terms else None, patterns=tuple(patterns))


def place_of(text: str, rules: Rules) -> str | None:
    """Gives the place of an entry that stands in a text, or None. Raises `TimeoutError` for an endless pattern."""
    if rules.any_term is not None and (found := rules.any_term.search(_plain(text))):
        return rules.terms[found[0]]
    seen = _INVISIBLE.sub("", text)
    return next((place for place, pattern in rules.patterns if matches(pattern, seen)), None)


def _plain(text: str) -> str:
    return fold(_INVISIBLE.sub("", text)).casefold()


def _first_item(items: tuple[Any, ...], rules: Rules) -> int | None:
    texts = ("\n".join(strings_in(item, keys=True)) for item in items)
    return next((at for at, text in enumerate(texts) if place_of(text, rules) is not None), None)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text ({error})") from error
