"""Several models as one judge: a panel whose votes become one, and a second model behind the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dikast.judges.base import Judge, Verdicts
from dikast.judges.merge import merged
from dikast.judges.render import Case
from dikast.models.base import Capabilities
from dikast.records import Missing, Usage, Verdict
from dikast.spec.judge import Criterion, PanelRule
from dikast.tasks import first_or_second, side_by_side

_NOT_FOR_ANOTHER = frozenset({"over_budget", "expired"})
"""Reasons that a second model would meet too."""
_OVERTAKEN = Missing("timeout", "the second model was faster")


class PanelJudge(msgspec.Struct, frozen=True, kw_only=True):
    """Asks every member the same and makes one verdict of theirs."""

    members: tuple[Judge, ...]
    rule: PanelRule

    @property
    def name(self) -> str:
        """The members' names."""
        return ", ".join(member.name for member in self.members)

    @property
    def fingerprint(self) -> str:
        """The members' fingerprints."""
        return " | ".join(member.fingerprint for member in self.members)

    @property
    def capabilities(self) -> Capabilities:
        """What every member can do."""
        return common([member.capabilities for member in self.members])

    async def judge(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], *, repeat: int = 0, until: float | None = None
    ) -> tuple[list[Verdicts], Usage]:
        """Gives the panel's verdict on each criterion of each case; missing only where every member's is."""
        said = await side_by_side(m.judge(cases, criteria, repeat=repeat, until=until) for m in self.members)
        usage = Usage()
        for _, cost in said:
            usage += cost
        together = [
            {c.id: merged([verdicts[at][c.id] for verdicts, _ in said], self.rule) for c in criteria}
            for at in range(len(cases))
        ]
        return together, usage

    async def close(self) -> None:
        """Lets go of the members."""
        for member in self.members:
            await member.close()


class FallbackJudge(msgspec.Struct, frozen=True, kw_only=True):
    """Asks a second judge what the first does not answer, or not soon enough."""

    first: Judge
    second: Judge
    after: float | None
    """Seconds after which the second is asked too; None waits for the first to fail."""

    @property
    def name(self) -> str:
        """The name of the first."""
        return self.first.name

    @property
    def fingerprint(self) -> str:
        """Both fingerprints, joined as those of a panel are: either may give a verdict, and a certificate holds all."""
        return f"{self.first.fingerprint} | {self.second.fingerprint}"

    @property
    def capabilities(self) -> Capabilities:
        """What both can do."""
        return common([self.first.capabilities, self.second.capabilities])

    async def judge(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], *, repeat: int = 0, until: float | None = None
    ) -> tuple[list[Verdicts], Usage]:
        """Gives the first's verdicts where it has them in time, else the second's, marked as its own.

        What a request has cost that the other overtook is not known, and not in the usage.
        """
        first, second = await first_or_second(
            self.first.judge(cases, criteria, repeat=repeat, until=until),
            lambda said: self._hand_on(said, cases, criteria, repeat=repeat, until=until),
            after=self.after,
            enough=lambda said: not any(map(wants_another, _all_of(said))),
            whole=lambda said: all(isinstance(verdict, Verdict) for verdict in _all_of(said)),
        )
        verdicts, usage = first or ([dict.fromkeys((c.id for c in criteria), _OVERTAKEN) for _ in cases], Usage())
        if second is None:
            return verdicts, usage
        again, cost = second
        return [self._filled(one, other) for one, other in zip(verdicts, again, strict=True)], usage + cost

    async def _hand_on(
        self,
        said: tuple[list[Verdicts], Usage] | None,
        cases: Sequence[Case],
        criteria: Sequence[Criterion],
        *,
        repeat: int,
        until: float | None,
    ) -> tuple[list[Verdicts], Usage]:
        """Asks the second what the first left open: everything, where that has said nothing yet."""
        if said is None:
            return await self.second.judge(cases, criteria, repeat=repeat, until=until)
        left = [{name for name, verdict in of_case.items() if wants_another(verdict)} for of_case in said[0]]
        asked = [at for at, names in enumerate(left) if names]
        wanted = [criterion for criterion in criteria if any(criterion.id in names for names in left)]
        again, cost = await self.second.judge([cases[at] for at in asked], wanted, repeat=repeat, until=until)
        by_case = dict(zip(asked, again, strict=True))
        return [by_case.get(at, {}) for at in range(len(cases))], cost

    def _filled(self, verdicts: Verdicts, again: Verdicts) -> Verdicts:
        filled = dict(verdicts)
        for name, verdict in again.items():
            if wants_another(filled[name]) and isinstance(verdict, Verdict):
                filled[name] = msgspec.structs.replace(verdict, by=self.second.name)
        return filled

    async def close(self) -> None:
        """Lets go of both."""
        await self.first.close()
        await self.second.close()


def common(abilities: Sequence[Capabilities]) -> Capabilities:
    """What all of several models can do; as many at once as the least patient of them takes."""
    return Capabilities(
        logprobs=all(can.logprobs for can in abilities),
        decisions=all(can.decisions for can in abilities),
        quote=all(can.quote for can in abilities),
        reason=all(can.reason for can in abilities),
        na=all(can.na for can in abilities),
        concurrency=min(can.concurrency for can in abilities),
    )


def wants_another(outcome: object) -> bool:
    """Whether a second model is worth asking: nothing was said, for a reason that it would not meet too."""
    return isinstance(outcome, Missing) and outcome.reason not in _NOT_FOR_ANOTHER


def _all_of(said: tuple[list[Verdicts], Usage]) -> Iterator[Verdict | Missing]:
    return (verdict for of_case in said[0] for verdict in of_case.values())
