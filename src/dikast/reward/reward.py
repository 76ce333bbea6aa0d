"""A reward that can be called: what `dikast.load` gives.

    reward = dikast.load("reward.yaml")
    scores = reward.score(rollouts)            # or: await reward.ascore(rollouts)

A reward keeps its model and journal open until it is closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dikast.checks.building import build_checks
from dikast.errors import NotGoodEnoughError
from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.rubric import RubricJudge, check_fits
from dikast.models.base import ModelClient
from dikast.models.opening import open_model
from dikast.records import Rollout, Score
from dikast.reward.aggregate import Reading
from dikast.reward.blocking import run_blocking
from dikast.reward.engine import Engine, Progress
from dikast.spec.reward import RewardSpec, read_reward


class Reward:
    """A reward file with its model and journal. Keep one for the life of the process, and close it."""

    def __init__(
        self,
        spec: RewardSpec,
        model: ModelClient,
        journal: Journal,
        *,
        readings: Mapping[str, Reading] | None = None,
        certificate_hash: str | None = None,
    ) -> None:
        judge = spec.file.judge
        check_fits(judge.criteria, model.name, model.capabilities)
        readings = dict(readings or {})
        trusted = tuple(c for c in judge.criteria if readings.get(c.id, Reading()).factor > 0)
        if not trusted:
            raise NotGoodEnoughError(
                f"{spec.path}: the certificate turns every criterion off; there is nothing to judge"
            )
        self.spec = spec
        self.model = model
        self.journal = journal
        self.certificate_hash = certificate_hash
        self.engine = Engine(
            spec=spec,
            checks=tuple(build_checks(spec)),
            judge=RubricJudge(asker=Asker(model, journal), objective=spec.file.objective, criteria=trusted),
            readings=readings,
        )

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        journal: Path | None = None,
        readings: Mapping[str, Reading] | None = None,
        certificate_hash: str | None = None,
    ) -> Reward:
        """Reads a reward file and opens its model and journal; without a journal path it lives in memory."""
        spec = read_reward(path)
        model = open_model(spec.file.judge.model, spec.folder)
        return cls(spec, model, Journal.open(journal), readings=readings, certificate_hash=certificate_hash)

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved reward."""
        return self.spec.hash

    async def ascore(self, rollouts: Sequence[Rollout], *, progress: Progress | None = None) -> list[Score]:
        """Scores rollouts in their order. A failed judgment is a missing score, never a number."""
        return await self.engine.score(rollouts, progress=progress)

    def score(self, rollouts: Sequence[Rollout], *, progress: Progress | None = None) -> list[Score]:
        """`ascore` for callers without an event loop."""
        return run_blocking(self.ascore(rollouts, progress=progress))

    def close(self) -> None:
        """Lets go of the model and the journal."""
        run_blocking(self.model.close())
        self.journal.close()
