"""Supervised fine-tuning: what is learnt from, and which step of the long run is kept."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import DataError
from dikast.records import Rollout
from dikast.spec.run import SftSpec
from dikast.train.generate import prompt_text
from dikast.train.sft import examples_of, run_sft, run_sft_long

SPEC = SftSpec(examples=4, steps=3, batch_size=2, learning_rate=1e-3, long_valid_every=2, long_patience=2)


def plain(count: int) -> list[Rollout]:
    return [Rollout(id=str(at), group="g", prompt="p", completion="") for at in range(count)]


def loss_of(model: Any, tokenizer: Any, rows: list[Rollout]) -> float:
    """Mean loss over the tokens of the references, end token included."""
    losses = []
    for row in rows:
        prompt = tokenizer.encode(prompt_text(tokenizer, row.prompt), add_special_tokens=False)
        answer = tokenizer.encode(f"{row.reference}<|im_end|>\n", add_special_tokens=False)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(answer), reduction="none"))
    return float(torch.cat(losses).mean())


@given(st.integers(1, 60), st.integers(1, 60))
def test_examples_are_spread_over_the_file_and_stand_in_its_order(rows: int, count: int):
    chosen = [int(row.id) for row in examples_of(plain(rows), count)]

    assert len(chosen) == min(rows, count)
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    gaps = [after - before for before, after in zip(chosen, [*chosen[1:], rows], strict=True)]
    assert max(gaps) - min(gaps) <= 1


def test_an_empty_file_teaches_nothing_and_is_told():
    with pytest.raises(DataError, match="the training file has no rows"):
        examples_of([], 4)


def test_it_learns_the_references(model: Any, tokenizer: Any, rows: list[Rollout], tmp_path: Path):
    before = loss_of(model, tokenizer, rows)
    logged: list[dict[str, Any]] = []
    spec = msgspec.structs.replace(SPEC, steps=8)

    outcome = run_sft(model, tokenizer, rows, spec, seed=0, work=tmp_path, log=logged.append)

    assert loss_of(model.eval(), tokenizer, rows) < before - 0.5
    assert (outcome.steps, outcome.best_step) == (8, None)
    assert [row["step"] for row in logged if "loss" in row] == list(range(1, 9))
    assert outcome.seconds > 0


@pytest.mark.usefixtures("whole_precision")
def test_the_loss_is_the_mean_over_the_tokens_of_the_references(
    model: Any, tokenizer: Any, rows: list[Rollout], tmp_path: Path
):
    expected = loss_of(model, tokenizer, rows)
    logged: list[dict[str, Any]] = []
    spec = msgspec.structs.replace(SPEC, steps=1, batch_size=len(rows))

    run_sft(model, tokenizer, rows, spec, seed=0, work=tmp_path, log=logged.append)

    assert logged[0]["loss"] == pytest.approx(expected, rel=1e-4)


def test_a_row_without_a_reference_is_told(model: Any, tokenizer: Any, rows: list[Rollout], tmp_path: Path):
    rows[2] = msgspec.structs.replace(rows[2], reference=None)

    with pytest.raises(DataError, match="row 'row-2' has no 'reference' to learn from"):
        run_sft(model, tokenizer, rows, SPEC, seed=0, work=tmp_path, log=lambda _row: None)


def test_the_long_run_stops_when_it_gets_no_better_and_keeps_its_best_step(
    model: Any, tokenizer: Any, rows: list[Rollout], tmp_path: Path
):
    logged: list[dict[str, Any]] = []
    wild = msgspec.structs.replace(SPEC, learning_rate=0.05)

    outcome = run_sft_long(
        model, tokenizer, rows[:2], rows[2:], wild, seconds=120, seed=0, work=tmp_path, log=logged.append
    )

    looks = {row["step"]: row["eval_loss"] for row in logged if "eval_loss" in row}
    assert outcome.best_valid_loss == min(looks.values())
    assert looks[outcome.best_step] == outcome.best_valid_loss
    assert outcome.steps == outcome.best_step + SPEC.long_valid_every * SPEC.long_patience
    assert loss_of(model.eval(), tokenizer, rows[2:]) == pytest.approx(outcome.best_valid_loss, abs=0.05)


def test_the_long_run_ends_with_its_time_after_a_last_look(
    model: Any, tokenizer: Any, rows: list[Rollout], tmp_path: Path
):
    patient = msgspec.structs.replace(SPEC, long_valid_every=1000)

    outcome = run_sft_long(
        model, tokenizer, rows[:2], rows[2:], patient, seconds=0, seed=0, work=tmp_path, log=lambda _row: None
    )

    assert (outcome.steps, outcome.best_step) == (1, 1)
    assert outcome.best_valid_loss is not None
