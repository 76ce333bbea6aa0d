"""Plans what a reward would ask about rollouts, and what that takes, before anything is spent.

    planner = Planner.open(read_reward(path), journal)
    plan = planner.plan(rollouts)                  # calls, tokens, money, time
    planner.close()

The engine itself decides what is asked: it runs with models that answer out of thin air, in memory, and count.
No model is contacted, no key is needed, and the journal is only read.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from dikast.errors import DataError
from dikast.journal import Answered, Journal
from dikast.judges.recorded import RecordedJudge
from dikast.models.base import Capabilities, ModelClient
from dikast.models.opening import connection_of, describe_model
from dikast.models.prices import cost_of_tokens, price_of
from dikast.records import MissingReason, Rollout
from dikast.reward.assembly import Judges, member_of
from dikast.reward.blocking import run_blocking
from dikast.reward.engine import Progress
from dikast.reward.parts import Reading
from dikast.reward.reward import Reward
from dikast.reward.standing_in import Asked, StandIn, in_process
from dikast.spec.judge import JudgeSpec
from dikast.spec.models import Price
from dikast.spec.reward import RewardSpec

ANSWER_SHARE = 0.5
"""Of the tokens that a request allows, those that the answer is taken to have where no journal says better. Judgement."""

Source = Literal["journal", "assumed", "option"]


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """What so many rollouts take."""

    rollouts: int
    calls: int
    prompt_tokens: int
    cached_tokens: int
    """Of the prompt's tokens, those that the servers' prefix caches are expected to have."""
    completion_tokens: int
    usd: float | None
    """None where the price of a model that is called is not known."""
    seconds: float | None
    """None where nobody knows how long a model that is called takes."""


class ModelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one model is asked about the file, and what the estimate rests on."""

    model: str
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    usd: float | None
    seconds: float | None
    price: Price | None
    hint: str | None
    """What to do where the price is not known."""
    answer_share: float | None
    """Of the tokens that a request allows: those that the answer is taken to have. None where that is one token."""
    answer_share_from: Source | None
    latency: float | None
    """Seconds for one call."""
    latency_from: Source | None
    concurrency: int
    """Calls under way at once."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The whole."""

    reward: str
    reward_hash: str
    certificate_hash: str | None
    gated: int
    """Rollouts that a gate stops before the judge."""
    missing: dict[MissingReason, int]
    """Rollouts that get no score whatever the judge says: a check without an answer, nobody to compare with."""
    questions: int
    repeated: int
    """Questions equal to another one of the file; they cost nothing."""
    in_journal: int
    """Questions that the journal answers."""
    models: tuple[ModelPlan, ...]
    file: Amount
    step: Amount | None
    """As many rollouts as a step of training has, like those of the file but new: the journal answers none."""
    run: Amount | None
    notes: tuple[str, ...]
    """What the estimate rests on, and what it leaves out."""


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the same a run would ask."""

    steps: int
    per_step: int
    """Rollouts that are scored in a step."""


class _Ledger(Journal):
    """The user's journal for reading; what is made up is kept beside it, in memory, and never reaches the file."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        super().__init__(connection, path)
        self._made_up: dict[bytes, bytes] = {}
        self.looked = 0
        self.found: set[bytes] = set()

    def answer(self, key: bytes) -> bytes | None:
        self.looked += 1
        if (made_up := self._made_up.get(key)) is not None:
            return made_up
        if (kept := super().answer(key)) is not None:
            self.found.add(key)
        return kept

    def keep_soon(self, answered: Answered) -> None:
        self._made_up[answered.key] = answered.reply


class _Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a model's answers before it gives any."""

    price: Price | None
    share: float
    share_from: Source | None
    """None where an answer is one token."""
    latency: float | None
    latency_from: Source | None
    concurrency: int

    def usd(self, asked: Asked) -> float | None:
        if not asked.calls:
            return 0.0
        if self.price is None:
            return None
        return cost_of_tokens(
            self.price, prompt=asked.prompt_tokens, cached=asked.cached_tokens, completion=asked.completion_tokens
        )

    def seconds(self, asked: Asked) -> float | None:
        if not asked.calls:
            return 0.0
        # However many go at once, the last one takes as long as one.
        return None if self.latency is None else self.latency * max(1.0, asked.calls / self.concurrency)


class _Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over the rollouts found."""

    asked: tuple[Asked, ...]
    """By model, in the order of the panel."""
    questions: int
    in_journal: int
    gated: int
    missing: dict[MissingReason, int]


class Planner:
    """A reward whose models only stand in for the real ones."""

    def __init__(
        self,
        spec: RewardSpec,
        models: Sequence[ModelClient | RecordedJudge],
        *,
        fallback: ModelClient | None = None,
        journal: Path | None = None,
    ) -> None:
        """The models are never asked; their names, fingerprints and abilities count. The journal is only read."""
        self.spec = spec
        self.journal = journal
        self._ledger = _ledger(journal)
        self._models = tuple(models)
        try:
            self.judges = Judges(spec, self._models, self._ledger, fallback=fallback)
            """The real ones, never asked: a certificate is compared with them."""
        except BaseException:
            self._ledger.close()
            raise

    @classmethod
    def open(cls, spec: RewardSpec, journal: Path | None) -> Planner:
        """Describes the models that the reward names. Raises `UsageError` where a journal is named that is not there."""
        judge = spec.file.judge
        fallback = describe_model(judge.fallback.model, spec.folder) if judge.fallback else None
        models = [member_of(spec, name, describe_model) for name in judge.models]
        return cls(spec, models, fallback=fallback, journal=journal)

    def plan(
        self,
        rollouts: Sequence[Rollout],
        *,
        readings: Mapping[str, Reading] | None = None,
        certificate_hash: str | None = None,
        training: Training | None = None,
        latency: float | None = None,
        concurrency: int | None = None,
        progress: Progress | None = None,
    ) -> Plan:
        """Counts what would be asked. Raises what scoring the same rollouts would raise before it asks.

        `latency` counts where the journal does not know better, `concurrency` in place of what models.yaml allows.
        """
        if not rollouts:
            raise DataError("there are no rollouts to plan for; give at least one")
        rates = {
            model.name: self._rates(model.name, model.capabilities, latency=latency, concurrency=concurrency)
            for model in self._asked_models()
        }
        counted = self._count(rollouts, _ledger(self.journal), rates, readings, progress)
        step = run = None
        if training is not None:
            # A step's rollouts are new: what the journal knows of the file's spares a run nothing.
            fresh = counted if not counted.in_journal else self._count(rollouts, _ledger(None), rates, readings, None)
            step, run = _training(fresh.asked, rates, training, len(rollouts))
        return Plan(
            reward=self.spec.file.name,
            reward_hash=self.spec.hash,
            certificate_hash=certificate_hash,
            gated=counted.gated,
            missing=counted.missing,
            questions=counted.questions,
            repeated=counted.questions - counted.in_journal - sum(asked.requests for asked in counted.asked),
            in_journal=counted.in_journal,
            models=tuple(_model_plan(asked, rates[asked.model]) for asked in counted.asked),
            file=_amount(counted.asked, rates, len(rollouts)),
            step=step,
            run=run,
            notes=tuple(_notes(self.spec.file.judge, self._asked_models(), training)),
        )

    def close(self) -> None:
        """Lets go of the journal and of whatever the models hold."""
        run_blocking(self.judges.close())
        self._ledger.close()

    def _asked_models(self) -> list[ModelClient]:
        return [model for model in self._models if not isinstance(model, RecordedJudge)]

    def _count(
        self,
        rollouts: Sequence[Rollout],
        ledger: _Ledger,
        rates: Mapping[str, _Rates],
        readings: Mapping[str, Reading] | None,
        progress: Progress | None,
    ) -> _Counted:
        members = [
            model if isinstance(model, RecordedJudge) else StandIn(model, share=rates[model.name].share)
            for model in self._models
        ]
        # Without the second model: made-up answers leave nothing open, and slow planning is no slow model.
        judges = Judges(self.spec, members, ledger)
        try:
            scores = Reward(judges, readings=readings).score(rollouts, progress=progress)
        finally:
            run_blocking(judges.close())
            ledger.close()
        return _Counted(
            asked=tuple(member.asked for member in members if isinstance(member, StandIn)),
            questions=ledger.looked,
            in_journal=len(ledger.found),
            gated=sum(score.status == "gated" for score in scores),
            missing=dict(Counter(score.missing for score in scores if score.missing)),
        )

    def _rates(self, name: str, can: Capabilities, *, latency: float | None, concurrency: int | None) -> _Rates:
        usual = self._ledger.usual(name)
        seconds = latency if usual.seconds is None else usual.seconds
        writes = not (can.logprobs or can.decisions)
        return _Rates(
            price=price_of(name, connection_of(name, self.spec.folder)),
            share=ANSWER_SHARE if usual.share is None else usual.share,
            share_from=None if not writes else "assumed" if usual.share is None else "journal",
            latency=seconds,
            latency_from="journal" if usual.seconds is not None else None if seconds is None else "option",
            # A model in this process answers one request at a time, whatever is wished for.
            concurrency=1 if can.concurrency == 1 else concurrency or can.concurrency,
        )


def _ledger(journal: Path | None) -> _Ledger:
    return _Ledger.open(None) if journal is None else _Ledger.look(journal)


def _training(
    asked: Sequence[Asked], rates: Mapping[str, _Rates], training: Training, rollouts: int
) -> tuple[Amount, Amount]:
    """What a step takes, and a run: its steps wait for each other."""
    of_step = [one.times(training.per_step / rollouts) for one in asked]
    step = _amount(of_step, rates, training.per_step)
    whole = _amount([one.times(training.steps) for one in of_step], rates, training.steps * training.per_step)
    seconds = None if step.seconds is None else training.steps * step.seconds
    return step, msgspec.structs.replace(whole, seconds=seconds)


def _amount(asked: Sequence[Asked], rates: Mapping[str, _Rates], rollouts: int) -> Amount:
    """Adds up the members of a panel. They are asked side by side, so the slowest one gives the time."""
    usd = [rates[one.model].usd(one) for one in asked]
    seconds = [rates[one.model].seconds(one) for one in asked]
    return Amount(
        rollouts=rollouts,
        calls=round(sum(one.calls for one in asked)),
        prompt_tokens=round(sum(one.prompt_tokens for one in asked)),
        cached_tokens=round(sum(one.cached_tokens for one in asked)),
        completion_tokens=round(sum(one.completion_tokens for one in asked)),
        usd=None if None in usd else sum(one for one in usd if one is not None),
        seconds=None if None in seconds else max((one for one in seconds if one is not None), default=0.0),
    )


def _model_plan(asked: Asked, rates: _Rates) -> ModelPlan:
    hint = f"nobody knows the price of {asked.model}; write its 'price' into models.yaml" if not rates.price else None
    return ModelPlan(
        model=asked.model,
        calls=round(asked.calls),
        prompt_tokens=round(asked.prompt_tokens),
        cached_tokens=round(asked.cached_tokens),
        completion_tokens=round(asked.completion_tokens),
        usd=rates.usd(asked),
        seconds=rates.seconds(asked),
        price=rates.price,
        hint=hint,
        answer_share=rates.share if rates.share_from else None,
        answer_share_from=rates.share_from,
        latency=rates.latency,
        latency_from=rates.latency_from,
        concurrency=rates.concurrency,
    )


def _notes(judge: JudgeSpec, models: Sequence[ModelClient], training: Training | None) -> list[str]:
    notes = ["tokens are characters / 4; no retry is counted"]
    if any(not in_process(model.name) for model in models):
        notes.append("cached is what a request shares with one answered before it, from about 1,024 tokens on")
    if any(in_process(model.name) for model in models):
        notes.append("cached of a local model is what a request shares with the one before it")
    if any(not (model.capabilities.logprobs or model.capabilities.decisions) for model in models):
        notes.append("a reply that cannot be read is asked once more; that is not counted")
    if judge.fallback:
        notes.append(f"{judge.fallback.model} is asked only what is left open; that is not counted")
    if judge.compare == "swiss":
        notes.append(
            "who meets whom depends on the outcomes; the duels counted are those of a group where all are ties"
        )
    if training:
        notes.append(
            "a step's rollouts are taken to be like the file's, in groups as large, and the journal to know none"
        )
    return notes
