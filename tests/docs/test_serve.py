"""Every curl of the page "Serve a reward over HTTP" is run against a server, as a reader would do it."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from running_serve import RunningServe

from dikast.serve.app import DIALECTS

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "serve.md").read_text("utf-8")
CURLS = re.findall(r"```sh\n# gives: (\w+).*?\n(.*?)```", PAGE, flags=re.DOTALL)
[REWARD] = re.findall(r"```yaml\n# name: reward.yaml\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def address(tmp_path: Path, judge_server: Callable[..., Any]) -> Iterator[str]:
    connection = {"provider": "openai", "endpoint": f"{judge_server('--latency', '0.001').url}/v1"}
    (tmp_path / "models.yaml").write_text(json.dumps({"judge": connection}))
    (tmp_path / "reward.yaml").write_text(REWARD)
    by_prompt = REWARD.replace("Document: contract", "Question: prompt").replace("name: contract", "name: by_prompt")
    (tmp_path / "by_prompt.yaml").write_text(by_prompt)
    server = RunningServe(
        tmp_path / "reward.yaml", str(tmp_path / "by_prompt.yaml"), "--journal", str(tmp_path / "journal.db")
    )
    yield server.address.removeprefix("http://")
    server.stop()


@pytest.mark.parametrize(("key", "curl"), CURLS, ids=[re.findall(r"8600/([\w/]+)", curl)[0] for _, curl in CURLS])
def test_the_example_gives_what_the_page_says(key: str, curl: str, address: str):
    if shutil.which("curl") is None:
        pytest.skip("no curl is here")

    done = subprocess.run(
        ["bash", "-c", curl.replace("localhost:8600", address)], capture_output=True, text=True, timeout=60
    )

    told = json.loads(done.stdout)
    assert "error" not in told, told
    if key == "0":
        assert told[0]["aggregate_reward_score"] in (0.0, 1.0)
    elif key == "scores" and isinstance(told["scores"][0], dict):
        assert [score["status"] for score in told["scores"]] == ["scored", "scored"]
    else:
        assert told[key] in (0.0, 1.0, [0.0], [1.0]) or key == "hash"


def test_the_page_has_an_example_of_every_shape():
    asked = " ".join(curl for _, curl in CURLS)

    assert all(f"/{dialect.name}" in asked for dialect in DIALECTS)


def test_the_manifest_keeps_what_the_page_promises():
    manifest = (PROJECT / "examples" / "serve" / "kubernetes.yaml").read_text("utf-8")
    [pod] = [one["spec"]["template"]["spec"] for one in yaml.safe_load_all(manifest) if one["kind"] == "Deployment"]
    [container] = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    drain = float(container["args"][container["args"].index("--drain") + 1])
    assert pod["terminationGracePeriodSeconds"] > drain


def test_the_image_runs_as_another_user_than_root():
    lines = (PROJECT / "examples" / "serve" / "Dockerfile").read_text("utf-8").splitlines()

    assert "USER 10001" in lines
    assert lines.index("USER 10001") < next(at for at, line in enumerate(lines) if line.startswith("ENTRYPOINT"))
