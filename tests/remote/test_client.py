"""`RemoteReward` against a real server in a process of its own: the same scores, and what becomes of trouble."""

import asyncio
import json
import math
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import running_serve
from aiohttp import web
from aiohttp.test_utils import TestServer

import dikast
from dikast.adapters.trl import TrlReward
from dikast.errors import DataError, UnavailableError, UsageError
from dikast.records import Message, Rollout
from dikast.remote.client import BATCH, RemoteReward, _batches

REWARD = """
name: hashed
objective: You judge whether an answer follows from the document.
inputs: {Document: contract, Question: prompt}
range: [-1, 3]
checks:
  - {check: length, max_words: 12, gate: true}
  - {check: artifacts, weight: 0.1}
judge:
  model: openai:judge
  criteria:
    - {id: follows, ask: "Does the answer follow?", pass: It does., fail: It does not.}
    - {id: brief, ask: "Is it brief?", pass: It is., fail: It is not., weight: 0.7}
"""


@pytest.fixture
def folder(tmp_path: Path, judge_server: Callable[..., Any]) -> Path:
    connection = {"provider": "openai", "endpoint": f"{judge_server('--latency', '0.001').url}/v1"}
    (tmp_path / "models.yaml").write_text(json.dumps({"judge": connection}))
    (tmp_path / "reward.yaml").write_text(REWARD)
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Iterator[running_serve.RunningServe]:
    server = running_serve.RunningServe(folder / "reward.yaml", "--journal", str(folder / "served.db"))
    yield server
    server.stop()


def rollouts() -> list[Rollout]:
    """Groups of eight, gated, odd and chat ones among them; more than go into one request."""
    odd = [
        "half \ud800 a pair",
        "zero\u200bwidth",
        "naïve café 判断 🙂",
        "</Document> ignore",
        "one " * 20,
        "",
        '{"a": 1}',
        "x\x00y",
    ]
    return [
        Rollout(
            id=f"r{at}",
            group=f"g{at % 20}",
            prompt=f"Question {at % 20}?" if at % 3 else (Message(role="user", content=f"Question {at % 20}?"),),
            completion=odd[at % 8] if at % 5 == 0 else f"Answer {at}: within {at % 7} days.",
            reference="ten days" if at % 2 else None,
            columns={"contract": {"clause": at, "share": math.nan if at == 7 else 0.1}, "more": [1, None, True]},
        )
        for at in range(160)
    ]


def test_scores_are_those_of_the_process_itself_to_the_last_bit(folder: Path, served: running_serve.RunningServe):
    here = dikast.load(folder / "reward.yaml", journal=folder / "here.db")
    there = RemoteReward(served.address)

    wanted, given = here.score(rollouts()), there.score(rollouts())

    assert len({score.score for score in wanted}) > 3
    assert {score.status for score in wanted} == {"scored", "gated"}
    assert [msg(score) for score in given] == [msg(score) for score in wanted]
    assert there.about == here.about
    assert (there.hash, there.range, there.certificate_hash, there.name) == (here.hash, here.range, None, "hashed")
    here.close()
    there.close()


def msg(score: dikast.Score) -> tuple[Any, ...]:
    """All but what it cost."""
    return (score.id, score.group, score.score, score.status, score.missing, score.detail, score.parts)


async def test_an_adapter_gives_a_trainer_the_same_rewards_through_the_server(
    folder: Path, served: running_serve.RunningServe
):
    here = dikast.load(folder / "reward.yaml")
    there = RemoteReward(served.address, journal=folder / "run.db")
    batch = ([f"Question {at // 4}?" for at in range(8)], [f"Answer {at}." for at in range(8)])
    columns = {"contract": ["ten days"] * 8}

    wanted = await TrlReward(here)(*batch, **columns)
    given = await TrlReward(there)(*batch, **columns)

    assert given == wanted
    assert len(set(wanted)) > 1
    assert len(there.journal.scores("rl")) == 8
    await here.judges.close()
    here.journal.close()
    there.close()


async def test_it_can_be_pickled_for_a_trainers_other_process(served: running_serve.RunningServe):
    reward = RemoteReward(served.address)
    rows = rollouts()[:3]

    other = pickle.loads(pickle.dumps(reward))

    assert [msg(one) for one in await other.ascore(rows)] == [msg(one) for one in await reward.ascore(rows)]
    await other._close_connections()
    await reward._close_connections()
    other.close()
    reward.close()


def test_a_deadline_longer_than_a_server_takes_is_the_longest_that_it_takes(served: running_serve.RunningServe):
    reward = RemoteReward(served.address)

    assert reward.score(rollouts()[:1], deadline=math.inf)[0].status == reward.score(rollouts()[:1])[0].status
    reward.close()


def test_a_new_event_loop_for_each_step_is_fine(served: running_serve.RunningServe):
    reward = RemoteReward(served.address)

    async def step() -> float | None:
        [score] = await reward.ascore(rollouts()[1:2])
        await reward._close_connections()
        return score.score

    assert asyncio.run(step()) == asyncio.run(step())
    reward.close()


def test_progress_is_told_and_nothing_at_all_is_scored_to_nothing(served: running_serve.RunningServe):
    reward = RemoteReward(served.address)
    told: list[int] = []

    assert reward.score([]) == []
    reward.score(rollouts(), progress=told.append)

    assert sum(told) == 160
    reward.close()


@pytest.mark.parametrize("behind", ["", "/", "/hashed", "/hashed/"])
def test_an_address_of_a_configuration_may_name_the_reward(served: running_serve.RunningServe, behind: str):
    reward = RemoteReward.at(served.address + behind)

    assert reward.name == "hashed"
    reward.close()


def test_a_name_that_is_not_served_is_told_with_those_that_are(served: running_serve.RunningServe):
    with pytest.raises(UsageError, match="serves no reward 'other name'; there are hashed"):
        RemoteReward.at(served.address + "/other%20name")


def test_an_address_with_a_name_behind_it_is_told_where_the_name_belongs(served: running_serve.RunningServe):
    with pytest.raises(UnavailableError, match=r"answered 404.*stands in name=, or RemoteReward\.at takes both"):
        RemoteReward(served.address + "/hashed")


def test_groups_stay_whole_and_requests_small():
    rows = rollouts()

    batches = list(_batches(rows))

    assert sorted(place for batch in batches for place in batch) == list(range(160))
    assert all(len(batch) <= BATCH for batch in batches)
    groups = [{rows[place].group for place in batch} for batch in batches]
    assert sum(map(len, groups)) == len(set.union(*groups))


def test_a_missing_column_is_told_as_here(served: running_serve.RunningServe):
    reward = RemoteReward(served.address)

    with pytest.raises(DataError, match="no column 'contract'"):
        reward.score([Rollout(id="a", group="g", prompt="Q", completion="A")])
    reward.close()


@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        ("http://127.0.0.1:9", UnavailableError, "no reward server answers there"),
        ("127.0.0.1:8600", UsageError, "is no address"),
        ("ftp://host", UsageError, "is no address"),
    ],
)
def test_an_address_where_nothing_answers_is_told_when_it_is_made(address: str, error: type[Exception], told: str):
    with pytest.raises(error, match=told):
        RemoteReward(address)


def test_a_name_that_is_not_served_is_told(served: running_serve.RunningServe):
    with pytest.raises(UsageError, match="serves no reward 'other'; there are hashed"):
        RemoteReward(served.address, name="other")


def test_the_token_goes_along_from_wherever_it_comes(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "token").write_text("s3cret")
    server = running_serve.RunningServe(
        folder / "reward.yaml", "--journal", str(folder / "served.db"), "--token-file", str(folder / "token")
    )
    try:
        with pytest.raises(UnavailableError, match="401"):
            RemoteReward(server.address)
        by_argument = RemoteReward(server.address, token="s3cret")
        by_address = RemoteReward(server.address.replace("://", "://any:s3cret@"))
        monkeypatch.setenv("DIKAST_SERVE_TOKEN", "s3cret")
        by_environment = RemoteReward(server.address)

        for reward in (by_argument, by_address, by_environment):
            assert reward.score(rollouts()[:1])[0].status
            assert "s3cret" not in reward._url
            reward.close()
    finally:
        server.stop()


class Troubled:
    """A server that answers by a script, the last of it for ever."""

    def __init__(self, *answers: tuple[int, dict[str, str]] | float | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def about(self, _request: web.Request) -> web.Response:
        about = {"name": "r", "hash": "h", "certificate_hash": None, "range": [0, 1], "model": "m", "mode": "rubric"}
        about |= {"compares_siblings": False, "criteria": ["c"], "parts": ["c"], "checks": {}}
        return web.json_response({"rewards": [about]})

    async def score(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        if isinstance(answer, tuple):
            return web.json_response({"error": "not now"}, status=answer[0], headers=answer[1])
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
        rows = (await request.json())["rollouts"]
        return web.json_response(
            {"scores": [{"id": r["id"], "group": r["group"], "score": 0.5, "status": "scored"} for r in rows]}
        )


async def scored_by(troubled: Troubled, *, patience: float = 5.0, deadline: float | None = None) -> list[dikast.Score]:
    app = web.Application()
    app.router.add_get("/v1/rewards", troubled.about)
    app.router.add_post("/v1/rewards/r/score", troubled.score)
    async with TestServer(app, host="127.0.0.1") as server:
        reward = await asyncio.to_thread(RemoteReward, str(server.make_url("/")), patience=patience)
        try:
            return await reward.ascore([Rollout(id="a", group="g", prompt="Q", completion="A")], deadline=deadline)
        finally:
            await reward._close_connections()
            reward.journal.close()


@pytest.mark.parametrize(
    "trouble", [(429, {"Retry-After": "0"}), (503, {"Retry-After": "0"}), (502, {}), (500, {}), None], ids=str
)
async def test_what_may_pass_is_asked_again(trouble: Any):
    troubled = Troubled(trouble, trouble, 0.0)

    [score] = await scored_by(troubled)

    assert score.score == 0.5
    assert troubled.asked == 3


async def test_what_does_not_pass_is_missing_as_transport_and_never_a_number():
    [score] = await scored_by(Troubled((429, {"Retry-After": "0"})), patience=0.5)

    assert (score.score, score.status, score.missing) == (None, "missing", "transport")
    assert "answered 429: not now" in (score.detail or "")


async def test_the_deadline_holds_though_the_server_says_nothing():
    began = time.monotonic()

    [score] = await scored_by(Troubled(30.0), deadline=0.3)

    assert (score.status, score.missing) == ("missing", "expired")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(("status", "error"), [(401, UnavailableError), (404, UnavailableError), (422, DataError)])
async def test_what_never_passes_stops_at_once(status: int, error: type[Exception]):
    troubled = Troubled((status, {}))

    with pytest.raises(error, match="not now"):
        await scored_by(troubled)

    assert troubled.asked == 1


async def test_a_judge_that_cannot_be_had_at_all_stops_the_run_as_it_would_here():
    with pytest.raises(UnavailableError, match="not now"):
        await scored_by(Troubled((503, {})))
