"""A reward that can be called: what `dikast.load` gives.

    reward = dikast.load("reward.yaml")
    scores = reward.score(rollouts)            # or: await reward.ascore(rollouts)

A reward keeps its models and journal open until it is closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from dikast.checks.building import build_checks
from dikast.errors import ConfigError, NotGoodEnoughError
from dikast.records import Rollout, Score
from dikast.reward.about import AboutReward, parts_of, worth_of_checks
from dikast.reward.aggregate import Aggregator
from dikast.reward.assembly import Judges
from dikast.reward.blocking import run_blocking
from dikast.reward.engine import Engine, Progress
from dikast.reward.parts import AS_IT_STANDS, Reading
from dikast.rollouts import rollouts_of
from dikast.spec.judge import PREFERENCE
from dikast.spec.reward import RewardSpec, healthbench_problems


class Reward:
    """A reward file with its models and journal. Keep one for the life of the process, and close it."""

    def __init__(
        self,
        judges: Judges,
        *,
        readings: Mapping[str, Reading] | None = None,
        certificate_hash: str | None = None,
    ) -> None:
        spec = judges.spec
        readings = dict(readings or {})
        _require_enough(spec, readings)
        criteria = spec.file.judge.criteria
        trusted = tuple(c for c in criteria if readings.get(c.id, AS_IT_STANDS).factor > 0)
        self.spec = spec
        self.judges = judges
        self.journal = judges.journal
        self.certificate_hash = certificate_hash
        self.criteria = trusted
        """Those that the certificate leaves on."""
        self.readings = readings
        self.engine = Engine(
            spec=spec,
            checks=tuple(build_checks(spec)),
            judging=judges.judging(trusted),
            aggregator=Aggregator(spec.file, readings),
            concurrency=judges.concurrency,
        )

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved reward."""
        return self.spec.hash

    @property
    def range(self) -> tuple[float, float]:
        """The declared range: no score lies outside."""
        return self.spec.file.range

    @property
    def model(self) -> str:
        """The judge's model, or the panel's."""
        return self.judges.name

    @property
    def fingerprint(self) -> str:
        """What tells the judge's model, or the panel's, from others under the same name."""
        return self.judges.fingerprint

    @property
    def about(self) -> AboutReward:
        """What adapters and servers must know of it."""
        return self._about

    @cached_property
    def _about(self) -> AboutReward:
        file, judge = self.spec.file, self.spec.file.judge
        criteria = [criterion.id for criterion in self.criteria]
        return AboutReward(
            name=file.name,
            hash=self.hash,
            certificate_hash=self.certificate_hash,
            range=file.range,
            model=self.model,
            mode=judge.mode,
            compares_siblings=judge.mode == "preference" and judge.compare != "reference",
            criteria=criteria,
            parts=parts_of(file, criteria),
            checks=worth_of_checks(file),
        )

    async def ascore(
        self,
        rollouts: Sequence[Rollout | Mapping[str, Any]],
        *,
        progress: Progress | None = None,
        deadline: float | None = None,
    ) -> list[Score]:
        """Scores rollouts in their order. A failed judgment is a missing score, never a number.

        A rollout may be a mapping, as a line of a file of rollouts is. `deadline` bounds the whole batch, in seconds:
        what is open then is missing as `expired`.
        """
        return await self.engine.score(rollouts_of(rollouts), progress=progress, deadline=deadline)

    def score(
        self,
        rollouts: Sequence[Rollout | Mapping[str, Any]],
        *,
        progress: Progress | None = None,
        deadline: float | None = None,
    ) -> list[Score]:
        """`ascore` for callers without an event loop."""
        return run_blocking(self.ascore(rollouts, progress=progress, deadline=deadline))

    def close(self) -> None:
        """Lets go of the models and the journal."""
        run_blocking(self.judges.close())
        self.journal.close()


def _require_enough(spec: RewardSpec, readings: Mapping[str, Reading]) -> None:
    """Raises where what the certificate leaves on does not make a score."""
    criteria = spec.file.judge.criteria
    if not criteria and not readings.get(PREFERENCE, AS_IT_STANDS).factor:
        raise NotGoodEnoughError(f"{spec.path}: the certificate turns the comparison off; there is nothing to judge")
    weights = {c.id: c.weight * readings.get(c.id, AS_IT_STANDS).factor for c in criteria}
    if criteria and not any(weights.values()):
        raise NotGoodEnoughError(f"{spec.path}: the certificate turns every criterion off; there is nothing to judge")
    if off := [c.id for c in criteria if c.required and not weights[c.id]]:
        raise NotGoodEnoughError(
            f"{spec.path}: the certificate turns '{off[0]}' off, which is required; "
            "mend the criterion, or remove its 'required: true', and certify again"
        )
    if spec.file.aggregate == "healthbench":
        for problem in healthbench_problems(spec.file, weights):
            raise ConfigError(f"{spec.path}: with what the certificate leaves on: {problem}")
