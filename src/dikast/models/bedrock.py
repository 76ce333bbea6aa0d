"""Asks a model on Amazon Bedrock through Converse.

    model = BedrockModel("bedrock:openai.gpt-oss-120b-1:0", connection)
    reply = await model.reply(request)

boto3 blocks, so each request runs in a thread of a pool that is as large as the requests under way may be.
A reply in a given form is asked for as JSON Schema; a model that does not take it is given a strict tool to
call, and at last only told. Retries are ours, not botocore's: one place counts them. Where somebody waits for the
answer's beginning (`answer_begun`) it is asked for as a stream, until the model or the permission refuses one.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple, cast, get_args

import msgspec

from dikast.errors import ModelError, UnavailableError
from dikast.models.attempts import Attempts, TryAgain, tried
from dikast.models.base import Capabilities, Reply, Request, answer_begun
from dikast.models.converse import Format, converse_arguments, read_converse
from dikast.models.converse_stream import as_answered, gathered, refuses_streams
from dikast.models.formats import BadRequestError, Formats
from dikast.models.http import asked_to_wait, checked_endpoint, tokens_of
from dikast.models.limiter import Limiter
from dikast.models.service_files import know_one_service
from dikast.models.stopwatch import Stopwatch
from dikast.records import MissingReason
from dikast.spec.models import ModelConnection

_SERVICE = "bedrock-runtime"
_PASSING: dict[str, MissingReason] = {
    "ThrottlingException": "rate_limited",
    "TooManyRequestsException": "rate_limited",
    "ModelNotReadyException": "rate_limited",
    "ModelTimeoutException": "timeout",
    "ServiceUnavailableException": "transport",
    "InternalServerException": "transport",
    "ModelErrorException": "transport",
    "ModelStreamErrorException": "transport",
}
_PASSING_STATUS: dict[int, MissingReason] = {408: "timeout", 429: "rate_limited"}
"""Where the code is not one of Bedrock's: a gateway before it has answered."""
_TOO_MUCH = frozenset({"ThrottlingException", "TooManyRequestsException", "ServiceUnavailableException"})
_STOPS = {
    "AccessDeniedException": "the role may not call this model; allow bedrock:InvokeModel on it, and ask for access to it",
    "ResourceNotFoundException": "no such model in this region; correct its name or the region",
    "UnrecognizedClientException": "the credentials are not accepted; renew them",
    "ExpiredTokenException": "the credentials have expired; renew them",
    "InvalidSignatureException": "the credentials are not accepted; renew them",
}
_STOP_STATUS = {
    401: "the credentials are not accepted; renew them",
    403: "the credentials are not accepted; renew them",
    404: "nothing answers there; correct the model's name, the region or the endpoint",
}
# Bedrock says with 400 what others say with 404, and it is as true of every other request.
_NO_MODEL = re.compile("model identifier is invalid|on-demand throughput", re.IGNORECASE)
_UNREADABLE = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What botocore's parser lets through, beside its own error, for a body that is not of Converse's shape."""


Begun = Callable[[], object]
"""Called from a thread of the pool when the answer begins."""


class _NoStreamError(Exception):
    """A stream was refused because it is one."""


class _Door(NamedTuple):
    """What belongs to one event loop."""

    limiter: Limiter
    watch: Stopwatch


class BedrockModel:
    """One model in one region."""

    def __init__(self, name: str, connection: ModelConnection, *, first_pause: float = 0.5) -> None:
        self.name = name
        self._model = connection.model or name.partition(":")[2]
        self._connection = connection
        if connection.endpoint is not None:
            checked_endpoint(connection.endpoint, name)
        self._attempts = Attempts(most=connection.attempts, first_pause=first_pause)
        self._dice = random.Random()
        self._client: Any = None
        self._connecting = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._doors: dict[asyncio.AbstractEventLoop, _Door] = {}
        self._formats: Formats[Format] = Formats(get_args(Format))
        self._caches = True
        self._streams = True
        extra = f" {msgspec.json.encode(connection.body, order='deterministic').decode()}" if connection.body else ""
        self.fingerprint = f"bedrock {connection.region or ''} {self._model}{extra}"
        self.capabilities = Capabilities(quote=True, reason=True, na=True, concurrency=connection.concurrency)

    async def reply(self, request: Request) -> Reply:
        """Answers, after retries. Raises `ModelError`, or `UnavailableError` where no request can work."""
        if request.form is None:
            return await self._in_format(request, "none")
        return await self._formats.ask(lambda reply_format: self._in_format(request, reply_format))

    async def close(self) -> None:
        """Lets go of the connections and threads."""
        threads, self._threads = self._threads, None
        client, self._client = self._client, None
        if threads is not None:
            threads.shutdown(wait=False)
        if client is not None:
            client.close()

    async def _in_format(self, request: Request, reply_format: Format) -> Reply:
        caches = self._caches
        try:
            return await self._asked(request, reply_format, caches=caches)
        except BadRequestError as error:
            if not caches or "cach" not in error.detail.casefold():
                raise
        # Not every model knows cache points, and one that does not says so.
        self._caches = False
        return await self._asked(request, reply_format, caches=False)

    async def _asked(self, request: Request, reply_format: Format, *, caches: bool) -> Reply:
        arguments = converse_arguments(
            request, model=self._model, reply_format=reply_format, caches=caches, extra=self._connection.body
        )
        characters = sum(len(message.content) for message in request.messages)
        tokens = tokens_of(characters, request.max_tokens)
        tell = answer_begun.get() if self._streams else None
        if tell is None:
            return await self._sent(arguments, tokens)
        try:
            return await self._sent(
                arguments, tokens, begun=partial(asyncio.get_running_loop().call_soon_threadsafe, tell)
            )
        except _NoStreamError:
            # What works without a stream tells that it was the stream.
            reply = await self._sent(arguments, tokens)
        self._streams = False
        return reply

    async def _sent(self, arguments: dict[str, Any], tokens: int, *, begun: Begun | None = None) -> Reply:
        loop = asyncio.get_running_loop()

        async def once() -> Reply | TryAgain:
            threads = self._threads = self._threads or ThreadPoolExecutor(
                self._connection.concurrency, thread_name_prefix="dikast-bedrock"
            )
            try:
                return await loop.run_in_executor(threads, self._converse, arguments, begun)
            except asyncio.CancelledError:
                # Nobody waits any more, but the thread does: botocore's time-out is the client's and no request's.
                self._leave(threads)
                raise

        door = self._door(loop)
        return await tried(once, self._attempts, limiter=door.limiter, watch=door.watch, dice=self._dice, tokens=tokens)

    def _leave(self, threads: ThreadPoolExecutor) -> None:
        """Lets threads end what they are at; who comes next gets others, and waits for none that hangs."""
        if self._threads is threads:
            self._threads = None
            threads.shutdown(wait=False)

    def _door(self, loop: asyncio.AbstractEventLoop) -> _Door:
        if loop not in self._doors:
            self._doors = {other: door for other, door in self._doors.items() if not other.is_closed()}
            of = self._connection
            limiter = Limiter(
                of.concurrency,
                requests_per_minute=of.requests_per_minute,
                tokens_per_minute=of.tokens_per_minute,
                clock=loop.time,
            )
            self._doors[loop] = _Door(limiter, Stopwatch(of.timeout))
        return self._doors[loop]

    def _converse(self, arguments: dict[str, Any], begun: Begun | None) -> Reply | TryAgain:
        import botocore.exceptions as failures  # pyright: ignore[reportMissingTypeStubs]
        from botocore.parsers import ResponseParserError  # pyright: ignore[reportMissingTypeStubs]

        client = self._connected()
        started = time.monotonic()
        try:
            answer = client.converse(**arguments) if begun is None else self._streamed(client, arguments, begun)
            return read_converse(answer, seconds=time.monotonic() - started)
        except ModelError as error:
            return TryAgain(reason=error.reason, detail=error.detail)
        except failures.EventStreamError as error:
            return self._failed(as_answered(cast("dict[str, Any]", error.response)), streamed=True)
        except failures.ClientError as error:
            return self._failed(cast("dict[str, Any]", error.response), streamed=begun is not None)
        except (failures.ReadTimeoutError, failures.ConnectTimeoutError) as error:
            return TryAgain(reason="timeout", detail=f"{self.name}: {error}")
        except (failures.HTTPClientError, failures.ConnectionError, failures.IncompleteReadError) as error:
            return TryAgain(reason="transport", detail=f"{self.name}: {error}")
        except failures.ParamValidationError as error:
            # A field that this botocore does not know is one that the model will not take either.
            raise BadRequestError("rejected", f"{self.name}: {error}") from error
        except failures.BotoCoreError as error:
            raise UnavailableError(f"{self.name}: {error}; set AWS credentials and a region") from error
        except (ResponseParserError, *_UNREADABLE) as error:
            return TryAgain(reason="unparsable", detail=f"{self.name}: the answer is none of Converse's ({error})")

    def _streamed(self, client: Any, arguments: dict[str, Any], begun: Begun) -> dict[str, Any]:
        """Asks for a stream. What breaks after its head has come, botocore hands on as its own parts raised it."""
        from botocore.eventstream import ParserError  # pyright: ignore[reportMissingTypeStubs]
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        due = time.monotonic() + self._connection.timeout
        try:
            with closing(client.converse_stream(**arguments)["stream"]) as events:
                return gathered(_until(due, events), begun=begun)
        except ReadTimeoutError as error:
            raise ModelError("timeout", f"{self.name}: {error}") from error
        except HTTPError as error:
            raise ModelError("transport", f"{self.name}: {error}") from error
        except ParserError as error:
            raise ModelError("unparsable", f"{self.name}: the answer is no stream of events ({error})") from error

    def _failed(self, response: dict[str, Any], *, streamed: bool) -> TryAgain:
        """Sorts an error: worth another attempt, about this request, or about all."""
        told, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
        code, message = str(told.get("Code", "unknown")), " ".join(str(told.get("Message", "")).split())
        if streamed and refuses_streams(code, message):
            raise _NoStreamError
        status = metadata.get("HTTPStatusCode", 0)
        detail = f"{self.name} answered {code}: {message[:300]}"
        if mend := _STOPS.get(code) or _STOP_STATUS.get(status):
            raise UnavailableError(f"{detail}; {mend}")
        if code == "ValidationException" and _NO_MODEL.search(message):
            raise UnavailableError(f"{detail}; correct the model's name, or name its inference profile")
        if code == "ValidationException":
            raise BadRequestError("rejected", detail)
        reason = _PASSING.get(code) or _PASSING_STATUS.get(status) or ("transport" if status >= 500 else None)
        if reason is None:
            raise ModelError("rejected", detail)
        return TryAgain(
            reason=reason,
            detail=detail,
            after=asked_to_wait(metadata.get("HTTPHeaders", {})),
            too_much=code in _TOO_MUCH or status == 429,
        )

    def _connected(self) -> Any:
        # boto3 is not made to be set up by several threads at once.
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        # boto3 on top of it would load what moves files to S3, which takes longer than all the rest.
        import botocore.session  # pyright: ignore[reportMissingTypeStubs]
        from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
        from botocore.exceptions import BotoCoreError  # pyright: ignore[reportMissingTypeStubs]

        of = self._connection
        config = Config(
            max_pool_connections=of.concurrency,
            read_timeout=of.timeout,
            connect_timeout=min(10.0, of.timeout),
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        try:
            session: Any = cast("Any", botocore.session).get_session()
            know_one_service(session, _SERVICE)
            return session.create_client(_SERVICE, region_name=of.region, endpoint_url=of.endpoint, config=config)
        except (BotoCoreError, ValueError) as error:
            raise UnavailableError(f"{self.name}: {error}; set AWS credentials and a region") from error


def _until(due: float, events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Gives up what still trickles when nobody waits for it any more, so that its thread serves others."""
    for event in events:
        if time.monotonic() > due:
            raise ModelError("timeout", "the answer did not end in time")
        yield event
