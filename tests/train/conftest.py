"""A tiny policy with random weights, and a judge for it, that the tests of this folder share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.records import Message, Rollout

TEXTS = [
    "The Supplier pays every invoice within thirty days of receipt.",
    "Either party may end this agreement with ninety days of notice.",
    "The Customer keeps all confidential information secret for five years.",
    "Liability is limited to the fees that were paid in the last year.",
]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny matrices gain nothing from more threads, and a busy machine loses much."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    from dikast.train.tiny import make_tokenizer

    made = make_tokenizer(TEXTS * 3)
    made.padding_side = "left"
    return made


@pytest.fixture
def model(tokenizer: Any) -> Any:
    """Random weights, large ones: what it says depends on every token and on its place."""
    import torch

    from dikast.train.tiny import make_model

    torch.manual_seed(0)
    made = make_model(len(tokenizer), tokenizer)
    with torch.no_grad():
        for weights in made.model.layers.parameters():
            if weights.dim() == 2:
                weights.mul_(6)
    return made.eval()


@pytest.fixture
def rows() -> list[Rollout]:
    """Four prompts of different length, as chats, with references."""
    return [
        Rollout(
            id=f"row-{at}",
            group=f"g{at}",
            prompt=(Message(role="user", content=text[: 20 + 10 * at]),),
            completion="",
            reference=text[-20:],
            columns={"contract": text},
        )
        for at, text in enumerate(TEXTS)
    ]


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Settings of TRL's trainers for a CPU that leave nothing outside the test's folder."""

    def make(**changes: Any) -> dict[str, Any]:
        plain = {
            "output_dir": str(tmp_path / "work"),
            "per_device_train_batch_size": 4,
            "num_generations": 4,
            "max_completion_length": 8,
            "max_steps": 2,
            "learning_rate": 1e-4,
            "temperature": 1.0,
            "beta": 0.0,
            "logging_steps": 1,
            "save_strategy": "no",
            "report_to": [],
            "use_cpu": True,
            "bf16": False,
            "activation_checkpointing": False,
            "disable_tqdm": True,
            "seed": 0,
        }
        return plain | changes

    return make


os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture
def whole_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is rounded to bfloat16, whatever the CPU can: for tests that compare number by number."""
    monkeypatch.setattr("dikast.train.policy.has_bfloat16", lambda: False)
