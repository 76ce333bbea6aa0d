"""What was judged of each prompt of late, for a rollout whose own judgment failed.

A trainer that sends rollouts one by one cannot be told "missing". What it is told instead is the mean of the
rollout's siblings, which have the same prompt and come at about the same time; so the failed one waits for them.
A request that is sent again counts again: the server cannot tell it from an equal completion.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from dikast.records import Score

KEPT_SECONDS = 900.0
"""How long a judged rollout counts as a sibling: longer than a step's rollouts lie apart, shorter than it takes until
the prompt comes again. Judgement."""
KEPT_ROLLOUTS = 50_000
"""Of all prompts, those longest without a rollout forgotten first: some megabytes, and more than a step has."""
KEPT_OF_ONE = 256
"""Of one prompt."""
ENOUGH_SIBLINGS = 2
"""That are waited for where nobody says how many there are."""
MOST_SIBLINGS = KEPT_OF_ONE - 1


class _Prompt:
    """The latest rollouts of one prompt, oldest first: (time, score or None where it is missing)."""

    def __init__(self) -> None:
        self.judged: deque[tuple[float, float | None]] = deque()
        self.waiting: list[asyncio.Future[None]] = []


class Siblings:
    """The latest rollouts of the latest prompts, of one reward."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._prompts: OrderedDict[str, _Prompt] = OrderedDict()
        self._kept = 0

    def note(self, scores: Iterable[Score]) -> None:
        """Takes what was judged now, and wakes who waits for it."""
        now = self._clock()
        for score in scores:
            prompt = self._of(score.group)
            prompt.judged.append((now, score.score))
            self._kept += 1
            self._forget(prompt)
            for turn in prompt.waiting:
                if not turn.done():
                    turn.set_result(None)
            prompt.waiting.clear()

    async def mean(self, group: str, *, enough: int, until: float) -> float | None:
        """Gives the mean score of a failed rollout's siblings, once so many are judged and two of them scored.

        When the time is over, of those that are scored by then; None where none is.
        """
        prompt = self._of(group)
        while not self._are(prompt, enough):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            prompt.waiting.append(turn)
            try:
                async with asyncio.timeout_at(until):
                    await turn
            except TimeoutError:
                break
            finally:
                if turn in prompt.waiting:
                    prompt.waiting.remove(turn)
        scored = _scored(prompt)
        return sum(scored) / len(scored) if scored else None

    def _are(self, prompt: _Prompt, enough: int) -> bool:
        self._forget(prompt)
        # The failed one is among the judged.
        return len(prompt.judged) > enough and len(_scored(prompt)) >= min(2, enough)

    def _forget(self, prompt: _Prompt) -> None:
        """Lets go of what is old, and of what is too much."""
        before = self._clock() - KEPT_SECONDS
        while prompt.judged and (prompt.judged[0][0] < before or len(prompt.judged) > KEPT_OF_ONE):
            prompt.judged.popleft()
            self._kept -= 1
        while self._kept > KEPT_ROLLOUTS:
            _, longest = self._prompts.popitem(last=False)
            self._kept -= len(longest.judged)

    def _of(self, group: str) -> _Prompt:
        prompt = self._prompts.get(group)
        if prompt is None:
            prompt = self._prompts[group] = _Prompt()
        self._prompts.move_to_end(group)
        return prompt


def _scored(prompt: _Prompt) -> list[float]:
    return [score for _, score in prompt.judged if score is not None]
