"""The entry of the reward Lambda: its handler is `dikast.aws.handler.handler`."""

from __future__ import annotations

import os
from typing import Any

from dikast.aws.answering import RewardFunction, folder_of

_FUNCTION = RewardFunction.start(folder_of(os.environ), os.environ)


def handler(event: Any, context: Any) -> Any:
    """Scores the samples of an event; gives a row for each, in order."""
    return _FUNCTION.answer(event, context)
