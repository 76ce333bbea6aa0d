"""The list that Amazon Nova's trainers send to a reward Lambda, for whoever relays it here: `POST /nova`.

It is read and answered as the Lambda does it, but for a sample that cannot be read or has no answer: that fails the
request.
"""

from __future__ import annotations

import json

from dikast.aws.events import Row, metrics_list, read_event, reward_row
from dikast.errors import DataError
from dikast.records import Rollout
from dikast.serve.dialects.base import Answered, Asked, Dialect, decoded
from dikast.serve.options import MISSING, Options


def read(body: bytes, _options: Options) -> Asked:
    """Reads an event. Raises `DataError`."""
    rows = read_event(decoded(body, object))
    return Asked(rollouts=[_rollout(row) for row in rows], body=rows)


def write(answered: Answered) -> bytes:
    """Writes the rows."""
    rows = [
        reward_row(row, reward, metrics_list(score, parts_as="Metric"))
        for row, score, reward in zip(answered.asked.body, answered.scores, answered.rewards, strict=True)
    ]
    return json.dumps(rows).encode()


def _rollout(row: Row) -> Rollout:
    if row.rollout is None:
        raise DataError(f"sample {row.id!r}: {row.problem or 'no model has answered it yet'}")
    return row.rollout


DIALECT = Dialect(name="nova", trainer="Amazon Nova", read=read, write=write, options=MISSING, one_by_one=False)
