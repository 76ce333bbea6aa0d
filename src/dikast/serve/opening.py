"""The rewards of one server, side by side: they share the journal, the budget and the models.

A model that two rewards name is opened once, so that it has one limiter; it stays open until the server ends. A
reward that is loaded again takes the place of the old one at once, and requests that are under way end with the old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from dikast.adapters.missing import Coverage, require_in_range
from dikast.adapters.siblings import Siblings
from dikast.errors import UsageError
from dikast.journal import Journal
from dikast.judges.budget import Budget
from dikast.judges.recorded import RecordedJudge, names_verdicts
from dikast.loading import trusted
from dikast.models.base import ModelClient
from dikast.models.opening import connection_of, open_model
from dikast.reward.assembly import Judges, budget_of, member_of
from dikast.reward.reward import Reward
from dikast.serve.refusals import UnknownRewardError
from dikast.spec.models import Price
from dikast.spec.reward import RewardSpec, read_reward
from dikast.spec.run import Constant, OnMissing

BESIDE = "certificate.json"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reward stands."""

    reward: Path
    certificate: Path | None = None
    """Where not given, the one beside the reward if there is one."""
    uncertified: bool = False
    """Whether every criterion counts as the file says, whatever a certificate allows."""

    def trusted_by(self) -> Path | None:
        """The certificate that counts, if any."""
        if self.uncertified:
            return None
        beside = self.reward.parent / BESIDE
        return self.certificate or (beside if beside.is_file() else None)


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A reward that is served, with what is remembered of its rollouts."""

    reward: Reward
    place: Place
    siblings: Siblings
    coverage: Coverage

    @property
    def name(self) -> str:
        """What the file calls it."""
        return self.reward.spec.file.name


class Rewards:
    """The rewards by their names; the first one is meant where none is named."""

    def __init__(
        self,
        journal: Journal,
        *,
        calls: int | None = None,
        usd: float | None = None,
        on_missing: OnMissing | Constant = "group_mean",
        opening: Callable[[str, Path], ModelClient] = open_model,
    ) -> None:
        self.journal = journal
        self._prices: dict[str, Price] = {}
        self.budget = Budget(calls=calls, usd=usd, prices=self._prices)
        self._on_missing: OnMissing | Constant = on_missing
        self._opening = opening
        self._served: dict[str, Served] = {}
        self._clients: dict[bytes, ModelClient] = {}
        self._files: list[ModelClient | RecordedJudge] = []
        self._loading = asyncio.Lock()

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served.values())

    def add(self, place: Place) -> Served:
        """Opens a reward. Raises `ConfigError` where it cannot be used, `UsageError` for a name that is taken."""
        served = self._open(place)
        if served.name in self._served:
            other = self._served[served.name].place.reward
            raise UsageError(f"{place.reward}: is named '{served.name}' like {other}; give one of them another name")
        self._served[served.name] = served
        return served

    def find(self, name: str | None) -> Served:
        """Gives a reward by its name, or the first. Raises `UnknownRewardError`."""
        served = next(iter(self)) if name is None else self._served.get(name)
        if served is None:
            raise UnknownRewardError(f"no reward of that name is served here; there are {', '.join(self._served)}")
        return served

    async def reload(self, name: str) -> Served:
        """Reads a reward's files again and puts it in the old one's place; where they are bad the old one stays."""
        old = self.find(name)
        async with self._loading:
            served = await asyncio.to_thread(self._open, old.place)
            if served.name != name:
                raise UsageError(f"{old.place.reward}: is named '{served.name}' now; start the server again for that")
            self._served[name] = served
        return served

    async def close(self) -> None:
        """Lets go of the models and the journal."""
        for model in (*self._clients.values(), *self._files):
            await model.close()
        self.journal.close()

    def _open(self, place: Place) -> Served:
        spec = read_reward(place.reward)
        judge = spec.file.judge
        budget = budget_of(spec, calls=self.budget.most_calls, usd=self.budget.most_usd)
        judges = Judges(
            spec,
            [self._member(spec, name) for name in judge.models],
            self.journal,
            fallback=self._client(spec, judge.fallback.model) if judge.fallback else None,
            budget=self.budget,
        )
        reward = trusted(judges, place.trusted_by())
        require_in_range(self._on_missing, reward.range)
        self._prices.update(budget.prices)
        return Served(reward=reward, place=place, siblings=Siblings(), coverage=Coverage())

    def _member(self, spec: RewardSpec, name: str) -> ModelClient | RecordedJudge:
        if not names_verdicts(name):
            return self._client(spec, name)
        verdicts = member_of(spec, name, open_model)
        self._files.append(verdicts)
        return verdicts

    def _client(self, spec: RewardSpec, name: str) -> ModelClient:
        """Opens a model, or gives the one that is open: the same name, connection and folder."""
        connection = connection_of(name, spec.folder)
        key = msgspec.json.encode((name, connection, str(spec.folder.resolve())))
        if key not in self._clients:
            self._clients[key] = self._opening(name, spec.folder)
        return self._clients[key]
