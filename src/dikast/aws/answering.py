"""Answers the events of a trainer with a reward. Thin: the engine scores, `events` knows the forms.

    function = RewardFunction.start(folder, environment)
    answer = function.answer(event, context)

The reward, its models and their connections are opened once, beside the start, and live as long as the
environment: an event without anything to score does not wait for them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dikast.aws import events
from dikast.aws.payload import require_fits, weight_of
from dikast.aws.settings import HandlerSettings, read_settings, require_answerable
from dikast.errors import DataError, DikastError, ModelError
from dikast.records import Score
from dikast.spec.run import Constant

if TYPE_CHECKING:
    from dikast.aws.telemetry import Telemetry
    from dikast.reward.reward import Reward

MARGIN_SHARE = 0.25
"""Of the time that is left at the most kept for the answer, however large the margin."""
_PREPARED = frozenset({"provisioned-concurrency", "snap-start"})
"""Kinds of start that nobody waits for."""

_QUOTING = frozenset({"refused", "truncated", "unparsable", "bad_evidence", "check_error"})
"""Reasons whose details quote what the judge or a user's check said, and so perhaps a document."""


class RewardFunction:
    """A reward as a Lambda function."""

    def __init__(self, settings: HandlerSettings, low: Callable[[], float], open_reward: Callable[[], Reward]) -> None:
        self.settings = settings
        self._low = low
        self._open_reward = open_reward
        self._reward: Future[Reward] = Future()
        self._telemetry: Future[Telemetry] = Future()
        self._called = False
        self._opening = threading.Thread(target=self._open, name="dikast-opening", daemon=True)
        self._opening.start()

    @classmethod
    def start(cls, folder: Path, environment: Mapping[str, str]) -> RewardFunction:
        """Starts what the folder's settings say. Raises `ConfigError` where they cannot be read."""
        settings = read_settings(folder, environment)
        path = folder / settings.reward

        def low() -> float:
            from dikast.spec.reward import read_reward

            return read_reward(path).file.range[0]

        function = cls(settings, low, lambda: _opened_reward(folder, settings))
        if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") in _PREPARED:
            function.wait()
        return function

    def wait(self) -> None:
        """Waits until the reward is open and the judge warm, or until that has failed; the first event tells why."""
        self._opening.join()

    def answer(self, event: Any, context: Any = None) -> Any:
        """Gives a row for each sample, in order. Raises where the settings say so, and where nothing can be scored."""
        started = time.monotonic()
        rows = events.read_event(event)
        warning = require_fits(weight_of(event), len(rows), "event")
        written = [
            None if row.rollout or row.problem else events.reward_row(row, self._low(), events.NO_ANSWER)
            for row in rows
        ]
        waiting = [row for row, ready in zip(rows, written, strict=True) if ready is None]
        scored = iter(self._scored(waiting, len(rows) - len(waiting), context, started, warning) if waiting else ())
        answer = [next(scored) if ready is None else ready for ready in written]
        require_fits(weight_of(answer), len(answer), "answer")
        return events.answered(answer, envelope=self.settings.envelope)

    def _scored(
        self, rows: Sequence[events.Row], unanswered: int, context: Any, started: float, warning: str | None
    ) -> list[dict[str, Any]]:
        """The rows of the samples that a model has answered."""
        from dikast.aws.telemetry import Told

        self._called = True
        reward = self._reward.result()
        budget = reward.judges.budget
        spent = budget.usd
        rows = [_checked(row, reward) for row in rows]
        if all(row.problem for row in rows):
            raise DataError(rows[0].problem)
        scores = _scores(reward, rows, self._deadline(context))
        told = Told(
            scores=scores,
            rollouts=[row.rollout for row in rows],
            unanswered=unanswered,
            unreadable=[row.problem for row in rows if row.problem],
            seconds=time.monotonic() - started,
            usd=budget.usd - spent if budget.prices else None,
        )
        telemetry = self._telemetry.result()
        telemetry.tell(told, request=getattr(context, "aws_request_id", None))
        if warning:
            telemetry.warn(warning)
        return [
            events.reward_row(row, number, events.metrics_list(score, parts_as=self.settings.parts_as))
            for row, number, score in zip(rows, self._numbers(scores, reward), scores, strict=True)
        ]

    def _numbers(self, scores: Sequence[Score], reward: Reward) -> list[float]:
        from dikast.adapters.missing import rewards_of

        scores = [self._sayable(score) for score in scores]
        numbers = rewards_of(scores, self.settings.on_missing, reward.spec.file.range)
        return [self._number(score, number) for score, number in zip(scores, numbers, strict=True)]

    def _sayable(self, score: Score) -> Score:
        """A score whose detail may stand in an error, which Lambda logs and the trainer reads."""
        if self.settings.log_texts or score.missing not in _QUOTING or score.detail is None:
            return score
        part = score.detail.partition(":")[0]
        return msgspec.structs.replace(score, detail=f"{part} (with log_texts=true this tells what was said)")

    def _number(self, score: Score, number: float | None) -> float:
        if number is not None:
            return number
        if isinstance(self.settings.alone, Constant):
            return self.settings.alone.constant
        raise ModelError(score.missing or "expired", f"sample '{score.id}' has no sibling with a score: {score.detail}")

    def _deadline(self, context: Any) -> float | None:
        """Seconds that scoring may take. What calls the handler without Lambda's context has all the time."""
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        if remaining is None:
            return None
        seconds = remaining() / 1000
        return seconds - min(self.settings.deadline_margin_s, seconds * MARGIN_SHARE)

    def _open(self) -> None:
        try:
            reward = self._open_reward()
            require_answerable(self.settings, reward.spec.file.range)
        except BaseException as error:  # noqa: BLE001  it is raised where the first event waits for the reward
            self._reward.set_exception(error)
            return
        self._reward.set_result(reward)
        # What tells of an event loads while the judge is at work on it.
        try:
            telemetry = self._telemetry_of(reward)
        except BaseException as error:  # noqa: BLE001  it is raised where the first event is told
            self._telemetry.set_exception(error)
            return
        self._telemetry.set_result(telemetry)
        # An event that waits already asks better questions.
        if self.settings.warm_up and not self._called:
            self._warm_up(reward, telemetry)

    def _telemetry_of(self, reward: Reward) -> Telemetry:
        from dikast.aws.telemetry import Telemetry

        return Telemetry(
            self.settings,
            reward=reward.spec.file.name,
            reward_hash=reward.hash,
            certificate_hash=reward.certificate_hash,
        )

    def _warm_up(self, reward: Reward, telemetry: Telemetry) -> None:
        from dikast.aws.warming import warm_up
        from dikast.reward.blocking import run_blocking

        try:
            cold = run_blocking(warm_up(reward))
        except DikastError as error:
            # The first event meets it too, and its trainer is told.
            cold = str(error)
        if cold:
            telemetry.warn(f"the judge did not answer the warm-up question: {cold}")


def _opened_reward(folder: Path, settings: HandlerSettings) -> Reward:
    from dikast.aws.remembering import LatestAnswers
    from dikast.loading import open_reward

    journal = Path(settings.journal) if settings.journal else LatestAnswers()
    certificate = folder / settings.certificate if settings.certificate else None
    return open_reward(folder / settings.reward, certificate, journal)


def _checked(row: events.Row, reward: Reward) -> events.Row:
    """A row whose rollout lacks a column that the reward names has a problem."""
    if row.rollout is None:
        return row
    try:
        reward.engine.require(row.rollout)
    except DataError as error:
        return msgspec.structs.replace(row, problem=str(error))
    return row


def _scores(reward: Reward, rows: Sequence[events.Row], deadline: float | None) -> list[Score]:
    """A score for each row, in order; missing where the row has a problem."""
    from dikast.reward.blocking import run_blocking

    rollouts = [row.rollout for row in rows if row.rollout and not row.problem]
    given = iter(run_blocking(reward.ascore(rollouts, deadline=deadline)))
    return [_not_read(row, at) if row.problem else next(given) for at, row in enumerate(rows)]


def _not_read(row: events.Row, at: int) -> Score:
    group = row.rollout.group if row.rollout else f"unreadable-{at}"
    return Score(id=str(row.id), group=group, score=None, status="missing", missing="rejected", detail=row.problem)


def folder_of(environment: Mapping[str, str]) -> Path:
    """Where the package stands."""
    return Path(environment.get("LAMBDA_TASK_ROOT") or os.curdir)
