"""The form that a server takes is found once, however many ask at the same time."""

import asyncio

import pytest

from dikast.errors import ModelError
from dikast.models.base import Reply
from dikast.models.formats import BadRequestError, Formats


class Server:
    """Takes some forms and refuses the others."""

    def __init__(self, *takes: str) -> None:
        self.takes = set(takes)
        self.asked: list[str] = []

    async def __call__(self, form: str) -> Reply:
        self.asked.append(form)
        await asyncio.sleep(0)
        if form not in self.takes:
            raise BadRequestError("rejected", f"no {form} here")
        return Reply(text=form)


@pytest.fixture
def formats() -> Formats[str]:
    return Formats(("best", "good", "plain"))


@pytest.mark.parametrize(
    ("takes", "asked"),
    [
        (["best", "good", "plain"], ["best"]),
        (["good", "plain"], ["best", "good"]),
        (["plain"], ["best", "good", "plain"]),
    ],
)
async def test_the_best_form_that_is_taken_is_found_and_remembered(formats, takes, asked):
    server = Server(*takes)

    first = await formats.ask(server)
    second = await formats.ask(server)

    assert server.asked == [*asked, asked[-1]]
    assert first.text == second.text == asked[-1]


async def test_a_content_that_is_refused_in_every_form_leaves_the_form_open(formats):
    refuses, takes = Server(), Server("best")

    with pytest.raises(BadRequestError, match="no plain here"):
        await formats.ask(refuses)
    await formats.ask(takes)

    assert refuses.asked == ["best", "good", "plain"]
    assert takes.asked == ["best"]


async def test_once_a_form_was_taken_a_refusal_is_about_the_content(formats):
    await formats.ask(Server("good"))
    refuses = Server()

    with pytest.raises(BadRequestError, match="no good here"):
        await formats.ask(refuses)

    assert refuses.asked == ["good"]


async def test_any_other_failure_says_nothing_about_the_form(formats):
    async def down(_form: str) -> Reply:
        raise ModelError("transport", "down")

    with pytest.raises(ModelError, match="transport"):
        await formats.ask(down)

    server = Server("best")
    await formats.ask(server)
    assert server.asked == ["best"]


async def test_those_who_ask_at_once_find_the_same_form(formats):
    server = Server("good")

    replies = await asyncio.gather(*(formats.ask(server) for _ in range(5)))

    assert [reply.text for reply in replies] == ["good"] * 5
    assert server.asked == ["best"] * 5 + ["good"] * 5


class Slow(Server):
    """Lets whoever asks for the best form wait until it is told to answer."""

    def __init__(self, *takes: str) -> None:
        super().__init__(*takes)
        self.answers = asyncio.Event()

    async def __call__(self, form: str) -> Reply:
        if form == "best":
            await self.answers.wait()
        return await super().__call__(form)


async def test_one_that_is_refused_late_asks_again_in_the_form_that_others_found(formats):
    slow = Slow("plain")
    waiting = asyncio.create_task(formats.ask(slow))
    await asyncio.sleep(0)
    await formats.ask(Server("plain"))

    slow.answers.set()

    assert (await waiting).text == "plain"
    assert slow.asked == ["best", "plain"]


async def test_a_better_form_that_is_taken_later_is_the_one_from_then_on(formats):
    slow, picky, after = Slow("best"), Server("good"), Server("best", "good")
    waiting = asyncio.create_task(formats.ask(slow))
    await asyncio.sleep(0)
    await formats.ask(picky)
    slow.answers.set()
    await waiting

    await formats.ask(after)

    assert after.asked == ["best"]


async def test_a_worse_form_that_is_taken_later_changes_nothing(formats):
    found, late = asyncio.Event(), Server("best", "good")

    async def refused_before(form: str) -> Reply:
        if form == "best":
            raise BadRequestError("rejected", "its content")
        await found.wait()
        return Reply(text=form)

    waiting = asyncio.create_task(formats.ask(refused_before))
    await asyncio.sleep(0)
    await formats.ask(Server("best"))
    found.set()
    assert (await waiting).text == "good"

    await formats.ask(late)

    assert late.asked == ["best"]
