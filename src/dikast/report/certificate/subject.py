"""What a certificate's page is made of: the certificate, the reward that it is about, and the labels in hand."""

from __future__ import annotations

from functools import cached_property

import msgspec

from dikast.certify.certificate import Certificate
from dikast.certify.duels.labels import LabelledPair, PairLabels
from dikast.certify.labels import LabelledRow, Labels
from dikast.spec.judge import PREFERENCE, Criterion
from dikast.spec.reward import RewardSpec

COUNTING = ("green", "amber")
"""Levels at which a criterion has a part in the reward."""


class Subject(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The certificate with the files that it was made from, whose texts it only refers to."""

    certificate: Certificate
    spec: RewardSpec
    labels: Labels | PairLabels

    @property
    def compares(self) -> bool:
        """Whether it is a preference judge's, of which a yes is that side a of a pair is the better one."""
        return isinstance(self.labels, PairLabels)

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """By id; a preference judge's one question is among them, as its certificate names it."""
        if self.compares:
            return {PREFERENCE: Criterion(id=PREFERENCE, ask=self.spec.file.judge.prefer or "")}
        return {criterion.id: criterion for criterion in self.spec.file.judge.criteria}

    @cached_property
    def rows(self) -> dict[tuple[str, int | None], LabelledRow | LabelledPair]:
        """The labelled rows, by the rollout's id and the item; pairs by their id."""
        if isinstance(self.labels, PairLabels):
            return {(pair.id, None): pair for pair in self.labels.rows}
        return {(row.rollout.id, row.item): row for row in self.labels.rows}

    @cached_property
    def untouched(self) -> int:
        """Rows of the part that the figures are of."""
        groups = set(self.certificate.split.certificate)
        return sum(row.group in groups for row in self.labels.rows)

    @property
    def things(self) -> str:
        """What is judged, in the plural: pairs, the reward's name for the items of a set, or answers."""
        if self.compares:
            return "pairs"
        return (self.spec.file.items or "answers").replace("_", " ")

    @property
    def needed_share(self) -> str:
        """Share of the weight that must count, in words."""
        needed = self.certificate.levels.weight
        return "half" if needed == 0.5 else f"{100 * needed:.0f} %"

    @property
    def counting_share(self) -> float:
        """Share of the judge's weight that is carried by criteria which still count."""
        weights = {name: self.criteria[name].weight for name in self.certificate.criteria}
        counting = [w for name, w in weights.items() if self.certificate.criteria[name].level in COUNTING]
        return sum(counting) / sum(weights.values())
