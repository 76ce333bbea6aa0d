"""Takes a policy's words out of the marks that its tokenizer puts around them."""

from __future__ import annotations

import re

_ENDS = (
    r"<\|im_end\|>",
    r"<\|endoftext\|>",
    r"<\|end_of_text\|>",
    r"<\|eot_id\|>",
    r"<\|end\|>",
    r"<\|pad\|>",
    r"<end_of_turn>",
    r"<eos>",
    r"<pad>",
    r"</s>",
    "<\N{FULLWIDTH VERTICAL LINE}end▁of▁sentence\N{FULLWIDTH VERTICAL LINE}>",
)
_END = re.compile(rf"(?:(?:{'|'.join(_ENDS)})\s*)+\Z")
ANSWER_MARKS = (
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<start_of_turn>model\n",
    "<|assistant|>\n",
    "<\N{FULLWIDTH VERTICAL LINE}Assistant\N{FULLWIDTH VERTICAL LINE}>",
    "[/INST]",
    "### Response:\n",
    "\nAssistant:",
)
"""What stands between a prompt and its answer in the common chat templates."""


def without_end(text: str, end: str | None = None) -> str:
    """Gives a completion without the marks that end it: those of common tokenizers, and `end`."""
    # Looked for from where the last marks can begin, so that a long text costs no more than a short one.
    start = max(0, len(text) - 400)
    if end and (at := text.rfind(end, start)) >= 0 and not _END.sub("", text[at + len(end) :]).strip():
        text = text[:at]
    found = _END.search(text, start)
    return text if found is None else text[: found.start()]


def split_answer(text: str, mark: str | None) -> tuple[str, str] | None:
    """Cuts a whole conversation before the answer; None where no mark is in it.

    The first mark counts: everything behind it is the policy's, which could write a second one.
    """
    found = [(at, one) for one in ((mark,) if mark else ANSWER_MARKS) if (at := text.find(one)) >= 0]
    if not found:
        return None
    at, one = min(found)
    return text[: at + len(one)], text[at + len(one) :]
