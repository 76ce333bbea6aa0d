"""Asks a model on Amazon Bedrock through Converse.

    model = BedrockModel("bedrock:openai.gpt-oss-120b-1:0", connection)
    reply = await model.reply(request)

boto3 blocks, so each request runs in a thread of a pool that is as large as the requests under way may be.
A reply in a given form is asked for as JSON Schema; a model that does not take it is given a strict tool to
call, and at last only told. Retries are ours, not botocore's: one place counts them.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, cast, get_args

import msgspec

from dikast.errors import ModelError, UnavailableError
from dikast.models.attempts import Attempts, TryAgain, tried
from dikast.models.base import Capabilities, Reply, Request
from dikast.models.http import BadRequestError, tokens_of
from dikast.models.limiter import Limiter
from dikast.records import MissingReason
from dikast.spec.models import ModelConnection

Format = Literal["json_schema", "tool", "none"]
"""How a model is told which form its reply must have."""

_FORMATS: tuple[Format, ...] = get_args(Format)
_TOOL = "reply"
_PASSING: dict[str, MissingReason] = {
    "ThrottlingException": "rate_limited",
    "TooManyRequestsException": "rate_limited",
    "ModelNotReadyException": "rate_limited",
    "ServiceQuotaExceededException": "rate_limited",
    "ModelTimeoutException": "timeout",
    "ServiceUnavailableException": "transport",
    "InternalServerException": "transport",
    "ModelErrorException": "transport",
    "ModelStreamErrorException": "transport",
}
_TOO_MUCH = frozenset({"ThrottlingException", "TooManyRequestsException", "ServiceUnavailableException"})
_STOPS = {
    "AccessDeniedException": "the role may not call this model; allow bedrock:InvokeModel on it, and ask for access to it",
    "ResourceNotFoundException": "no such model in this region; correct its name or the region",
    "UnrecognizedClientException": "the credentials are not accepted; renew them",
    "ExpiredTokenException": "the credentials have expired; renew them",
    "InvalidSignatureException": "the credentials are not accepted; renew them",
}
_REFUSED = frozenset({"guardrail_intervened", "content_filtered"})
_CUT = frozenset({"max_tokens", "model_context_window_exceeded"})

# Where the candidate begins: up to there all rollouts of a group share the text. A document that holds such a
# line ends the cached part early, which costs money and changes nothing that the model sees.
_CANDIDATE = re.compile(r"^# Candidate[^\n]*\n<[0-9a-f]{16}>$", re.MULTILINE)


class BedrockModel:
    """One model in one region."""

    def __init__(self, name: str, connection: ModelConnection, *, first_pause: float = 0.5) -> None:
        self.name = name
        self._model = connection.model or name.partition(":")[2]
        self._connection = connection
        self._attempts = Attempts(most=connection.attempts, timeout=connection.timeout, first_pause=first_pause)
        self._dice = random.Random()
        self._client: Any = None
        self._threads: ThreadPoolExecutor | None = None
        self._limiters: dict[asyncio.AbstractEventLoop, Limiter] = {}
        self._format: Format = "json_schema"
        self._format_settled = False
        self._caches = True
        extra = f" {msgspec.json.encode(connection.body, order='deterministic').decode()}" if connection.body else ""
        self.fingerprint = f"bedrock {connection.region or ''} {self._model}{extra}"
        self.capabilities = Capabilities(quote=True, reason=True, na=True, concurrency=connection.concurrency)

    async def reply(self, request: Request) -> Reply:
        """Answers, after retries. Raises `ModelError`, or `UnavailableError` where no request can work."""
        if request.schema is None:
            return await self._in_format(request, "none")
        reply_format = self._format
        while True:
            try:
                reply = await self._in_format(request, reply_format)
            except BadRequestError as error:
                if self._caches and "cach" in error.detail.casefold():
                    # Not every model knows cache points, and one that does not says so.
                    self._caches = False
                    continue
                if self._format_settled or reply_format == _FORMATS[-1]:
                    raise
                reply_format = _FORMATS[_FORMATS.index(reply_format) + 1]
            else:
                self._format, self._format_settled = reply_format, True
                return reply

    async def close(self) -> None:
        """Lets go of the connections and threads."""
        threads, self._threads = self._threads, None
        client, self._client = self._client, None
        if threads is not None:
            threads.shutdown(wait=False)
        if client is not None:
            client.close()

    async def _in_format(self, request: Request, reply_format: Format) -> Reply:
        arguments = converse_arguments(
            request, model=self._model, reply_format=reply_format, caches=self._caches, extra=self._connection.body
        )
        loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._connection.concurrency, thread_name_prefix="dikast-bedrock")
        threads = self._threads

        async def once() -> Reply | TryAgain:
            return await loop.run_in_executor(threads, self._converse, arguments)

        characters = sum(len(message.content) for message in request.messages)
        return await tried(
            once,
            self._attempts,
            limiter=self._limiter(loop),
            dice=self._dice,
            tokens=tokens_of(characters, request.max_tokens),
        )

    def _limiter(self, loop: asyncio.AbstractEventLoop) -> Limiter:
        if loop not in self._limiters:
            self._limiters = {other: limiter for other, limiter in self._limiters.items() if not other.is_closed()}
            of = self._connection
            self._limiters[loop] = Limiter(
                of.concurrency,
                requests_per_minute=of.requests_per_minute,
                tokens_per_minute=of.tokens_per_minute,
                clock=loop.time,
            )
        return self._limiters[loop]

    def _converse(self, arguments: dict[str, Any]) -> Reply | TryAgain:
        import botocore.exceptions as failures  # pyright: ignore[reportMissingTypeStubs]

        started = time.monotonic()
        try:
            answer: dict[str, Any] = self._connected().converse(**arguments)
        except failures.ClientError as error:
            return self._failed(cast("dict[str, Any]", error.response))
        except (failures.NoCredentialsError, failures.PartialCredentialsError, failures.NoRegionError) as error:
            raise UnavailableError(f"{self.name}: {error}; set AWS credentials and a region") from error
        except (failures.ReadTimeoutError, failures.ConnectTimeoutError) as error:
            return TryAgain(reason="timeout", detail=f"{self.name}: {error}")
        except (failures.HTTPClientError, failures.ConnectionError) as error:
            return TryAgain(reason="transport", detail=f"{self.name}: {error}")
        except failures.ParamValidationError as error:
            # A field that this botocore does not know is one that the model will not take either.
            raise BadRequestError("rejected", f"{self.name}: {error}") from error
        return read_converse(answer, seconds=time.monotonic() - started)

    def _failed(self, response: dict[str, Any]) -> TryAgain:
        code = response.get("Error", {}).get("Code", "unknown")
        detail = (
            f"{self.name} answered {code}: {' '.join(str(response.get('Error', {}).get('Message', '')).split())[:300]}"
        )
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _PASSING or status >= 500:
            return TryAgain(reason=_PASSING.get(code, "transport"), detail=detail, too_much=code in _TOO_MUCH)
        if code in _STOPS:
            raise UnavailableError(f"{detail}; {_STOPS[code]}")
        if code == "ValidationException":
            raise BadRequestError("rejected", detail)
        raise ModelError("rejected", detail)

    def _connected(self) -> Any:
        if self._client is None:
            import boto3  # pyright: ignore[reportMissingTypeStubs]
            from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]

            of = self._connection
            config = Config(
                max_pool_connections=of.concurrency,
                read_timeout=of.timeout,
                connect_timeout=min(10.0, of.timeout),
                retries={"max_attempts": 1, "mode": "standard"},
            )
            make: Any = cast("Any", boto3).client
            self._client = make("bedrock-runtime", region_name=of.region, endpoint_url=of.endpoint, config=config)
        return self._client


def converse_arguments(
    request: Request, *, model: str, reply_format: Format, caches: bool, extra: dict[str, Any]
) -> dict[str, Any]:
    """The arguments of Converse for a request."""
    system = [{"text": m.content} for m in request.messages if m.role == "system"]
    turns = [m for m in request.messages if m.role != "system"]
    messages: list[dict[str, Any]] = [
        {"role": m.role, "content": _blocks(m.content, cached=caches and at == 0)} for at, m in enumerate(turns)
    ]
    arguments: dict[str, Any] = {
        "modelId": model,
        "messages": messages,
        "inferenceConfig": {"maxTokens": request.max_tokens, "temperature": request.temperature},
    }
    if system:
        arguments["system"] = system
    if request.schema is not None and reply_format == "json_schema":
        schema = {"name": _TOOL, "schema": msgspec.json.encode(request.schema).decode()}
        arguments["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    elif request.schema is not None and reply_format == "tool":
        tool = {
            "name": _TOOL,
            "description": "Gives the reply.",
            "inputSchema": {"json": request.schema},
            "strict": True,
        }
        arguments["toolConfig"] = {"tools": [{"toolSpec": tool}], "toolChoice": {"any": {}}}
    if extra:
        arguments["additionalModelRequestFields"] = extra
    return arguments


def _blocks(text: str, *, cached: bool) -> list[dict[str, Any]]:
    """A text as content blocks, with a cache point after what all rollouts of the group share."""
    found = _CANDIDATE.search(text) if cached else None
    if found is None or found.start() == 0:
        return [{"text": text}]
    return [{"text": text[: found.start()]}, {"cachePoint": {"type": "default"}}, {"text": text[found.start() :]}]


def read_converse(answer: dict[str, Any], *, seconds: float) -> Reply:
    """Reads an answer into a reply: the input of the tool that was called, else the last text. Thinking is not read."""
    content: Sequence[dict[str, Any]] = answer.get("output", {}).get("message", {}).get("content", [])
    calls = [block["toolUse"]["input"] for block in content if "toolUse" in block]
    texts = [block["text"] for block in content if "text" in block]
    text = msgspec.json.encode(calls[-1]).decode() if calls else (texts[-1] if texts else "")
    usage = answer.get("usage", {})
    cached = usage.get("cacheReadInputTokens") or 0
    written = usage.get("cacheWriteInputTokens") or 0
    stop = answer.get("stopReason", "end_turn")
    return Reply(
        text=text,
        finish="refused" if stop in _REFUSED else "length" if stop in _CUT else "stop",
        # Bedrock counts what it read from the cache and wrote into it beside the other input tokens.
        prompt_tokens=(usage.get("inputTokens") or 0) + cached + written,
        cached_tokens=cached,
        completion_tokens=usage.get("outputTokens") or 0,
        seconds=seconds,
    )
