"""`dikast certify` of a preference judge, from the files to the exit code and into a reward that loads."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import dikast
from dikast.certify.certificate import read_certificate
from dikast.cli.main import run
from dikast.errors import NotGoodEnoughError

REWARD = """
name: better
objective: You compare answers.
inputs: {Document: contract}
judge: {mode: preference, model: "openai:judge", compare: swiss, prefer: The better answer is good.}
"""
RUBRIC = REWARD.replace("{mode: preference, ", "{").replace(
    "compare: swiss, prefer: The better answer is good.", 'criteria: [{id: sound, ask: "Is it sound?"}]'
)


class Judge(ThreadingHTTPServer):
    """Speaks the chat-completions format and writes A or B, by a function of the two candidates."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.prefers: Callable[[str, str], str] = lambda first, _second: "A" if "good" in first else "B"
        self.asked = 0


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if not isinstance(self.server, Judge):
            raise TypeError("this handler belongs to a Judge")
        self.server.asked += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        first, second = re.findall(r"<([0-9a-f]{16})>\n(.*?)\n</\1>", body["messages"][-1]["content"], flags=re.DOTALL)
        text = json.dumps({"reason": "", "better": self.server.prefers(first[1], second[1])})
        answer = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def judge() -> Iterator[Judge]:
    with Judge() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, judge: Judge) -> Path:
    (tmp_path / "reward.yaml").write_text(REWARD)
    (tmp_path / "models.yaml").write_text(
        f"judge: {{provider: openai, endpoint: 'http://127.0.0.1:{judge.server_port}/v1'}}"
    )
    write_pairs(tmp_path / "pairs.jsonl", 100)
    return tmp_path


def write_pairs(path: Path, count: int) -> None:
    texts = [("good", "poor") if number % 2 else ("poor", "good") for number in range(count)]
    rows = [
        {
            "prompt": f"p{number}",
            "contract": "c",
            "a": f"answer {number} is {a}",
            "b": f"answer {number} is {b}",
            "split": "tuning" if number < count // 5 else "certificate",
            "labels": {"ann": "a" if a == "good" else "b", "bob": "a" if a == "good" else "b"},
        }
        for number, (a, b) in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def certify(folder: Path, *options: str, labels: str = "pairs.jsonl") -> int:
    return run(["certify", str(folder / "reward.yaml"), str(folder / labels), "--attack-units", "2", *options])


def test_a_good_judge_gets_a_certificate_with_which_its_reward_loads(folder, judge, capsys):
    code = certify(folder, "--repeats", "2")

    assert code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "better, judged by openai:judge: green" in out
    assert "preference: one order at random trains, and prefers what people do in 1.00 (0.95..1.00) of 80 pairs" in out
    assert "the same winner in both orders in 1.00 (0.95..1.00) of 80 pairs" in out
    assert "annotators agree with each other in 1.00" in out
    assert read_certificate(folder / "certificate.json").attacks["position_swap"].fooled == 0
    reward = dikast.load(folder / "reward.yaml", certificate=folder / "certificate.json")
    assert reward.certificate_hash
    reward.close()


def test_a_judge_that_takes_the_first_is_red_and_its_reward_does_not_load(folder, judge, capsys):
    judge.prefers = lambda _first, _second: "A"

    code = certify(folder)

    assert code == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "the same winner in both orders in 0.00 (0.00..0.05) of 80 pairs, the first shown in 1.00" in out
    assert "warning: the attack position_swap fooled in 80 of 80" in out
    with pytest.raises(NotGoodEnoughError, match="turns the comparison off"):
        dikast.load(folder / "reward.yaml", certificate=folder / "certificate.json")


def test_a_second_run_asks_nothing_and_says_the_same(folder, judge, capsys):
    certify(folder, "--json")
    asked, first = judge.asked, capsys.readouterr().out

    code = certify(folder, "--json")

    assert (code, judge.asked) == (0, asked)
    assert json.loads(capsys.readouterr().out) == json.loads(first)


def test_too_few_pairs_exit_with_3_and_say_how_many_there_are(folder, capsys):
    write_pairs(folder / "pairs.jsonl", 40)

    assert certify(folder) == 3
    assert "preference (a yes is that a is better: 16 yes and 16 no; needs 30 of each)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reward", "row", "problem"),
    [
        (REWARD, {"completion": "x", "labels": {"sound": {"ann": True}}}, "no text 'a'; a preference reward .*"),
        (REWARD, {"a": "x", "b": "x", "labels": {}}, "'a' and 'b' are the same text; .*"),
        (REWARD, {"a": "x", "b": "y", "labels": {"ann": "left"}}, "'ann' says \"left\"; a label is a, b or tie"),
        (RUBRIC, {"a": "x", "b": "y", "labels": {"ann": "a"}}, "a pair of 'a' and 'b' is a label for .*"),
    ],
)
def test_labels_of_another_kind_are_one_line_with_their_place(folder, judge, capsys, reward, row, problem):
    (folder / "reward.yaml").write_text(reward)
    (folder / "labels.jsonl").write_text(json.dumps({"prompt": "p", "contract": "c"} | row))

    code = certify(folder, labels="labels.jsonl")

    assert (code, judge.asked) == (2, 0)
    assert re.fullmatch(rf"error: .*labels\.jsonl:1: {problem}\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--annotators", "3"), r"\S*pairs\.jsonl:1: only ann, bob answered 'preference', and 3 are needed; .*"),
        (("--rollouts", "pairs.jsonl"), r".*--rollouts is about answers to criteria, .*"),
    ],
)
def test_what_a_preference_judge_cannot_be_asked_for_is_one_line(folder, judge, capsys, options, said):
    code = certify(folder, *options)

    assert (code, judge.asked) == (2, 0)
    assert re.fullmatch(rf"error: {said}\n", capsys.readouterr().err)
