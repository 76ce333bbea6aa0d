"""A journal answers in place of the model that answered then, and asks nobody."""

import msgspec
import pytest

from dikast.errors import ConfigError, ModelError, UnavailableError
from dikast.journal import Answered, Journal, question_key
from dikast.models.base import Choice, Form, Reply, Request, request_bytes
from dikast.models.recorded import RecordedModel
from dikast.records import Message

ASK = Request(messages=(Message(role="user", content="Is it?"),), max_tokens=5, form=Form({"type": "object"}))
OTHER = Request(messages=(Message(role="user", content="Is it not?"),), max_tokens=5, form=Form({"type": "object"}))
FIRST_TOKEN = Request(messages=ASK.messages, max_tokens=1, top_logprobs=20)
DECISION = Request(
    messages=ASK.messages, max_tokens=1, choices=(Choice(name="found", ask="Is it?", labels=("yes", "no")),)
)


@pytest.fixture
def journal_of(tmp_path):
    """Writes a journal as a run leaves it: requests and replies, each of a model."""

    def write(*answered: tuple[str, Request, Reply]):
        path = tmp_path / "journal.db"
        journal = Journal.open(path)
        journal.keep(
            Answered(
                key=question_key(raw, model=model, fingerprint="f"), model=model, request=raw,
                reply=msgspec.json.encode(reply),
            )
            for model, request, reply in answered
            for raw in [request_bytes(request)]
        )  # fmt: skip
        journal.close()
        return path

    return write


@pytest.fixture
def open_recorded(closing):
    return lambda path: closing(RecordedModel(f"recorded:{path.name}", path))


async def test_what_was_answered_then_is_answered_now(journal_of, open_recorded):
    yes = Reply(text="{}", prompt_tokens=90, cached_tokens=64, completion_tokens=3, seconds=0.5)
    no = Reply(text="", finish="length")
    model = open_recorded(journal_of(("openai:judge", ASK, yes), ("openai:judge", OTHER, no)))

    assert [await model.reply(request) for request in (OTHER, ASK, ASK)] == [no, yes, yes]
    assert (model.name, model.fingerprint) == ("recorded:journal.db", "openai:judge as recorded")


async def test_a_request_is_found_whatever_the_order_of_its_schemas_keys(journal_of, open_recorded):
    asked = msgspec.structs.replace(ASK, form=Form({"a": 1, "b": 2}))
    model = open_recorded(journal_of(("openai:judge", asked, Reply(text="yes"))))

    assert (await model.reply(msgspec.structs.replace(ASK, form=Form({"b": 2, "a": 1})))).text == "yes"


@pytest.mark.parametrize(
    "request_now",
    [
        OTHER,
        msgspec.structs.replace(ASK, max_tokens=6),
        msgspec.structs.replace(ASK, temperature=1.0),
        msgspec.structs.replace(ASK, form=None),
    ],
)
async def test_what_was_never_asked_is_rejected_with_what_to_do(journal_of, open_recorded, request_now):
    model = open_recorded(journal_of(("openai:judge", ASK, Reply(text="yes"))))

    with pytest.raises(ModelError, match="ask the model itself") as caught:
        await model.reply(request_now)

    assert caught.value.reason == "rejected"


@pytest.mark.parametrize(
    ("request_then", "reply", "can"),
    [
        (ASK, Reply(text="{}"), {"quote", "reason", "na"}),
        (FIRST_TOKEN, Reply(text="Yes", first_token=(("Yes", -0.1), ("No", -2.4))), {"logprobs"}),
        (DECISION, Reply(text="", chosen=((("yes", 0.8), ("no", 0.2)),)), {"decisions", "na"}),
    ],
)
async def test_it_can_do_what_the_model_could(journal_of, open_recorded, request_then, reply, can):
    model = open_recorded(journal_of(("some:judge", request_then, reply)))

    could = {name for name in ("logprobs", "decisions", "quote", "reason", "na") if getattr(model.capabilities, name)}
    assert could == can
    assert await model.reply(request_then) == reply


async def test_a_replay_leaves_the_journals_answers_as_they_were(journal_of, open_recorded):
    path = journal_of(("openai:judge", ASK, Reply(text="yes")))
    model = open_recorded(path)
    await model.reply(ASK)
    with pytest.raises(ModelError):
        await model.reply(OTHER)
    await model.close()

    journal = Journal.open(path)
    assert journal.count() == 1
    journal.close()


def test_answers_of_several_models_are_refused_by_name(journal_of):
    path = journal_of(("openai:a", ASK, Reply(text="yes")), ("openai:b", ASK, Reply(text="no")))

    with pytest.raises(ConfigError, match=r"2 models \(openai:a, openai:b\); one is needed"):
        RecordedModel("recorded:journal.db", path)


def test_an_empty_journal_is_refused(journal_of):
    with pytest.raises(ConfigError, match="0 models"):
        RecordedModel("recorded:journal.db", journal_of())


def test_a_file_that_is_not_there_is_told_with_what_may_be_named(tmp_path):
    path = tmp_path / "journal.db"

    with pytest.raises(ConfigError, match=r"a journal \(\.db\) or a file of verdicts \(\.jsonl\)"):
        RecordedModel("recorded:journal.db", path)

    assert not path.exists()


def test_a_file_that_is_no_journal_is_told_and_left_as_it_is(tmp_path):
    path = tmp_path / "journal.db"
    path.write_text("id,verdict\n" * 100)

    with pytest.raises(UnavailableError, match="cannot be opened"):
        RecordedModel("recorded:journal.db", path)

    assert path.read_text() == "id,verdict\n" * 100
