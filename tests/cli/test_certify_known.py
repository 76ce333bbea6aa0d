"""`dikast certify` where the labels say what the judge has to answer: a change that breaks one exits with 1."""

# A certificate may have no past; asking it then fails the test, as it should.
# pyright: reportOptionalMemberAccess=false

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from changing_judge import ChangingJudge, running

from dikast.certify.certificate import Certificate, certificate_hash, read_certificate
from dikast.cli.main import run

REWARD = """
name: suite
objective: Judge the answer.
inputs: {Document: contract}
judge:
  model: openai:judge
  criteria:
    - {id: sound, ask: "Is it sound?", paraphrases: ["Does it hold?"]}
"""


@pytest.fixture
def judge() -> Iterator[ChangingJudge]:
    with running(lambda _question, number: number % 2 == 0) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, judge: ChangingJudge) -> Path:
    (tmp_path / "reward.yaml").write_text(REWARD)
    serve(tmp_path, judge, "first")
    rows = [
        {
            "id": f"r{number}",
            "group": f"g{number // 2}",
            "prompt": "p",
            "completion": f"answer {number}",
            "contract": "c",
            "split": "tuning" if number // 2 < 18 else "certificate",
            "labels": {"sound": {"ann": number % 2 == 0}},
            **({"expect": "good" if number % 2 == 0 else "bad"} if number < 10 else {}),
        }
        for number in range(110)
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def serve(folder: Path, judge: ChangingJudge, model: str) -> None:
    (folder / "models.yaml").write_text(
        f"judge: {{provider: openai, model: {model}, endpoint: '{judge.endpoint}', logprobs: true}}"
    )


def certify(folder: Path, *options: str) -> int:
    files = [str(folder / "reward.yaml"), str(folder / "labels.jsonl")]
    return run(["certify", *files, "--attack-units", "0", *options])


def test_a_model_that_breaks_a_known_answer_exits_with_1_however_good_it_is(folder, judge, capsys):
    assert certify(folder) == 0
    assert "known answers: 10 of 10 as expected" in capsys.readouterr().out
    serve(folder, judge, "second")
    judge.says = lambda _question, number: number % 2 == 0 and number != 4

    code = certify(folder)

    certificate = read_certificate(folder / "certificate.json")
    out, err = capsys.readouterr()
    assert (code, certificate.level) == (1, "green")
    assert [(one.what, one.id, one.before, one.after) for one in certificate.regression.changes] == [
        ("broken", "r4", True, False)
    ]
    assert "1 worse and 0 better of 10, p = 1 (McNemar's exact test)" in out
    assert re.search(
        r"^broken: sound of r4, yes before, no now, expected yes, since \d{4}-\d\d-\d\d$", out, re.MULTILINE
    )
    assert re.fullmatch(
        r"error: .*certificate.json: 1 of the known answers were as expected once and are not now: sound of r4; .*",
        err.splitlines()[-1],
    )


def test_looking_again_does_not_heal_and_a_certificate_from_before_may_be_named(folder, judge, capsys):
    certify(folder, "-o", str(folder / "agreed.json"))
    serve(folder, judge, "second")
    judge.says = lambda _question, number: number % 2 == 0 and number != 4
    first = certify(folder)
    asked = judge.asked.total()

    codes = [certify(folder, "--against", str(folder / "agreed.json")) for _ in range(2)]
    codes.append(certify(folder))

    # The first certificate at this place had nothing to be compared with.
    assert (first, codes) == (0, [1, 1, 1])
    assert judge.asked.total() == asked
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("logprobs", [True, False])
def test_whatever_the_judge_a_second_certificate_costs_no_call(folder, judge, logprobs):
    """Repeats, other orders and wordings, attacks and known answers among them."""
    (folder / "models.yaml").write_text(
        f"judge: {{provider: openai, endpoint: '{judge.endpoint}', logprobs: {str(logprobs).lower()}}}"
    )
    two = REWARD + "    - {id: kind, ask: 'Is it kind?'}\n"
    (folder / "reward.yaml").write_text(two)
    run(["certify", str(folder / "reward.yaml"), str(folder / "labels.jsonl"), "--repeats", "4"])
    first, asked = (folder / "certificate.json").read_text(), judge.asked.total()

    run(["certify", str(folder / "reward.yaml"), str(folder / "labels.jsonl"), "--repeats", "4"])

    assert asked > 300
    assert judge.asked.total() == asked
    assert certificate_hash(read_certificate(folder / "certificate.json")) == certificate_hash(
        msgspec.json.decode(first, type=Certificate)
    )


def test_a_certificate_to_compare_with_that_is_not_there_is_said_before_anything_is_asked(folder, judge, capsys):
    code = certify(folder, "--against", str(folder / "none.json"))

    assert (code, judge.asked.total()) == (2, 0)
    assert re.fullmatch(r"error: .*none\.json: no such certificate; .*\n", capsys.readouterr().err)
