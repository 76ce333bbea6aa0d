"""Requests made up from our own OpenAPI document, by schemathesis where it is installed: none is a fault of the server's."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

schemathesis = pytest.importorskip("schemathesis")
from served_reward import PLAIN  # noqa: E402  after what may skip the file


async def test_no_request_that_the_document_allows_or_forbids_is_a_fault_of_the_server(serving, scripted_model):
    running = await serving(scripted_model(0.7), PLAIN)
    url = f"{running.url}/openapi.json"
    tried: set[str] = set()

    def ask_all() -> None:
        schema = schemathesis.openapi.from_url(url)
        for operation in schema.get_all_operations():
            found = operation.ok()
            tried.add(f"{found.method.upper()} {found.path}")

            @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=found.as_strategy())
            def ask(case):
                answer = case.call()
                assert answer.status_code < 500, answer.text

            ask()

    await asyncio.to_thread(ask_all)

    assert "POST /v1/score" in tried
    assert running.said == []
