"""A Bedrock on this machine that judges by a hash: always the same, and worth nothing.

    with scripted_judge() as environment:
        ...                                    # whoever starts with these variables asks it

It shows that a function works, without an account. A criterion that wants evidence is answered with no, which needs none.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dikast.aws.verify.event_stream import CONTENT_TYPE, PATH, events_of

_CANDIDATE = re.compile(r"<([0-9a-f]{16})>\n(.*?)\n</\1>", re.DOTALL)


@contextmanager
def scripted_judge() -> Generator[dict[str, str]]:
    """Runs the judge; gives the environment variables that lead to it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Converse) as server:
        thread = threading.Thread(target=server.serve_forever, name="dikast-scripted-judge", daemon=True)
        thread.start()
        try:
            yield {
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{server.server_port}",
                "AWS_ACCESS_KEY_ID": "scripted",
                "AWS_SECRET_ACCESS_KEY": "scripted",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            server.shutdown()
            thread.join()


def answer_to(request: dict[str, Any]) -> dict[str, Any]:
    """Converse's answer to a request, in the form that it asks for."""
    text = "\n".join(block.get("text", "") for turn in request["messages"] for block in turn["content"])
    candidates = [found[2] for found in _CANDIDATE.finditer(text)]
    said = _value(_schema_of(request), candidates[-1] if candidates else text)
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": json.dumps(said)}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": len(text) // 4, "outputTokens": 20, "totalTokens": len(text) // 4 + 20},
        "metrics": {"latencyMs": 1},
    }


def _schema_of(request: dict[str, Any]) -> dict[str, Any]:
    if form := request.get("outputConfig"):
        return json.loads(form["textFormat"]["structure"]["jsonSchema"]["schema"])
    return {"type": "string"}


def _value(schema: dict[str, Any], seed: str) -> Any:
    """A value that the schema allows, which the seed decides."""
    if choices := schema.get("enum"):
        return choices[_draw(seed) % len(choices)]
    if schema.get("type") == "object":
        fields: dict[str, Any] = schema["properties"]
        if "evidence" in fields and "no" in fields["answer"].get("enum", ()):
            fields = {**fields, "answer": {"enum": ["no"]}}
        return {name: _value(field, f"{seed}\n{name}") for name, field in fields.items()}
    if schema.get("type") == "array":
        return sorted(schema["items"].get("enum", []), key=lambda one: _draw(f"{seed}\n{one}"))
    return "scripted"


def _draw(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()[:4], "big")


class _Converse(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer, streams = answer_to(request), self.path.endswith(PATH)
        body = b"".join(events_of(answer)) if streams else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE if streams else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
