"""The client of OpenAI-compatible servers, against one on loopback that fails in every way they do."""

import asyncio
import gc
import logging
import time

import pytest
from aiohttp import web

from dikast.errors import ConfigError, ModelError, UnavailableError
from dikast.models.base import Form, Request, answer_begun
from dikast.models.openai import OpenAIModel
from dikast.models.transport import MAX_BODY
from dikast.records import Message
from dikast.spec.models import ModelConnection

ASK = Request(messages=(Message(role="user", content="Is it?"),), max_tokens=5)
ASK_JSON = Request(messages=ASK.messages, max_tokens=50, form=Form({"type": "object"}))


def says(content: str = "Yes", **choice):
    """The server answers with a completion."""
    body = {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop", **choice}]}

    async def act(_request: web.Request) -> web.Response:
        return web.json_response(body)

    return act


def fails(status: int, text: str = "", **headers: str):
    async def act(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return act


def with_headers(act, **headers: str):
    """What the act answers, with these headers too."""

    async def both(request: web.Request) -> web.Response:
        answer = await act(request)
        answer.headers.update({k.replace("_", "-"): v for k, v in headers.items()})
        return answer

    return both


async def hangs(_request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def takes_no_schema(request: web.Request) -> web.Response:
    """The server knows JSON objects, but not JSON Schema."""
    wanted = (await request.json()).get("response_format", {}).get("type")
    if wanted == "json_schema":
        return web.Response(status=400, text="response_format.type must be json_object or text")
    return await says('{"verdicts": {}}')(request)


async def slowly(request: web.Request) -> web.Response:
    await asyncio.sleep(0.1)
    return await says()(request)


@pytest.fixture
def connect(server, transport_name, monkeypatch):
    """Opens a client of the server, over each transport."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")

    def make(name: str = "openai:judge", **changes) -> OpenAIModel:
        settings = {"provider": "openai", "endpoint": server.url, "attempts": 3, "timeout": 5.0} | changes
        return OpenAIModel(name, ModelConnection(transport=transport_name, **settings), first_pause=0.01)

    return make


@pytest.fixture
def model(connect, closing) -> OpenAIModel:
    return closing(connect())


async def reason_of(model: OpenAIModel, request: Request = ASK) -> str:
    with pytest.raises(ModelError) as caught:
        await model.reply(request)
    return caught.value.reason


async def test_a_request_and_its_reply_travel_whole(server, connect, closing):
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -2.4}]
    server.script = [says(logprobs={"content": [{"token": "Yes", "logprob": -0.1, "top_logprobs": top}]})]
    model = closing(connect(model="org/judge-7b", logprobs=True))
    request = Request(
        messages=(Message(role="system", content="You judge."), Message(role="user", content="Ünïcode \ud800?")),
        max_tokens=1,
        top_logprobs=20,
    )

    reply = await model.reply(request)

    assert server.bodies == [
        {
            "model": "org/judge-7b",
            "messages": [
                {"role": "system", "content": "You judge."},
                {"role": "user", "content": "Ünïcode \ud800?"},
            ],
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": True,
            "top_logprobs": 20,
        }
    ]
    assert server.headers[0]["Authorization"] == "Bearer sk-secret-key"
    assert reply.first_token == (("Yes", -0.1), ("No", -2.4))
    assert model.capabilities.logprobs
    assert reply.seconds > 0


async def test_the_environment_names_the_endpoint_where_the_connection_does_not(server, monkeypatch, closing):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    server.script = [says()]
    model = closing(OpenAIModel("openai:judge", ModelConnection(provider="openai")))

    await model.reply(ASK)

    assert server.bodies[0]["model"] == "judge"
    assert model.fingerprint == f"{server.url} judge"


async def test_too_many_requests_are_asked_again_after_the_time_that_the_server_names(server, model):
    server.script = [fails(429, Retry_After="1"), says()]
    started = time.monotonic()

    reply = await model.reply(ASK)

    assert reply.text == "Yes"
    assert 1.0 <= time.monotonic() - started < 3.0


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After_Ms": "150"},
        {"Retry_After_Ms": "150", "Retry_After": "50"},
        {"Retry_After": "0.15"},
        {"X_RateLimit_Remaining_Requests": "0", "X_RateLimit_Reset_Requests": "150ms"},
        {"X_RateLimit_Remaining_Tokens": "0", "X_RateLimit_Reset_Tokens": "0.15s"},
        {"X_RateLimit_Reset_Requests": "150ms"},
        {"Retry_After": "0.15", "X_RateLimit_Remaining_Tokens": "0", "X_RateLimit_Reset_Tokens": "50s"},
    ],
)
async def test_a_failed_server_is_left_alone_for_as_long_as_its_headers_say(server, model, status, headers):
    server.script = [fails(status, **headers), says()]
    started = time.monotonic()

    await model.reply(ASK)

    assert 0.15 <= time.monotonic() - started < 2.0


@pytest.mark.parametrize("of", ["Requests", "Tokens"])
async def test_a_server_that_has_nothing_left_is_asked_again_after_its_reset(server, model, of):
    spent = {f"X_RateLimit_Remaining_{of}": "0", f"X_RateLimit_Reset_{of}": "400ms"}
    server.script = [with_headers(says("first"), **spent), says("second")]

    first = await model.reply(ASK)
    started = time.monotonic()
    second = await model.reply(ASK)

    assert (first.text, second.text) == ("first", "second")
    assert time.monotonic() - started >= 0.35


async def test_a_server_that_has_something_left_is_asked_at_once(server, model):
    left = {"X_RateLimit_Remaining_Requests": "1", "X_RateLimit_Reset_Requests": "30s"}
    server.otherwise = with_headers(says(), **left)

    async with asyncio.timeout(5):
        for _ in range(3):
            await model.reply(ASK)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (fails(408), "timeout"),
        (fails(425), "transport"),
        (fails(429), "rate_limited"),
        (fails(500, "boom"), "transport"),
        (fails(502), "transport"),
        (fails(503), "transport"),
        (fails(504), "transport"),
        (fails(529), "transport"),
        (hangs_up, "transport"),
        (says(content="x", message=7), "unparsable"),
        (fails(200, "<html>gateway</html>"), "unparsable"),
        (fails(200, "[" * 200_000), "unparsable"),
    ],
)
async def test_what_may_pass_is_tried_as_often_as_the_connection_says(server, model, act, reason):
    server.otherwise = act

    assert await reason_of(model) == reason
    assert len(server.bodies) == 3


async def test_an_error_that_passes_leaves_a_reply(server, model):
    server.script = [fails(500), hangs_up, says()]

    assert (await model.reply(ASK)).text == "Yes"


async def test_a_server_that_hangs_is_a_timeout(server, connect, closing):
    server.otherwise = hangs
    model = closing(connect(timeout=0.3, attempts=2))

    assert await reason_of(model) == "timeout"
    assert len(server.bodies) == 2


async def test_a_server_that_is_not_there_is_a_failure_of_transport(connect, closing):
    model = closing(connect(endpoint="http://127.0.0.1:9/v1", attempts=2))

    assert await reason_of(model) == "transport"


async def test_an_endless_answer_is_cut_off(server, model):
    async def floods(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(MAX_BODY // 65536 + 2):
            await response.write(b" " * 65536)
        return response

    server.script = [floods]

    assert await reason_of(model) == "unparsable"
    assert len(server.bodies) == 1


async def test_a_refusal_is_a_reply_that_says_so(server, model):
    server.script = [
        says(message={"content": None, "refusal": "I cannot help."}),
        says("", finish_reason="content_filter"),
    ]

    first, second = await model.reply(ASK), await model.reply(ASK)

    assert (first.finish, first.text) == ("refused", "I cannot help.")
    assert second.finish == "refused"


@pytest.mark.parametrize("status", [400, 413, 422, 451])
async def test_a_request_that_the_server_rejects_is_not_repeated(server, model, status):
    server.otherwise = fails(status, "context too long")

    assert await reason_of(model) == "rejected"
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("status", "mend"),
    [
        (401, "correct OPENAI_API_KEY"),
        (402, "not paid up"),
        (403, "the model 'judge'"),
        (404, "the model 'judge'"),
        (308, "correct the endpoint"),
    ],
)
async def test_what_every_request_would_get_stops_the_command(server, model, status, mend):
    server.otherwise = fails(status, "no", Location="https://elsewhere.example/v1")

    with pytest.raises(UnavailableError, match=mend):
        await model.reply(ASK)

    assert len(server.bodies) == 1


async def test_a_missing_key_is_told_when_a_request_is_sent_and_not_before(server, connect, monkeypatch, closing):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    model = closing(connect(key_variable="JUDGE_KEY"))

    with pytest.raises(UnavailableError, match="JUDGE_KEY"):
        await model.reply(ASK)

    assert server.bodies == []


async def test_a_server_of_ones_own_needs_no_key(server, connect, monkeypatch, closing):
    monkeypatch.delenv("OPENAI_API_KEY")
    server.script = [says()]

    await closing(connect()).reply(ASK)

    assert "Authorization" not in server.headers[0]


async def test_an_answer_that_is_no_reply_is_told_without_the_key(server, model):
    async def echoes(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "overloaded", "headers": request.headers["Authorization"]}})

    server.otherwise = echoes

    with pytest.raises(ModelError, match="overloaded") as caught:
        await model.reply(ASK)

    assert caught.value.reason == "unparsable"
    assert "sk-secret" not in str(caught.value)


async def test_the_key_appears_in_no_message_and_no_log(server, model, caplog):
    caplog.set_level(logging.DEBUG)
    server.script = [fails(401, "Incorrect API key provided: sk-secret-key")]

    with pytest.raises(UnavailableError) as caught:
        await model.reply(ASK)

    assert "sk-secret-key" not in str(caught.value) + repr(caught.value.__cause__) + caplog.text + repr(vars(model))
    assert "***" in str(caught.value)


async def test_a_key_that_cannot_be_a_header_is_told_without_showing_it(connect, monkeypatch, closing):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first\r\nX-Injected: yes")

    with pytest.raises(UnavailableError, match="control characters") as caught:
        await closing(connect()).reply(ASK)

    assert "sk-first" not in str(caught.value)


async def test_a_server_without_json_schema_is_asked_for_a_json_object_from_then_on(server, model):
    server.otherwise = takes_no_schema

    for _ in range(2):
        await model.reply(ASK_JSON)

    assert [body["response_format"]["type"] for body in server.bodies] == ["json_schema", "json_object", "json_object"]


async def test_a_server_without_any_format_is_asked_plainly(server, model):
    server.script = [fails(400), fails(422), says("{}"), says("{}")]

    for _ in range(2):
        await model.reply(ASK_JSON)

    assert ["response_format" in body for body in server.bodies] == [True, True, False, False]


async def test_a_content_that_is_rejected_in_every_format_changes_no_format(server, model):
    server.script = [fails(400), fails(400), fails(400), says("{}")]

    assert await reason_of(model, ASK_JSON) == "rejected"
    await model.reply(ASK_JSON)

    assert server.bodies[-1]["response_format"]["type"] == "json_schema"


async def test_many_first_requests_at_once_find_the_format_together(server, model):
    server.otherwise = takes_no_schema

    replies = await asyncio.gather(*(model.reply(ASK_JSON) for _ in range(8)))
    server.raw.clear()
    await model.reply(ASK_JSON)

    assert [reply.text for reply in replies] == ['{"verdicts": {}}'] * 8
    assert [body["response_format"]["type"] for body in server.bodies] == ["json_object"]


async def test_once_a_format_worked_a_rejection_is_about_the_content(server, model):
    server.script = [says("{}"), fails(400)]
    await model.reply(ASK_JSON)

    assert await reason_of(model, ASK_JSON) == "rejected"
    assert len(server.bodies) == 2


async def test_no_more_requests_are_under_way_than_the_connection_allows(server, connect, closing):
    server.otherwise = slowly
    model = closing(connect(concurrency=3))

    await asyncio.gather(*(model.reply(ASK) for _ in range(9)))

    assert server.most_under_way == 3


async def test_one_that_must_wait_does_not_hold_up_the_others(server, connect, closing):
    server.script = [fails(500, Retry_After="1"), says("second"), says("first")]
    model = closing(connect(concurrency=1))
    waiting = asyncio.create_task(model.reply(ASK))
    await asyncio.sleep(0.1)

    async with asyncio.timeout(0.6):
        reply = await model.reply(ASK)

    assert reply.text == "second"
    assert not waiting.done()
    assert (await waiting).text == "first"


async def test_a_server_that_gets_too_much_is_left_alone_by_all(server, connect, closing):
    server.script = [fails(429, Retry_After="0.5")]
    server.otherwise = says()
    model = closing(connect(concurrency=4))
    waiting = asyncio.create_task(model.reply(ASK))
    await server.asked()
    await asyncio.sleep(0.1)
    started = time.monotonic()

    await asyncio.gather(*(model.reply(ASK) for _ in range(3)))

    assert time.monotonic() - started >= 0.35
    assert (await waiting).text == "Yes"


async def test_the_requests_under_way_adapt_to_what_the_server_takes(server, connect, closing):
    async def takes_six(request: web.Request) -> web.Response:
        over = server.under_way > 6
        await asyncio.sleep(0.02)
        return await (fails(429) if over else says())(request)

    server.otherwise = takes_six
    model = closing(connect(concurrency=200, attempts=12))
    await asyncio.gather(*(model.reply(ASK) for _ in range(150)))
    server.raw.clear()
    server.most_under_way = 0

    await asyncio.gather(*(model.reply(ASK) for _ in range(150)))

    assert server.most_under_way <= 12
    assert len(server.raw) < 225


async def test_requests_a_minute_are_kept(server, connect, closing):
    server.otherwise = says()
    # A second's worth of a hundred a second may come at once.
    model = closing(connect(requests_per_minute=6100))
    started = time.monotonic()

    await asyncio.gather(*(model.reply(ASK) for _ in range(150)))

    assert time.monotonic() - started >= 0.45


async def test_tokens_a_minute_are_kept(server, connect, closing):
    server.otherwise = says()
    long = Request(messages=(Message(role="user", content="x" * 4000),), max_tokens=1000)
    # Each asks for about two thousand: the first two go at once, being a second's worth, and then two a second.
    model = closing(connect(tokens_per_minute=4200 * 61))
    started = time.monotonic()

    await asyncio.gather(*(model.reply(long) for _ in range(4)))

    assert 0.7 <= time.monotonic() - started < 3.0


@pytest.mark.parametrize(
    ("at_openai", "field"),
    [(True, "max_completion_tokens"), (False, "max_tokens")],
)
async def test_openai_itself_is_told_the_tokens_under_their_newer_name(
    server, connect, closing, monkeypatch, at_openai, field
):
    if at_openai:
        monkeypatch.setattr("dikast.models.openai.OPENAI_ENDPOINT", server.url)
    server.otherwise = says("{}")

    await closing(connect()).reply(ASK_JSON)

    assert {name: value for name, value in server.bodies[0].items() if "tokens" in name} == {field: 50}


async def test_fields_of_the_connection_are_laid_over_each_body_and_null_takes_one_away(server, connect, closing):
    server.script = [says()]
    extra = {
        "reasoning_effort": "low",
        "max_tokens": 9,
        "temperature": None,
        "provider": {"order": ["a"]},
        "stop": None,
    }

    await closing(connect(body=extra)).reply(ASK)

    assert server.bodies == [
        {
            "model": "judge",
            "messages": [{"role": "user", "content": "Is it?"}],
            "reasoning_effort": "low",
            "max_tokens": 9,
            "provider": {"order": ["a"]},
        }
    ]


def test_whatever_changes_the_answers_changes_the_fingerprint(connect):
    plain, low, high = connect(), connect(body={"effort": "low"}), connect(body={"effort": "high"})
    cooler = connect(body={"temperature": None})

    assert len({model.fingerprint for model in (plain, low, high, cooler)}) == 4
    assert (
        connect(body={"a": 1, "b": {"c": 1, "d": 2}}).fingerprint
        == connect(body={"b": {"d": 2, "c": 1}, "a": 1}).fingerprint
    )
    assert connect(concurrency=1, timeout=1.0, key_variable="OTHER").fingerprint == plain.fingerprint


def test_one_client_serves_one_event_loop_after_another(server, connect):
    server.otherwise = says()
    model = connect()

    texts = [asyncio.run(model.reply(ASK)).text for _ in range(3)]
    gc.collect()  # an unclosed connection would complain here, and warnings are errors

    assert texts == ["Yes"] * 3


async def test_a_client_that_was_closed_opens_again(server, model):
    server.otherwise = says()

    await model.reply(ASK)
    await model.close()

    assert (await model.reply(ASK)).text == "Yes"


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("localhost:8000/v1", "not a URL"),
        ("file:///etc/passwd", "not a URL"),
        ("http:///v1", "not a URL"),
        ("https://host:99999/v1", "not a URL"),
        ("https://host:port/v1", "not a URL"),
        ("http://[::1/v1", "not a URL"),
        ("https://two words/v1", "not a URL"),
        ("https://host/v1\n", "not a URL"),
        ("https://a..b/v1", "not a URL"),
        ("https://user:secret@host/v1", "key_variable"),
        ("https://secret@host/v1", "key_variable"),
        ("https://user:secret@host:99999/v1", "key_variable"),
        ("user:secret@host/v1", "key_variable"),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_told_when_it_is_opened(connect, endpoint, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        connect(endpoint=endpoint)

    assert "secret" not in str(caught.value)


async def test_an_answer_whose_beginning_somebody_waits_for_is_streamed(server, model):
    begun: list[bool] = []

    async def streams(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b'data: {"choices": [{"delta": {"content": "Y"}}]}\n\n')
        while not begun:  # noqa: ASYNC110  the client is in another loop
            await asyncio.sleep(0.01)
        await answer.write(
            b'data: {"choices": [{"delta": {"content": "es"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
        )
        return answer

    server.script = [streams, says("No")]
    answer_begun.set(lambda: begun.append(True))
    first = await model.reply(ASK)
    answer_begun.set(None)

    second = await model.reply(ASK)

    assert (first.text, second.text) == ("Yes", "No")
    assert [body.get("stream", False) for body in server.bodies] == [True, False]
    assert server.bodies[0]["stream_options"] == {"include_usage": True}


async def test_a_server_that_takes_no_stream_is_asked_without_one_from_then_on(server, model):
    async def takes_no_stream(request: web.Request) -> web.Response:
        asked = await request.json()
        return await (fails(400) if "stream" in asked or "stream_options" in asked else says("{}"))(request)

    server.otherwise = takes_no_stream
    answer_begun.set(lambda: None)

    replies = [await model.reply(ASK_JSON) for _ in range(2)]

    assert [reply.text for reply in replies] == ["{}", "{}"]
    assert [body.get("stream", False) for body in server.bodies] == [True, False, False]
    assert {body["response_format"]["type"] for body in server.bodies} == {"json_schema"}


async def test_a_server_that_streams_is_not_asked_again_for_a_content_that_it_rejects(server, model):
    server.script = [says("{}"), fails(400)]
    answer_begun.set(lambda: None)
    await model.reply(ASK_JSON)

    assert await reason_of(model, ASK_JSON) == "rejected"
    assert [body["stream"] for body in server.bodies] == [True, True]
