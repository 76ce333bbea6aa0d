"""The client of Bedrock: boto3 itself, against a Bedrock on loopback that does what it is told."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from aiohttp import web

from dikast.aws.verify.event_stream import CONTENT_TYPE, event, events_of
from dikast.errors import ConfigError, ModelError, UnavailableError
from dikast.judges.priming import primed
from dikast.judges.render import Case, case_text, cases_text
from dikast.models.base import Form, Request, answer_begun
from dikast.models.bedrock import BedrockModel
from dikast.models.converse import read_converse
from dikast.records import Message
from dikast.spec.models import ModelConnection

pytest.importorskip("boto3")

SYSTEM = Message(role="system", content="You judge.")
ASK = Request(messages=(SYSTEM, Message(role="user", content="Is it?")), max_tokens=50)
ASK_JSON = Request(messages=ASK.messages, max_tokens=50, form=Form({"type": "object", "additionalProperties": False}))
DOCUMENTS = (("Contract", "The term is twelve months."), ("Playbook", "No term over a year."))


def about(*candidates: str) -> Request:
    """A question about candidates, as the judges write it."""
    text = cases_text([Case(documents=DOCUMENTS, candidate=candidate) for candidate in candidates])
    return Request(messages=(SYSTEM, Message(role="user", content=text)), max_tokens=50, form=ASK_JSON.form)


def answer(*content: dict, stop: str = "end_turn", usage: dict | None = None) -> dict:
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": usage or {"inputTokens": 90, "outputTokens": 3, "totalTokens": 93},
        "metrics": {"latencyMs": 7},
    }


def says(*content: dict | str, **more):
    blocks = [{"text": block} if isinstance(block, str) else block for block in content or ("{}",)]
    return sends(200, json.dumps(answer(*blocks, **more)))


def sends(status: int, text: str = "", **headers: str):
    async def act(_request: web.Request) -> web.Response:
        given = {k.replace("_", "-"): v for k, v in headers.items()}
        return web.Response(status=status, text=text, content_type="application/json", headers=given)

    return act


def fails(status: int, code: str, message: str = "no", **headers: str):
    """An error as Bedrock writes it: the code in a header, sometimes with where it comes from."""
    where = f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    return sends(status, json.dumps({"message": message}), x_amzn_errortype=where, **headers)


def streams(*events: bytes):
    """A stream of these events, or of a short answer's."""

    async def act(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        await response.prepare(request)
        for one in events or (*events_of(answer({"text": "{}"})),):
            await response.write(one)
        return response

    return act


def said(text: str, at: int = 0) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": at, "delta": {"text": text}})


def broken(kind: str, message: str = "no") -> bytes:
    """An error that comes when the answer has begun already."""
    return event(kind, {"message": message}, kind="exception")


async def until(holds) -> None:
    """Waits for what happens in another loop."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def form_of(body: dict) -> str:
    if "outputConfig" in body:
        return "json_schema"
    return "tool" if "toolConfig" in body else "none"


def takes(*forms: str):
    """The model knows only some forms of asking for JSON."""

    async def act(request: web.Request) -> web.Response:
        form = form_of(await request.json())
        if form not in forms:
            return await fails(400, "ValidationException", f"this model does not support {form}")(request)
        tool = {"toolUse": {"toolUseId": "t1", "name": "reply", "input": {"form": "tool"}}}
        return await says(tool if form == "tool" else json.dumps({"form": form}))(request)

    return act


async def caches_nothing(request: web.Request) -> web.Response:
    if b"cachePoint" in await request.read():
        return await fails(400, "ValidationException", "You invoked an unsupported model for prompt caching")(request)
    return await says()(request)


async def hangs(_request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


def sends_raw(raw: bytes):
    async def act(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.write(raw)
        request.transport.close()
        return web.Response()

    return act


@pytest.fixture(autouse=True)
def aws(monkeypatch, tmp_path) -> None:
    """Credentials that nobody has, and none of this machine's own."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def connect(server):
    def make(name: str = "bedrock:openai.gpt-oss-120b-1:0", **changes) -> BedrockModel:
        settings = {
            "provider": "bedrock",
            "endpoint": server.url.removesuffix("/v1"),
            "region": "us-east-1",
            "attempts": 3,
            "timeout": 5.0,
            "concurrency": 4,
        }
        return BedrockModel(name, ModelConnection(**(settings | changes)), first_pause=0.01)

    return make


@pytest.fixture
def model(connect, closing) -> BedrockModel:
    return closing(connect())


async def reason_of(model: BedrockModel, request: Request = ASK) -> str:
    with pytest.raises(ModelError) as caught:
        await model.reply(request)
    return caught.value.reason


async def test_a_request_and_its_reply_travel_whole(server, model):
    server.script = [says("Ünïcode")]
    request = Request(
        messages=(SYSTEM, Message(role="user", content="Ünïcode \ud800?"), Message(role="assistant", content="Eh?"),
                  Message(role="user", content="Once more.")),
        max_tokens=7,
        temperature=0.5,
    )  # fmt: skip

    reply = await model.reply(request)

    assert server.paths == ["/model/openai.gpt-oss-120b-1%3A0/converse"]
    assert server.headers[0]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert server.bodies == [
        {
            "system": [{"text": "You judge."}],
            "messages": [
                {"role": "user", "content": [{"text": "Ünïcode \ud800?"}]},
                {"role": "assistant", "content": [{"text": "Eh?"}]},
                {"role": "user", "content": [{"text": "Once more."}]},
            ],
            "inferenceConfig": {"maxTokens": 7, "temperature": 0.5},
        }
    ]
    assert (reply.text, reply.finish) == ("Ünïcode", "stop")
    assert reply.seconds > 0


async def test_a_model_may_be_an_inference_profiles_arn(server, connect, closing):
    server.script = [says()]
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"

    await closing(connect(f"bedrock:{arn}")).reply(ASK)

    assert server.paths[0].replace("%3A", ":").replace("%2F", "/") == f"/model/{arn}/converse"


async def test_the_connections_model_and_region_are_the_ones_asked(server, connect, closing):
    server.script = [says()]
    model = closing(connect("bedrock:judge", model="amazon.nova-pro-v1:0", region="eu-central-1"))

    await model.reply(ASK)

    assert "amazon.nova-pro-v1" in server.paths[0]
    assert "/eu-central-1/bedrock/" in server.headers[0]["Authorization"]
    assert model.fingerprint == "bedrock eu-central-1 amazon.nova-pro-v1:0"


async def test_a_schema_is_asked_for_in_the_models_own_way(server, model):
    server.script = [says('{"a": 1}')]

    reply = await model.reply(ASK_JSON)

    (body,) = server.bodies
    form = body["outputConfig"]["textFormat"]
    assert form["type"] == "json_schema"
    assert json.loads(form["structure"]["jsonSchema"]["schema"]) == ASK_JSON.form.schema
    assert reply.text == '{"a": 1}'


async def test_a_model_that_takes_no_schema_is_given_a_tool_from_then_on(server, model):
    server.otherwise = takes("tool", "none")

    replies = [await model.reply(ASK_JSON) for _ in range(2)]

    assert [form_of(body) for body in server.bodies] == ["json_schema", "tool", "tool"]
    (tool,) = server.bodies[1]["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"] == {"json": ASK_JSON.form.schema}
    assert tool["toolSpec"]["strict"] is True
    assert server.bodies[1]["toolConfig"]["toolChoice"] == {"any": {}}
    assert [json.loads(reply.text) for reply in replies] == [{"form": "tool"}] * 2


async def test_a_model_that_takes_no_tool_either_is_only_told(server, model):
    server.otherwise = takes("none")

    for _ in range(2):
        await model.reply(ASK_JSON)

    assert [form_of(body) for body in server.bodies] == ["json_schema", "tool", "none", "none"]


async def test_each_model_finds_its_own_form(server, connect, closing):
    server.otherwise = takes("tool")
    await closing(connect("bedrock:one")).reply(ASK_JSON)
    server.raw.clear()
    server.otherwise = takes("json_schema")

    await closing(connect("bedrock:other")).reply(ASK_JSON)

    assert [form_of(body) for body in server.bodies] == ["json_schema"]


async def test_a_content_that_is_refused_in_every_form_is_rejected_and_changes_no_form(server, model):
    server.otherwise = fails(400, "ValidationException", "Input is too long for requested model.")
    assert await reason_of(model, ASK_JSON) == "rejected"
    assert len(server.raw) == 3
    server.raw.clear()
    server.otherwise = takes("json_schema")

    await model.reply(ASK_JSON)
    server.otherwise = fails(400, "ValidationException", "Input is too long for requested model.")
    assert await reason_of(model, ASK_JSON) == "rejected"

    assert [form_of(body) for body in server.bodies] == ["json_schema", "json_schema"]


@pytest.mark.parametrize("candidates", [["It breaks rule 1."], ["One.", "Two."]])
async def test_what_a_group_shares_is_marked_for_the_cache(server, model, candidates):
    server.otherwise = says()

    await model.reply(about(*candidates))
    await model.reply(about(*(f"Not {candidate}" for candidate in candidates)))

    first, second = (body["messages"][0]["content"] for body in server.bodies)
    assert first[1] == second[1] == {"cachePoint": {"type": "default"}}
    assert first[0] == second[0]
    assert all(text in first[0]["text"] for _, text in DOCUMENTS)
    assert candidates[0] not in first[0]["text"]
    assert first[0]["text"] + first[2]["text"] == about(*candidates).messages[1].content


async def test_only_the_first_turn_is_marked_and_only_where_something_is_shared(server, model):
    server.otherwise = says()
    alone = case_text(Case(documents=(), candidate="It breaks rule 1."))
    turns = (*about("One.").messages, Message(role="assistant", content="?"), about("Two.").messages[1])

    await model.reply(Request(messages=(SYSTEM, Message(role="user", content=alone)), max_tokens=5))
    await model.reply(Request(messages=turns, max_tokens=5))

    assert "cachePoint" not in json.dumps(server.bodies[0])
    assert json.dumps(server.bodies[1]).count("cachePoint") == 1
    assert any("cachePoint" in block for block in server.bodies[1]["messages"][0]["content"])


async def test_a_model_that_caches_nothing_is_asked_without_the_mark_from_then_on(server, model):
    server.otherwise = caches_nothing

    for _ in range(2):
        await model.reply(about("One."))

    assert ["cachePoint" in json.dumps(body) for body in server.bodies] == [True, False, False]
    assert [form_of(body) for body in server.bodies] == ["json_schema"] * 3


async def test_a_request_without_a_schema_loses_the_mark_too(server, model):
    server.otherwise = caches_nothing
    request = Request(messages=about("One.").messages, max_tokens=5)

    assert (await model.reply(request)).text == "{}"


async def test_many_first_requests_at_once_lose_the_mark_and_keep_their_form(server, model):
    server.otherwise = caches_nothing

    await asyncio.gather(*(model.reply(about(f"Number {n}.")) for n in range(8)))

    assert {form_of(body) for body in server.bodies} == {"json_schema"}


@pytest.mark.parametrize(
    ("act", "reason", "times"),
    [
        (fails(429, "ThrottlingException", "Too many tokens, please wait."), "rate_limited", 3),
        (fails(429, "ModelNotReadyException"), "rate_limited", 3),
        (fails(408, "ModelTimeoutException"), "timeout", 3),
        (fails(424, "ModelErrorException"), "transport", 3),
        (fails(500, "InternalServerException"), "transport", 3),
        (fails(503, "ServiceUnavailableException"), "transport", 3),
        (sends(429, "<html>gateway</html>"), "rate_limited", 3),
        (sends(408), "timeout", 3),
        (sends(502, "<html>gateway</html>"), "transport", 3),
        (fails(400, "ValidationException", "Input is too long."), "rejected", 1),
        (fails(400, "ServiceQuotaExceededException"), "rejected", 1),
        (sends(413, "<html>too large</html>"), "rejected", 1),
        (sends_raw(b""), "transport", 3),
        (sends(200, "<html>gateway</html>"), "unparsable", 3),
        (sends(200, "{}"), "unparsable", 3),
        (sends(200, "[1]"), "unparsable", 3),
        (sends(200, "[" * 100_000), "unparsable", 3),
        (sends(200, '{"output": 7}'), "unparsable", 3),
        (sends(200, '{"output": {"message": {"content": "text"}}}'), "unparsable", 3),
        (sends(200, '{"output": {"message": {"content": [{"text": 7}]}}}'), "unparsable", 3),
        (sends(200, '{"output": {"message": {}, "another": {}}}'), "unparsable", 3),
        (sends(200, '{"usage": {"inputTokens": "many"}}'), "unparsable", 3),
        (says("half a \ud800"), "unparsable", 3),
        (says({"toolUse": {"toolUseId": "t", "name": "reply", "input": {"a": "\ud800"}}}), "unparsable", 3),
    ],
)
async def test_a_failure_has_its_reason_and_is_tried_only_where_it_may_pass(server, model, act, reason, times):
    server.otherwise = act

    assert await reason_of(model) == reason
    assert len(server.raw) == times


async def test_a_server_that_hangs_up_in_the_middle_is_tried_again(server, model):
    server.otherwise = sends_raw(b'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{"output": ')

    # Older versions of urllib3 hand on the half that came, and it cannot be read.
    assert await reason_of(model) in ("transport", "unparsable")
    assert len(server.raw) == 3


@pytest.mark.parametrize(
    ("act", "mend"),
    [
        (fails(403, "AccessDeniedException"), "allow bedrock:InvokeModel"),
        (fails(404, "ResourceNotFoundException"), "correct its name or the region"),
        (fails(403, "UnrecognizedClientException"), "renew them"),
        (fails(403, "ExpiredTokenException"), "have expired; renew them"),
        (fails(403, "InvalidSignatureException"), "renew them"),
        (fails(403, "IncompleteSignature"), "renew them"),
        (sends(401), "renew them"),
        (sends(403, "<html>gateway</html>"), "renew them"),
        (sends(404, "<html>gateway</html>"), "the endpoint"),
        (fails(400, "ValidationException", "The provided model identifier is invalid."), "correct the model's name"),
        (
            fails(400, "ValidationException", "Invocation of model ID m with on-demand throughput isn't supported."),
            "name its inference profile",
        ),
    ],
)
async def test_what_every_request_would_get_stops_the_command(server, model, act, mend):
    server.otherwise = act

    with pytest.raises(UnavailableError, match=mend):
        await model.reply(ASK_JSON)

    assert len(server.raw) == 1


async def test_an_error_that_passes_leaves_a_reply(server, model):
    server.script = [fails(503, "ServiceUnavailableException"), sends_raw(b""), says("Yes")]

    assert (await model.reply(ASK)).text == "Yes"


async def test_a_throttled_account_is_left_alone_for_as_long_as_it_is_asked(server, model):
    server.script = [fails(429, "ThrottlingException", Retry_After="0.5")]
    server.otherwise = says()
    waiting = asyncio.create_task(model.reply(ASK))
    await server.asked()
    started = time.monotonic()
    await asyncio.sleep(0.1)

    await model.reply(ASK)

    assert time.monotonic() - started >= 0.4
    assert (await waiting).text == "{}"


async def test_a_server_that_hangs_is_a_timeout(server, connect, closing):
    server.otherwise = hangs
    model = closing(connect(timeout=0.3, attempts=2))

    assert await reason_of(model) == "timeout"
    assert len(server.raw) == 2


async def test_who_asks_next_does_not_wait_for_a_request_that_was_given_up_and_hangs(server, connect, closing):
    server.script = [hangs]
    server.otherwise = says("Yes")
    model = closing(connect(concurrency=1, timeout=5.0))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await model.reply(ASK)
    started = time.monotonic()
    reply = await model.reply(ASK)

    assert reply.text == "Yes"
    assert time.monotonic() - started < 3


async def test_a_server_that_is_not_there_is_a_failure_of_transport(connect, closing):
    assert await reason_of(closing(connect(endpoint="http://127.0.0.1:9", attempts=2))) == "transport"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (["Yes"], "Yes"),
        (["Let me see.", "Yes"], "Yes"),
        ([{"reasoningContent": {"reasoningText": {"text": "No, or rather"}}}, {"text": "Yes"}], "Yes"),
        ([{"reasoningContent": {"reasoningText": {"text": "No, or rather"}}}], ""),
        ([{"reasoningContent": {"redactedContent": "c2VjcmV0"}}, {"text": "Yes"}], "Yes"),
        ([{"text": "I call it."}, {"toolUse": {"toolUseId": "t", "name": "reply", "input": {"b": [1, 2.5]}}}],
         '{"b":[1,2.5]}'),
        ([{"aNewKind": {"of": "block"}}, {"text": "Yes"}], "Yes"),
        ([], ""),
    ],
)  # fmt: skip
async def test_what_the_model_said_is_read_and_not_what_it_thought(server, model, content, text):
    blocks = [{"text": block} if isinstance(block, str) else block for block in content]
    server.script = [sends(200, json.dumps(answer(*blocks)))]

    assert (await model.reply(ASK)).text == text


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),
        ("malformed_model_output", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "refused"),
        ("content_filtered", "refused"),
    ],
)
async def test_how_a_reply_ended_is_told(server, model, stop, finish):
    server.script = [says("Yes", stop=stop)]

    assert (await model.reply(ASK)).finish == finish


async def test_the_cost_counts_what_was_read_from_the_cache_and_written_to_it(server, model):
    usage = {
        "inputTokens": 100,
        "outputTokens": 7,
        "totalTokens": 1407,
        "cacheReadInputTokens": 1000,
        "cacheWriteInputTokens": 300,
    }
    server.script = [says(usage=usage), says()]

    cached, plain = await model.reply(ASK), await model.reply(ASK)

    assert (cached.prompt_tokens, cached.cached_tokens, cached.completion_tokens) == (1400, 1000, 7)
    assert (plain.prompt_tokens, plain.cached_tokens, plain.completion_tokens) == (90, 0, 3)


def test_an_answer_without_usage_costs_nothing_that_is_known():
    reply = read_converse({"output": {"message": {"content": [{"text": "Yes"}]}}}, seconds=0.5)

    assert (reply.text, reply.finish, reply.prompt_tokens, reply.seconds) == ("Yes", "stop", 0, 0.5)


async def test_fields_of_the_connection_go_to_the_model_and_null_takes_a_setting_away(server, connect, closing):
    server.script = [says()]
    model = closing(connect(body={"reasoning_effort": "low", "temperature": None}))

    await model.reply(ASK)

    assert server.bodies[0]["additionalModelRequestFields"] == {"reasoning_effort": "low"}
    assert server.bodies[0]["inferenceConfig"] == {"maxTokens": 50}
    assert model.fingerprint != connect().fingerprint
    assert connect(body={"b": 1, "a": 2}).fingerprint == connect(body={"a": 2, "b": 1}).fingerprint


async def test_what_botocore_will_not_send_is_rejected(server, model):
    assert await reason_of(model, Request(messages=ASK.messages, max_tokens=0)) == "rejected"
    assert server.raw == []


async def test_without_credentials_the_command_stops(server, model, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(UnavailableError, match="set AWS credentials and a region"):
        await model.reply(ASK)

    assert server.raw == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_SECRET_ACCESS_KEY", None), ("AWS_PROFILE", "nobody")],
)
async def test_credentials_that_cannot_be_used_stop_the_command(server, model, monkeypatch, variable, value):
    monkeypatch.delenv(variable, raising=False)
    if value is not None:
        monkeypatch.setenv(variable, value)

    with pytest.raises(UnavailableError, match="set AWS credentials and a region"):
        await model.reply(ASK)

    assert server.raw == []


@pytest.mark.parametrize("region", [None, "no region"])
async def test_without_a_region_the_command_stops(server, connect, closing, region):
    with pytest.raises(UnavailableError, match="set AWS credentials and a region"):
        await closing(connect(region=region, endpoint=None)).reply(ASK)


@pytest.mark.parametrize("endpoint", ["bedrock.local", "http://me:secret@host", "http://host:99999"])
def test_an_endpoint_that_cannot_be_used_is_told_when_it_is_opened(connect, endpoint):
    with pytest.raises(ConfigError) as caught:
        connect(endpoint=endpoint)

    assert "secret" not in str(caught.value)


class SlowToConnect(BedrockModel):
    """Takes its time to set boto3 up, and counts how often."""

    connects = 0

    def _connect(self):
        self.connects += 1
        time.sleep(0.05)
        return super()._connect()


async def test_botocore_waits_as_long_as_the_connection_says_and_counts_no_attempts(model):
    await asyncio.to_thread(model._connected)

    config = model._connected().meta.config
    assert config.read_timeout == 5.0
    assert config.retries["total_max_attempts"] == 1


async def test_many_requests_at_once_share_one_setup_and_its_connections(server, connect, closing, caplog):
    async def slowly(request: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        return await says()(request)

    server.otherwise = slowly
    plain = connect(concurrency=24)
    model = closing(SlowToConnect(plain.name, plain._connection))

    for _ in range(2):
        await asyncio.gather(*(model.reply(ASK) for _ in range(48)))

    assert model.connects == 1
    # botocore keeps ten connections where it is not told, and warns when more are wanted.
    assert 10 < server.most_under_way <= 24
    assert len(server.connections) <= 24
    assert "pool is full" not in caplog.text


def test_one_client_serves_one_event_loop_after_another(server, connect):
    server.otherwise = says("Yes")
    model = connect()

    texts = [asyncio.run(model.reply(ASK)).text for _ in range(3)]
    asyncio.run(model.close())

    assert texts == ["Yes"] * 3


async def test_a_client_that_was_closed_opens_again(server, model):
    server.otherwise = says("Yes")

    await model.reply(ASK)
    await model.close()

    assert (await model.reply(ASK)).text == "Yes"


async def test_it_writes_and_gives_no_probabilities(model):
    can = model.capabilities

    assert (can.logprobs, can.decisions, can.quote, can.reason, can.na, can.concurrency) == (
        False,
        False,
        True,
        True,
        True,
        4,
    )


BEGINS = event("messageStart", {"role": "assistant"})
ENDS = event("messageStop", {"stopReason": "end_turn"})
NO_STREAM = [
    (400, "ValidationException", "The model is not supported for streaming."),
    (400, "ValidationException", "This model doesn't support tool use in streaming mode."),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: "
        "bedrock:InvokeModelWithResponseStream on resource: m because no identity-based policy allows it",
    ),
]


@pytest.fixture
def begun() -> Iterator[list[int]]:
    """What this test asks has somebody who waits for the beginning: the threads in which that was told."""
    told: list[int] = []
    token = answer_begun.set(lambda: told.append(threading.get_ident()))
    yield told
    answer_begun.reset(token)


def kinds(server) -> list[str]:
    return [path.rpartition("/")[2] for path in server.paths]


async def test_an_answer_whose_beginning_somebody_waits_for_is_streamed_and_announced_in_the_loop(server, model, begun):
    async def act(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(BEGINS)
        await until(lambda: begun)
        await response.write(said("Y") + said("es") + ENDS)
        return response

    server.script = [act, says("No")]
    first = await model.reply(ASK)
    answer_begun.set(None)
    second = await model.reply(ASK)

    assert (first.text, second.text) == ("Yes", "No")
    assert begun == [threading.get_ident()]
    assert kinds(server) == ["converse-stream", "converse"]
    assert server.bodies[0] == server.bodies[1]


async def test_who_shares_a_primed_prefix_is_asked_while_the_first_answer_is_being_written(server, model):
    async def act(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(BEGINS)
        await until(lambda: len(server.raw) == 3)
        await response.write(said("first") + ENDS)
        return response

    server.script, server.otherwise = [act], says("later")

    replies = await primed([partial(model.reply, ASK)] * 3, prefix=10_000)

    assert [reply.text for reply in replies] == ["first", "later", "later"]
    assert kinds(server) == ["converse-stream", "converse", "converse"]


async def test_streams_share_connections_too(server, model, begun):
    server.otherwise = streams()

    for _ in range(3):
        await model.reply(ASK)

    assert len(server.connections) == 1


@pytest.mark.parametrize(("status", "code", "message"), NO_STREAM)
async def test_where_streams_are_refused_all_is_asked_without_one_from_then_on(
    server, model, begun, status, code, message
):
    async def act(request: web.Request) -> web.StreamResponse:
        refused = request.path.endswith("-stream")
        return await (fails(status, code, message) if refused else says("{}"))(request)

    server.otherwise = act

    for _ in range(2):
        await model.reply(ASK_JSON)

    assert kinds(server) == ["converse-stream", "converse", "converse"]
    assert {form_of(body) for body in server.bodies} == {"json_schema"}


async def test_a_request_that_is_refused_without_a_stream_too_ends_no_streams(server, model, begun):
    server.script = [fails(*NO_STREAM[0]), fails(400, "ValidationException", "Input is too long."), streams()]

    assert await reason_of(model) == "rejected"
    await model.reply(ASK)

    assert kinds(server) == ["converse-stream", "converse", "converse-stream"]


async def test_no_access_to_the_model_at_all_stops_the_command_at_once(server, model, begun):
    server.otherwise = fails(403, "AccessDeniedException", "You don't have access to the model with this ID.")

    with pytest.raises(UnavailableError, match="allow bedrock:InvokeModel"):
        await model.reply(ASK)

    assert kinds(server) == ["converse-stream"]


async def test_a_stream_loses_the_cache_mark_and_stays_a_stream(server, model, begun):
    async def act(request: web.Request) -> web.StreamResponse:
        marked = b"cachePoint" in await request.read()
        return await (caches_nothing if marked else streams())(request)

    server.otherwise = act

    for _ in range(2):
        await model.reply(about("One."))

    assert ["cachePoint" in json.dumps(body) for body in server.bodies] == [True, False, False]
    assert set(kinds(server)) == {"converse-stream"}


@pytest.mark.parametrize("before", [[], [BEGINS, said("{")]])
@pytest.mark.parametrize(
    ("kind", "reason", "times"),
    [
        ("throttlingException", "rate_limited", 3),
        ("modelStreamErrorException", "transport", 3),
        ("internalServerException", "transport", 3),
        ("serviceUnavailableException", "transport", 3),
        ("anotherException", "transport", 3),
        ("validationException", "rejected", 1),
    ],
)
async def test_an_error_inside_a_stream_is_one_of_converses(server, model, begun, before, kind, reason, times):
    server.otherwise = streams(*before, broken(kind))

    assert await reason_of(model) == reason
    assert kinds(server) == ["converse-stream"] * times
    assert len(begun) == (times if before else 0)


async def test_a_stream_that_is_throttled_has_everybody_slow_down(server, model, begun):
    server.script = [streams(BEGINS, broken("throttlingException")), streams()]

    assert (await model.reply(ASK)).text == "{}"
    assert model._door(asyncio.get_running_loop()).limiter.limit < 4


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (streams(BEGINS, said("{}")), "transport"),
        (streams(BEGINS, ENDS[:-20]), "transport"),
        (sends(200), "transport"),
        (sends_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf"), "transport"),
        (sends(200, "<html>this is a gateway</html>"), "unparsable"),
        (streams(BEGINS, said("{}")[:-4] + b"????", ENDS), "unparsable"),
        (streams(BEGINS, event("contentBlockDelta", {"contentBlockIndex": 0}), ENDS), "unparsable"),
        (streams(BEGINS, event("contentBlockDelta", [1]), ENDS), "unparsable"),
        (streams(BEGINS, said("half a \ud800"), ENDS), "unparsable"),
    ],
)
async def test_a_broken_stream_has_its_reason_and_is_tried_again(server, model, begun, act, reason):
    server.otherwise = act

    assert await reason_of(model) == reason
    assert len(server.raw) == 3


async def test_a_stream_that_stands_still_is_a_timeout(server, connect, closing, begun):
    async def act(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(BEGINS)
        return await hangs(request)

    server.otherwise = act
    model = closing(connect(timeout=0.3, attempts=2))

    assert await reason_of(model) == "timeout"
    assert len(server.raw) == 2


async def test_a_stream_that_trickles_for_ever_gives_its_thread_back(server, connect, closing, begun):
    async def trickles(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(said("and "))
            await asyncio.sleep(0.05)

    server.script, server.otherwise = [trickles], streams()
    model = closing(connect(timeout=1.0, attempts=1, concurrency=1))

    assert await reason_of(model) == "timeout"
    assert (await model.reply(ASK)).text == "{}"
