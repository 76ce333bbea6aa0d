"""The checks of a reward.yaml: what each may say, and what does not fit together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import msgspec


class _Check(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True, forbid_unknown_fields=True, tag_field="check"):
    """What all checks share. A check is a gate or has a weight."""

    name: str | None = None
    """How the part is called; the kind of check where not given."""
    gate: bool = False
    weight: float | None = None
    """Absolute share of the score, in 0..1."""

    @property
    def part_name(self) -> str:
        return self.name or type(self).__struct_config__.tag  # pyright: ignore[reportReturnType]  tags are strings here


class JsonCheck(_Check, frozen=True, kw_only=True, tag="json"):
    """The completion is JSON, and follows a JSON Schema where one is named."""

    schema: str | None = None


class QuoteCheck(_Check, frozen=True, kw_only=True, tag="quote"):
    """A field (of every item) is a verbatim quote from an input."""

    field: str
    source: str
    min_words: int = 1


class LengthCheck(_Check, frozen=True, kw_only=True, tag="length"):
    """The completion, or a field, has at least and at most so many words."""

    max_words: int | None = None
    min_words: int | None = None
    field: str | None = None


class LanguageCheck(_Check, frozen=True, kw_only=True, tag="language"):
    """The text is in the prompt's language, or in one of those named (ISO 639-1)."""

    same_as: str | None = None
    one_of: tuple[str, ...] | None = None


class SafetyCheck(_Check, frozen=True, kw_only=True, tag="safety"):
    """No term or pattern of the lists occurs. Rule-based; `lists` replaces the built-in ones."""

    lists: tuple[str, ...] | None = None


class ArtifactsCheck(_Check, frozen=True, kw_only=True, tag="artifacts"):
    """No odd Unicode and no repetition: the traces of a model that broke."""


class PythonCheck(_Check, frozen=True, kw_only=True, tag="python"):
    """A user's function `module:function`, found beside the reward file."""

    call: str


CheckSpec = JsonCheck | QuoteCheck | LengthCheck | LanguageCheck | SafetyCheck | ArtifactsCheck | PythonCheck


def check_problems(checks: Iterable[CheckSpec], inputs: Collection[str]) -> Iterator[str]:
    """What does not fit together in the checks. One sentence each, with the mend."""
    total = 0.0
    names: set[str] = set()
    for at, check in enumerate(checks):
        where = f"checks[{at}] ({check.part_name})"
        if check.part_name in names:
            yield f"{where}: the name is taken; give it a 'name' of its own"
        names.add(check.part_name)
        if check.gate == (check.weight is not None):
            yield f"{where}: a check is a gate or has a weight; write 'gate: true' or 'weight: 0.1'"
        if check.weight is not None:
            if not 0 < check.weight < 1:
                yield f"{where}: weight {check.weight} is outside 0..1; it is a share of the score"
            total += check.weight
        if problem := _own_problem(check, inputs):
            yield f"{where}: {problem}"
    if total >= 1:
        yield f"checks: their weights add up to {total:g}; they are shares and must stay under 1"


def _own_problem(check: CheckSpec, inputs: Collection[str]) -> str | None:
    match check:
        case QuoteCheck(source=source) if source not in inputs:
            return f"source '{source}' is no input; inputs are {', '.join(inputs)}"
        case LengthCheck(max_words=None, min_words=None):
            return "write max_words or min_words"
        case LanguageCheck(same_as=same_as, one_of=one_of) if (same_as is None) == (one_of is None):
            return "write same_as or one_of"
        case PythonCheck(call=call) if not re.fullmatch(r"\w+(\.\w+)*:\w+", call):
            return f"call '{call}' must be written as module:function"
        case _:
            return None
