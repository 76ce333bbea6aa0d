"""LLaMA-Factory's reward API for PPO: `reward_model_type: api`, `reward_model: http://127.0.0.1:8600/llamafactory`.

It sends whole conversations as texts, and no columns: a reward that names inputs of its own cannot be asked so. The
answer is what stands behind the first mark of an assistant's turn; `?split=TEXT` names another mark. It has no
time-out and no retries: it fails when the server does, and waits as long as the server lets it.
"""

from __future__ import annotations

import msgspec

from dikast.errors import DataError
from dikast.records import Rollout
from dikast.serve.dialects.base import Answered, Asked, Dialect, made_rollout
from dikast.serve.dialects.base import decoded as decode
from dikast.serve.dialects.markup import split_answer, without_end
from dikast.serve.options import MISSING, Options


class Sent(msgspec.Struct, frozen=True):
    """A request."""

    messages: list[str]
    model: str = ""


def read(body: bytes, options: Options) -> Asked:
    """Reads a request. Raises `DataError`."""
    sent = decode(body, Sent)
    return Asked(rollouts=[_rollout(place, text, options) for place, text in enumerate(sent.messages, 1)])


def write(answered: Answered) -> bytes:
    """Writes the rewards."""
    return msgspec.json.encode({"scores": answered.rewards})


def _rollout(place: int, text: str, options: Options) -> Rollout:
    cut = split_answer(text, options.get("split"))
    if cut is None:
        raise DataError(
            f"messages:{place}: nothing tells where the answer begins; name the text before it with ?split="
        )
    prompt, answer = cut
    return made_rollout({}, place=place, prompt=prompt, completion=without_end(answer, options.get("end")))


DIALECT = Dialect(
    name="llamafactory", trainer="LLaMA-Factory", read=read, write=write, options=MISSING | {"split", "end"}
)
