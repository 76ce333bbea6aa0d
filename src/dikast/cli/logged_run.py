"""The run behind logged rollouts: which reward and certificate scored them, and how the reward of now is opened beside."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from dikast.certify.certificate import read_certificate
from dikast.errors import ConfigError, DataError, UsageError
from dikast.evaluate.logged import Phase
from dikast.evaluate.replayed import Then
from dikast.evaluate.store import read_about
from dikast.loading import open_reward, open_uncertified
from dikast.reward.reward import Reward
from dikast.spec.reward import RewardSpec, read_reward
from dikast.train.folder import RunFolder


class _Known(NamedTuple):
    """What is known of a reward by its hash."""

    name: str
    range: tuple[float, float]


class LoggedRun:
    """A phase of a run, and the reward that its rollouts are scored with now."""

    def __init__(self, folder: Path, phase: Phase, spec: RewardSpec) -> None:
        self.folder = RunFolder(folder)
        self.phase = phase
        self.spec = spec

    def then(self) -> tuple[Then, ...]:
        """Says which rewards scored the rollouts."""
        return tuple(
            Then(
                reward=known.name if (known := self._known.get(one.reward_hash)) else None,
                reward_hash=one.reward_hash,
                certificate_hash=one.certificate_hash,
                rollouts=one.rollouts,
            )
            for one in self.phase.scored_by
        )

    def ranges(self) -> tuple[bool, str | None]:
        """Says whether the rewards of then have the range of now, or else why that cannot be said."""
        now = self.spec.file.range
        for one in self.phase.scored_by:
            known = self._known.get(one.reward_hash)
            if known is None:
                return False, (
                    f"the range of the reward that scored then ({one.reward_hash[:8]}) is not known any more, as its file "
                    "has changed or is gone; what goes by rank stands"
                )
            if known.range != now:
                return False, f"the range was {list(known.range)} and is {list(now)}; what goes by rank stands"
        return True, None

    def opened(
        self,
        certificate: Path | None,
        journal: Path,
        *,
        uncertified: bool,
        budget_calls: int | None,
        budget_usd: float | None,
        say: Callable[[str], None],
    ) -> Reward:
        """Opens the reward of now. With no certificate named it counts as it did in the run, where that had this reward."""
        budget = {"budget_calls": budget_calls, "budget_usd": budget_usd}
        if certificate is not None:
            if uncertified:
                raise UsageError("--uncertified: a certificate is named; leave out one of the two")
            return open_reward(self.spec.path, certificate, journal, **budget)
        of_run = self._certificate()
        if of_run is None:
            say("certificate: none; every criterion counts as it stands in the file")
            return open_reward(self.spec.path, None, journal, **budget)
        if uncertified or self._was_set_aside():
            reward, trust = open_uncertified(self.spec.path, of_run, journal, **budget)
            read = "" if trust is None else f", read as {of_run} measured"
            say(
                f"certificate: set aside{'' if uncertified else ', as in the run'}; every criterion counts in full{read}"
            )
            return reward
        say(f"certificate: {of_run}, which was made for this reward")
        return open_reward(self.spec.path, of_run, journal, **budget)

    def _certificate(self) -> Path | None:
        """The run's own, where it speaks about the reward of now."""
        path = self.folder.certificate
        if not path.is_file():
            try:
                path = self.folder.spec().certificate
            except (ConfigError, OSError):
                return None
        if not path.is_file() or read_certificate(path).reward_hash != self.spec.hash:
            return None
        return path

    def _was_set_aside(self) -> bool:
        """Whether this reward scored then, and never as the certificate has it."""
        mine = {one.certificate_hash for one in self.phase.scored_by if one.reward_hash == self.spec.hash}
        return mine == {None}

    @cached_property
    def _known(self) -> dict[str, _Known]:
        """The rewards whose range can still be told, by their hash."""
        known: dict[str, _Known] = {}
        try:
            spec = read_reward(self.folder.reward())
            known[spec.hash] = _Known(spec.file.name, spec.file.range)
        except (ConfigError, DataError, UsageError):
            # A journal without a run, or a file that was changed or moved since.
            pass
        if about := read_about(self.folder.path):
            known[about.reward_hash] = _Known(about.reward, about.range)
        known[self.spec.hash] = _Known(self.spec.file.name, self.spec.file.range)
        return known
