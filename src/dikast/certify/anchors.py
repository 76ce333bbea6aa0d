"""The anchors' file: candidates that never change, what the judge said to them, and the evidence of each time since.

    anchors = read_anchors(Path("anchors.json"))
    anchors.tests["useful"].word                     # unchanged, cautious or drifted

The file holds the candidates themselves: to ask again needs no labels. What it was drawn for, a reward with a model,
must be the same ever after, or the change would be no silent one.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from dikast.certify.certificate import ModelIdentity
from dikast.certify.files import read_whole
from dikast.certify.labels import Vote
from dikast.errors import ConfigError
from dikast.records import Rollout
from dikast.spec.reward import RewardSpec
from dikast.stats.evidence import DriftTest, Word


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate, with the answers that it was drawn with."""

    rollout: Rollout
    item: int | None = None
    answers: dict[str, Vote]
    """criterion id → answer. A verdict that could not be had is not there."""


class ChangedVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """An anchor's answer that is another than when it was drawn."""

    id: str
    item: int | None = None
    criterion: str
    before: Vote
    after: Vote


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One time that all anchors were asked again."""

    epoch: int
    """Of the journal's keys."""
    date: str
    verdicts: int
    missing: dict[str, int]
    """Verdicts that could not be had, by reason. They are in no evidence."""
    e: dict[str, float]
    """criterion id → the e-value after this pass."""
    overall: float
    changed: tuple[ChangedVerdict, ...]


class Anchors(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    reward: str
    reward_hash: str
    model: ModelIdentity
    drawn: str
    """The date."""
    cuts: dict[str, float]
    """criterion id → from which P(yes) on an answer is a yes, by the certificate that they were drawn with."""
    asked_again: int
    """Verdicts that were asked again at once, to measure how often they change by themselves; 0 where that was assumed."""
    tests: dict[str, DriftTest]
    overall: DriftTest
    """The same evidence over all criteria together."""
    under_way: int | None = None
    """The epoch of a pass that was begun and is not finished."""
    passes: tuple[Pass, ...] = ()
    anchors: tuple[Anchor, ...]

    @property
    def verdicts(self) -> int:
        """How many verdicts are asked again each time."""
        return sum(len(anchor.answers) for anchor in self.anchors)

    @property
    def word(self) -> Word:
        """What is known of the judge: the worst of all words."""
        words = [test.word for test in (*self.tests.values(), self.overall)]
        return "drifted" if "drifted" in words else "cautious" if "cautious" in words else "unchanged"

    def require_fit(self, path: Path, spec: RewardSpec, fingerprint: str) -> None:
        """Raises `ConfigError` where they were drawn for another reward or model: that change is known, and not silent."""
        if self.reward_hash != spec.hash or self.model.fingerprint != fingerprint:
            what = "reward" if self.reward_hash != spec.hash else "model"
            raise ConfigError(
                f"{path}: drawn for another {what} than {spec.path} uses now; a change that is known is measured by "
                f"'dikast certify {spec.path} LABELS', with new anchors in another file"
            )


def read_anchors(path: Path) -> Anchors:
    """Reads anchors. Raises `ConfigError` where the file is none of them."""
    return read_whole(
        path,
        Anchors,
        absent=f"no anchors yet; draw them with: dikast certify REWARD LABELS --anchors {path}",
        other="holds no anchors",
        mend="name another file",
    )
