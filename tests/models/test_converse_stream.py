"""A stream's events become the answer that Converse would have given."""

import pytest

from dikast.errors import ModelError
from dikast.models.converse import read_converse
from dikast.models.converse_stream import as_answered, gathered, refuses_streams

BEGINS = {"messageStart": {"role": "assistant"}}
ENDS = {"messageStop": {"stopReason": "end_turn"}}
USAGE = {"inputTokens": 10, "outputTokens": 3, "totalTokens": 113, "cacheReadInputTokens": 100}


def delta(at: int, **more) -> dict:
    return {"contentBlockDelta": {"contentBlockIndex": at, "delta": more}}


def starts(at: int, **more) -> dict:
    return {"contentBlockStart": {"contentBlockIndex": at, "start": more}}


def text_of(*events: dict) -> str:
    return read_converse(gathered([BEGINS, *events, ENDS], begun=lambda: None), seconds=0.0).text


TOOL = {"toolUseId": "t", "name": "reply"}


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([delta(0, text="Y"), delta(0, text="es"), {"contentBlockStop": {"contentBlockIndex": 0}}], "Yes"),
        ([starts(0), delta(0, text="Yes")], "Yes"),
        ([delta(0, text="Let me see."), delta(1, text="Yes")], "Yes"),
        ([delta(1, text="Y"), delta(0, text="Let me see."), delta(1, text="es")], "Yes"),
        ([delta(0, reasoningContent={"text": "No, or rather"}), delta(1, text="Yes")], "Yes"),
        ([delta(0, reasoningContent={"signature": "s"})], ""),
        ([starts(0, toolUse=TOOL), delta(0, toolUse={"input": '{"a": [1,'}), delta(0, toolUse={"input": " 2]}"})],
         '{"a":[1,2]}'),
        ([delta(0, text="I call it."), starts(1, toolUse=TOOL), delta(1, toolUse={"input": "{}"})], "{}"),
        ([starts(0, toolUse=TOOL)], "{}"),
        ([starts(0, toolUse=TOOL), delta(0, toolUse={"input": '{"a": "cut of'})], '{"a": "cut of'),
        ([{"aNewKind": {"of": "event"}}, delta(0, text="Yes"), delta(1, aNewKind={})], "Yes"),
        ([], ""),
    ],
)  # fmt: skip
def test_what_was_said_is_put_together_and_not_what_was_thought(events, text):
    assert text_of(*events) == text


def test_how_it_ended_and_what_it_cost_is_told():
    events = [BEGINS, delta(0, text="{"), {"messageStop": {"stopReason": "max_tokens"}}, {"metadata": {"usage": USAGE}}]

    reply = read_converse(gathered(events, begun=lambda: None), seconds=0.5)

    assert (reply.text, reply.finish, reply.seconds) == ("{", "length", 0.5)
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens) == (110, 100, 3)


def test_it_begins_once_with_the_first_event():
    told: list[str] = []

    def events():
        told.append("asked")
        yield BEGINS
        told.append("gone on")
        yield ENDS

    gathered(events(), begun=lambda: told.append("begun"))

    assert told == ["asked", "begun", "gone on"]


@pytest.mark.parametrize("events", [[], [BEGINS], [BEGINS, delta(0, text="Yes")]])
def test_an_answer_without_its_end_is_none(events):
    with pytest.raises(ModelError) as caught:
        gathered(events, begun=lambda: None)

    assert caught.value.reason == "transport"


@pytest.mark.parametrize(
    "event",
    [
        {"contentBlockDelta": {}},
        {"contentBlockDelta": {"delta": {"text": "Yes"}}},
        delta(0, text=7),
        delta(0, toolUse={"input": {}}),
        {"messageStop": {}},
        {"metadata": {"usage": "much"}},
    ],
)
def test_events_of_another_shape_are_unparsable(event):
    with pytest.raises(ModelError) as caught:
        text_of(event)

    assert caught.value.reason == "unparsable"


def test_an_error_inside_a_stream_bears_converses_name():
    told = as_answered({"Error": {"Code": "throttlingException", "Message": "wait"}})

    assert told["Error"] == {"Code": "ThrottlingException", "Message": "wait"}


@pytest.mark.parametrize(
    ("code", "message", "refused"),
    [
        ("AccessDeniedException", "not authorized to perform: bedrock:InvokeModelWithResponseStream on m", True),
        ("AccessDeniedException", "not authorized to perform: bedrock:InvokeModel on m", False),
        ("ValidationException", "Streaming is not supported for this model.", True),
        ("ValidationException", "Input is too long.", False),
        ("ThrottlingException", "Too many streams.", False),
    ],
)
def test_a_refused_stream_is_told_from_other_refusals(code, message, refused):
    assert refuses_streams(code, message) is refused
