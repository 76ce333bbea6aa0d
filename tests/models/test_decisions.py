"""The client of decision models, against a server on loopback: questions go out typed, probabilities come back."""

import asyncio
import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import ModelError, UnavailableError
from dikast.models.base import Choice, Reply, Request
from dikast.models.decisions import MOST_QUESTIONS, DecisionsModel, read_decision
from dikast.records import Message
from dikast.spec.models import ModelConnection

YES_NO = Choice(name="found", ask="Is it found?", labels=("yes", "no"), meanings=("It is there.", "It is not."))
LETTERS = Choice(name="better", ask="Which is better?", labels=("a", "b"))
LEVELS = Choice(name="depth", ask="How deep?", labels=("1", "2", "3"), meanings=("Flat.", "Fair.", "Deep."))
MESSAGES = (Message(role="system", content="You judge."), Message(role="user", content="The candidate: Ünïcode"))

PREDICATE = {"type": "predicate", "name": "found", "probability": 0.8}
CHOICE = {
    "type": "choice",
    "name": "better",
    "choice": "a",
    "confidence": 0.7,
    "probabilities": [{"value": "a", "probability": 0.7}, {"value": "b", "probability": 0.3}],
}
SCORE = {
    "type": "score",
    "name": "depth",
    "score": 2.2,
    "confidence": 0.5,
    "probabilities": [
        {"label": "1", "value": 0, "probability": 0.2},
        {"label": "2", "value": 1, "probability": 0.4},
        {"label": "3", "value": 2, "probability": 0.4},
    ],
}
REFUSAL = {"type": "refusal", "name": None}
USAGE = {
    "input_tokens": 900,
    "input_tokens_details": {"cached_tokens": 640, "cache_write_tokens": 128},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 900,
}


def asks(*choices: Choice) -> Request:
    return Request(messages=MESSAGES, max_tokens=1, choices=choices)


def body(*answers: dict, **more) -> bytes:
    return json.dumps({"model": "gpt-6-luna", "answers": answers, "usage": USAGE, **more}).encode()


def answers(*given_answers: dict, **more):
    async def act(_request: web.Request) -> web.Response:
        return web.Response(body=body(*given_answers, **more))

    return act


def fails(status: int, text: str = ""):
    async def act(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    return act


async def agrees(request: web.Request) -> web.Response:
    """Answers each predicate with a probability that its number tells."""
    questions = (await request.json())["questions"]
    return web.Response(
        body=body(*({"type": "predicate", "probability": int(q["name"][1:]) / 1000} for q in questions))
    )


@pytest.fixture
def model(server, monkeypatch, closing) -> DecisionsModel:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")
    connection = ModelConnection(provider="decisions", endpoint=server.url, attempts=3, timeout=5.0)
    return closing(DecisionsModel("decisions:gpt-6-luna", connection, first_pause=0.01))


async def test_every_kind_of_question_is_put_in_its_own_form(server, model):
    server.script = [answers(PREDICATE, CHOICE, SCORE)]

    await model.reply(asks(YES_NO, LETTERS, LEVELS))

    assert server.paths == ["/v1/decisions"]
    assert server.headers[0]["Authorization"] == "Bearer sk-secret-key"
    assert server.bodies == [
        {
            "model": "gpt-6-luna",
            "input": [
                {"type": "message", "role": "system", "content": "You judge."},
                {"type": "message", "role": "user", "content": "The candidate: Ünïcode"},
            ],
            "questions": [
                {
                    "type": "predicate",
                    "name": "found",
                    "instructions": "Is it found?\nYes means: It is there.\nNo means: It is not.",
                },
                {
                    "type": "choice",
                    "name": "better",
                    "instructions": "Which is better?",
                    "choices": [{"value": "a"}, {"value": "b"}],
                },
                {
                    "type": "score",
                    "name": "depth",
                    "instructions": "How deep?",
                    "levels": [
                        {"label": "1", "description": "Flat."},
                        {"label": "2", "description": "Fair."},
                        {"label": "3", "description": "Deep."},
                    ],
                },
            ],
        }
    ]


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        (Choice(name="q", ask="?", labels=("yes", "no")), "predicate"),
        (Choice(name="q", ask="?", labels=("yes", "no", "n/a")), "choice"),
        (Choice(name="q", ask="?", labels=("no", "yes")), "choice"),
        (Choice(name="q", ask="?", labels=("0", "1")), "score"),
        (Choice(name="q", ask="?", labels=("1", "2", "n/a")), "choice"),
    ],
)
async def test_the_labels_decide_the_kind_of_a_question(server, model, choice, kind):
    server.otherwise = answers(REFUSAL)

    await model.reply(asks(choice))

    (question,) = server.bodies[0]["questions"]
    assert question["type"] == kind
    assert question["instructions"] == "?"


async def test_probabilities_come_back_by_label_in_the_order_of_the_questions(server, model):
    server.script = [answers(SCORE, PREDICATE, CHOICE)]

    reply = await model.reply(asks(LEVELS, YES_NO, LETTERS))

    assert reply.chosen == (
        (("1", 0.2), ("2", 0.4), ("3", 0.4)),
        (("yes", 0.8), ("no", pytest.approx(0.2))),
        (("a", 0.7), ("b", 0.3)),
    )
    assert reply.text == ""
    assert reply.seconds > 0


async def test_what_a_decision_costs_is_read_with_what_came_from_the_cache(server, model):
    server.script = [answers(PREDICATE), answers(PREDICATE, usage=None), answers(PREDICATE, usage={"input_tokens": 5})]

    costs = [await model.reply(asks(YES_NO)) for _ in range(3)]

    assert [(r.prompt_tokens, r.cached_tokens, r.completion_tokens) for r in costs] == [
        (900, 640, 0),
        (0, 0, 0),
        (5, 0, 0),
    ]


async def test_a_question_that_is_declined_is_empty_alone(server, model):
    server.script = [answers(PREDICATE, REFUSAL, SCORE)]

    reply = await model.reply(asks(YES_NO, LETTERS, LEVELS))

    assert isinstance(reply.chosen, tuple)
    assert [bool(one) for one in reply.chosen] == [True, False, True]
    assert reply.finish == "stop"


@pytest.mark.parametrize("count", [1, MOST_QUESTIONS, MOST_QUESTIONS + 1, 2 * MOST_QUESTIONS + 7])
async def test_more_questions_than_fit_are_put_in_several_requests(server, model, count):
    server.otherwise = agrees
    questions = [Choice(name=f"q{number}", ask="?", labels=("yes", "no")) for number in range(count)]

    reply = await model.reply(asks(*questions))

    requests = -(-count // MOST_QUESTIONS)
    assert isinstance(reply.chosen, tuple)
    assert [dict(one)["yes"] for one in reply.chosen] == [number / 1000 for number in range(count)]
    assert len(server.bodies) == requests
    assert max(len(b["questions"]) for b in server.bodies) <= MOST_QUESTIONS
    assert reply.prompt_tokens == 900 * requests
    assert reply.cached_tokens == 640 * requests


async def test_when_one_of_several_requests_fails_there_is_no_half_reply(server, model):
    async def not_the_last(request: web.Request) -> web.Response:
        questions = (await request.json())["questions"]
        return await (agrees if len(questions) == MOST_QUESTIONS else fails(413))(request)

    server.otherwise = not_the_last
    questions = [Choice(name=f"q{number}", ask="?", labels=("yes", "no")) for number in range(MOST_QUESTIONS + 1)]

    with pytest.raises(ModelError, match="rejected"):
        await model.reply(asks(*questions))


async def test_no_question_needs_no_request(server, model):
    assert (await model.reply(asks())).chosen == ()
    assert server.raw == []


async def test_it_writes_nothing_and_says_so(server, model):
    can = model.capabilities

    assert (can.decisions, can.na, can.quote, can.reason, can.logprobs) == (True, True, False, False, False)
    with pytest.raises(ModelError, match="yes/no and choice questions only"):
        await model.reply(Request(messages=MESSAGES, max_tokens=5))
    assert server.raw == []


@pytest.mark.parametrize(
    "answered",
    [
        b"",
        b"<html>502</html>",
        b"{}",
        b'{"answers": 7}',
        b"[" * 100_000,
        body(),
        body(PREDICATE, PREDICATE),
        body(PREDICATE | {"probability": 1.01}),
        body(PREDICATE | {"probability": -0.01}),
        body(PREDICATE | {"probability": "high"}),
        body(PREDICATE | {"probability": None}),
        body(CHOICE),
        body({"type": "verdict"}),
        body({"name": "found", "probability": 0.5}),
    ],
)
async def test_an_answer_that_is_no_decision_is_unparsable_after_as_many_attempts_as_allowed(server, model, answered):
    async def act(_request: web.Request) -> web.Response:
        return web.Response(body=answered)

    server.otherwise = act

    with pytest.raises(ModelError) as caught:
        await model.reply(asks(YES_NO))

    assert caught.value.reason == "unparsable"
    assert len(server.raw) == 3


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        (PREDICATE, LETTERS),
        (PREDICATE, LEVELS),
        (SCORE, LETTERS),
        (CHOICE | {"probabilities": [{"value": "c", "probability": 1.0}]}, LETTERS),
        (CHOICE | {"probabilities": []}, LETTERS),
        (SCORE | {"probabilities": [{"label": "2", "value": 1, "probability": 3}]}, LEVELS),
    ],
)
def test_an_answer_to_another_question_than_was_asked_is_unparsable(answer, choice):
    with pytest.raises(ModelError, match="unparsable"):
        read_decision(body(answer), (choice,), seconds=0)


def test_answers_in_another_order_are_found_by_their_names():
    read = read_decision(body(SCORE, PREDICATE, CHOICE), (YES_NO, LETTERS, LEVELS), seconds=0.0)

    assert read.chosen == read_decision(body(PREDICATE, CHOICE, SCORE), (YES_NO, LETTERS, LEVELS), seconds=0.0).chosen


@pytest.mark.parametrize("name", ["depth", "lost"])
def test_an_answer_with_a_name_that_was_not_asked_for_belongs_to_no_question(name):
    with pytest.raises(ModelError, match="unparsable"):
        read_decision(body(PREDICATE | {"name": name}, CHOICE), (YES_NO, LETTERS), seconds=0.0)


def test_a_label_that_was_not_offered_is_left_out():
    answer = CHOICE | {"probabilities": [*CHOICE["probabilities"], {"value": "tie", "probability": 0.1}]}

    reply = read_decision(body(answer), (LETTERS,), seconds=0)

    assert reply.chosen == ((("a", 0.7), ("b", 0.3)),)


@pytest.mark.parametrize(
    ("status", "error", "times"),
    [
        (400, "rejected", 1),
        (413, "rejected", 1),
        (422, "rejected", 1),
        (401, "correct OPENAI_API_KEY", 1),
        (403, "may not use the model 'gpt-6-luna'", 1),
        (404, "nothing answers there for the model 'gpt-6-luna'", 1),
        (408, "timeout", 3),
        (429, "rate_limited", 3),
        (500, "transport", 3),
        (503, "transport", 3),
    ],
)
async def test_errors_are_sorted_as_everywhere(server, model, status, error, times):
    server.otherwise = fails(status)

    with pytest.raises((ModelError, UnavailableError), match=error):
        await model.reply(asks(YES_NO))

    assert len(server.raw) == times


async def test_fields_of_the_connection_go_along_and_into_the_fingerprint(server, monkeypatch, closing):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    plain = ModelConnection(provider="decisions", endpoint=server.url)
    keyed = ModelConnection(provider="decisions", endpoint=server.url, body={"prompt_cache_key": "k"})
    server.otherwise = answers(PREDICATE)
    model = closing(DecisionsModel("decisions:d", keyed))

    await model.reply(asks(YES_NO))

    assert server.bodies[0]["prompt_cache_key"] == "k"
    assert model.fingerprint != DecisionsModel("decisions:d", plain).fingerprint == f"{server.url} d"


async def test_many_requests_share_the_limit(server, monkeypatch, closing):
    async def slowly(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response(body=body(PREDICATE))

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    server.otherwise = slowly
    connection = ModelConnection(provider="decisions", endpoint=server.url, concurrency=3)
    model = closing(DecisionsModel("decisions:d", connection))

    await asyncio.gather(*(model.reply(asks(YES_NO)) for _ in range(9)))

    assert server.most_under_way == 3


@given(st.binary())
def test_any_bytes_are_unparsable_and_no_other_error(raw):
    with pytest.raises(ModelError, match="unparsable"):
        read_decision(raw, (YES_NO,), seconds=0)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "probability", "probabilities", "value", "label"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.lists(JSON, min_size=1, max_size=2))
def test_whatever_the_answers_say_probabilities_stay_probabilities(said):
    try:
        reply = read_decision(json.dumps({"answers": said}).encode(), (YES_NO,) * len(said), seconds=0)
    except ModelError as error:
        assert error.reason == "unparsable"
    else:
        assert isinstance(reply, Reply)
        assert isinstance(reply.chosen, tuple)
        for one in reply.chosen:
            assert all(label in YES_NO.labels and 0 <= share <= 1 for label, share in one)
