"""The rollouts that every adapter is held to, and what the judge said of them: laid out as a user's own files.

    recorded = lay_out(folder)                # reward.yaml, rollouts.jsonl, replies.db
    reward = dikast.load(recorded.reward)     # asks nobody: it answers from replies.db
    expected = recorded.expected()            # the in-process engine's scores, in the order of the rollouts

The journal is made anew from the replies, since its keys follow from the prompts of this very version.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dikast.errors import ModelError
from dikast.journal import Journal
from dikast.loading import load
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Rollout, Score
from dikast.reward.assembly import Judges
from dikast.reward.blocking import run_blocking
from dikast.reward.reward import Reward
from dikast.rollouts import read_rollouts
from dikast.spec.reward import read_reward

SOURCE = Path(__file__).parent / "rollouts"
CASE = "case"
"""Column that says what must become of a rollout: `scored`, `gated`, or `missing:` and its reason."""


class _Replies(msgspec.Struct, frozen=True):
    id: str
    replies: tuple[Reply, ...]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The suite in a folder."""

    folder: Path
    served: str | None = None
    """Address at which `dikast serve` has the reward, where adapters are to ask there."""

    @property
    def reward(self) -> Path:
        """The reward's file."""
        return self.folder / "reward.yaml"

    @property
    def setting(self) -> str:
        """What an adapter's `reward` is set to."""
        return self.served or str(self.reward)

    def rollouts(self) -> list[Rollout]:
        """All of them, those of a prompt standing together."""
        return read_rollouts(self.folder / "rollouts.jsonl")

    def expected(self) -> list[Score]:
        """What the engine gives in this process."""
        reward = load(self.reward)
        try:
            return reward.score(self.rollouts())
        finally:
            reward.close()


def lay_out(folder: Path, *, source: Path = SOURCE) -> Recorded:
    """Writes a suite into a folder; replies that stand there already are left."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("reward.yaml", "conformance_checks.py", "rollouts.jsonl"):
        shutil.copyfile(source / name, folder / name)
    recorded = Recorded(folder=folder)
    replies = folder / "replies.db"
    if not replies.exists():
        making = folder / "replies.making.db"
        making.unlink(missing_ok=True)
        run_blocking(_record(recorded, making, (source / "replies.jsonl").read_bytes().splitlines()))
        making.rename(replies)
    return recorded


class _Reciter:
    """Says what is recorded of the rollout at hand, one reply a question; then it has nothing more to say."""

    name = "recorded:judge"
    fingerprint = "conformance"
    capabilities = Capabilities(quote=True, reason=True, na=True, concurrency=1)

    def __init__(self) -> None:
        self.left: list[Reply] = []

    async def reply(self, request: Request) -> Reply:
        if not self.left:
            raise ModelError("rejected", "nothing is recorded")
        return self.left.pop(0)

    async def close(self) -> None:
        """Has nothing to let go of."""


async def _record(recorded: Recorded, path: Path, replies: Sequence[bytes]) -> None:
    reciter = _Reciter()
    journal = Journal.open(path)
    reward = Reward(Judges(read_reward(recorded.reward), [reciter], journal))
    for line, rollout in zip(replies, recorded.rollouts(), strict=True):
        said = msgspec.json.decode(line, type=_Replies)
        if said.id != rollout.id:
            raise ValueError(f"replies.jsonl has {said.id} where rollouts.jsonl has {rollout.id}")
        reciter.left = list(said.replies)
        await reward.ascore([rollout])
    # What arrived in this turn of the loop is written in the next.
    await asyncio.sleep(0)
    journal.close()
