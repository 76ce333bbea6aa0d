"""What a body says is read into a reply; what is no completion is unparsable."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import ModelError
from dikast.models.base import Form, Reply, Request
from dikast.models.wire import body_of, read_answer, read_body
from dikast.records import Message

ASK = Request(messages=(Message(role="user", content="Is it?"),), max_tokens=5)


def completion(message: dict, **choice) -> bytes:
    return json.dumps({"choices": [{"index": 0, "message": message, **choice}]}).encode()


def read(message: dict, **choice) -> Reply:
    return read_body(completion(message, **choice), 0.5)


def test_a_plain_request_asks_for_nothing_more():
    assert json.loads(msgspec.json.encode(body_of(ASK))) == {
        "messages": [{"role": "user", "content": "Is it?"}],
        "max_tokens": 5,
        "temperature": 0.0,
    }


@pytest.mark.parametrize(
    ("reply_format", "response_format"),
    [
        (
            "json_schema",
            {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": {"type": "object"}}},
        ),
        ("json_object", {"type": "json_object"}),
        ("none", None),
    ],
)
def test_a_schema_is_sent_in_the_form_that_the_server_takes(reply_format, response_format):
    request = Request(messages=ASK.messages, max_tokens=5, form=Form({"type": "object"}))

    body = json.loads(msgspec.json.encode(body_of(request, reply_format=reply_format)))
    assert body.get("response_format") == response_format


def test_the_first_tokens_alternatives_come_likeliest_first():
    top = [{"token": "No", "logprob": -2.0}, {"token": "Yes", "logprob": -0.2}, {"token": "?", "logprob": None}]

    reply = read({"content": "Yes"}, logprobs={"content": [{"token": "Yes", "top_logprobs": top}, {"token": "."}]})

    assert reply.first_token == (("Yes", -0.2), ("No", -2.0))


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {"content": None},
        {"content": []},
        {"content": [{"top_logprobs": []}]},
        {"content": [{"top_logprobs": None}]},
    ],
)
def test_without_log_probabilities_there_is_no_first_token(logprobs):
    assert read({"content": "Yes"}, logprobs=logprobs).first_token is None


@pytest.mark.parametrize(
    ("message", "finish_reason", "finish"),
    [
        ({"content": "Yes"}, "stop", "stop"),
        ({"content": "Yes"}, None, "stop"),
        ({"content": "Ye"}, "length", "length"),
        ({"content": None}, "content_filter", "refused"),
        ({"content": None, "refusal": "I cannot."}, "stop", "refused"),
    ],
)
def test_how_a_reply_ended_is_told(message, finish_reason, finish):
    assert read(message, finish_reason=finish_reason).finish == finish


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<think>Hm.</think>\n\n{}", "{}"),
        ("\n<think>\nHm. <think></think>{}", "{}"),
        ("<think>cut off", ""),
        ('{"quote": "<think>a</think>"}', '{"quote": "<think>a</think>"}'),
        ('Hm, {"a": 1} or\n</think>\n\n{"a": 2}', '{"a": 2}'),
        ("Hm.</think>```json\n{}\n```", "```json\n{}\n```"),
        ('{"quote": "</think>{"}', '{"quote": "</think>{"}'),
        ("He wrote </think>, which is no answer.", "He wrote </think>, which is no answer."),
    ],
)
def test_a_thought_before_the_answer_is_dropped(content, text):
    assert read({"content": content}).text == text


def test_a_thought_in_a_field_of_its_own_is_not_the_answer():
    assert read({"content": "Yes", "reasoning_content": "No, or rather"}).text == "Yes"


def test_of_an_answer_in_pieces_the_last_text_is_the_answer():
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "No, or rather"}]}
    pieces = [thought, {"type": "text", "text": "Well,"}, {"type": "text", "text": "Yes"}]

    assert read({"content": pieces}).text == "Yes"
    assert read({"content": [thought]}).text == ""


def test_the_cost_is_read_from_the_usage():
    usage = {"prompt_tokens": 90, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 64}}
    body = json.loads(completion({"content": "Yes"})) | {"usage": usage}

    reply = read_answer(body, 0.5)

    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens, reply.seconds) == (90, 64, 3, 0.5)


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": "90"}, {"prompt_tokens_details": []}, [], 7, {"prompt_tokens": 0.5}]
)
def test_an_answer_whose_cost_cannot_be_read_is_one_all_the_same(usage):
    body = json.loads(completion({"content": "Yes"})) | {"usage": usage}

    reply = read_body(json.dumps(body).encode(), 0.5)

    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("Yes", 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        b'{"error": {"message": "overloaded"}}',
        b"[" * 200_000,
        b'{"choices": ' + b"[" * 200_000,
        b'{"x": ' + b'{"x": ' * 200_000,
    ],
)
def test_what_is_no_completion_is_unparsable(body):
    with pytest.raises(ModelError) as caught:
        read_body(body, 0.0)

    assert caught.value.reason == "unparsable"


@given(st.text())
def test_any_text_is_read_as_it_was_sent(text):
    reply = read({"content": "." + text})

    assert reply.text == "." + text


@given(st.binary())
def test_any_bytes_are_unparsable_and_no_other_error(body):
    with pytest.raises(ModelError, match="unparsable"):
        read_body(body, 0.0)


def events(*parts: object, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(part)}\n\n" for part in parts]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def delta(finish: str | None = None, **said: str) -> dict:
    return {"choices": [{"delta": said, "finish_reason": finish}]}


class TestStream:
    def test_a_reply_that_came_in_events_is_read_as_one_that_came_whole(self):
        usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}

        reply = read_body(events(delta(content="Y"), delta(content="es"), delta("stop"), usage), 1.0)

        assert (reply.text, reply.finish) == ("Yes", "stop")
        assert (reply.prompt_tokens, reply.completion_tokens) == (9, 2)

    @pytest.mark.parametrize("beginning", [b": PROCESSING\n\n", b"event: message\n", b"\r\nid: 1\r\n", b"retry: 9\n"])
    def test_a_stream_may_begin_with_a_comment_or_another_field(self, beginning: bytes):
        reply = read_body(beginning + events(delta(content="Yes"), delta("stop")), 1.0)

        assert reply.text == "Yes"

    def test_a_thought_in_pieces_is_left_out(self):
        thought = {"choices": [{"delta": {"content": [{"type": "thinking", "thinking": []}]}}]}

        assert read_body(events(thought, delta(content="Yes"), delta("stop")), 1.0).text == "Yes"

    def test_the_first_tokens_alternatives_are_kept(self):
        first = delta(content="Yes")
        first["choices"][0]["logprobs"] = {"content": [{"top_logprobs": [{"token": "Yes", "logprob": -0.5}]}]}

        assert read_body(events(first, delta("length")), 1.0).first_token == (("Yes", -0.5),)

    def test_a_refusal_is_one(self):
        reply = read_body(events(delta(refusal="I "), delta("stop", refusal="can't")), 1.0)

        assert (reply.text, reply.finish) == ("I can't", "refused")

    @pytest.mark.parametrize("body", [events(delta(content="Y"), done=False), b"data: {", b"data: [DONE]\n\n"])
    def test_a_stream_that_ends_early_is_no_reply(self, body: bytes):
        with pytest.raises(ModelError, match="unparsable"):
            read_body(body, 1.0)
