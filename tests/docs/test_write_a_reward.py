"""Every reward on the page "Write a reward" is read, asked and added up, as a reader would do it."""

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import dikast
from dikast.certify.certificate import read_certificate
from dikast.certify.lint.critic import lint
from dikast.errors import UnavailableError
from dikast.spec.reward import read_reward

PAGE = Path(__file__).parents[2] / "docs" / "write-a-reward.md"
EXAMPLES = dict(re.findall(r"```yaml\n# name: (\S+)\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL))
REWARDS = sorted(set(EXAMPLES) - {"models.yaml", "local"})


def rows() -> list[dict[str, Any]]:
    """Four answers to each of two questions; the sets' answers are JSON."""
    made = []
    for at in range(8):
        contract = f"{at // 4}. Liability is capped at the fees of one year."
        made.append(
            {
                "prompt": f"What does clause {at // 4} say?",
                "completion": json.dumps({"comments": [f"Answer {at}: the cap is low.", "No cap for fraud."]}),
                "contract": contract,
                "reference": f"Liability is limited to the fees of one year, clause {at // 4}.",
                "expert_issues": [{"issue": "low cap"}, {"issue": "fraud"}],
            }
        )
    return made


@pytest.fixture
def folder_of(
    tmp_path: Path, judge_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    def write(name: str) -> Path:
        url = judge_server().url
        (tmp_path / "reward.yaml").write_text(EXAMPLES[name])
        openai = {"provider": "openai", "endpoint": f"{url}/v1"}
        models = {
            "judge": openai,
            "second": openai | {"model": "b"},
            "third": openai | {"model": "c"},
            "decider": {"provider": "decisions", "endpoint": f"{url}/v1"},
            "on-bedrock": {"provider": "bedrock", "endpoint": url, "region": "us-east-1"},
        }
        (tmp_path / "models.yaml").write_text(yaml.safe_dump(models))
        (tmp_path / "rollouts.jsonl").write_text("\n".join(json.dumps(row) for row in rows()))
        said = [{"id": f"line-{at}", "verdicts": {"correct": at / 10}} for at in range(1, 9)]
        (tmp_path / "verdicts.jsonl").write_text("\n".join(json.dumps(row) for row in said))
        return tmp_path

    return write


@pytest.mark.parametrize("name", REWARDS)
def test_the_example_scores_its_rollouts(name: str, folder_of: Callable[[str], Path]):
    folder = folder_of(name)
    reward = dikast.load(folder / "reward.yaml")

    scores = reward.score(dikast.read_rollouts(folder / "rollouts.jsonl"), deadline=120)
    reward.close()

    low, high = reward.spec.file.range
    values = [score.score for score in scores if score.score is not None]
    assert len(values) == len(scores)
    assert all(low <= value <= high for value in values)
    assert len(set(values)) > 1, "everything got the same score: the judge was not heard"


def test_the_python_of_the_page_runs_as_it_is_printed(
    folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(folder_of("rubric"))

    exec(compile(code, str(PAGE), "exec"), {})

    assert len(json.loads(capsys.readouterr().out)) == len(rows())


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"models.yaml"}))
def test_the_linter_finds_no_fault_in_the_example(name: str, tmp_path: Path):
    (tmp_path / "reward.yaml").write_text(EXAMPLES[name])

    faults = [finding for finding in lint(read_reward(tmp_path / "reward.yaml").file) if finding.level == "error"]

    # A veto waits for its certificate, as the page says.
    assert {fault.rule for fault in faults} <= ({"veto_uncertified"} if name == "veto" else set())


@pytest.mark.parametrize(
    "path", sorted((PAGE.parents[1] / "examples").glob("*/reward*.yaml")), ids=lambda path: path.stem
)
def test_the_linter_finds_no_fault_in_the_projects_examples(path: Path):
    certificate = path.parent / "certificate.json"
    trust = read_certificate(certificate) if path.name == "reward.yaml" else None

    assert [finding for finding in lint(read_reward(path).file, certificate=trust) if finding.level == "error"] == []


def test_the_connection_of_the_page_is_read(tmp_path: Path):
    (tmp_path / "models.yaml").write_text(EXAMPLES["models.yaml"])
    (tmp_path / "reward.yaml").write_text(EXAMPLES["rubric"])

    reward = dikast.load(tmp_path / "reward.yaml")

    assert "gpt-oss-120b" in reward.fingerprint
    assert "reasoning_effort" in reward.fingerprint


@pytest.mark.model
@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed")
def test_the_local_example_scores_its_rollouts(folder_of: Callable[[str], Path]):
    folder = folder_of("local")
    try:
        reward = dikast.load(folder / "reward.yaml")
    except UnavailableError as error:
        # `make test` pulls the model first, and the error says how to get it.
        pytest.skip(str(error))

    scores = reward.score(dikast.read_rollouts(folder / "rollouts.jsonl")[:2])
    reward.close()

    assert all(score.score is not None and 0 <= score.score <= 1 for score in scores)


def test_the_local_example_names_a_known_model(tmp_path: Path):
    from dikast.models.catalog import MODELS

    assert yaml.safe_load(EXAMPLES["local"])["judge"]["model"].removeprefix("local:") in MODELS


def test_the_page_has_an_example_of_every_mode_provider_and_aggregator():
    files = [yaml.safe_load(text) for name, text in EXAMPLES.items() if name != "models.yaml"]
    models = [
        model
        for file in files
        for model in ([file["judge"]["model"]] if isinstance(file["judge"]["model"], str) else file["judge"]["model"])
    ]

    assert {model.partition(":")[0] for model in models} == {"openai", "decisions", "bedrock", "local", "recorded"}
    assert {file["judge"].get("compare") for file in files} == {None, "reference", "swiss", "listwise", "round_robin"}
    assert {file.get("aggregate", "weighted_mean") for file in files} == {
        "weighted_mean",
        "veto",
        "saturating",
        "healthbench",
    }
