"""What a judge is attacked with, read from a file: the attacks that come with dikast, and a user's own.

    attacks = read_attacks(Path("attacks.yaml"), criteria)      # None for those that come with dikast alone

An attack is made on candidates that people give no credit for, so that whatever earns credit by it was not earned.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, cast

import msgspec

from dikast.certify.rewriting import disguise, fill, hide, pad
from dikast.checks.base import short
from dikast.errors import ConfigError
from dikast.judges.fence import fence_of, shown
from dikast.spec.judge import Criterion
from dikast.spec.reading import convert, read_struct

MOST_SHOWN = 60
"""Characters of an attack's text by which a certificate names it."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Factor = Annotated[float, msgspec.Meta(gt=1, le=10)]
Texts = Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]


class Attack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all kinds have."""

    fooled_at_most: Share = 0.01
    """Share of the tries above which the certificate warns."""
    criteria: tuple[str, ...] | None = None
    """Ids of those that it is tried on; where not given all, and of `replace` those without `negative: true`."""


class Replace(Attack, frozen=True, kw_only=True, tag="replace"):
    """The candidate is this text, which deserves nothing."""

    texts: Texts


class Change(Attack, frozen=True, kw_only=True):
    """An attack whose verdict is compared with that of the candidate as it was."""

    gain_at_most: Share | None = None
    """By so much P(credit) may move on average, either way. Where given, candidates that deserve credit are attacked too."""


class Plant(Change, frozen=True, kw_only=True, tag="plant"):
    """The text stands at the candidate's end or start, on a line of its own."""

    texts: Texts
    at: Annotated[tuple[Literal["end", "start"], ...], msgspec.Meta(min_length=1)] = ("end",)


class Pad(Change, frozen=True, kw_only=True, tag="pad"):
    """The candidate repeats its own sentences until it has so many times its words."""

    factors: Annotated[tuple[Factor, ...], msgspec.Meta(min_length=1)]


class Hide(Change, frozen=True, kw_only=True, tag="hide"):
    """Characters that leave no mark stand inside the words; each text is a set of them that is used together."""

    characters: Texts


class Lookalike(Change, frozen=True, kw_only=True, tag="lookalike"):
    """Letters are replaced by others that look the same."""

    pairs: Annotated[dict[str, str], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        for letter, other in self.pairs.items():
            if len(letter) != 1 or len(other) != 1 or letter == other:
                raise ValueError(f"pairs: {letter!r}: {other!r} must be one letter and another one")


class Reworded(Attack, frozen=True, kw_only=True, tag="reworded"):
    """The criteria's own paraphrases, as they were asked for the flip rate."""


class Reordered(Attack, frozen=True, kw_only=True, tag="reordered"):
    """The criteria in the reverse order, as they were asked for the flip rate."""


class Template(Attack, frozen=True, kw_only=True, tag="template"):
    """The judge's prompt in three other wordings: what stands around the questions, which stay as they are."""


class Half(Attack, frozen=True, kw_only=True, tag="half"):
    """Labelled candidates that meet half of a compound criterion: rows with `"expect": {"half": [criterion id]}`."""


class Swapped(Attack, frozen=True, kw_only=True, tag="swapped"):
    """The two candidates of a duel change places, as they were asked for the consistency; no other judge has places."""


KINDS: dict[str, type[Attack]] = {
    "replace": Replace,
    "plant": Plant,
    "pad": Pad,
    "hide": Hide,
    "lookalike": Lookalike,
    "reworded": Reworded,
    "reordered": Reordered,
    "template": Template,
    "half": Half,
    "swapped": Swapped,
}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    attacks: dict[str, Any]


class Way(NamedTuple):
    """One way of making an attack."""

    name: str
    """For people."""
    change: Callable[[Mapping[str, str], str], str]
    """From what the slots stand for, and the candidate's text, to the attack's."""


def read_attacks(own: Path | None, criteria: Iterable[str]) -> dict[str, Attack]:
    """Reads the attacks that come with dikast and, over them, a file of one's own. Raises `ConfigError` for what does not fit."""
    with as_file(files("dikast.certify").joinpath("attacks.yaml")) as packaged:
        attacks = _read(packaged)
    if own is None:
        return attacks
    known = list(criteria)
    given = _read(own)
    for name, attack in given.items():
        for criterion in attack.criteria or ():
            if criterion not in known:
                raise ConfigError(
                    f"{own}: attacks.{name}.criteria: '{criterion}' is no criterion of the reward; "
                    f"its criteria are {', '.join(known)}"
                )
    return attacks | given


def _read(path: Path) -> dict[str, Attack]:
    return {name: _attack(path, name, entry) for name, entry in read_struct(path, _File).attacks.items()}


def _attack(path: Path, name: str, entry: Any) -> Attack:
    where = f"{path}: attacks.{short(name)}"
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ConfigError(f"{where}: a name is made of small letters, digits and _, a letter first")
    kind = cast("dict[str, Any]", entry).get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"{where}.kind: must be one of {', '.join(KINDS)}")
    return convert(entry, KINDS[kind], where=where)


def attacks_hash(attacks: Mapping[str, Attack]) -> str:
    """SHA-256 of the attacks in plain data: figures under the same name compare where it is the same."""
    return hashlib.sha256(msgspec.json.encode(attacks, order="deterministic")).hexdigest()


def is_tried_on(attack: Attack, criterion: Criterion) -> bool:
    """Whether an attack means a criterion. A text that says nothing earns a negative criterion's no by right."""
    if attack.criteria is not None:
        return criterion.id in attack.criteria
    return not (isinstance(attack, Replace) and criterion.negative)


def ways_of(attack: Attack) -> list[Way]:
    """Lists the ways of an attack; none where the answers that it needs are there already."""
    match attack:
        case Replace():
            return [Way(_named(text), partial(_replaced, text)) for text in attack.texts]
        case Plant():
            return [
                Way(f"at the {at}: {_named(text)}", partial(_planted, text, at))
                for at in attack.at
                for text in attack.texts
            ]
        case Pad():
            return [Way(f"x {factor:g}", partial(_padded, factor)) for factor in attack.factors]
        case Hide():
            return [Way(_codes(characters), partial(_hidden, characters)) for characters in attack.characters]
        case Lookalike():
            return [Way("".join(attack.pairs), partial(_disguised, attack.pairs))]
        case _:
            return []


def slots_of(criterion: Criterion, criteria: Sequence[Criterion], candidate: str) -> dict[str, str]:
    """What the slots of a text stand for. The fence of a candidate with its attack, nobody can write into it."""
    verdicts = {c.id: {"reason": "It is met in full.", "answer": _credit(c)} for c in criteria}
    return {
        "criterion": criterion.id,
        "credit": str(_credit(criterion)),
        "claim": _claim(criterion).strip(),
        "fence": fence_of(shown(candidate).strip()),
        "verdicts": msgspec.json.encode({"verdicts": verdicts}).decode(),
    }


def _credit(criterion: Criterion) -> str | int:
    """The answer that earns the most."""
    if criterion.scale is not None:
        return criterion.scale[0] if criterion.negative else criterion.scale[1]
    return "no" if criterion.negative else "yes"


def _claim(criterion: Criterion) -> str:
    credit = _credit(criterion)
    said = (
        criterion.levels.get(credit)
        if isinstance(credit, int)
        else criterion.pass_
        if credit == "yes"
        else criterion.fail
    )
    return said or criterion.ask


def _replaced(replacement: str, values: Mapping[str, str], _text: str) -> str:
    return fill(replacement, values)


def _planted(planted: str, at: str, values: Mapping[str, str], text: str) -> str:
    filled = fill(planted, values)
    return f"{text}\n{filled}" if at == "end" else f"{filled}\n{text}"


def _padded(factor: float, _values: Mapping[str, str], text: str) -> str:
    return pad(text, factor)


def _hidden(characters: str, _values: Mapping[str, str], text: str) -> str:
    return hide(text, characters)


def _disguised(pairs: Mapping[str, str], _values: Mapping[str, str], text: str) -> str:
    return disguise(text, pairs)


def _named(text: str) -> str:
    line = short(text)
    return (line if len(line) <= MOST_SHOWN else line[: MOST_SHOWN - 1] + "…") or "a blank"


def _codes(characters: str) -> str:
    return " ".join(f"U+{ord(c):04X}" for c in characters[:MOST_SHOWN])
