"""`dikast eval`: compares models or files of completions, and makes the report of runs anew."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dikast.certify.labels import Labels, read_labels
from dikast.cli.tell import ConsoleTeller
from dikast.errors import UnavailableError, UsageError
from dikast.evaluate.arms import Arm, read_arm
from dikast.evaluate.gold import LoadedGold, load_gold
from dikast.evaluate.labelled import corrected_rates, votes_of
from dikast.evaluate.records import Evaluation
from dikast.evaluate.run import evaluate
from dikast.evaluate.store import read_pooled
from dikast.loading import open_reward
from dikast.report.record import Report
from dikast.report.table import print_table
from dikast.report.write import write_report
from dikast.reward.blocking import run_blocking
from dikast.spec.reward import read_reward
from dikast.spec.run import EvalSpec
from dikast.stats.correction import Corrected
from dikast.train.folder import RunFolder


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a comparison of files."""

    arms: tuple[str, ...]
    """NAME=FILE each."""
    reward: Path
    certificate: Path | None
    gold: str | None
    judged: int | None
    best_of: int | None
    known: str | None
    ask: str | None
    journal: Path | None


def command(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN_DIR...]", help="Folders of runs; those of several seeds are pooled."),
    ] = None,
    *,
    arm: Annotated[
        list[str] | None, typer.Option("--arm", metavar="NAME=FILE", help="Compare completions: rollouts in JSONL.")
    ] = None,
    reward: Annotated[Path | None, typer.Option("--reward", help="The reward that scores the arms' answers.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Weigh the criteria as this certificate lets them.")] = None,
    gold: Annotated[
        str | None, typer.Option(metavar="MODULE:FUNCTION", help="A measure that the reward does not see, beside it.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="DIR", help="Where the report goes.")] = None,
    judged: Annotated[
        int | None, typer.Option(min=1, help="Documents whose answers the judge scores, spread evenly. Default: all.")
    ] = None,
    best_of: Annotated[
        int | None, typer.Option(min=1, help="The k of best of k. Default: the fewest samples that a prompt has.")
    ] = None,
    known: Annotated[str | None, typer.Option(metavar="COLUMN", help="The known answer, for the 1-5 score.")] = None,
    ask: Annotated[str | None, typer.Option(metavar="QUESTION", help="The yes/no question of the 1-5 score.")] = None,
    journal: Annotated[Path | None, typer.Option(help="What was asked and answered. Default: DIR/journal.db.")] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="People's labels of some of the judged answers, from dikast review: corrects pass rates.",
        ),
    ] = None,
    banner: Annotated[str | None, typer.Option(help="A line over the report.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json on standard output.")] = False,
) -> None:
    """Compare models or files of completions: figures with intervals, paired differences, one page that opens offline.

    Given runs it asks no model: it computes their report anew from what their evaluation left. Given --arm, it
    scores each file with the reward. Rollouts are paired by their group, or their prompt where they have none;
    the first answer to a prompt counts as the greedy one, and all of several are samples. With --labels the report says
    which share of the judged answers people would pass, beside the judge's own.

    [bold]Examples[/bold]

      dikast eval runs/demo-s0 runs/demo-s1 runs/demo-s2 -o runs/demo-pooled

      dikast review runs/demo && dikast eval runs/demo --labels runs/demo/labels.jsonl

      dikast eval --arm before=a.jsonl --arm after=b.jsonl --reward reward.yaml --certificate certificate.json -o compared
    """
    asked = {"--reward": reward, "--certificate": certificate, "--gold": gold, "--judged": judged, "--best-of": best_of}
    asked |= {"--known": known, "--ask": ask, "--journal": journal}
    read = [read_labels(path) for path in labels or ()]
    if runs and not arm:
        # With labels the reward says what they are about, where the run's own is not where it was.
        given = [name for name, value in asked.items() if value is not None and not (read and name == "--reward")]
        target = _target_of_runs(runs, output, given)
        pooled = read_pooled(runs)
        rates = _corrected_of_runs(runs[0], pooled, read, reward) if read else None
        report = write_report(pooled, target, runs=runs, banner=banner, corrected=rates)
    elif arm and not runs:
        if reward is None or output is None:
            raise UsageError("a comparison of files needs --reward REWARD to score them and -o DIR for the report")
        comparison = Comparison(
            arms=tuple(arm),
            reward=reward,
            certificate=certificate,
            gold=gold,
            judged=judged,
            best_of=best_of,
            known=known,
            ask=ask,
            journal=journal,
        )
        target = output
        spec = read_reward(reward)
        votes = votes_of(spec, read)
        evaluation = compare(comparison, target)
        rates = corrected_rates(spec, evaluation, votes) if read else None
        report = write_report(evaluation, target, banner=banner, corrected=rates)
    else:
        raise UsageError("give folders of runs, or files to compare with --arm NAME=FILE; one of the two")
    _print(report, target, as_json=as_json)


def compare(comparison: Comparison, target: Path) -> Evaluation:
    """Scores the files of completions, and keeps the evaluation in the target folder."""
    arms = _read_arms(comparison.arms)
    gold = _gold(comparison.gold, comparison.reward) if comparison.gold else None
    reward = open_reward(comparison.reward, comparison.certificate, comparison.journal or target / "journal.db")
    teller = ConsoleTeller()
    total = sum(len(arm.greedy) + sum(len(samples) for samples in arm.sampled) for arm in arms)
    try:
        with teller.bar("evaluation", total) as move:
            evaluation = run_blocking(
                evaluate(arms, reward, _spec(comparison, arms), gold=gold, folder_of_run=target, progress=move)
            )
    finally:
        reward.close()
    if comparison.certificate is not None:
        _copy(comparison.certificate, target / "certificate.json")
    return evaluation


def _corrected_of_runs(
    run: Path, evaluation: Evaluation, labels: Sequence[Labels], reward: Path | None
) -> dict[str, dict[str, Corrected]]:
    spec = read_reward(reward or RunFolder(run).reward())
    if spec.hash != evaluation.about.reward_hash:
        raise UsageError(f"{spec.path}: not the reward that scored {run}; name that one with --reward REWARD")
    return corrected_rates(spec, evaluation, votes_of(spec, labels))


def _target_of_runs(runs: Sequence[Path], output: Path | None, asked: Sequence[str]) -> Path:
    if asked:
        raise UsageError(
            f"{', '.join(asked)}: a run's evaluation is not made again here; leave them out, or compare files"
        )
    if output is None and len(runs) > 1:
        raise UsageError("the report of several runs needs a place of its own; name it with -o DIR")
    return output or runs[0]


def _read_arms(named: Sequence[str]) -> list[Arm]:
    arms: list[Arm] = []
    for text in named:
        name, equals, file = text.partition("=")
        if not (equals and file):
            raise UsageError(f"--arm {text}: write it as NAME=FILE")
        if name in {arm.name for arm in arms}:
            raise UsageError(f"--arm {text}: the name '{name}' is taken; give each file its own")
        arms.append(read_arm(name, Path(file)))
    return arms


def _gold(call: str, reward: Path) -> LoadedGold:
    """Loads the gold measure from beside the reward, or from where the command is run."""
    here = Path.cwd()
    beside = reward.resolve().parent
    file = call.partition(":")[0].replace(".", "/") + ".py"
    return load_gold(call, here if not (beside / file).is_file() and (here / file).is_file() else beside)


def _spec(comparison: Comparison, arms: Sequence[Arm]) -> EvalSpec:
    counts = [len(samples) for arm in arms for samples in arm.sampled]
    default = EvalSpec()
    return EvalSpec(
        judged=comparison.judged or max(len(arm.greedy) for arm in arms),
        best_of=comparison.best_of or min(counts, default=default.best_of),
        known=comparison.known,
        ask=comparison.ask or default.ask,
    )


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except shutil.SameFileError:
        return
    except OSError as error:
        raise UnavailableError(f"{target}: cannot be written ({error.strerror}); name another place with -o") from error


def _print(report: Report, target: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        print_table(target / "report.json")
    typer.echo(f"report: {target / 'report.html'}", err=True)
