"""slime's remote reward: `--rm-type remote_rm --rm-url http://127.0.0.1:8600/slime`.

One rollout a request, and the answer is the reward. With `?reward_key=score` (and `--reward-key score`) it is an
object that holds it under that name, beside the status and the parts.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dikast.serve.dialects.base import Answered, Asked, Dialect, columns_of, made_rollout, reads_labels_as_json
from dikast.serve.dialects.base import decoded as decode
from dikast.serve.dialects.markup import without_end
from dikast.serve.options import MISSING, Options


class Sent(msgspec.Struct, frozen=True):
    """A request."""

    prompt: str | list[dict[str, Any]]
    response: str
    label: Any = None


def read(body: bytes, options: Options) -> Asked:
    """Reads a request. Raises `DataError`."""
    sent = decode(body, Sent)
    columns = columns_of(sent.label, as_json=reads_labels_as_json(options))
    completion = without_end(sent.response, options.get("end"))
    return Asked(rollouts=[made_rollout(columns, place=1, prompt=sent.prompt, completion=completion)])


def write(answered: Answered) -> bytes:
    """Writes the reward."""
    [reward], [score] = answered.rewards, answered.scores
    key = answered.options.get("reward_key")
    if key is None:
        return msgspec.json.encode(reward)
    parts = {part.name: part.value for part in score.parts if part.item is None and part.value is not None}
    return msgspec.json.encode({"status": score.status, "parts": parts, key: reward})


DIALECT = Dialect(
    name="slime", trainer="slime", read=read, write=write, options=MISSING | {"label", "reward_key", "end"}
)
