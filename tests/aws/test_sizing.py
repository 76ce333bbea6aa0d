"""How a reward function is to be set for a data set: payload, time, memory and the judge's quota."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.aws.payload import LIMIT
from dikast.aws.sizing import event_bytes, size
from dikast.cli.main import run
from dikast.errors import DataError
from dikast.records import Message, Rollout
from dikast.reward.planning import Amount, ModelPlan, Plan


def rollout(document: str = "text", completion: str = "fine", name: str = "a") -> Rollout:
    return Rollout(id=name, group="g", prompt="p", completion=completion, columns={"contract": document})


def planned(rollouts: int, **changes: Any) -> Plan:
    """A plan of two calls a rollout, each of 100 tokens in and at most 80 out."""
    usual: dict[str, Any] = {
        "model": "bedrock:judge",
        "calls": 2 * rollouts,
        "prompt_tokens": 200 * rollouts,
        "cached_tokens": 0,
        "completion_tokens": 80 * rollouts,
        "usd": None,
        "seconds": None,
        "price": None,
        "hint": None,
        "answer_share": 0.5,
        "answer_share_from": "assumed",
        "latency": 2.0,
        "latency_from": "option",
        "concurrency": 64,
    }
    model = ModelPlan(**(usual | changes))
    file = Amount(
        rollouts=rollouts,
        calls=model.calls,
        prompt_tokens=0,
        cached_tokens=0,
        completion_tokens=0,
        usd=None,
        seconds=None,
    )
    return Plan(
        reward="plain",
        reward_hash="ab",
        certificate_hash=None,
        gated=0,
        missing={},
        questions=model.calls,
        repeated=0,
        in_journal=0,
        models=(model,),
        file=file,
        step=None,
        run=None,
        notes=(),
    )


def test_an_event_weighs_what_a_trainer_writes():
    held = Rollout(
        id="a",
        group="g",
        prompt=(Message(role="system", content="Be kind."), Message(role="user", content="Grüße?")),
        completion="Ja.",
        reference="Nein.",
        columns={"contract": "Vertrag"},
    )
    written = {
        "id": "0" * 36,
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Grüße?"},
            {"role": "assistant", "content": "Ja."},
        ],
        "contract": "Vertrag",
        "reference_answer": "Nein.",
    }

    assert event_bytes(held) == len(json.dumps(written))


def test_room_is_made_for_longer_completions_than_the_files():
    assert event_bytes(rollout(), 1_000) - event_bytes(rollout()) == 4_000 - len('"fine"')
    assert event_bytes(rollout(completion="x" * 5_000), 1_000) == event_bytes(rollout(completion="x" * 5_000))


@given(sizes=st.lists(st.integers(1, 400_000), min_size=1, max_size=6))
def test_a_batch_of_the_largest_samples_is_within_lambdas_limit(sizes: list[int]):
    plan = size([rollout("x" * one) for one in sizes], planned(len(sizes), latency=None), target="smtj")

    assert 1 <= plan.lambda_batch_size <= 64
    assert plan.batch_bytes == plan.lambda_batch_size * plan.largest_bytes <= LIMIT


def test_long_documents_make_the_batch_smaller_and_short_ones_do_not():
    # 64,000 tokens, as in the published legal case.
    long = size([rollout("x" * 256_000)], planned(1), target="smtj")
    short = size([rollout()], planned(1), target="smtj")

    assert long.lambda_batch_size == 19
    assert short.lambda_batch_size == 64
    assert any("more than 19" in note for note in long.notes)


def test_a_sample_that_no_event_holds_is_named():
    with pytest.raises(DataError, match=r"rollout 'b' alone weighs 6\.7 MB"):
        size([rollout(), rollout("x" * 7_000_000, name="b")], planned(2), target="smtj")


def test_hyperpod_gets_one_sample_an_event():
    plan = size([rollout()], planned(1), target="hyperpod")

    assert (plan.lambda_batch_size, plan.lambda_concurrency) == (1, 64)
    assert any("sample by sample" in note for note in plan.notes)


def test_a_batch_that_takes_too_long_is_made_smaller_until_it_may_take_ten_times_as_long():
    slow = size([rollout()], planned(1, latency=50.0), target="smtj")

    # 64 samples would be 128 calls, two rounds of 50 s.
    assert (slow.lambda_batch_size, slow.batch_seconds, slow.timeout_s) == (32, 50.0, 540)


def test_the_quota_is_that_of_all_environments_that_are_busy_at_once():
    (quota,) = size([rollout()], planned(1), target="smtj").quotas

    # 64 samples of two calls, 64 of them at once, in 12 environments; 2 s a call; 100 in and 80 reserved out.
    assert quota.in_flight == 64 * 12
    assert quota.requests_per_minute == 64 * 12 * 30
    assert quota.tokens_per_minute == 64 * 12 * 30 * 180


def test_a_step_that_fits_into_one_event_keeps_one_environment_busy():
    (quota,) = size([rollout()], planned(1), target="smtj", per_step=64).quotas

    assert quota.in_flight == 64


def test_without_a_latency_there_is_no_quota_and_the_longest_timeout():
    plan = size([rollout()], planned(1, latency=None), target="smtj")

    assert plan.timeout_s == 900
    assert plan.batch_seconds is None
    assert [one.requests_per_minute for one in plan.quotas] == [None]
    assert any("--latency" in note for note in plan.notes)


def test_the_command_prints_what_to_deploy_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "reward.yaml").write_text(
        "name: plain\nobjective: Judge.\ninputs: {Document: contract}\n"
        'judge: {model: "bedrock:judge", criteria: [{id: good, ask: "Is it good?"}]}\n'
    )
    row = {"id": "a", "prompt": "p", "completion": "fine", "contract": "x" * 256_000}
    (tmp_path / "rollouts.jsonl").write_text(json.dumps(row))
    files = [str(tmp_path / "reward.yaml"), str(tmp_path / "rollouts.jsonl")]

    assert run(["plan", *files, "--lambda", "--latency", "2"]) == 0
    told = capsys.readouterr().out
    assert "lambda_batch_size 19, lambda_concurrency_limit 12" in told
    assert (
        "dikast aws deploy --parameter MemorySize=1024 --parameter Timeout=60 --parameter ReservedConcurrency=12"
        in told
    )

    assert run(["plan", *files, "--lambda", "--latency", "2", "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out)
    assert found["lambda"]["lambda_batch_size"] == 19
    assert found["file"]["rollouts"] == 1
