"""The rubric judge: scores candidates against criteria, with one model.

Three ways to ask, by what the model can do. With log-probabilities each criterion is one question and
the verdict is P(yes), or of a scale the expected level. A decision model answers all criteria about all
candidates in one request, with probabilities. Any other is asked for all of them as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from dikast.errors import ConfigError
from dikast.judges.again import asked_again
from dikast.judges.ask import Asker
from dikast.judges.base import Verdicts
from dikast.judges.decide import decisions_request, read_decisions
from dikast.judges.fence import shown
from dikast.judges.merge import merged
from dikast.judges.priming import primed
from dikast.judges.read import read_level, read_structured, read_yes_no
from dikast.judges.render import Case, cases_text, structured_system, yes_no_messages
from dikast.models.base import Capabilities, Form, Reply, Request
from dikast.records import Message, Missing, Usage, Verdict
from dikast.spec.judge import Criterion
from dikast.tasks import side_by_side

TOP_LOGPROBS = 20
"""Alternatives asked for: what llama.cpp and the OpenAI-compatible servers give at the most."""
TOKENS_PER_VERDICT = 160
"""Room for one quote, one reason and the answer."""

MOST_ASKED_OF_ALL = 64
"""Sets of questions that are remembered, each written once."""

_ASK_ONCE_MORE = frozenset({"unparsable", "bad_evidence", "truncated"})


class AskedOfAll(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same in the questions about every rollout."""

    criteria: Sequence[Criterion]
    """Held here, so that no other criteria come to have their identity."""
    system: Message
    form: Form
    quoted: frozenset[str]
    """Inputs from which a criterion wants a quote."""


class RubricJudge(msgspec.Struct, frozen=True, kw_only=True):
    """An objective, put to one model."""

    asker: Asker
    objective: str
    max_criteria_per_call: int | None = None
    samples: int = 1
    temperature: float = 0.0
    wording: str | None = None
    """Of the texts around the questions: one of `render.WORDINGS`, None for the one that rewards are scored with."""
    asked: dict[tuple[int, int], AskedOfAll] = {}
    """By the criteria's identity, which is looked up faster than what they say, and the number of cases."""

    @property
    def name(self) -> str:
        """The model."""
        return self.asker.name

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint."""
        return self.asker.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        return self.asker.capabilities

    def judge(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], *, repeat: int = 0, until: float | None = None
    ) -> Coroutine[Any, Any, tuple[list[Verdicts], Usage]]:
        """Gives a verdict, or what is missing, for each criterion by its id, for each case in order."""
        if not cases or not criteria:
            return _nothing_asked(cases)
        if self.samples != 1:
            return self._sampled(cases, criteria, repeat * self.samples, until)
        return self._once(cases, criteria, repeat, until)

    async def close(self) -> None:
        """Lets go of the model."""
        await self.asker.close()

    async def _sampled(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], first: int, until: float | None
    ) -> tuple[list[Verdicts], Usage]:
        drawn = await side_by_side(
            self._once(cases, criteria, number, until) for number in range(first, first + self.samples)
        )
        usage = Usage()
        for _, cost in drawn:
            usage += cost
        means = [
            {c.id: _mean([verdicts[at][c.id] for verdicts, _ in drawn]) for c in criteria} for at in range(len(cases))
        ]
        return means, usage

    def _once(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], repeat: int, until: float | None
    ) -> Coroutine[Any, Any, tuple[list[Verdicts], Usage]]:
        can = self.asker.model.capabilities
        if can.logprobs:
            return self._one_by_one(cases, criteria, repeat, until)
        together = self._decisions if can.decisions else self._all_at_once
        if self.max_criteria_per_call is not None:
            return self._in_chunks(together, cases, criteria, self.max_criteria_per_call, repeat, until)
        return together(cases, criteria, repeat, until)

    async def _in_chunks(
        self,
        together: Callable[..., Coroutine[Any, Any, tuple[list[Verdicts], Usage]]],
        cases: Sequence[Case],
        criteria: Sequence[Criterion],
        size: int,
        repeat: int,
        until: float | None,
    ) -> tuple[list[Verdicts], Usage]:
        verdicts: list[Verdicts] = [{} for _ in cases]
        usage = Usage()
        for some in (criteria[start : start + size] for start in range(0, len(criteria), size)):
            said, cost = await together(cases, some, repeat, until)
            usage += cost
            for all_of_case, of_case in zip(verdicts, said, strict=True):
                all_of_case.update(of_case)
        return verdicts, usage

    async def _one_by_one(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], repeat: int, until: float | None
    ) -> tuple[list[Verdicts], Usage]:
        asked = [(at, criterion) for at in range(len(cases)) for criterion in criteria]
        work = [partial(self._one_question, cases[at], criterion, repeat, until) for at, criterion in asked]
        if self.capabilities.concurrency == 1:
            said = [await one() for one in work]
        else:
            said = await primed(work, prefix=_shared(cases))
        usage = Usage()
        judged: list[Verdicts] = [{} for _ in cases]
        for (at, criterion), (verdict, cost) in zip(asked, said, strict=True):
            judged[at][criterion.id] = verdict
            usage += cost
        return judged, usage

    async def _one_question(
        self, case: Case, criterion: Criterion, repeat: int, until: float | None
    ) -> tuple[Verdict | Missing, Usage]:
        request = one_question(self.objective, case, criterion, temperature=self.temperature, wording=self.wording)
        outcome, cost = await self.asker.ask(request, repeat=repeat, until=until)
        return _read_question(outcome, criterion), cost

    async def _decisions(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], repeat: int, until: float | None
    ) -> tuple[list[Verdicts], Usage]:
        request = decisions_request(self.objective, cases, criteria, self.wording)
        outcome, usage = await self.asker.ask(request, repeat=repeat, until=until)
        if isinstance(outcome, Missing):
            return _all_missing(outcome, cases, criteria), usage
        return read_decisions(outcome, criteria, cases=len(cases)), usage

    async def _all_at_once(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], repeat: int, until: float | None
    ) -> tuple[list[Verdicts], Usage]:
        asked = self.asked.get((id(criteria), len(cases))) or self._asked_of_all(criteria, len(cases))
        request = Request(
            messages=(asked.system, Message(role="user", content=cases_text(cases))),
            max_tokens=TOKENS_PER_VERDICT * len(criteria) * len(cases) + 64,
            temperature=self.temperature,
            form=asked.form,
        )
        outcome, usage = await self.asker.ask(request, repeat=repeat, until=until)
        if isinstance(outcome, Missing):
            return _all_missing(outcome, cases, criteria), usage
        sources = _quotable(cases[0], asked.quoted) if asked.quoted else {}
        seen = request.messages[-1].content
        verdicts = read_structured(outcome, criteria, sources, cases=len(cases), seen=seen)
        if not _any_once_more(verdicts):
            return verdicts, usage
        second, cost = await self.asker.ask(
            asked_again(request, outcome, "; ".join(_problems(verdicts))), repeat=repeat, until=until
        )
        if isinstance(second, Reply):
            _mended(verdicts, read_structured(second, criteria, sources, cases=len(cases), seen=seen))
        return verdicts, usage + cost

    def _asked_of_all(self, criteria: Sequence[Criterion], cases: int) -> AskedOfAll:
        reason = self.capabilities.reason
        if len(self.asked) >= MOST_ASKED_OF_ALL:
            self.asked.clear()
        asked = self.asked[id(criteria), cases] = AskedOfAll(
            criteria=criteria,
            system=structured_system(self.objective, criteria, reason=reason, cases=cases, wording=self.wording),
            form=Form(verdicts_schema(criteria, reason=reason, cases=cases)),
            quoted=frozenset(criterion.evidence for criterion in criteria if criterion.evidence),
        )
        return asked


def one_question(
    objective: str, case: Case, criterion: Criterion, *, temperature: float = 0.0, wording: str | None = None
) -> Request:
    """The request for one criterion whose verdict is read from log-probabilities."""
    return Request(
        messages=yes_no_messages(objective, case, criterion, wording),
        max_tokens=1,
        temperature=temperature,
        top_logprobs=TOP_LOGPROBS,
    )


def verdicts_schema(criteria: Sequence[Criterion], *, reason: bool, cases: int = 1) -> dict[str, object]:
    """JSON Schema of a structured reply: evidence, then reason, then the answer, for every criterion of every case."""
    verdicts: dict[str, object] = {}
    for criterion in criteria:
        fields: dict[str, object] = {"evidence": {"type": "string"}} if criterion.evidence else {}
        if reason:
            fields["reason"] = {"type": "string"}
        fields["answer"] = _answer_schema(criterion)
        verdicts[criterion.id] = _closed_object(fields)
    one = _closed_object({"verdicts": _closed_object(verdicts)})
    if cases == 1:
        return one
    return _closed_object({"candidates": _closed_object({str(at): one for at in range(1, cases + 1)})})


def _answer_schema(criterion: Criterion) -> dict[str, object]:
    not_applicable = ["n/a"] if criterion.na else []
    if criterion.scale is None:
        return {"type": "string", "enum": ["yes", "no", *not_applicable]}
    # An enum and not a range: strict servers refuse minimum and maximum.
    levels = list(range(criterion.scale[0], criterion.scale[1] + 1))
    return {"enum": [*levels, *not_applicable]} if not_applicable else {"type": "integer", "enum": levels}


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


async def _nothing_asked(cases: Sequence[Case]) -> tuple[list[Verdicts], Usage]:
    return [{} for _ in cases], Usage()


def _read_question(outcome: Reply | Missing, criterion: Criterion) -> Verdict | Missing:
    if isinstance(outcome, Missing):
        return outcome
    return read_yes_no(outcome) if criterion.scale is None else read_level(outcome, criterion.scale)


def _all_missing(missing: Missing, cases: Sequence[Case], criteria: Sequence[Criterion]) -> list[Verdicts]:
    return [dict.fromkeys((c.id for c in criteria), missing) for _ in cases]


def _quotable(case: Case, wanted: frozenset[str]) -> dict[str, str]:
    """The documents from which a criterion wants a quote, as the judge is shown them: it can quote nothing else."""
    return {name: shown(text) for name, text in case.documents if name in wanted}


def _mended(verdicts: Sequence[Verdicts], better: Sequence[Verdicts]) -> None:
    """Puts the second answer in the place of what the first left unread."""
    for said, again in zip(verdicts, better, strict=True):
        said.update({name: again[name] for name, verdict in said.items() if _once_more(verdict)})


def _problems(verdicts: Sequence[Verdicts]) -> Iterator[str]:
    unfounded = _named(verdicts, "bad_evidence")
    unread = _named(verdicts, "unparsable")
    if unfounded:
        yield f"the evidence is not a verbatim quote from its source for {unfounded} (quote exactly, or answer no)"
    if unread:
        yield f"no answer in the form asked for can be read for {unread}"


def _named(verdicts: Sequence[Verdicts], reason: str) -> str:
    """The criteria that are missing for a reason, with the candidate's number where there are several."""
    alone = len(verdicts) == 1
    return ", ".join(
        name if alone else f"{name} of candidate {at}"
        for at, said in enumerate(verdicts, start=1)
        for name, verdict in said.items()
        if isinstance(verdict, Missing) and verdict.reason == reason
    )


def _once_more(verdict: Verdict | Missing) -> bool:
    return isinstance(verdict, Missing) and verdict.reason in _ASK_ONCE_MORE


def _any_once_more(verdicts: Sequence[Verdicts]) -> bool:
    for said in verdicts:
        for verdict in said.values():
            if _once_more(verdict):
                return True
    return False


def _mean(drawn: Sequence[Verdict | Missing]) -> Verdict | Missing:
    together = merged(drawn, "mean")
    return msgspec.structs.replace(together, votes=None) if isinstance(together, Verdict) else together


def _shared(cases: Sequence[Case]) -> int:
    """Characters with which all questions about the cases begin: the documents, and of one case its candidate."""
    documents = sum(len(text) for _, text in cases[0].documents)
    return documents + (len(cases[0].candidate) if len(cases) == 1 else 0)
