"""Puts the judge of a reward together: one model or a panel, with a second one behind it where the file names one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dikast.errors import ConfigError
from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.base import Judge
from dikast.judges.budget import Budget
from dikast.judges.panel import FallbackJudge, PanelJudge
from dikast.judges.recorded import RecordedJudge, names_verdicts
from dikast.judges.rubric import RubricJudge, check_fits
from dikast.models.base import Capabilities, ModelClient
from dikast.models.opening import connection_of, open_model
from dikast.models.prices import price_of
from dikast.reward.judging import Judging, PreferenceJudging, RubricJudging
from dikast.reward.recorded import RecordedJudging
from dikast.spec.judge import Criterion, JudgeSpec
from dikast.spec.reward import RewardSpec

if TYPE_CHECKING:
    from dikast.judges.preference import PreferenceJudge
    from dikast.reward.compare import Comparison


class Judges:
    """The models that a reward names, each with the journal. Raises `ConfigError` where one cannot do what is asked."""

    def __init__(
        self,
        spec: RewardSpec,
        models: Sequence[ModelClient | RecordedJudge],
        journal: Journal,
        *,
        fallback: ModelClient | None = None,
        budget: Budget | None = None,
        epoch: int = 0,
    ) -> None:
        self.spec = spec
        self.journal = journal
        self.budget = budget or Budget()
        self._epoch = epoch
        self._members = [self._member(model) for model in models]
        self._fallback = None if fallback is None else Asker(fallback, journal, budget=self.budget, epoch=epoch)
        for one in self._all:
            try:
                _require_able(spec.file.judge, one.name, one.capabilities)
            except ConfigError as error:
                raise ConfigError(f"{spec.path}: {error}") from None

    @classmethod
    def open(
        cls,
        spec: RewardSpec,
        journal: Journal,
        *,
        calls: int | None = None,
        usd: float | None = None,
        epoch: int = 0,
    ) -> Judges:
        """Opens the models that the reward names, to be asked so often and for so much money at the most.

        What the journal holds of another `epoch` is asked anew.
        """
        judge = spec.file.judge
        models = [member_of(spec, name, open_model) for name in judge.models]
        fallback = open_model(judge.fallback.model, spec.folder) if judge.fallback else None
        return cls(spec, models, journal, fallback=fallback, budget=budget_of(spec, calls=calls, usd=usd), epoch=epoch)

    @property
    def name(self) -> str:
        """The models that judge, without the one behind them."""
        return ", ".join(member.name for member in self._members)

    @property
    def fingerprint(self) -> str:
        """Of all that may give a verdict."""
        return " | ".join(member.fingerprint for member in self._all)

    @property
    def concurrency(self) -> int:
        """Requests that the least patient of the models takes at once."""
        return min(member.capabilities.concurrency for member in self._members)

    def rubric(self) -> Judge:
        """The judge of criteria: a panel where there are several models, with the second one behind it."""
        members = tuple(self._rubric_of(member) for member in self._members)
        spec = self.spec.file.judge
        judge: Judge = members[0] if len(members) == 1 else PanelJudge(members=members, rule=spec.panel)
        if self._fallback is None or spec.fallback is None:
            return judge
        return FallbackJudge(first=judge, second=self._rubric_of(self._fallback), after=spec.fallback.after)

    def judging(self, criteria: tuple[Criterion, ...]) -> Judging:
        """How groups are judged: by these criteria, or by comparison."""
        spec = self.spec.file.judge
        if spec.mode == "preference":
            return PreferenceJudging(comparison=self.comparison())
        judge = self.rubric()
        rubric = RubricJudging(judge=judge, criteria=criteria, file=self.spec.file)
        return RecordedJudging(judge=judge, rubric=rubric) if isinstance(judge, RecordedJudge) else rubric

    def comparison(self) -> Comparison:
        """The judge that compares: one model or a panel, with the second one behind it."""
        # Most rewards compare nothing, and are ready the sooner.
        from dikast.reward.compare import Comparison

        return Comparison(
            judges=tuple(self._preference_of(member) for member in self._members if isinstance(member, Asker)),
            second=None if self._fallback is None else self._preference_of(self._fallback),
            spec=self.spec.file.judge,
            reward_hash=self.spec.hash,
        )

    async def close(self) -> None:
        """Lets go of the models. The journal stays open."""
        for one in self._all:
            await one.close()

    @property
    def _all(self) -> list[Asker | RecordedJudge]:
        return [*self._members, *([self._fallback] if self._fallback else [])]

    def _member(self, model: ModelClient | RecordedJudge) -> Asker | RecordedJudge:
        if isinstance(model, RecordedJudge):
            return model
        return Asker(model, self.journal, budget=self.budget, epoch=self._epoch)

    def _rubric_of(self, member: Asker | RecordedJudge) -> Judge:
        if isinstance(member, RecordedJudge):
            return member
        spec = self.spec.file.judge
        return RubricJudge(
            asker=member,
            objective=self.spec.file.objective,
            max_criteria_per_call=spec.max_criteria_per_call,
            samples=spec.samples,
            temperature=spec.sampling_temperature,
        )

    def _preference_of(self, asker: Asker) -> PreferenceJudge:
        from dikast.judges.preference import PreferenceJudge

        spec = self.spec.file.judge
        return PreferenceJudge(
            asker=asker,
            objective=self.spec.file.objective,
            prefer=spec.prefer or "",
            temperature=spec.sampling_temperature,
        )


def with_model(spec: RewardSpec, name: str) -> RewardSpec:
    """The same reward, judged by one other model alone: to compare with, not to score by. Its hash is no reward's."""
    judge = msgspec.structs.replace(spec.file.judge, model=name, fallback=None)
    return msgspec.structs.replace(spec, file=msgspec.structs.replace(spec.file, judge=judge))


def budget_of(spec: RewardSpec, *, calls: int | None, usd: float | None) -> Budget:
    """Gives the budget of a run. Raises `ConfigError` where money is limited and a model's price is not known."""
    judge = spec.file.judge
    names = [*judge.models, *([judge.fallback.model] if judge.fallback else [])]
    prices = {name: price for name in names if (price := price_of(name, connection_of(name, spec.folder)))}
    if usd is not None and (unknown := [name for name in names if name not in prices]):
        raise ConfigError(f"--budget-usd: nobody knows the price of {unknown[0]}; write its 'price' into models.yaml")
    return Budget(calls=calls, usd=usd, prices=prices)


def member_of(spec: RewardSpec, name: str, opening: Callable[[str, Path], ModelClient]) -> ModelClient | RecordedJudge:
    """Gives one of the judge's models: verdicts from a file, or a client that `opening` gives."""
    if names_verdicts(name):
        return RecordedJudge(name, spec.folder / name.partition(":")[2])
    return opening(name, spec.folder)


def _require_able(judge: JudgeSpec, name: str, can: Capabilities) -> None:
    check_fits(judge.criteria, name, can)
    if judge.mode == "preference":
        if names_verdicts(name):
            raise ConfigError(f"judge.model: {name} holds verdicts on criteria, and nothing is compared by them")
        from dikast.judges.preference import check_can_compare

        check_can_compare(name, writes=not (can.logprobs or can.decisions), compare=judge.compare)
