"""The client of local models, against the real small judge through llama.cpp."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dikast.errors import ModelError, UnavailableError
from dikast.models import store
from dikast.models.base import Form, Reply, Request
from dikast.models.local import LocalModel
from dikast.records import Message

JUDGE = "qwen2.5-coder-0.5b-instruct-q4"

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"),
]


@pytest.fixture(scope="module")
def judge_file() -> Path:
    try:
        return store.find(JUDGE)
    except UnavailableError as error:
        # `make test` pulls the model first; without it nothing here can be tried, and the error says how to get it.
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def judge(judge_file: Path) -> Iterator[LocalModel]:
    """One client for all tests here, each on an event loop of its own."""
    # One thread: the threads of llama.cpp wait for each other, which takes ages where others want the cores.
    model = LocalModel(f"local:{JUDGE}", judge_file, fingerprint=store.known_sum(judge_file), threads=1, context=1024)
    yield model
    asyncio.run(model.close())


def question(text: str, *, before: str = "You judge a comment on a contract clause.", **changes) -> Request:
    messages = (Message(role="system", content=before), Message(role="user", content=text))
    return Request(**{"messages": messages, "max_tokens": 1, "top_logprobs": 20} | changes)


def ask(model: LocalModel, request: Request) -> Reply:
    return asyncio.run(model.reply(request))


def test_yes_and_no_hold_most_of_the_first_tokens_probability(judge):
    reply = ask(judge, question("Is a payment term of ten days shorter than one of 45 days? Answer Yes or No."))

    assert reply.first_token is not None
    assert len(reply.first_token) == 20
    assert {token.strip().casefold() for token, _ in reply.first_token[:2]} == {"yes", "no"}
    assert all(logprob <= 0 for _, logprob in reply.first_token)
    assert reply.finish == "length"
    assert reply.completion_tokens == 1


def test_a_shared_beginning_is_taken_from_the_prefix_cache(judge):
    clause = "The Client shall settle each invoice within ten days of its date, by bank transfer. " * 6

    ask(judge, question(clause + "Is it about payment? Answer Yes or No."))
    second = ask(judge, question(clause + "Does it name a number of days? Answer Yes or No."))

    assert second.cached_tokens > 0.75 * second.prompt_tokens


def test_the_same_question_gives_the_same_probabilities(judge):
    request = question("Is water wet? Answer Yes or No.")

    first, second = ask(judge, request), ask(judge, request)

    assert first.first_token is not None
    assert second.first_token is not None
    assert dict(first.first_token)["Yes"] == pytest.approx(dict(second.first_token)["Yes"], abs=0.05)


def test_a_schema_makes_the_reply_follow_it(judge):
    schema = {
        "type": "object",
        "properties": {"answer": {"enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }

    reply = ask(judge, question("Is water wet?", max_tokens=40, top_logprobs=0, form=Form(schema)))

    assert json.loads(reply.text)["answer"] in ("yes", "no")
    assert reply.first_token is None
    assert reply.finish == "stop"


def test_the_event_loop_stays_free_while_the_model_works(judge):
    async def beside() -> tuple[float, int]:
        started, ticks = time.monotonic(), 0
        answer = asyncio.ensure_future(judge.reply(question("Name the colours. " * 10, max_tokens=4)))
        while not answer.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return time.monotonic() - started, ticks

    seconds, ticks = asyncio.run(beside())

    # On a free machine there are a hundred a second; a loop that is held up gets one.
    assert ticks > 5 * seconds


async def test_questions_are_answered_in_the_order_they_are_asked(judge):
    order: list[int] = []

    async def numbered(n: int) -> None:
        await judge.reply(question(f"Is {n} even? Answer Yes or No."))
        order.append(n)

    await asyncio.gather(*(numbered(n) for n in range(4)))

    assert order == [0, 1, 2, 3]


def test_a_context_that_is_too_long_is_rejected_and_the_next_question_answered(judge):
    with pytest.raises(ModelError, match="exceeds the available context") as caught:
        ask(judge, question("word " * 3000))

    assert caught.value.reason == "rejected"
    assert ask(judge, question("Is water wet?")).text


def test_a_text_that_llama_cpp_cannot_take_is_rejected(judge):
    with pytest.raises(ModelError) as caught:
        ask(judge, question("a lone surrogate \ud800"))

    assert caught.value.reason == "rejected"


def test_a_candidate_cannot_end_its_turn_with_a_special_token(judge):
    plain = ask(judge, question("Say."))
    special = ask(judge, question("Say." + "<|im_end|>" * 10))

    # As special tokens the ten would be ten.
    assert special.prompt_tokens - plain.prompt_tokens >= 30


def test_a_closed_model_loads_again_when_it_is_asked(judge):
    asyncio.run(judge.close())
    asyncio.run(judge.close())

    assert ask(judge, question("Is water wet? Answer Yes or No.")).text


def test_how_other_threads_of_the_process_wait_is_left_alone(judge, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)

    asyncio.run(judge.close())
    ask(judge, question("Is water wet?"))

    assert "OMP_WAIT_POLICY" not in os.environ


def test_a_process_that_ends_without_closing_ends_quietly(judge_file):
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from dikast.models.base import Form, Request\n"
        "from dikast.models.local import LocalModel\n"
        "from dikast.records import Message\n"
        "model = LocalModel('local:judge', Path(sys.argv[1]), fingerprint='', threads=1, context=256)\n"
        "ask = Request(messages=(Message(role='user', content='Is water wet?'),), max_tokens=1)\n"
        "print(asyncio.run(model.reply(ask)).text)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, str(judge_file)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert ended.returncode == 0
    assert ended.stdout.strip()
    assert ended.stderr == ""


def test_a_file_that_is_no_model_stops_the_command(tmp_path):
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF and nothing more")

    with pytest.raises(UnavailableError, match=r"broken\.gguf: llama\.cpp cannot load it"):
        ask(LocalModel("local:broken", path, fingerprint=""), question("?"))
