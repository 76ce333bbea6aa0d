"""The reward as a function of events: rows for samples, whatever becomes of the judge."""

import asyncio
import json
import logging
import math
import re
import threading
import time
import urllib.request

import pytest

from dikast.aws.answering import RewardFunction
from dikast.aws.payload import LIMIT
from dikast.aws.settings import HandlerSettings
from dikast.aws.telemetry import SERVICE
from dikast.errors import ConfigError, DataError, ModelError, UnavailableError
from dikast.spec.run import Constant

REWARD = """
name: plain
objective: You judge replies.
range: [-1, 1]
inputs: {Text: text}
checks:
  - {check: length, max_words: 50, gate: true}
judge:
  mode: rubric
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?", pass: It is., fail: It is not.}
    - {id: clear, ask: "Is it clear?", pass: It is., fail: It is not.}
"""


class Context:
    """What Lambda hands over beside the event."""

    aws_request_id = "request-1"

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self.end - time.monotonic()))


def sample(name: str, says: str | None = "Good.", ask: str = "Write.", **fields) -> dict:
    messages = [{"role": "user", "content": ask}]
    if says is not None:
        messages.append({"role": "assistant", "content": says})
    return {"id": name, "messages": messages, "metadata": {"text": "A text.", **fields}}


def judged(request) -> float | BaseException:
    """The candidate says itself what becomes of it."""
    told = request.messages[-1].content
    if "Fails." in told:
        return ModelError("timeout", "it took too long")
    return 1.0 if "Good." in told else 0.0


@pytest.fixture(autouse=True)
def fresh_logger() -> None:
    """Powertools' logger outlives a test, and with it the standard output that the test before had."""
    logging.Logger.manager.loggerDict.pop(SERVICE, None)


@pytest.fixture
def function(judged_by, scripted_model):
    def make(answer=judged, reward: str = REWARD, **settings) -> RewardFunction:
        told = HandlerSettings(reward="reward.yaml", **{"alone": Constant(constant=0.25), "warm_up": False, **settings})
        opened = judged_by(reward, scripted_model(answer))
        return RewardFunction(told, lambda: -1.0, lambda: opened)

    return make


def scores(answer: list[dict]) -> list[float]:
    return [row["aggregate_reward_score"] for row in answer]


def metric(row: dict, name: str) -> float:
    return next(entry["value"] for entry in row["metrics_list"] if entry["name"] == name)


def test_rows_come_in_order_with_their_ids_and_parts(function):
    event = [sample("b"), sample("a", "Bad."), sample("b", "Long. " * 99)]

    answer = function().answer(event, Context(30))

    assert [row["id"] for row in answer] == ["b", "a", "b"]
    assert scores(answer) == [1.0, -1.0, -1.0]
    assert [metric(row, "gated") for row in answer] == [0.0, 0.0, 1.0]
    assert metric(answer[0], "good") == metric(answer[0], "clear") == 1.0
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_a_sample_without_an_answer_gets_a_valid_row_and_asks_nobody(function):
    raw = [{"messages": [{"role": "user", "content": "Write."}]}]

    answer = function(lambda _: UnavailableError("no judge here")).answer(raw, {})

    assert answer == [
        {
            "id": "row-0",
            "aggregate_reward_score": -1.0,
            "metrics_list": [{"name": "no_answer", "value": 1.0, "type": "Metric"}],
        }
    ]


def test_a_missing_score_is_the_mean_of_its_siblings(function):
    event = [sample("1"), sample("2", "Bad."), sample("3", "Fails."), sample("4", "Fails.", ask="Other.")]

    answer = function().answer(event, Context(30))

    assert scores(answer) == [1.0, -1.0, 0.0, 0.25]
    assert [metric(row, "missing") for row in answer] == [0.0, 0.0, 1.0, 1.0]
    assert metric(answer[2], "missing:timeout") == 1.0


def test_a_missing_score_without_siblings_fails_where_that_is_asked_for(function):
    fails = function(alone="fail")

    with pytest.raises(ModelError, match="sample '1' has no sibling"):
        fails.answer([sample("1", "Fails.")], Context(30))


@pytest.mark.parametrize("how", [{"alone": "fail"}, {"on_missing": "raise"}])
def test_an_error_quotes_a_document_only_where_texts_may_be_logged(function, how):
    def quotes(_request) -> ModelError:
        return ModelError("unparsable", "I would say: the secret clause")

    with pytest.raises(ModelError, match=r"good \(with log_texts=true") as caught:
        function(quotes, **how).answer([sample("1")], Context(30))
    with pytest.raises(ModelError, match="the secret clause"):
        function(quotes, log_texts=True, **how).answer([sample("1")], Context(30))

    assert "secret" not in str(caught.value)


def test_a_constant_counts_for_siblings_too(function):
    answer = function(on_missing=Constant(constant=0.5), alone=None).answer(
        [sample("1"), sample("2", "Fails.")], Context(30)
    )

    assert scores(answer) == [1.0, 0.5]


def test_what_no_score_should_become_is_asked_for_before_the_first_event(function):
    unsaid = function(alone=None)

    with pytest.raises(ConfigError, match="alone"):
        unsaid.answer([sample("1")], Context(30))


def test_a_poisoned_sample_is_missing_beside_good_ones(function):
    answer = function().answer([sample("1"), {"id": "2", "messages": 5}, sample("3", text=None)], Context(30))

    assert [row["id"] for row in answer] == ["1", "2", "3"]
    assert scores(answer) == [1.0, 0.25, 1.0]
    assert [metric(row, "missing") for row in answer] == [0.0, 1.0, 1.0]


def test_half_a_surrogate_in_an_answer_takes_no_other_row_down(function):
    answer = function().answer([sample("1"), sample("2", says="Good. half \ud83d")], Context(30))

    assert [row["id"] for row in answer] == ["1", "2"]
    assert scores(answer)[0] == 1.0


def test_an_event_of_which_nothing_can_be_scored_fails_with_the_reason(function):
    with pytest.raises(DataError, match="no column 'text'"):
        function().answer([sample("1", text=None), sample("2", text=None)], Context(30))


def test_a_judge_that_nobody_may_ask_fails_the_event(function):
    with pytest.raises(UnavailableError, match="no access"):
        function(lambda _: UnavailableError("no access")).answer([sample("1")], Context(30))


def test_a_slow_judge_leaves_a_whole_answer_in_time(judged_by, scripted_model):
    class Slow(scripted_model):
        async def reply(self, request):
            if "Slow." in request.messages[-1].content:
                await asyncio.sleep(30)
            return await super().reply(request)

    opened = judged_by(REWARD, Slow(judged, concurrency=8))
    settings = HandlerSettings(reward="r", alone=Constant(constant=0.25), warm_up=False)
    function = RewardFunction(settings, lambda: -1.0, lambda: opened)
    started = time.monotonic()

    answer = function.answer([sample("1"), sample("2", "Slow.")], Context(2.0))

    assert time.monotonic() - started < 2.0
    assert scores(answer) == [1.0, 1.0]
    assert metric(answer[1], "missing") == 1.0


def test_the_reward_opens_once_for_events_side_by_side(judged_by, scripted_model):
    opened = judged_by(REWARD, scripted_model(judged))
    times: list[int] = []

    def opening():
        times.append(1)
        return opened

    settings = HandlerSettings(reward="r", alone="fail", warm_up=False)
    function = RewardFunction(settings, lambda: -1.0, opening)
    threads = [threading.Thread(target=function.answer, args=([sample("1")], Context(30))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert times == [1]


@pytest.mark.parametrize("warm_up", [True, False])
def test_the_judge_is_asked_once_before_the_first_event_unless_switched_off(judged_by, scripted_model, warm_up):
    model = scripted_model(judged)
    opened = judged_by(REWARD, model)
    function = RewardFunction(HandlerSettings(reward="r", alone="fail", warm_up=warm_up), lambda: -1.0, lambda: opened)

    function.wait()

    assert bool(model.asked) == warm_up


def test_an_event_that_waits_for_the_reward_already_is_the_warm_up(judged_by, scripted_model):
    model = scripted_model(judged)
    opened, come = judged_by(REWARD, model), threading.Event()

    def opened_late():
        come.wait(10)
        return opened

    function = RewardFunction(HandlerSettings(reward="r", alone="fail"), lambda: -1.0, opened_late)
    answers = []
    event = threading.Thread(target=lambda: answers.extend(function.answer([sample("1")], Context(30))))
    event.start()
    while not function._called:
        time.sleep(0.001)
    come.set()
    event.join()
    function.wait()

    assert scores(answers) == [1.0]
    # One question for each of the two criteria.
    assert len(model.asked) == 2


def test_a_judge_that_stays_cold_is_told_and_stops_nothing(function, capfd):
    cold = function(lambda _: ModelError("rate_limited", "too many requests"), warm_up=True)

    cold.wait()

    assert "did not answer the warm-up question: too many requests" in capfd.readouterr().out
    assert scores(cold.answer([sample("1")], Context(30))) == [0.25]


def test_an_event_over_the_limit_is_refused_with_the_number_that_fits(function):
    event = [sample(str(at), text="x" * (LIMIT // 8)) for at in range(10)]

    with pytest.raises(DataError, match="about 7 of such samples fit"):
        function().answer(event, Context(30))


def test_an_event_near_the_limit_is_answered_with_a_warning(function, capfd):
    event = [sample(str(at), text="x" * (LIMIT // 10)) for at in range(9)]

    answer = function().answer(event, Context(30))

    assert len(answer) == 9
    assert "of the 6 MB" in capfd.readouterr().out


def test_the_envelope_holds_the_rows_as_text(function):
    answer = function(envelope=True).answer([sample("1")], Context(30))

    assert answer["statusCode"] == 200
    assert scores(json.loads(answer["body"])) == [1.0]


def test_an_event_is_told_in_figures_and_never_in_texts(function, capfd):
    function().answer([sample("1", "Good. secret"), sample("2", "Fails. secret")], Context(30))

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    [log] = [line for line in lines if "message" in line]
    [told] = [line for line in lines if "_aws" in line]
    assert (log["rollouts"], log["missing"], log["aws_request_id"]) == (2, {"timeout": 1}, "request-1")
    assert (told["missing_share"], told["missing_timeout"], told["reward"]) == ([50.0], [1.0], [1.0])
    assert told["reward_file"] == "plain"
    assert math.isfinite(told["event_seconds"][0])
    assert "secret" not in json.dumps(lines)


def test_texts_are_logged_where_they_are_asked_for(function, capfd):
    function(log_texts=True).answer([sample("1", "Good. secret")], Context(30))

    assert "Good. secret" in capfd.readouterr().out


def test_a_preference_judge_is_warmed_up_by_a_comparison(judged_by, scripted_model):
    text = """
name: duel
objective: You compare.
inputs: {Text: text}
range: [0, 1]
judge:
  mode: preference
  model: scripted:judge
  compare: round_robin
  prefer: The clearer one.
"""
    model = scripted_model(0.5)
    opened = judged_by(text, model)
    function = RewardFunction(HandlerSettings(reward="r", alone="fail"), lambda: 0.0, lambda: opened)

    function.wait()

    assert model.asked


@pytest.mark.parametrize(("kind", "asked"), [("provisioned-concurrency", 1), (None, None)])
def test_a_start_that_nobody_waits_for_ends_with_a_warm_judge(contract_package, aws_credentials, kind, asked):
    pytest.importorskip("boto3")
    folder = contract_package("--latency", "0.3")
    environment = {} if kind is None else {"AWS_LAMBDA_INITIALIZATION_TYPE": kind}
    started = time.monotonic()

    function = RewardFunction.start(folder, environment)

    took = time.monotonic() - started
    endpoint = re.search(r'"(http[^"]+)"', (folder / "models.yaml").read_text("utf-8"))
    assert endpoint is not None
    with urllib.request.urlopen(f"{endpoint[1]}/stats", timeout=10) as stats:
        told = json.load(stats)["asked"]
    if asked:
        assert len(told) == asked
    else:
        assert took < 0.3
    function.wait()
