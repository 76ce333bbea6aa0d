"""Asks a model file in this process, through llama.cpp.

    model = LocalModel("local:qwen", path, fingerprint=known_sum(path))
    reply = await model.reply(request)          # loads at the first request
    await model.close()                         # frees the memory; a later request loads anew

The model's own chat template applies. One thread asks, strictly in order, so a question whose prompt
starts like the one before it is answered from the prefix cache. The threads of llama.cpp sleep while
they wait: spinning ones would take the cores from a trainer.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from dikast.errors import ModelError, UnavailableError
from dikast.models.base import Capabilities, Reply, Request
from dikast.models.wire import body_of, read_answer

CONTEXT = 4096
"""Tokens of prompt and reply together."""

_BATCH = 512
_WAIT_POLICY = "OMP_WAIT_POLICY"

# llama.cpp reads the special tokens of a chat template wherever they stand, so a candidate that writes one
# would end its turn and speak for the model.
_SPECIAL = re.compile(r"<(?=\|)|(?<=\|)>")


class LocalModel:
    """One model file, loaded when it is first asked."""

    def __init__(
        self, name: str, path: Path, *, fingerprint: str, threads: int | None = None, context: int = CONTEXT
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.capabilities = Capabilities(logprobs=True, concurrency=1)
        self._path = path
        self._threads = threads or os.cpu_count() or 1
        self._context = context
        self._thread: ThreadPoolExecutor | None = None
        self._server: Any = None

    async def reply(self, request: Request) -> Reply:
        """Answers. Raises `ModelError`, or `UnavailableError` where the file cannot be loaded."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dikast-local-model")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, request)

    async def close(self) -> None:
        """Frees the model's memory, after the answer that is under way."""
        if (thread := self._thread) is None:
            return
        self._thread = None
        await asyncio.get_running_loop().run_in_executor(thread, self._unload)
        thread.shutdown(wait=False)

    def _answer(self, request: Request) -> Reply:
        if self._server is None:
            self._server = self._load()
        started = time.monotonic()
        try:
            # llama.cpp takes plain values.
            body = msgspec.json.decode(msgspec.json.encode(body_of(_defused(request))))
            answer = self._server.handle_chat_completions(body | {"cache_prompt": True})
        except (ValueError, RuntimeError, IndexError) as error:
            raise ModelError("rejected", f"llama.cpp refuses the request ({error})") from error
        if "error" in answer:
            raise _failure(answer["error"])
        return read_answer(answer, time.monotonic() - started)

    def _load(self) -> Any:
        llama = _llama()
        try:
            return llama.Server(self._parameters(llama.CommonParams()))
        except RuntimeError as error:
            raise UnavailableError(
                f"{self._path}: llama.cpp cannot load it ({error}); it is no GGUF file, or memory is short"
            ) from error

    def _parameters(self, parameters: Any) -> Any:
        parameters.model.path = str(self._path)
        parameters.n_ctx = self._context
        parameters.n_parallel = 1
        parameters.n_batch = parameters.n_ubatch = _BATCH
        for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
            cpu.n_threads = self._threads
            cpu.poll = 0
        # Old prompts would be kept in memory, up to gigabytes; the one before is in the context anyway.
        parameters.cache_ram_mib = 0
        parameters.verbosity = 0
        # llama.cpp also listens on a loopback port. Nobody is told the key, so nobody else asks there.
        parameters.api_keys = [secrets.token_hex(32)]
        parameters.ui = parameters.endpoint_slots = False
        return parameters

    def _unload(self) -> None:
        self._server = None


def _llama() -> Any:
    """Imports llama.cpp with threads that sleep while they wait for each other.

    GNU OpenMP reads the policy once, when it is loaded, and would have them spin: where another process
    wants a core, a question then takes many times as long.
    """
    chosen = os.environ.get(_WAIT_POLICY)
    os.environ[_WAIT_POLICY] = chosen or "PASSIVE"
    try:
        import xllamacpp  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise UnavailableError("local models need xllamacpp; install it: pip install 'dikast[local]'") from error
    finally:
        # A trainer in this process, and every process it starts, waits as it likes.
        if chosen is None:
            del os.environ[_WAIT_POLICY]
    return xllamacpp


def _defused(request: Request) -> Request:
    """Breaks up what could be a special token of a chat template: `<|` and `|>` get a space inside."""
    messages = tuple(msgspec.structs.replace(m, content=_apart(m.content)) for m in request.messages)
    return msgspec.structs.replace(request, messages=messages)


def _apart(text: str) -> str:
    return _SPECIAL.sub(lambda found: "< " if found[0] == "<" else " >", text)


def _failure(error: dict[str, Any]) -> ModelError:
    reason = "rejected" if 400 <= error["code"] < 500 else "transport"
    return ModelError(reason, f"llama.cpp answered {error['code']}: {error['message']}")
