"""What the tests of the reward Lambda share: a package of the contract review example, judged by a scripted Bedrock."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dikast.aws.settings import FILE_NAME, HandlerSettings, written
from dikast.rollouts import read_rows
from dikast.spec.run import Constant

EXAMPLE = Path(__file__).parents[2] / "examples" / "contract_review"
MODEL = "openai.gpt-oss-120b-1:0"


@pytest.fixture
def contract_package(tmp_path: Path, judge_server) -> Callable[..., Path]:
    """Lays out the example as a package: its reward asks a Bedrock on loopback, and its certificate stays behind."""

    def make(*server: str, **settings) -> Path:
        folder = tmp_path / "package"
        folder.mkdir()
        for name in ("checks.py", "gold.py", "comments.schema.json"):
            shutil.copy(EXAMPLE / name, folder)
        reward = (EXAMPLE / "reward.yaml").read_text("utf-8")
        local = next(line for line in reward.splitlines() if line.startswith("  model: local:"))
        (folder / "reward.yaml").write_text(reward.replace(local, f"  model: bedrock:{MODEL}"), "utf-8")
        endpoint = judge_server(*server).url
        (folder / "models.yaml").write_text(
            f'"{MODEL}": {{provider: bedrock, endpoint: "{endpoint}", region: us-east-1, concurrency: 32}}\n', "utf-8"
        )
        told = HandlerSettings(reward="reward.yaml", **{"alone": Constant(constant=0.5), **settings})
        (folder / FILE_NAME).write_bytes(written(told))
        return folder

    return make


@pytest.fixture
def contract_rows() -> list[dict]:
    """Rollouts of the example, with what models really wrote."""
    return [row for _, row in read_rows(EXAMPLE / "data" / "labels.jsonl")]


@pytest.fixture
def aws_credentials(monkeypatch) -> None:
    """Credentials that nobody has."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
