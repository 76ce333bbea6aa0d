"""The reward Lambda in the vendor's runtime emulator: cold start, what the handler adds, a slow judge, a throttling one.

    python bench/lambda.py                    # all four
    python bench/lambda.py start slow         # some: start, overhead, slow, throttled

The cold starts are those of packages as `dikast aws build` makes them, the example's among them, which find no other
module than their own and those of Lambda's runtime. It needs `pip install --no-deps aws-sam-cli awslambdaric snapshot-restore-py simplejson` and boto3. The judge is
bench/judge_server.py, which speaks Converse; boto3, its retries apart, is the real one.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from measuring import judge_server, show

from dikast.aws.build.building import Order, build, settings_for
from dikast.aws.build.runtime import runtime_of
from dikast.aws.settings import FILE_NAME, HandlerSettings, written
from dikast.aws.verify.emulator import Emulator, Package, Reply
from dikast.aws.verify.runtime import link_modules
from dikast.aws.verify.targets import HANDLER
from dikast.rollouts import read_rows
from dikast.spec.reward import read_reward
from dikast.spec.run import Constant

EXAMPLE = Path(__file__).parent.parent / "examples" / "contract_review"

MINIMAL = """
import boto3
client = boto3.client("bedrock-runtime", region_name="us-east-1")
def handler(event, context):
    return [{"id": sample.get("id", ""), "aggregate_reward_score": 0.0} for sample in event]
"""
BARE = """
def handler(event, context):
    return []
"""
ASKS = """
import boto3
client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=%r)
SCHEMA = '{"properties": {"verdicts": {"properties": {"good": {"properties": {"answer": {"enum": ["yes", "no"]}}}}}}}'
TEXT = "<0123456789abcdef>\\nA.\\n</0123456789abcdef>"
def handler(event, context):
    client.converse(
        modelId="judge",
        messages=[{"role": "user", "content": [{"text": TEXT}]}],
        outputConfig={"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": SCHEMA, "name": "r"}}}},
    )
    return [{"id": sample.get("id", ""), "aggregate_reward_score": 0.0} for sample in event]
"""
REWARD = """
name: lambda
objective: You judge comments on a contract.
range: [0, 1]
inputs: {Contract: contract}
checks:
  - {check: length, max_words: 200, gate: true}
  - {check: artifacts, weight: 0.1}
judge:
  mode: rubric
  model: bedrock:judge
  criteria:
    - {id: on_point, ask: "Is the comment about the contract?", pass: It is., fail: It is not.}
    - {id: action, ask: "Does it name what to do?", pass: It does., fail: It does not.}
"""
CONCURRENCY = 32
BATCH = 64
TOKENS = 20_000
BEGINS = 0.3
"""Seconds until an answer of the judge that takes 1 s begins, where it is asked to stream."""
STARTS = 25
ROUNDS = 7
BATCHES = 3
# What the runtime would have to look for elsewhere, and what nobody may find on the machine that measures.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}


def main() -> None:
    """Measures and prints."""
    os.environ.update(CREDENTIALS)
    # A package that was built holds its modules compiled; a clone that must not be written to would compile them at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts: dict[str, Callable[[Path], None]] = {
        "start": _cold_starts,
        "overhead": _overhead,
        "slow": _slow_judge,
        "throttled": _throttled,
    }
    for named in sys.argv[1:] or parts:
        with tempfile.TemporaryDirectory() as name:
            os.environ["PYTHONPYCACHEPREFIX"] = str(Path(name, "compiled"))
            parts[named](Path(name))


def _cold_starts(root: Path) -> None:
    """Each in turn, so that what else the machine does falls on all alike."""
    # Here the packages' own bytecode counts, as in Lambda.
    del os.environ["PYTHONPYCACHEPREFIX"]
    modules = root / "modules"
    modules.mkdir()
    link_modules(modules)
    with judge_server(0.0) as url:
        ours = _built(_small(root / "small", url), root / "ours", modules)
        example = _built(_contracts(root / "contracts", url), root / "example", modules)
        minimal = _alone(_minimal(root / "minimal", MINIMAL), modules)
        asks = _alone(_minimal(root / "asks", ASKS % url), modules)
        told = {
            "imports boto3, makes the client": (minimal, [_sample(0)]),
            "dikast, event without an answer": (ours, [_unanswered()]),
            "dikast, event that a gate decides": (ours, [_sample(0, "word " * 300)]),
            "makes the client and asks the judge": (asks, [_sample(0)]),
            "dikast, event that the judge decides": (ours, [_sample(0)]),
            "contract review, event without an answer": (example, [_unanswered()]),
            "contract review, event that a gate decides": (example, [_reviewed("No JSON.")]),
            "contract review, event that the judge decides": (example, [_reviewed()]),
        }
        times: dict[str, list[float]] = {what: [] for what in told}
        processor: dict[str, list[float]] = {what: [] for what in told}
        for at in range(STARTS + 1):
            for what, (package, event) in told.items():
                with Emulator(package, seconds=30) as fresh:
                    reply = _answered(fresh.invoke(event))
                    spent = _processor_seconds(fresh)
                if at:  # the first round brings the files into memory
                    times[what].append(reply.seconds)
                    processor[what].append(spent)
    base = times["imports boto3, makes the client"]
    # Round by round, since a machine is as fast as it is at the moment.
    rows = [
        {
            "first event": what,
            "ms": 1000 * statistics.median(had),
            "of the first": statistics.median(one / first for one, first in zip(had, base, strict=True)),
            "CPU ms": 1000 * statistics.fmean(processor[what]),
            "CPU of the first": sum(processor[what]) / sum(processor["imports boto3, makes the client"]),
        }
        for what, had in times.items()
    ]
    show(f"cold start in the emulator, from the process's start to the answer, median of {STARTS}", rows, list(rows[0]))


def _processor_seconds(running: Emulator) -> float:
    """What the function's process has used of the processor: others' work beside it changes that little."""
    spent = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # a process that has ended meanwhile
            fields = place.read_text().rpartition(")")[2].split()
            if int(fields[1]) == running._process.pid:
                spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


def _overhead(root: Path) -> None:
    """The second time an event comes the judge's answers are remembered: what is left is the handler's own."""
    document = _document()
    event = [_sample(at, document=document) for at in range(BATCH)]
    with (
        judge_server(0.0) as url,
        Emulator(_minimal(root / "nothing", MINIMAL), seconds=60) as nothing,
        Emulator(_package(root / "whole", url), seconds=60) as whole,
    ):
        first = _answered(whole.invoke(event)).seconds
        _answered(nothing.invoke(event))
        again = [_answered(whole.invoke(event)).seconds for _ in range(ROUNDS)]
        travel = [_answered(nothing.invoke(event)).seconds for _ in range(ROUNDS)]
    row = {
        "samples": BATCH,
        "tokens each": TOKENS,
        "event ms": 1000 * statistics.median(again),
        "of it travel ms": 1000 * statistics.median(travel),
        "handler ms a sample": 1000 * (statistics.median(again) - statistics.median(travel)) / BATCH,
        "with travel ms a sample": 1000 * statistics.median(again) / BATCH,
        "first time, boto3 and a judge of 0 ms included, ms a sample": 1000 * first / BATCH,
    }
    show(f"what the handler adds without the judge, median of {ROUNDS}", [row], list(row))


def _slow_judge(root: Path) -> None:
    """The client is there already, as it is after the warm-up."""
    forms = {
        "64 prompts, short": ("Short.", 1),
        "64 prompts, 20k tokens": (_document(), 1),
        "8 prompts of 8, short": ("Short.", 8),
        "8 prompts of 8, 20k tokens": (_document(), 8),
    }
    seconds: dict[str, list[float]] = {what: [] for what in forms}
    with judge_server(1.0, "--begins", str(BEGINS)) as url:
        for at in range(BATCHES):
            for what, (document, siblings) in forms.items():
                seconds[what].append(_batch(_package(root / f"{at} {what}", url), document, siblings))
    ideal = BATCH / CONCURRENCY
    rows = [
        {"batch": what, "seconds": statistics.median(had), "ideal": ideal, "times": statistics.median(had) / ideal}
        for what, had in seconds.items()
    ]
    show(
        f"{BATCH} samples, a judge that begins after {BEGINS} s and takes 1 s, {CONCURRENCY} at once, median of {BATCHES}",
        rows,
        list(rows[0]),
    )


def _batch(package: Package, document: str, siblings: int) -> float:
    event = [_sample(at, document=f"{at // siblings} {document}", prompt=at // siblings) for at in range(BATCH)]
    with Emulator(package, seconds=60) as running:
        _answered(running.invoke([_sample(0, document="Another.")]))
        return _answered(running.invoke(event)).seconds


def _throttled(root: Path) -> None:
    event = [_sample(at) for at in range(BATCH)]
    with (
        judge_server(1.0, "--throttled", "0.3") as url,
        Emulator(_package(root / "throttled", url), seconds=20) as running,
    ):
        reply = _answered(running.invoke(event))
    row = {
        "rows": len(reply.answer),
        "in order": [one["id"] for one in reply.answer] == [one["id"] for one in event],
        "missing": sum(_metric(one, "missing") for one in reply.answer),
        "seconds": reply.seconds,
    }
    show(f"{BATCH} samples, a judge that takes 1 s and throttles 30 %, a time-out of 20 s", [row], list(row))


def _package(folder: Path, url: str) -> Package:
    """The small reward with the modules of here."""
    _small(folder, url)
    settings = HandlerSettings(reward="reward.yaml", alone=Constant(constant=0.0), warm_up=False)
    (folder / FILE_NAME).write_bytes(written(settings))
    return Package(folder=folder, handler=HANDLER, python_path=tuple(filter(None, sys.path)))


def _built(reward: Path, folder: Path, modules: Path) -> Package:
    """A reward as it is deployed: its zip, unpacked.

    As nobody changed the settings, the judge is asked its short question beside the first event.
    """
    spec = read_reward(reward)
    settings = settings_for(spec, None, alone={"constant": 0.0})
    built = build(spec, Order(settings=settings, runtime=runtime_of(None, "x86_64")))
    with zipfile.ZipFile(BytesIO(built.package)) as packed:
        packed.extractall(folder)
    return Package(folder=folder, handler=HANDLER, python_path=(str(modules),), alone=True)


def _small(folder: Path, url: str) -> Path:
    folder.mkdir()
    (folder / "reward.yaml").write_text(REWARD)
    _connect(folder, "judge", url)
    return folder / "reward.yaml"


def _contracts(folder: Path, url: str) -> Path:
    folder.mkdir()
    for name in ("reward_bedrock.yaml", "comments.schema.json", "checks.py"):
        shutil.copy(EXAMPLE / name, folder)
    _connect(folder, "openai.gpt-oss-120b-1:0", url)
    return folder / "reward_bedrock.yaml"


def _connect(folder: Path, model: str, url: str) -> None:
    connection = {"provider": "bedrock", "endpoint": url, "region": "us-east-1", "concurrency": CONCURRENCY}
    (folder / "models.yaml").write_text(json.dumps({model: connection}))


def _alone(package: Package, modules: Path) -> Package:
    return Package(folder=package.folder, handler=package.handler, python_path=(str(modules),), alone=True)


def _minimal(folder: Path, text: str) -> Package:
    folder.mkdir()
    (folder / "app.py").write_text(text)
    return Package(folder=folder, handler="app.handler", python_path=tuple(filter(None, sys.path)))


def _sample(
    at: int, says: str = "Ask for a cap.", *, document: str = "Short.", prompt: int | None = None
) -> dict[str, Any]:
    asked = {"role": "user", "content": f"Review contract {at if prompt is None else prompt}."}
    answer = {"role": "assistant", "content": f"{says} ({at})"}
    return {"id": str(at), "messages": [asked, answer], "metadata": {"contract": document}}


def _reviewed(says: str | None = None) -> dict[str, Any]:
    """The example's first row, with the expert's review as the answer."""
    _, row = next(iter(read_rows(EXAMPLE / "data" / "test.jsonl")))
    answer = {"role": "assistant", "content": row["reference"] if says is None else says}
    return {**row, "messages": [{"role": "user", "content": row["prompt"]}, answer]}


def _unanswered() -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Review."}]}


def _document() -> str:
    """Some 20,000 tokens at four characters each."""
    clause = "The Supplier shall pay within thirty days of the invoice, and the cap is the fees of twelve months. "
    return (clause * (4 * TOKENS // len(clause) + 1))[: 4 * TOKENS]


def _answered(reply: Reply) -> Reply:
    if reply.error:
        raise SystemExit(reply.error)
    return reply


def _metric(row: dict[str, Any], name: str) -> float:
    return next(entry["value"] for entry in row["metrics_list"] if entry["name"] == name)


if __name__ == "__main__":
    main()
