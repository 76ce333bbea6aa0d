"""The rubric judge: scores one candidate against criteria.

Two ways to ask, by what the model can do. With log-probabilities each criterion is one yes/no
question and the verdict is P(yes). Otherwise all criteria go in one request and come back as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dikast.errors import ConfigError
from dikast.judges.ask import Asker
from dikast.judges.fence import shown
from dikast.judges.read import read_structured, read_yes_no
from dikast.judges.render import Case, fill, structured_messages, yes_no_messages
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Message, Missing, Usage, Verdict
from dikast.spec.reward import Criterion

TOP_LOGPROBS = 20
"""Alternatives asked for: what llama.cpp and the OpenAI-compatible servers give at the most."""
TOKENS_PER_VERDICT = 160
"""Room for one quote, one reason and the answer."""

Verdicts = dict[str, Verdict | Missing]


class RubricJudge(msgspec.Struct, frozen=True):
    """An objective and criteria, put to one model."""

    asker: Asker
    objective: str
    criteria: tuple[Criterion, ...]

    async def judge(self, case: Case, *, repeat: int = 0) -> tuple[Verdicts, Usage]:
        """Gives a verdict, or what is missing, for each criterion by its id."""
        if self.asker.model.capabilities.logprobs:
            return await self._one_by_one(case, repeat)
        return await self._all_at_once(case, repeat)

    async def _one_by_one(self, case: Case, repeat: int) -> tuple[Verdicts, Usage]:
        verdicts: Verdicts = {}
        usage = Usage()
        for criterion in self.criteria:
            request = yes_no_request(self.objective, case, criterion)
            outcome, cost = await self.asker.ask(request, repeat=repeat)
            verdicts[criterion.id] = read_yes_no(outcome) if isinstance(outcome, Reply) else outcome
            usage += cost
        return verdicts, usage

    async def _all_at_once(self, case: Case, repeat: int) -> tuple[Verdicts, Usage]:
        # The judge can quote only what it is shown.
        sources = {name: shown(text) for name, text in case.documents}
        reason = self.asker.model.capabilities.reason
        messages = structured_messages(self.objective, case, self.criteria, reason=reason)
        outcome, usage = await self.asker.ask(self._structured_request(messages), repeat=repeat)
        if isinstance(outcome, Missing):
            return {c.id: outcome for c in self.criteria}, usage
        verdicts = read_structured(outcome, self.criteria, sources)
        unfounded = [i for i, v in verdicts.items() if isinstance(v, Missing) and v.reason == "bad_evidence"]
        if not unfounded:
            return verdicts, usage
        # A yes without its quote is asked once more; a second miss leaves the verdict missing.
        messages += (
            Message(role="assistant", content=outcome.text),
            Message(role="user", content=fill("reask_evidence", {"ids": ", ".join(unfounded)})),
        )
        second, cost = await self.asker.ask(self._structured_request(messages), repeat=repeat)
        if isinstance(second, Reply):
            again = read_structured(second, self.criteria, sources)
            verdicts |= {i: again[i] for i in unfounded}
        return verdicts, usage + cost

    def _structured_request(self, messages: Sequence[Message]) -> Request:
        return Request(
            messages=tuple(messages),
            max_tokens=TOKENS_PER_VERDICT * len(self.criteria) + 64,
            schema=verdicts_schema(self.criteria, reason=self.asker.model.capabilities.reason),
        )


def yes_no_request(objective: str, case: Case, criterion: Criterion) -> Request:
    """The request for one criterion whose verdict is read from log-probabilities."""
    return Request(messages=yes_no_messages(objective, case, criterion), max_tokens=1, top_logprobs=TOP_LOGPROBS)


def verdicts_schema(criteria: Sequence[Criterion], *, reason: bool) -> dict[str, object]:
    """JSON Schema of a structured reply: evidence, then reason, then the answer, for every criterion."""
    verdicts: dict[str, object] = {}
    for criterion in criteria:
        fields: dict[str, object] = {"evidence": {"type": "string"}} if criterion.evidence else {}
        if reason:
            fields["reason"] = {"type": "string"}
        fields["answer"] = {"type": "string", "enum": ["yes", "no", "n/a"] if criterion.na else ["yes", "no"]}
        verdicts[criterion.id] = _closed_object(fields)
    return _closed_object({"verdicts": _closed_object(verdicts)})


def _closed_object(fields: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def check_fits(criteria: Sequence[Criterion], model: str, can: Capabilities) -> None:
    """Raises `ConfigError` where a criterion asks for what the model cannot do."""
    for criterion in criteria:
        if criterion.evidence and (can.logprobs or not can.quote):
            raise ConfigError(
                f"judge.criteria ({criterion.id}): evidence needs a model that can quote, and {model} cannot; "
                "remove it, and let a 'quote' check test the candidate's own quotes"
            )
        if criterion.na and (can.logprobs or not can.na):
            raise ConfigError(f"judge.criteria ({criterion.id}): {model} cannot answer n/a; remove 'na: true'")
