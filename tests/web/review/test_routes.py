"""The page's requests over a real socket, as a client that is not the page might send them too."""

import json
import re
from importlib.resources import files

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from hostile import OWN

from dikast.web.review.routes import EXPORT_EVERY, review_app
from dikast.web.serving import HEADERS

TOKEN = "a-secret"


class Client:
    """Asks like the page, and keeps the text of every answer."""

    def __init__(self, session, server):
        self._session = session
        self._server = server
        self.heard = []

    async def get(self, path, **query):
        async with self._session.get(self._server.make_url(f"/{TOKEN}/{path}"), params=query) as answer:
            return await self._read(answer)

    async def post(self, path, body, **how):
        how = how or {"json": body}
        async with self._session.post(self._server.make_url(f"/{TOKEN}/{path}"), **how) as answer:
            return await self._read(answer)

    async def answer(self, unit, criterion, answer, annotator="Ada"):
        body = {"annotator": annotator, "unit": unit, "criterion": criterion, "answer": answer}
        return await self.post("api/answer", body)

    async def _read(self, answer):
        self.heard.append(await answer.text())
        self.status = answer.status
        return json.loads(self.heard[-1]) if answer.content_type == "application/json" else self.heard[-1]


@pytest.fixture
async def client_of():
    """Serves a review to a client."""
    held = []

    async def make(review, annotator=None):
        server = TestServer(review_app(review, TOKEN, annotator=annotator), host="127.0.0.1")
        await server.start_server()
        session = ClientSession()
        held.extend((session, server))
        return Client(session, server)

    yield make
    for one in held:
        await one.close()


async def test_the_page_says_what_is_asked(client_of, review_of, row, score):
    client = await client_of(review_of([row(1)], [score(1, on_topic=0.8)]), annotator="Ada")

    about = await client.get("api/about")

    assert about == {
        "reward": "contract-notes",
        "objective": "Judge the note.",
        "criteria": [
            {"id": "on_topic", "ask": "Is it about the excerpt?", "yes": "It is.", "no": "It is not.", "na": False},
            {"id": "justified", "ask": "Does a rule justify it?", "yes": None, "no": None, "na": True},
        ],
        "annotator": "Ada",
        "unseen": [],
        "output": "rollouts.labels.jsonl",
        "judged": True,
    }


async def test_the_page_says_which_documents_the_judge_does_not_see(client_of, review_of, reward, row):
    reward.write_text(reward.read_text().replace("  show:", "  inputs: [Playbook]\n  show:"))
    client = await client_of(review_of([row(1)]))

    about = await client.get("api/about")

    assert about["unseen"] == ["Contract"]


async def test_nothing_of_a_verdict_leaves_the_server_before_the_answer(client_of, review_of, row, score):
    secret = score(1, on_topic=0.8123, justified=0.1987, evidence="nine percent")
    client = await client_of(review_of([row(1)], [secret]))

    state = await client.get("api/start", annotator="Ada")
    await client.get("api/about")
    await client.get("api/unit", annotator="Ada", at="0")
    unit = state["page"]["unit"]
    before = " ".join(client.heard)
    after = await client.answer(unit, "on_topic", True)
    await client.get("api/unit", annotator="Bob", at="0")
    for_bob = client.heard[-1]

    for text in (before, for_bob):
        for told in ("0.8123", "0.1987", '"says"', "evidence", '"so"'):
            assert told not in text
    assert after["page"]["answers"] == {
        "on_topic": {
            "answer": True,
            "judge": {"says": "yes", "value": 0.8123, "reason": "so", "evidence": "nine percent"},
        }
    }
    assert "0.1987" not in client.heard[-2]


async def test_an_answer_brings_the_agreement_up_to_date(client_of, review_of, row):
    client = await client_of(review_of([row(1)]))
    unit = (await client.get("api/start", annotator="Ada"))["page"]["unit"]

    await client.answer(unit, "on_topic", True)
    state = await client.answer(unit, "justified", "n/a")

    assert (state["progress"]["labelled"], state["progress"]["of"]) == (1, 1)


async def test_two_people_at_once_keep_their_own_answers(client_of, review_of, row):
    review = review_of([row(number) for number in range(3)])
    client = await client_of(review)

    for place in review.places:
        await client.answer(place.key, "on_topic", True, "Ada")
        await client.answer(place.key, "on_topic", False, "Bob")
    rows = await client.post("api/export", {})

    assert rows == {"rows": 3, "output": "rollouts.labels.jsonl"}
    for line in review.output.read_text().splitlines():
        assert json.loads(line)["labels"] == {"on_topic": {"Ada": True, "Bob": False}}


async def test_the_labels_file_is_written_every_few_answers(client_of, review_of, row):
    review = review_of([row(number) for number in range(EXPORT_EVERY)])
    client = await client_of(review)

    for place in review.places[:-1]:
        await client.answer(place.key, "on_topic", True)
    before = review.output.exists()
    await client.answer(review.places[-1].key, "on_topic", True)

    assert not before
    assert len(review.output.read_text().splitlines()) == EXPORT_EVERY


async def test_an_answer_is_kept_even_where_the_labels_file_cannot_be_written(client_of, review_of, row):
    review = review_of([row(number) for number in range(EXPORT_EVERY)])
    client = await client_of(review)
    review.output.mkdir()

    for place in review.places:
        await client.answer(place.key, "on_topic", True)
    status = client.status
    told = await client.post("api/export", {})

    assert (status, client.status) == (200, 503)
    assert "cannot be written" in told["error"]
    assert len(review.answers.last) == EXPORT_EVERY


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ({"annotator": "Ada"}, {}),
        ({"annotator": "", "unit": "x", "criterion": "on_topic", "answer": True}, {}),
        ({"annotator": "Ada", "unit": "x", "criterion": "on_topic", "answer": True}, {}),
        ({"annotator": "Ada", "unit": "x", "criterion": "on_topic", "answer": "maybe"}, {}),
        ({"annotator": "Ada", "unit": "x", "criterion": "on_topic", "answer": 1}, {}),
        ([[]], {}),
        (None, {"data": b"[" * 10_000, "headers": {"Content-Type": "application/json"}}),
        (None, {"data": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}),
        (None, {"data": '"\\ud800"', "headers": {"Content-Type": "application/json"}}),
    ],
)
async def test_what_the_page_would_not_send_is_refused_and_kept_nowhere(client_of, review_of, row, body, how):
    review = review_of([row(1)])
    client = await client_of(review)

    told = await client.post("api/answer", body, **how)

    assert client.status == 400
    assert told["error"]
    assert review.answers.last == {}


async def test_a_form_of_another_site_is_no_answer(client_of, review_of, row):
    review = review_of([row(1)])
    client = await client_of(review)
    body = json.dumps({"annotator": "Ada", "unit": review.places[0].key, "criterion": "on_topic", "answer": True})

    await client.post("api/answer", None, data=body, headers={"Content-Type": "text/plain"})

    assert client.status == 415
    assert review.answers.last == {}


@pytest.mark.parametrize("at", ["", "-1", "1", "x", "9" * 30, "²"])
async def test_a_place_that_is_none_is_told(client_of, review_of, row, at):
    client = await client_of(review_of([row(1)]))

    await client.get("api/unit", annotator="Ada", at=at)

    assert client.status == 400


@pytest.mark.parametrize("text", OWN.values(), ids=OWN.keys())
async def test_whatever_a_policy_wrote_is_a_text_in_the_json_and_nothing_else(client_of, review_of, row, text):
    hostile = row(1, [{"note": text, "excerpt": f"<img src=x onerror=alert(1)>{text}"}], contract=text + " x y")
    client = await client_of(review_of([hostile]))

    state = await client.get("api/start", annotator="Ada")

    assert client.status == 200
    [document, _] = state["page"]["documents"]
    assert all(kind in ("plain", "candidate") for _, kind in document[1])
    shown = "".join(piece for piece, _ in document[1])
    assert len(shown) == len(text) + 4
    assert not re.search("[\u200b\u2060\u202e]", json.dumps(state, ensure_ascii=False))


@pytest.mark.parametrize(
    ("path", "kind"), [("", "text/html"), ("review.js", "text/javascript"), ("review.css", "text/css")]
)
async def test_the_page_and_its_files_are_there(client_of, review_of, row, path, kind):
    client = await client_of(review_of([row(1)]))

    async with client._session.get(client._server.make_url(f"/{TOKEN}/{path}")) as answer:
        assert (answer.status, answer.content_type) == (200, kind)
        assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_the_page_loads_nothing_from_elsewhere_and_sets_no_markup():
    page = files("dikast.web.review.page")
    texts = {name: page.joinpath(name).read_text() for name in ("review.html", "review.js", "review.css")}

    for text in texts.values():
        assert "://" not in text
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert way not in texts["review.js"]
    assert not re.search(r"<(script|style)(?![^>]*src)[^>]*>|\son\w+=|style=", texts["review.html"])
