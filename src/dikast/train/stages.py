"""A run from beginning to end: baseline, certificate, warm start, RL, control run, answers, evaluation, report.

Each stage leaves files in the run's folder and is skipped when it is done. Stages alternate between
training and judging, so each may use all cores. The order serves the comparison: the control run is
given the wall time that warm start and RL took.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from dikast.certify.certificate import Certificate, read_certificate
from dikast.certify.present import graded_otherwise
from dikast.errors import NotGoodEnoughError
from dikast.evaluate.arms import Arm, spread
from dikast.evaluate.gold import load_gold
from dikast.evaluate.run import evaluate
from dikast.loading import open_reward, open_uncertified
from dikast.records import Rollout
from dikast.report.steps import Alarms, step_line
from dikast.report.write import write_report
from dikast.reward.reward import Reward
from dikast.rollouts import read_rollouts, read_rows, rollout_of, write_rows
from dikast.spec.run import RunSpec, SftSpec
from dikast.train.folder import RunFolder
from dikast.train.generate import Sampling, answered, generate
from dikast.train.memory import give_back_memory, keep_freed_memory
from dikast.train.policy import load_policy, policy_folder
from dikast.train.rl import rl_settings, run_rl
from dikast.train.sft import examples_of, run_sft, run_sft_long

RL_SHARE = 0.4
"""Share of a time budget that the RL may take; the control run takes up to as much."""
BUDGET_BASE = 30.0
"""Minutes for which run.yaml's evaluation sizes are meant; a smaller budget shrinks them in proportion."""


class Teller(Protocol):
    """How a run tells a person what it does."""

    def say(self, line: str) -> None:
        """Prints a line."""
        ...

    def bar(self, title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Shows a progress bar for the length of the block; the callable moves it on."""
        ...


def told_of(certificate: Certificate) -> Iterator[str]:
    """What a run says of the certificate that it begins with."""
    on = {name: f"{c.level} x{c.factor:.2f}" for name, c in certificate.criteria.items()}
    yield f"certificate: {certificate.level}; " + ", ".join(f"{name} {what}" for name, what in on.items())
    for note in graded_otherwise(certificate.levels):
        yield f"certificate: {note}"


class Run:
    """One run with its folder. `go` does what is not done yet."""

    def __init__(
        self,
        spec: RunSpec,
        folder: RunFolder,
        teller: Teller,
        *,
        uncertified: bool = False,
        budget_minutes: float | None = None,
        banner: str | None = None,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.teller = teller
        self.uncertified = uncertified
        self.banner = banner
        self.budget = budget_minutes * 60 if budget_minutes else None
        self.scale = min(1.0, budget_minutes / BUDGET_BASE) if budget_minutes else 1.0
        self._alarms = Alarms()
        keep_freed_memory()
        self.settings = rl_settings(spec)

    @property
    def arms(self) -> tuple[str, ...]:
        return ("base", "sft_start", "sft_long", "rft") if self.spec.file.sft else ("base", "rft")

    def go(self) -> None:
        """Runs every stage that is not done."""
        reward = self._open_reward()
        try:
            self._policy()
            if sft := self.spec.file.sft:
                self._stage("sft", lambda: self._sft(sft))
            self._stage("rl", lambda: self._rl(reward))
            if sft:
                self._stage("sft_long", lambda: self._sft_long(sft))
            for arm in self.arms:
                self._stage(f"answers_{arm}", lambda arm=arm: self._answers(arm))
            self._stage("evaluation", lambda: self._evaluate(reward))
        finally:
            reward.close()

    def _stage(self, name: str, work: Callable[[], dict[str, Any]]) -> None:
        if (found := self.folder.done(name)) is not None:
            self.teller.say(f"{name}: done before {_brief(found)}")
            return
        self.teller.say(f"{name}: begins")
        found = work()
        self.folder.finish(name, found)
        self.teller.say(f"{name}: done {_brief(found)}")
        give_back_memory()

    def _open_reward(self) -> Reward:
        """Opens what trains: the reward as its certificate reads it. Raises where the certificate forbids training."""
        source = self.folder.certificate if self.folder.certificate.is_file() else self.spec.certificate
        if self.uncertified:
            return self._open_uncertified(source)
        if not source.is_file():
            raise NotGoodEnoughError(
                f"{source}: no certificate, so nobody knows what the judge is worth; measure it with "
                f"'dikast certify {self.spec.reward} LABELS -o {source}', or say --uncertified"
            )
        trust = read_certificate(source)
        if trust.level in ("red", "insufficient"):
            mend = "mend the criteria" if trust.level == "red" else "label more"
            raise NotGoodEnoughError(
                f"{source}: the certificate is {trust.level}; {mend} and certify again, or say --uncertified"
            )
        reward = open_reward(self.spec.reward, source, self.folder.journal)
        self._keep(source)
        for line in told_of(trust):
            self.teller.say(line)
        return reward

    def _open_uncertified(self, source: Path) -> Reward:
        """Opens the reward with every criterion on, and says what became of its certificate."""
        reward, trust = open_uncertified(self.spec.reward, source, self.folder.journal)
        if trust is None:
            self.teller.say("certificate: none (--uncertified); every criterion counts as it stands in the file")
            return reward
        self._keep(source)
        self.teller.say(
            f"certificate: {trust.level}, and set aside (--uncertified); every criterion counts in full, read as measured"
        )
        return reward

    def _keep(self, certificate: Path) -> None:
        """Keeps the certificate with the run: the report shows it, and a later start reads it here."""
        if certificate != self.folder.certificate:
            shutil.copyfile(certificate, self.folder.certificate)

    def _policy(self) -> Path:
        """Gives the base policy's folder."""
        if self.spec.file.policy == "tiny":
            from dikast.train.tiny import tiny_policy

            base = self.folder.model("base")
            self._stage("tiny", lambda: tiny_policy(base, self._rows("train"), seed=self.spec.file.seed))
            return base
        return policy_folder(self.spec.file.policy, self.spec.path.parent)

    def _rows(self, side: str) -> list[Rollout]:
        path = self.spec.resolve(getattr(self.spec.file.data, side))
        return [rollout_of(row, path=path, line=number, completion="") for number, row in read_rows(path)]

    def _sft(self, sft: SftSpec) -> dict[str, Any]:
        model, tokenizer = load_policy(self._policy())
        examples = examples_of(self._rows("train"), sft.examples)
        outcome = run_sft(
            model,
            tokenizer,
            examples,
            sft,
            seed=self.spec.file.seed,
            work=self.folder.path / "sft",
            log=lambda row: self._log("sft", row),
        )
        save_model(model, tokenizer, self.folder.model("sft_start"))
        return msgspec.to_builtins(outcome)

    def _rl(self, reward: Reward) -> dict[str, Any]:
        start = self.folder.model("sft_start") if self.spec.file.sft else self._policy()
        model, tokenizer = load_policy(start)
        work = self.folder.path / "rl"
        self._alarms = Alarms(reward.spec.file.range)
        outcome = run_rl(
            model,
            tokenizer,
            self._rows("train"),
            reward,
            self.spec,
            work=work,
            log=lambda row: self._log("rl", row),
            warn=self.teller.say,
            seconds=self.budget * RL_SHARE if self.budget else None,
        )
        save_model(model, tokenizer, self.folder.model("rft"))
        for checkpoint in work.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
        return msgspec.to_builtins(outcome)

    def _sft_long(self, sft: SftSpec) -> dict[str, Any]:
        model, tokenizer = load_policy(self._policy())
        earlier = [self.folder.done(stage) or {} for stage in ("sft", "rl")]
        outcome = run_sft_long(
            model,
            tokenizer,
            examples_of(self._rows("train"), sft.examples),
            self._rows("valid"),
            sft,
            seconds=sum(found["seconds"] for found in earlier),
            seed=self.spec.file.seed,
            work=self.folder.path / "sft_long",
            log=lambda row: self._log("sft_long", row),
        )
        save_model(model, tokenizer, self.folder.model("sft_long"))
        return msgspec.to_builtins(outcome)

    def _answers(self, arm: str) -> dict[str, Any]:
        """Lets an arm answer the held-out prompts: greedily, and a part of them sampled."""
        model, tokenizer = load_policy(self._policy() if arm == "base" else self.folder.model(arm))
        spec = self.spec.file.eval
        documents = spread(self._rows("test"), self._scaled(spec.documents))
        # Among those that the judge scores, so that the samples stand beside the greedy answer.
        few = spread(spread(documents, self._scaled(spec.judged)), self._scaled(spec.sampled_documents))
        length = self.settings["max_completion_length"]
        greedy = Sampling(max_new_tokens=length, seed=self.spec.file.seed)
        drawn = Sampling(
            max_new_tokens=length,
            temperature=self.settings["temperature"],
            samples=spec.best_of,
            seed=self.spec.file.seed,
        )
        for kind, rows, sampling in (("greedy", documents, greedy), ("sampled", few, drawn)):
            with self.teller.bar(f"{arm}: {kind} answers", len(rows)) as move:
                texts = generate(
                    model,
                    tokenizer,
                    [row.prompt for row in rows],
                    sampling,
                    batch_size=spec.batch_size,
                    progress=move,
                )
            write_rows(self.folder.answers(arm, kind), [as_row(rollout) for rollout in answered(rows, texts)])
        return {"documents": len(documents), "sampled_documents": len(few)}

    def _evaluate(self, reward: Reward) -> dict[str, Any]:
        arms = [self._arm(name) for name in self.arms]
        spec = self.spec.file.eval
        spec = msgspec.structs.replace(spec, judged=self._scaled(spec.judged))
        gold = load_gold(spec.gold, self.spec.path.parent) if spec.gold else None
        total = sum(len(arm.greedy) + sum(len(texts) for texts in arm.sampled) for arm in arms)
        with self.teller.bar("evaluation", total) as move:
            evaluation = asyncio.run(
                evaluate(
                    arms,
                    reward,
                    spec,
                    gold=gold,
                    folder_of_run=self.folder.path,
                    seed=self.spec.file.seed,
                    progress=move,
                )
            )
        write_report(evaluation, self.folder.path, banner=self.banner)
        return {"report": str(self.folder.page.name)}

    def _arm(self, name: str) -> Arm:
        greedy = read_rollouts(self.folder.answers(name, "greedy"))
        sampled: dict[str, list[Rollout]] = {}
        for rollout in read_rollouts(self.folder.answers(name, "sampled")):
            sampled.setdefault(rollout.id.partition("#")[0], []).append(rollout)
        return Arm(name=name, greedy=tuple(greedy), sampled=tuple(tuple(texts) for texts in sampled.values()))

    def _scaled(self, count: int) -> int:
        return max(4, round(count * self.scale))

    def _log(self, stage: str, row: dict[str, Any]) -> None:
        self.folder.append(stage, row)
        self.teller.say(f"{stage}: {step_line(row)}")
        if stage == "rl":
            for alarm in self._alarms.of(row):
                self.teller.say(f"{stage}: warning: {alarm}")


def as_row(rollout: Rollout) -> dict[str, Any]:
    """Gives a rollout as a row of a rollouts file, its columns beside the fixed fields."""
    row = msgspec.to_builtins(rollout)
    return {**row.pop("columns"), **row}


def save_model(model: Any, tokenizer: Any, target: Path) -> None:
    """Saves a checkpoint that appears whole or not at all."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _brief(found: dict[str, Any]) -> str:
    known = {name: value for name, value in found.items() if value is not None}
    words = [f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in known.items()]
    return f"({', '.join(words)})" if words else ""
