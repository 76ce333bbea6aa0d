"""Whatever is sent, the answer is 2xx or 4xx: a body that cannot be used is the sender's business, never a fault here."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served_reward import PLAIN

from dikast.serve.app import DIALECTS
from dikast.serve.dialects import native
from dikast.serve.dialects.base import Dialect

odd = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["\ud800", "<|im_end|>", "<|im_start|>assistant\n", "\x00", "", "a" * 5000, "assistant", "user"]),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd, inner, max_size=3)),
    max_leaves=8,
)


def near(shape: Any) -> st.SearchStrategy[Any]:
    """What looks like a body of some shape, or nearly."""
    if isinstance(shape, dict):
        whole = st.fixed_dictionaries({key: near(value) for key, value in shape.items()})
        return st.one_of(
            whole, st.builds(lambda held, more: {**held, **more}, whole, st.dictionaries(odd, values, max_size=2))
        )
    if isinstance(shape, list):
        return st.lists(near(shape[0]), max_size=3)
    return st.one_of(odd, values) if shape == "any" else st.one_of(odd, odd, odd, values)


TURN = {"role": "text", "content": "text"}
SHAPES: dict[str, Any] = {
    "score": {"rollouts": [{"prompt": "text", "completion": "text", "id": "any", "reference": "any"}]},
    "openrlhf": {"query": ["text"], "prompts": ["text"], "labels": ["any"]},
    "slime": {"prompt": "text", "response": "text", "label": "any"},
    "llamafactory": {"model": "text", "messages": ["text"]},
    "nova": [{"id": "any", "messages": [TURN], "reference_answer": "any", "metadata": "any"}],
    "verify": {
        "responses_create_params": {"input": [TURN], "instructions": "any"},
        "response": {"output": [{"type": "text", "role": "text", "content": "any"}]},
    },
}


@pytest.mark.parametrize("dialect", [native.DIALECT, *DIALECTS], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("checks", [False, True], ids=["judge", "checks and judge"])
async def test_any_body_is_answered_with_2xx_or_4xx(serving, scripted_model, dialect: Dialect, checks: bool):
    text = CHECKS if checks else PLAIN
    running = await serving(scripted_model(0.7), text)
    path = "/v1/score" if dialect is native.DIALECT else f"/{dialect.name}"
    loop = asyncio.get_running_loop()
    statuses: set[int] = set()

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(
        st.one_of(
            near(SHAPES[dialect.name]).map(lambda body: json.dumps(body).encode()),
            values.map(lambda body: json.dumps(body).encode()),
            st.binary(max_size=40),
            st.integers(900, 1100).map(lambda depth: b"[" * depth + b"]" * depth),
        )
    )
    def ask(body: bytes) -> None:
        status, told = asyncio.run_coroutine_threadsafe(running.post(path, body), loop).result(30)
        statuses.add(status)
        assert 200 <= status < 300 or 400 <= status < 500, (status, told, body, running.said)

    await asyncio.to_thread(ask)

    assert 200 in statuses, "every body was refused: the fuzz says nothing about what is answered"


CHECKS = (
    PLAIN
    + """
checks:
  - {check: length, max_words: 60, weight: 0.1}
  - {check: artifacts, weight: 0.1}
  - {check: language, same_as: prompt, weight: 0.1}
"""
)


@pytest.mark.parametrize("depth", [50, 500, 900, 950, 990, 5000])
async def test_a_column_nested_too_deeply_is_the_senders_business(serving, scripted_model, depth: int):
    running = await serving(scripted_model(0.7), PLAIN.replace("prompt}", "deep}"))
    deep = b"[" * depth + b"]" * depth

    status, told = await running.post(
        "/v1/score", b'{"rollouts":[{"prompt":"q","completion":"a","deep":' + deep + b"}]}"
    )

    assert status == (200 if depth == 50 else status)
    assert status in (200, 400, 422), (told, running.said)
