"""A reward that is served elsewhere, to be used like one that is opened here: the same scores, in the same adapters.

    from dikast.remote.client import RemoteReward

    reward = RemoteReward("http://rewards:8600", token=os.environ["DIKAST_SERVE_TOKEN"])
    scores = reward.score(rollouts)            # or: await reward.ascore(rollouts)
    trainer = GRPOTrainer(reward_funcs=TrlReward(reward), ...)

Adapters that take settings take the address as `reward`, with the reward's name behind it where there are several.
It can be pickled, and be used on several event loops. Requests that fail are sent again, which costs nothing where the
server has judged already; a rollout of which nothing is heard is missing as `transport`, and never a number.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import msgspec

from dikast.errors import DataError, ModelError, UnavailableError, UsageError
from dikast.journal import Journal
from dikast.models.attempts import seconds_of
from dikast.models.transport import BrokenConnectionError, HttpAnswer, Transport, open_transport
from dikast.records import MissingReason, Rollout, Score, Usage
from dikast.remote.terms import MOST_SECONDS, TOKEN_VARIABLE
from dikast.reward.about import AboutReward
from dikast.reward.blocking import run_blocking
from dikast.reward.engine import Progress
from dikast.tasks import side_by_side

BATCH = 64
"""Rollouts in one request, groups kept whole."""
AT_ONCE = 16
"""Requests under way at once."""
PATIENCE = 300.0
"""Seconds for which a server that does not answer is asked again: as long as one takes to be started elsewhere."""
LONGEST_PAUSE = 10.0
ON_THE_WAY = 0.05
"""Of a deadline, what is kept for the way to the server and back; a second at the most."""
_ANSWERS_WITHIN = 30.0
"""Seconds for the question what is served."""


class _Answer(msgspec.Struct, frozen=True):
    scores: list[Score]


class _Told(msgspec.Struct, frozen=True):
    error: str


_decode = msgspec.json.Decoder(_Answer).decode


class RemoteReward:
    """A served reward. Raises `UnavailableError` where none of that name answers at the address."""

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        token: str | None = None,
        journal: str | Path | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Asks what is served.

        `name` is the reward's, where the server has several. The token is taken from the environment where none is
        given. `journal` is where adapters log rollouts and scores; what was asked and answered is in the server's.
        """
        self._url, self._headers = _address(url, token)
        self._patience = patience
        self._path = Path(journal) if journal is not None else None
        self.journal = Journal.open(self._path)
        self._transports: dict[asyncio.AbstractEventLoop, Transport] = {}
        self.about = self._ask_about(name)
        """What the reward says of itself, as it was when this was made."""

    @classmethod
    def at(cls, address: str) -> Self:
        """Takes what a trainer's configuration says: `http(s)://host:port`, or that and `/name`."""
        parts = urlsplit(address)
        path, _, name = parts.path.rstrip("/").rpartition("/")
        return cls(urlunsplit(parts._replace(path=path)), name=unquote(name) or None)

    @property
    def name(self) -> str:
        """What the server calls it."""
        return self.about.name

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved reward."""
        return self.about.hash

    @property
    def certificate_hash(self) -> str | None:
        """The certificate's, where the server has one."""
        return self.about.certificate_hash

    @property
    def range(self) -> tuple[float, float]:
        """The declared range: no score lies outside."""
        return self.about.range

    async def ascore(
        self, rollouts: Sequence[Rollout], *, progress: Progress | None = None, deadline: float | None = None
    ) -> list[Score]:
        """Scores rollouts in their order. A failed judgment, or request, is a missing score.

        `deadline` bounds the whole batch, in seconds: what is open then is missing as `expired`.
        """
        clock = asyncio.get_running_loop().time
        until = None if deadline is None else clock() + deadline
        scores: dict[int, Score] = {}
        waiting = iter(list(_batches(rollouts)))

        async def work() -> None:
            for places in waiting:
                batch = [rollouts[place] for place in places]
                scores.update(zip(places, await self._batch(batch, until), strict=True))
                if progress:
                    progress(len(places))

        await side_by_side(work() for _ in range(AT_ONCE))
        return [scores[place] for place in range(len(rollouts))]

    def score(
        self, rollouts: Sequence[Rollout], *, progress: Progress | None = None, deadline: float | None = None
    ) -> list[Score]:
        """`ascore` for callers without an event loop."""
        return run_blocking(self.ascore(rollouts, progress=progress, deadline=deadline))

    def close(self) -> None:
        """Lets go of the connections that `score` used and of the journal."""
        run_blocking(self._close_connections())
        self.journal.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "journal": None, "_transports": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.journal = Journal.open(self._path)

    async def _batch(self, rollouts: Sequence[Rollout], until: float | None) -> list[Score]:
        try:
            async with asyncio.timeout_at(until):
                return await self._answer(rollouts, until)
        except TimeoutError:
            return [_missing(rollout, "expired", "the batch's deadline came first") for rollout in rollouts]

    async def _answer(self, rollouts: Sequence[Rollout], until: float | None) -> list[Score]:
        clock = asyncio.get_running_loop().time
        rows = [_row(rollout) for rollout in rollouts]
        give_up = clock() + self._patience
        pause = 0.25
        while True:
            outcome = await self._post(rows, MOST_SECONDS if until is None else until - clock())
            if isinstance(outcome, list):
                return outcome
            reason, told, after = outcome
            wait = max(after, random.uniform(pause / 2, pause))
            if clock() + wait > give_up:
                return [_missing(rollout, reason, told) for rollout in rollouts]
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _post(
        self, rows: Sequence[dict[str, Any]], seconds: float
    ) -> list[Score] | tuple[MissingReason, str, float]:
        """Gives the scores, or why the request is worth sending again and after how many seconds."""
        deadline = min(MOST_SECONDS, max(0.001, seconds - min(1.0, ON_THE_WAY * seconds)))
        # As ASCII: a policy may write half a character, which no UTF-8 can hold, and a column may hold NaN.
        body = json.dumps({"rollouts": rows, "deadline": deadline}).encode()
        url = f"{self._url}/v1/rewards/{quote(self.name, safe='')}/score"
        try:
            answer = await (await self._transport()).post(url, body, self._headers)
        except BrokenConnectionError as error:
            return "transport", f"{self._url}: {error}", 0.0
        except ModelError as error:
            return "transport", f"{self._url}: {error.detail}", 0.0
        if answer.status == 200:
            return _decode(answer.body).scores
        return self._refused(answer)

    def _refused(self, answer: HttpAnswer) -> tuple[MissingReason, str, float]:
        told = f"{self._url} answered {answer.status}: {_error_of(answer.body)}"
        after = answer.headers.get("Retry-After")
        ours = (answer.headers.get("Content-Type") or "").startswith("application/json")
        if answer.status in (400, 413, 415, 422):
            raise DataError(told)
        # A 503 of the server's own that names no time means that no request can work, as wrong credentials do.
        if answer.status in (401, 403, 404, 405) or (answer.status == 503 and ours and after is None):
            raise UnavailableError(told)
        return "transport", told, seconds_of(after)

    async def _transport(self) -> Transport:
        loop = asyncio.get_running_loop()
        if loop not in self._transports:
            self._transports = {other: one for other, one in self._transports.items() if not other.is_closed()}
            # Opening never waits, so no other task opens a second one.
            self._transports[loop] = await open_transport("aiohttp", connections=AT_ONCE, seconds=MOST_SECONDS)
        return self._transports[loop]

    async def _close_connections(self) -> None:
        if (transport := self._transports.pop(asyncio.get_running_loop(), None)) is not None:
            await transport.close()

    def _ask_about(self, name: str | None) -> AboutReward:
        request = urllib.request.Request(f"{self._url}/v1/rewards", headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=_ANSWERS_WITHIN) as answer:
                served = msgspec.json.decode(answer.read(), type=dict[str, list[AboutReward]]).get("rewards", [])
        except urllib.error.HTTPError as error:
            with error:
                told = _error_of(error.read())
            named = "; a reward's name stands in name=, or RemoteReward.at takes both" if error.code == 404 else ""
            raise UnavailableError(f"{self._url} answered {error.code}: {told}{named}") from None
        except (OSError, msgspec.MsgspecError) as error:
            raise UnavailableError(f"{self._url}: no reward server answers there ({error})") from None
        found = [one for one in served if name in (None, one.name)]
        if not found:
            names = ", ".join(one.name for one in served)
            raise UsageError(f"{self._url}: serves no reward '{name}'; there are {names}")
        return found[0]


def is_address(reward: str) -> bool:
    """Whether a setting names a reward that is served, and no file."""
    return reward.startswith(("http://", "https://"))


def _address(url: str, token: str | None) -> tuple[str, dict[str, str]]:
    """Takes a token that stands in the address out of it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"'{url}' is no address of a reward server; write it as http://host:8600")
    place, _, host = parts.netloc.rpartition("@")
    token = token or unquote(place.partition(":")[2]) or os.environ.get(TOKEN_VARIABLE, "").strip()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")), headers


def _batches(rollouts: Sequence[Rollout]) -> Iterator[list[int]]:
    """Gives the places of rollouts, some at a time, those of a group together."""
    first: dict[str, int] = {}
    for place, rollout in enumerate(rollouts):
        first.setdefault(rollout.group, place)
    places = sorted(range(len(rollouts)), key=lambda place: (first[rollouts[place].group], place))
    batch: list[int] = []
    for _, members in groupby(places, key=lambda place: rollouts[place].group):
        group = list(members)
        if batch and len(batch) + len(group) > BATCH:
            yield batch
            batch = []
        batch = batch + group
    if batch:
        yield batch


def _row(rollout: Rollout) -> dict[str, Any]:
    row: dict[str, Any] = dict(msgspec.to_builtins(rollout.columns))
    row.update(id=rollout.id, group=rollout.group, completion=rollout.completion, reference=rollout.reference)
    row["prompt"] = msgspec.to_builtins(rollout.prompt)
    return row


def _missing(rollout: Rollout, reason: MissingReason, detail: str) -> Score:
    return Score(
        id=rollout.id, group=rollout.group, score=None, status="missing", missing=reason, detail=detail, usage=Usage()
    )


def _error_of(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Told).error
    except msgspec.MsgspecError:
        return " ".join(body[:300].decode("utf-8", "replace").split())
