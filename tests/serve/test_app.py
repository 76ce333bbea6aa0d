"""The server's own shape, several rewards, retries, limits and reloading, over a real socket."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from served_reward import PLAIN, fails_on

from dikast.errors import UnavailableError, UsageError
from dikast.journal import Journal
from dikast.serve.opening import Place, Rewards

GATED = PLAIN.replace("name: plain", "name: gated") + "checks:\n  - {check: length, max_words: 3, gate: true}\n"


def rollouts(*completions: str, **columns: Any) -> dict[str, Any]:
    return {"rollouts": [{"prompt": "Q", "completion": text, **columns} for text in completions]}


async def test_a_batch_comes_back_in_its_order_with_status_parts_and_hashes(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")), GATED)

    status, told = await running.post("/v1/score", rollouts("fine", "one two three four", "broken", "low"))

    assert status == 200
    assert [score["status"] for score in told["scores"]] == ["scored", "gated", "missing", "scored"]
    assert [score["score"] for score in told["scores"]] == [0.8, 0.0, None, 0.2]
    assert told["scores"][2]["missing"] == "timeout"
    assert [part["name"] for part in told["scores"][0]["parts"]] == ["length", "good"]
    assert told["reward"] == "gated"
    assert len(told["reward_hash"]) == 64
    assert told["certificate_hash"] is None


async def test_a_batch_that_is_sent_again_costs_nothing(serving, scripted_model):
    model = scripted_model(0.7)
    running = await serving(model)

    _, first = await running.post("/v1/score", rollouts("a", "b"))
    _, again = await running.post("/v1/score", rollouts("a", "b"))

    assert len(model.asked) == 2
    assert [one["usage"]["asked"] for one in first["scores"]] == [1, 1]
    assert [one["usage"]["asked"] for one in again["scores"]] == [0, 0]
    assert [one["score"] for one in again["scores"]] == [one["score"] for one in first["scores"]]


async def test_equal_rollouts_under_way_at_once_are_judged_once_in_whatever_shape_they_come(serving, scripted_model):
    model = scripted_model(0.7, concurrency=8)
    running = await serving(model)

    answers = await asyncio.gather(
        *(running.post("/v1/score", rollouts("a")) for _ in range(4)),
        *(running.post("/slime", {"prompt": "Q", "response": "a", "label": None}) for _ in range(4)),
    )

    assert [status for status, _ in answers] == [200] * 8
    assert len(model.asked) == 1


async def test_what_was_judged_before_a_restart_is_not_asked_again(serving, scripted_model, tmp_path: Path):
    first, second = scripted_model(0.7), scripted_model(0.1)
    one = await serving(first, journal=tmp_path / "journal.db")
    _, before = await one.post("/v1/score", rollouts("a"))

    other = await serving(second, journal=tmp_path / "journal.db")
    _, after = await other.post("/v1/score", rollouts("a"))

    assert second.asked == []
    assert after["scores"][0]["score"] == before["scores"][0]["score"]


async def test_what_is_open_at_the_deadline_is_missing_as_expired(serving, scripted_model):
    class Slow(scripted_model):
        async def reply(self, request):
            await asyncio.sleep(10)

    running = await serving(Slow(0.5))
    loop = asyncio.get_running_loop()

    began = loop.time()
    _, by_body = await running.post("/v1/score", rollouts("a") | {"deadline": 0.1})
    _, by_address = await running.post("/v1/score?deadline=0.1", rollouts("a"))

    assert loop.time() - began < 2
    assert [one["scores"][0]["missing"] for one in (by_body, by_address)] == ["expired"] * 2


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/v1/score", b"{", 400, "no JSON"),
        ("/v1/score", b"[1]", 422, "another shape"),
        ("/v1/score", {"rollouts": [], "reward": "x"}, 422, "unknown field"),
        ("/v1/score", rollouts("a") | {"deadline": 0}, 422, "deadline"),
        ("/v1/score?deadline=soon", rollouts("a"), 422, "deadline"),
        ("/v1/score?deadlin=3", rollouts("a"), 422, "no option 'deadlin' here; known are deadline"),
        ("/v1/score", {"rollouts": [{"prompt": "Q"}]}, 422, "rollouts:1: 'completion' must be a text"),
        ("/v1/rewards/other/score", rollouts("a"), 404, "no reward of that name"),
        ("/slime?siblings=0", {"prompt": "Q", "response": "a"}, 422, "siblings"),
        ("/slime?on_missing=perhaps", {"prompt": "Q", "response": "a"}, 422, "none of native, group_mean"),
        ("/slime?on_missing=native", {"prompt": "Q", "response": "a"}, 422, "drops nothing"),
        ("/slime?on_missing=7", {"prompt": "Q", "response": "a"}, 422, "outside the reward's range"),
        ("/nowhere", {}, 404, "Not Found"),
    ],
)
async def test_what_cannot_be_used_is_told_in_one_line(serving, scripted_model, path, body, status, told):
    running = await serving(scripted_model(0.7))

    found, answer = await running.post(path, body)

    assert found == status
    assert told in answer["error"]
    assert "\n" not in answer["error"]


async def test_a_missing_column_is_the_senders_business(serving, scripted_model):
    running = await serving(scripted_model(0.7), PLAIN.replace("Question: prompt", "Document: contract"))

    status, told = await running.post("/v1/score", rollouts("a"))

    assert status == 422
    assert "no column 'contract'" in told["error"]


async def test_another_content_type_is_refused_which_a_foreign_web_page_could_send(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    status, _ = await running.post("/v1/score", rollouts("a"), Content_Type="text/plain")

    assert status == 415
    assert running.model.asked == []


async def test_a_body_over_the_limit_is_refused(serving, scripted_model):
    running = await serving(scripted_model(0.7), max_body=2000)

    status, told = await running.post("/v1/score", rollouts("a" * 3000))

    assert status == 413
    assert "--max-body-mb" in told["error"]
    assert (await running.post("/v1/score", rollouts("a")))[0] == 200


async def test_a_client_that_never_ends_its_body_holds_no_room_for_ever(serving, scripted_model):
    running = await serving(scripted_model(0.7), deadline=0.2)
    host, _, port = running.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
    )

    told = await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert told.startswith(b"HTTP/1.1 408")
    assert running.server.backlog.bytes == 0
    assert running.server.backlog.requests == 0


async def test_more_than_may_be_under_way_is_told_to_come_back_and_nothing_is_queued(serving, scripted_model):
    begun, let_go = asyncio.Event(), asyncio.Event()

    class Waiting(scripted_model):
        async def reply(self, request):
            begun.set()
            await let_go.wait()
            return await super().reply(request)

    running = await serving(Waiting(0.5, concurrency=64), max_rollouts=4)
    first = asyncio.create_task(running.post("/v1/score", rollouts("a", "b", "c")))
    await begun.wait()

    status, told, headers = await running.ask("POST", "/v1/score", rollouts("d", "e"))
    let_go.set()

    assert status == 429
    assert "3 rollouts are being judged" in told["error"]
    assert 1 <= int(headers["Retry-After"]) <= 30
    assert (await first)[0] == 200
    assert (await running.post("/v1/score", rollouts("d", "e")))[0] == 200


async def test_a_batch_larger_than_the_most_goes_alone(serving, scripted_model):
    running = await serving(scripted_model(0.5), max_rollouts=2)

    status, told = await running.post("/v1/score", rollouts("a", "b", "c"))

    assert status == 200
    assert len(told["scores"]) == 3


async def test_rewards_side_by_side_are_asked_by_name_share_one_client_and_the_first_is_the_default(
    serving, scripted_model
):
    running = await serving(scripted_model(0.7), PLAIN, GATED)

    _, listed, _ = await running.ask("GET", "/v1/rewards")
    _, default = await running.post("/v1/score", rollouts("one two three four"))
    _, named = await running.post("/v1/rewards/gated/score", rollouts("one two three four"))

    assert [one["name"] for one in listed["rewards"]] == ["plain", "gated"]
    assert default["scores"][0]["score"] == 0.7
    assert named["scores"][0]["status"] == "gated"


def test_models_of_one_connection_are_opened_once_so_that_there_is_one_limiter(tmp_path: Path, scripted_model):
    opened = []

    def opening(name: str, folder: Path) -> Any:
        opened.append(name)
        return scripted_model(0.5)

    rewards = Rewards(Journal.open(None), opening=opening)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(PLAIN.replace("name: plain", f"name: {name}"))
        rewards.add(Place(reward=tmp_path / f"{name}.yaml"))

    assert opened == ["scripted:judge"]
    rewards.journal.close()


def test_one_budget_is_spent_by_all_rewards(tmp_path: Path, scripted_model):
    rewards = Rewards(Journal.open(None), calls=2, opening=lambda _name, _folder: scripted_model(0.5))
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(PLAIN.replace("name: plain", f"name: {name}"))
        rewards.add(Place(reward=tmp_path / f"{name}.yaml"))
    rows = [rewards_row(text) for text in ("one", "two")]

    first, second = (rewards.find(name).reward.score(rows) for name in ("a", "b"))

    assert [score.missing for score in first] == [None, None]
    # The same questions: the journal knows them, whoever asks.
    assert [score.missing for score in second] == [None, None]
    assert rewards.find("b").reward.score([rewards_row("three")])[0].missing == "over_budget"
    rewards.journal.close()


def rewards_row(text: str) -> Any:
    from dikast.records import Rollout

    return Rollout(id=text, group="g", prompt="Q", completion=text)


def test_two_rewards_of_one_name_are_refused(tmp_path: Path, scripted_model):
    rewards = Rewards(Journal.open(None), opening=lambda _name, _folder: scripted_model(0.5))
    (tmp_path / "a.yaml").write_text(PLAIN)
    (tmp_path / "b.yaml").write_text(PLAIN)
    rewards.add(Place(reward=tmp_path / "a.yaml"))

    with pytest.raises(UsageError, match="is named 'plain' like"):
        rewards.add(Place(reward=tmp_path / "b.yaml"))
    rewards.journal.close()


async def test_a_changed_file_counts_from_an_explicit_reload_on(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    path = running.server.rewards.find("plain").place.reward
    path.write_text(PLAIN + "range: [0, 10]\n")

    _, before = await running.post("/v1/score", rollouts("a"))
    status, about = await running.post("/v1/rewards/plain/reload", b"")
    _, after = await running.post("/v1/score", rollouts("a"))

    assert status == 200
    assert before["scores"][0]["score"] == 0.7
    assert after["scores"][0]["score"] == 7
    assert about["hash"] == after["reward_hash"] != before["reward_hash"]


async def test_a_broken_file_is_refused_and_the_old_reward_stays(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    path = running.server.rewards.find("plain").place.reward
    path.write_text(PLAIN.replace("name: plain", "nam: plain"))

    status, told = await running.post("/v1/rewards/plain/reload", b"")

    assert status == 422
    assert "nam" in told["error"]
    assert (await running.post("/v1/score", rollouts("a")))[0] == 200


async def test_a_certificate_beside_the_reward_counts_and_one_for_another_reward_is_refused(
    serving, scripted_model, tmp_path: Path
):
    (tmp_path / "reward.yaml").write_text(PLAIN)
    (tmp_path / "certificate.json").write_text("{}")
    rewards = Rewards(Journal.open(None), opening=lambda _name, _folder: scripted_model(0.5))

    with pytest.raises(UsageError, match=r"certificate\.json"):
        rewards.add(Place(reward=tmp_path / "reward.yaml"))

    assert rewards.add(Place(reward=tmp_path / "reward.yaml", uncertified=True)).reward.certificate_hash is None
    rewards.journal.close()


async def test_wrong_credentials_are_503_that_names_no_time_to_come_back(serving, scripted_model):
    running = await serving(scripted_model(UnavailableError("the key was not accepted; correct OPENAI_API_KEY")))

    status, told, headers = await running.ask("POST", "/v1/score", rollouts("a"))

    assert status == 503
    assert "correct OPENAI_API_KEY" in told["error"]
    assert "Retry-After" not in headers


async def test_a_bug_of_ours_stops_one_request_and_is_told_in_the_log(serving, scripted_model):
    running = await serving(scripted_model(ZeroDivisionError("oops")))

    status, told = await running.post("/v1/score", rollouts("a"))

    assert status == 500
    assert "ZeroDivisionError" in told["error"]
    assert "oops" not in told["error"]
    assert "oops" in running.said[0]
    assert (await running.ask("GET", "/healthz"))[0] == 200


async def test_a_judge_that_compares_siblings_cannot_be_asked_one_by_one(serving, scripted_model):
    prefers = "name: plain\nobjective: Judge.\ninputs: {Question: prompt}\njudge: {mode: preference, compare: swiss, prefer: 'Which is better?', model: 'scripted:judge'}\n"
    running = await serving(scripted_model(0.7), prefers)

    status, told = await running.post("/slime", {"prompt": "Q", "response": "a", "label": None})

    assert status == 422
    assert "compares the rollouts of a prompt with each other" in told["error"]
    assert (await running.post("/v1/score", rollouts("a", "b")))[0] == 200


async def test_the_figures_say_what_was_done(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))
    await running.post("/v1/score", rollouts("a", "broken"))
    await running.post("/v1/score", rollouts("a"))

    _, text, headers = await running.ask("GET", "/metrics")

    lines = text.splitlines()
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'dikast_requests_total{route="/v1/score",status="200"} 2' in lines
    assert 'dikast_rollouts_total{reward="plain",status="scored"} 2' in lines
    assert 'dikast_missing_total{reward="plain",reason="timeout"} 1' in lines
    assert 'dikast_questions_total{reward="plain",from="asked"} 2' in lines
    assert 'dikast_questions_total{reward="plain",from="known"} 1' in lines
    assert 'dikast_request_seconds_count{route="/v1/score"} 2' in lines
    assert "dikast_rollouts_under_way 0" in lines


async def test_an_address_that_is_not_served_makes_no_figure_of_its_own(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    for at in range(5):
        await running.ask("GET", f"/guess-{at}")

    _, text, _ = await running.ask("GET", "/metrics")

    assert "guess" not in text
    assert 'dikast_requests_total{route="none",status="404"} 5' in text


async def test_prometheus_own_parser_reads_the_figures(serving, scripted_model):
    parser = pytest.importorskip("prometheus_client.parser")
    running = await serving(scripted_model(0.7), PLAIN.replace("name: plain", 'name: "a\\"b\\\\c"'))
    await running.post("/v1/score", rollouts("a"))

    _, text, _ = await running.ask("GET", "/metrics")

    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert families["dikast_rollouts"].samples[0].labels["reward"] == 'a"b\\c'
    assert families["dikast_request_seconds"].type == "histogram"


async def test_the_page_for_people_loads_nothing_and_names_every_address(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    _, document, _ = await running.ask("GET", "/openapi.json")
    _, page, headers = await running.ask("GET", "/docs")

    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "http" not in page.replace("http</", "")[:2000].lower() or "src=" not in page
    for path in document["paths"]:
        assert path in page


async def test_every_address_of_the_document_is_served(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    _, document, _ = await running.ask("GET", "/openapi.json")

    for path, ways in document["paths"].items():
        for method in ways:
            status, _, _ = await running.ask(method.upper(), path.replace("{name}", "plain"), json_of(method))
            assert status in (200, 422), path


def json_of(method: str) -> Any:
    return {"rollouts": []} if method == "post" else None


async def test_too_many_missing_scores_pause_a_trainer_that_counts_nothing_itself(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken"), concurrency=16))
    for at in range(200):
        text = f"broken {at}" if at % 5 == 0 else f"fine {at}"
        status, told = await running.post("/slime?on_missing=0.5", {"prompt": "Q", "response": text, "label": None})

    assert status == 503
    assert "scores are missing (limit 10%" in told["error"]
    # Whoever is told of each missing score counts them itself.
    assert (await running.post("/v1/score", rollouts("fine")))[0] == 200
    assert json.dumps(told)
