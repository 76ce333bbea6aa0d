"""The `--anchors` of `dikast certify`: draws them the first time, and asks them again each time after that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import typer

from dikast.certify.anchors import Anchors, read_anchors
from dikast.certify.certificate import Certificate
from dikast.certify.drift import anchor_units, ask_again, draw
from dikast.certify.files import write_whole
from dikast.certify.labels import Labels
from dikast.certify.questions import Progress, Unit
from dikast.certify.telling import about_anchors
from dikast.errors import NotGoodEnoughError
from dikast.journal import Journal
from dikast.report.words import visible
from dikast.reward.assembly import Judges
from dikast.spec.reward import RewardSpec


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A file of anchors, as it was found before anything was asked."""

    path: Path
    spec: RewardSpec
    found: Anchors | None
    pool: list[Unit]
    """What they can be drawn from, where there are none yet."""

    def look(self, journal: Journal, *, cuts: Mapping[str, float], noise: float | None, progress: Progress) -> Anchors:
        """Draws the anchors, or asks them again, and writes their file."""
        return asyncio.run(self._look(journal, cuts, noise, progress))

    async def _look(
        self, journal: Journal, cuts: Mapping[str, float], noise: float | None, progress: Progress
    ) -> Anchors:
        now = datetime.now(UTC)
        today = now.date().isoformat()
        anchors = self.found
        if anchors is None:
            judges = Judges.open(self.spec, journal)
            try:
                drawn = await draw(
                    self.spec, self.pool, judge=judges.rubric(), cuts=cuts, today=today, noise=noise, progress=progress
                )
            finally:
                await judges.close()
            write_whole(drawn, self.path)
            return drawn
        epoch = anchors.under_way or _next_epoch(anchors, now)
        judges = Judges.open(self.spec, journal, epoch=epoch)
        try:
            anchors.require_fit(self.path, self.spec, judges.fingerprint)
            # Told before the first question: a run that is killed goes on with the same epoch, and its answers.
            write_whole(msgspec.structs.replace(anchors, under_way=epoch), self.path)
            again = await ask_again(
                self.spec, anchors, judge=judges.rubric(), epoch=epoch, today=today, progress=progress
            )
        finally:
            await judges.close()
        write_whole(again, self.path)
        return again


def watch(path: Path, spec: RewardSpec, labels: Labels | None) -> Watch:
    """Reads the anchors, or what they can be drawn from. Raises where there is neither, or too little."""
    if path.exists() or labels is None:
        found = read_anchors(path)
        found.require_fit(path, spec, found.model.fingerprint)
        return Watch(path=path, spec=spec, found=found, pool=[])
    return Watch(path=path, spec=spec, found=None, pool=anchor_units(spec, labels))


def cuts_of(certificate: Certificate) -> dict[str, float]:
    """From which P(yes) on a criterion's answer is a yes."""
    return {name: criterion.reading.cut for name, criterion in certificate.criteria.items()}


def show(anchors: Anchors, path: Path, *, as_json: bool = False, aside: bool = False) -> None:
    """Prints what the anchors say, in lines or as JSON; `aside` where standard output is a certificate's."""
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(_result(anchors))).decode())
    else:
        for line in about_anchors(anchors):
            typer.echo(visible(line), err=aside)
    typer.echo(f"written: {path}", err=True)


def require_unchanged(anchors: Anchors, path: Path) -> None:
    """Leaves with 1 where the judge drifted; the file is written by now."""
    if anchors.word == "drifted":
        drifted = [name for name, test in anchors.tests.items() if test.word == "drifted"] or ["all criteria together"]
        raise NotGoodEnoughError(
            f"{path}: the judge changed ({', '.join(drifted)}); stop what it judges, certify it again, "
            "and draw new anchors into another file"
        )


def _next_epoch(anchors: Anchors, now: datetime) -> int:
    """The time in milliseconds: no other file of anchors with this journal had it, or its answers would be taken for new."""
    latest = anchors.passes[-1].epoch if anchors.passes else 0
    return max(int(now.timestamp() * 1000), latest + 1)


def _result(anchors: Anchors) -> dict[str, Any]:
    """The file without its candidates, and each test with its word and its e-value."""
    result: dict[str, Any] = msgspec.to_builtins(anchors)
    del result["anchors"], result["under_way"]
    for name, test in anchors.tests.items():
        result["tests"][name] |= {"e": test.e, "word": test.word}
    result["overall"] |= {"e": anchors.overall.e, "word": anchors.overall.word}
    return {**result, "word": anchors.word}
