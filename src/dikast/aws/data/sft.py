"""Rows of supervised fine-tuning in Bedrock's Converse form: what a row of ours becomes, and what is wrong with one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dikast.aws.data.rft import Row, messages_of
from dikast.records import Rollout

SCHEMA_VERSION = "bedrock-conversation-2024"
RESERVED = (
    "System:",
    "SYSTEM:",
    "User:",
    "USER:",
    "Bot:",
    "BOT:",
    "Assistant:",
    "ASSISTANT:",
    "Thought:",
    "[EOS]",
    "<image>",
    "<video>",
    "<unk>",
)
"""Words that the trainer's own template uses: a text that holds one is refused."""


def sft_row(rollout: Rollout) -> Row:
    """Makes a training row: the prompt's turns, and the reference as the answer."""
    turns = messages_of(rollout)
    system = [{"text": turn["content"]} for turn in turns if turn["role"] in ("system", "developer")]
    asked = [turn for turn in turns if turn["role"] not in ("system", "developer")]
    answer = {"role": "assistant", "content": rollout.reference or ""}
    return {
        "schemaVersion": SCHEMA_VERSION,
        **({"system": system} if system else {}),
        "messages": [
            {"role": turn["role"], "content": [{"text": turn["content"]}]}
            for turn in (*asked, answer)
        ],
    }  # fmt: skip


def sft_problems(row: Mapping[str, Any]) -> Iterator[str]:
    """Says what is wrong with a row."""
    if row.get("schemaVersion") != SCHEMA_VERSION:
        yield f"'schemaVersion' must be '{SCHEMA_VERSION}'"
    yield from _system_problems(row.get("system"))
    messages = row.get("messages")
    if not (isinstance(messages, list) and len(messages) >= 2 and all(isinstance(one, dict) for one in messages)):
        yield "'messages' must hold a message of the user's and the assistant's answer"
        return
    for at, message in enumerate(messages):
        wanted = "user" if at % 2 == 0 else "assistant"
        if message.get("role") != wanted:
            yield f"messages[{at}]: the role must be {wanted}: the two take turns, and the user begins"
        yield from (f"messages[{at}]: {problem}" for problem in _content_problems(message, role=wanted))
    if len(messages) % 2:
        yield "the last message must be the assistant's: it is what is learnt"
    yield from _call_problems(row, messages)


def _system_problems(system: Any) -> Iterator[str]:
    if system is None:
        return
    if not (
        isinstance(system, list) and all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in system)
    ):
        yield "'system' must be a list of {text: ...}"
        return
    for one in system:
        yield from (f"system: {problem}" for problem in _reserved(one["text"]))


def _content_problems(message: Mapping[str, Any], *, role: str) -> Iterator[str]:
    content = message.get("content")
    if not (isinstance(content, list) and content and all(isinstance(block, dict) and block for block in content)):
        yield "content must be a list of blocks such as {text: ...}"
        return
    texts = [block["text"] for block in content if isinstance(block.get("text"), str)]
    if texts and not "".join(texts).strip():
        yield "its text is blank"
    for text in texts:
        yield from _reserved(text)
    for key, whose in (("reasoningContent", "assistant"), ("toolUse", "assistant"), ("toolResult", "user")):
        if role != whose and any(key in block for block in content):
            yield f"only the {whose} may have '{key}'"
    for block in content:
        thought = block.get("reasoningContent")
        inner = thought.get("reasoningText") if isinstance(thought, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("text"), str):
            yield from _reserved(inner["text"])


def _reserved(text: str) -> Iterator[str]:
    yield from (
        f"the text holds '{word}', which the trainer reserves; write it otherwise" for word in RESERVED if word in text
    )


def _call_problems(row: Mapping[str, Any], messages: list[Mapping[str, Any]]) -> Iterator[str]:
    """What tools are called must be declared, every call has an id of its own, and an answer names one."""
    config = row.get("toolConfig")
    declared = [
        tool["toolSpec"].get("name")
        for tool in (config.get("tools") or [] if isinstance(config, dict) else [])
        if isinstance(tool, dict) and isinstance(tool.get("toolSpec"), dict)
    ]
    called: set[Any] = set()
    for at, message in enumerate(messages):
        for block in message.get("content") or []:
            if not isinstance(block, dict):
                continue
            if isinstance(use := block.get("toolUse"), dict):
                if use.get("name") not in declared:
                    yield f"messages[{at}]: the tool {json.dumps(use.get('name'))} is not in toolConfig"
                if use.get("toolUseId") in called:
                    yield f"messages[{at}]: the toolUseId {json.dumps(use.get('toolUseId'))} stands twice"
                called.add(use.get("toolUseId"))
            if isinstance(result := block.get("toolResult"), dict) and result.get("toolUseId") not in called:
                yield f"messages[{at}]: a toolResult names {json.dumps(result.get('toolUseId'))}, which nothing called before"
