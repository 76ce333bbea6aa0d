"""A reward as `dikast aws build` takes it, and the package that it becomes: for tests of several folders."""

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from dikast.aws.build.building import Built, Order, build, gather, settings_for
from dikast.aws.build.runtime import runtime_of
from dikast.spec.reward import read_reward

PROJECT = Path(__file__).parents[1]
EXAMPLE = PROJECT / "examples" / "contract_review"
PROFILE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
RECORDED = "recorded:verdicts.jsonl"

PLAIN = """
name: plain review
objective: Judge the answer.
inputs: {{Document: contract}}
judge:
  model: {model}
  criteria:
    - {{id: good, ask: "Is it good?", pass: It is., fail: It is not.}}
"""


def plain_reward(folder: Path, model: str = "bedrock:judge", checks: str = "") -> Path:
    """A reward file with one criterion, and `checks` as a line of YAML."""
    path = folder / "reward.yaml"
    path.write_text(PLAIN.format(model=model) + checks)
    return path


def example_reward(folder: Path, model: str) -> Path:
    """The legal example, with all kinds of checks, and another judge."""
    for name in ("checks.py", "comments.schema.json"):
        shutil.copy(EXAMPLE / name, folder / name)
    text = (EXAMPLE / "reward.yaml").read_text()
    path = folder / "reward.yaml"
    path.write_text(text.replace("local:qwen2.5-coder-1.5b-instruct-q4", model))
    return path


def example_rows() -> list[dict[str, Any]]:
    """Rows of the example whose references are good answers."""
    return [json.loads(line) for line in (EXAMPLE / "data" / "test.jsonl").read_text().splitlines()[:4]]


def order_of(path: Path, **changes: Any) -> Order:
    """An order for a reward, uncertified, on the Python that runs the tests."""
    settings = settings_for(read_reward(path), None, target="smtj", alone={"constant": 0.5})
    order = Order(settings=settings, runtime=runtime_of(None, "x86_64"))
    return msgspec.structs.replace(order, **changes)


def built_of(path: Path, **changes: Any) -> Built:
    """What is built of a reward."""
    return build(read_reward(path), order_of(path, **changes))


def gathered(path: Path, **changes: Any) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of a package and its libraries, without the time that compiling and zipping take."""
    return gather(read_reward(path), order_of(path, **changes))


def unzipped(built: Built, folder: Path) -> Path:
    """The package as Lambda lays it out."""
    with zipfile.ZipFile(io.BytesIO(built.package)) as archive:
        archive.extractall(folder)
    return folder
