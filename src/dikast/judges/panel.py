"""Several models as one judge: a panel whose votes become one, and a second model behind the first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from dikast.judges.base import Judge, Verdicts
from dikast.judges.merge import merged
from dikast.judges.render import Case
from dikast.models.base import Capabilities
from dikast.records import Missing, Usage, Verdict
from dikast.spec.judge import Criterion, PanelRule
from dikast.tasks import side_by_side

_NOT_FOR_ANOTHER = frozenset({"over_budget", "expired"})
"""Reasons that a second model would meet too."""


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
        """Both fingerprints: either may give a verdict."""
        return f"{self.first.fingerprint} / {self.second.fingerprint}"

    @property
    def capabilities(self) -> Capabilities:
        """What both can do."""
        return common([self.first.capabilities, self.second.capabilities])

    async def judge(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], *, repeat: int = 0, until: float | None = None
    ) -> tuple[list[Verdicts], Usage]:
        """Gives the first's verdicts where it has them in time, else the second's, marked as its own."""
        asked = asyncio.ensure_future(self.first.judge(cases, criteria, repeat=repeat, until=until))
        try:
            if self.after is not None:
                await asyncio.wait([asked], timeout=self.after)
                if not asked.done():
                    return await self._race(asked, cases, criteria, repeat=repeat, until=until)
            verdicts, usage = await asked
        except asyncio.CancelledError:
            asked.cancel()
            raise
        open_ids = {name for said in verdicts for name, verdict in said.items() if _wants_another(verdict)}
        if not open_ids:
            return verdicts, usage
        wanted = [criterion for criterion in criteria if criterion.id in open_ids]
        again, cost = await self.second.judge(cases, wanted, repeat=repeat, until=until)
        return [self._filled(one, other) for one, other in zip(verdicts, again, strict=True)], usage + cost

    async def _race(
        self,
        asked: asyncio.Future[tuple[list[Verdicts], Usage]],
        cases: Sequence[Case],
        criteria: Sequence[Criterion],
        *,
        repeat: int,
        until: float | None,
    ) -> tuple[list[Verdicts], Usage]:
        """Both are under way: whoever has an answer first, and the other fills what that one leaves open."""
        also = asyncio.ensure_future(self.second.judge(cases, criteria, repeat=repeat, until=until))
        try:
            await asyncio.wait([asked, also], return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                verdicts, usage = asked.result()
                if not any(_wants_another(v) for said in verdicts for v in said.values()):
                    return verdicts, usage
            else:
                second, usage = also.result()
                if not any(_wants_another(v) for said in second for v in said.values()):
                    empty: list[Verdicts] = [{c.id: Missing("timeout") for c in criteria} for _ in cases]
                    return [self._filled(one, other) for one, other in zip(empty, second, strict=True)], usage
            (verdicts, usage), (again, cost) = await asyncio.gather(asked, also)
            return [self._filled(one, other) for one, other in zip(verdicts, again, strict=True)], usage + cost
        finally:
            asked.cancel()
            also.cancel()

    def _filled(self, verdicts: Verdicts, again: Verdicts) -> Verdicts:
        filled = dict(verdicts)
        for name, verdict in again.items():
            if _wants_another(filled[name]) and isinstance(verdict, Verdict):
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


def _wants_another(verdict: Verdict | Missing) -> bool:
    return isinstance(verdict, Missing) and verdict.reason not in _NOT_FOR_ANOTHER
