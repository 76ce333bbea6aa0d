"""Every example on the page about trainers is run as it stands, in an environment that has the trainer."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from environments import Environments

from dikast.certify.certificate import (
    Certificate,
    ChosenReading,
    Consistency,
    CriterionCertificate,
    ModelIdentity,
)
from dikast.certify.files import write_whole
from dikast.certify.labels import Split
from dikast.conform.recorded import Recorded, lay_out
from dikast.conform.running import TRAINERS
from dikast.loading import load
from dikast.stats.intervals import Interval

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "trainers.md").read_text("utf-8")
EXAMPLES = {
    (kind, name): text
    for kind, name, text in re.findall(r"```(\w+)\n# example: (\S+)\n(.*?)```", PAGE, flags=re.DOTALL)
}
ON_A_CPU = "use_cpu=True, bf16=False, max_completion_length=8, report_to=[], save_strategy='no', "
NONE = Interval(value=None, low=None, high=None, n=0)


@pytest.fixture
def folder(tmp_path: Path) -> Recorded:
    """What the examples stand in: the suite's reward with a certificate that lets every criterion count, and prompts."""
    recorded = lay_out(tmp_path)
    reward = load(recorded.reward)
    names = ("tpr", "tnr", "precision", "j", "kappa", "ac1", "auc", "flip_rate", "variance", "within_group")
    whole = CriterionCertificate(
        n=0, yes=0, no=0, level="green", factor=1.0, reading=ChosenReading(soft=True), why="made by a test",
        base_rate=None, **dict.fromkeys(names, NONE),
    )  # fmt: skip
    certificate = Certificate(
        reward="conformance", reward_hash=reward.hash,
        model=ModelIdentity(name=reward.model, fingerprint=reward.fingerprint), level="green",
        criteria={criterion.id: whole for criterion in reward.spec.file.judge.criteria}, annotators=("a",),
        labels_hash="", split=Split(by="hash", tuning=(), certificate=(), hash=""),
        consistency=Consistency(units=0, variants={}), seed=0, made_with={}, date="2026-01-01",
    )  # fmt: skip
    write_whole(certificate, tmp_path / "certificate.json")
    prompts = {rollout.group: rollout for rollout in recorded.rollouts()}.values()
    lines = [
        json.dumps(
            {
                "prompt": [{"role": turn.role, "content": turn.content} for turn in one.prompt],
                "contract": one.columns["contract"],
                "rule": one.columns["rule"],
            }
        )
        for one in prompts
    ]
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))
    return recorded


@pytest.fixture
def run(folder: Recorded) -> Callable[..., str]:
    """Runs a script in the folder with an environment's Python; skips where that is not made."""

    def go(environment: str | None, script: str) -> str:
        environments = Environments(PROJECT / "conformance")
        python = Path(sys.executable) if environment is None else environments.made(environment)
        if python is None:
            pytest.skip(f"conformance/.environments/{environment} is not made; 'make conformance-{environment}' does")
        quiet = {"PYTHONPATH": f"{PROJECT / 'src'}:.", "PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            [str(python), "-c", script],
            cwd=folder.folder,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, **quiet},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return go


@pytest.fixture
def policy(folder: Recorded) -> None:
    """A tiny checkpoint under the name that the examples use."""
    from dikast.conform.drivers.trl import tiny_model
    from dikast.train.tiny import make_tokenizer

    tokenizer = make_tokenizer([rollout.completion for rollout in folder.rollouts()])
    tokenizer.save_pretrained(folder.folder / "policy")
    tiny_model(tokenizer).save_pretrained(folder.folder / "policy")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "environment"), [("trl", None), ("trl-older", "trl-older")])
def test_a_trl_trainer_trains(run: Any, policy: None, folder: Recorded, name: str, environment: str | None):
    """The policy's own answers are not recorded, so every score is missing or gated: nothing must come of it but a log."""
    script = EXAMPLES["python", name].replace("max_steps=2", ON_A_CPU + "max_steps=2")
    batch = "per_device_train_batch_size=4, num_generations=4"

    run(environment, script.replace("num_generations=4", batch) + "assert trainer.state.global_step == 2\n")


@pytest.mark.slow
def test_a_module_of_rewards_is_what_trl_and_axolotl_import(run: Any, folder: Recorded):
    (folder.folder / "rewards.py").write_text(EXAMPLES["python", "rewards.py"])
    [named] = yaml.safe_load(EXAMPLES["yaml", "axolotl"])["trl"]["reward_funcs"]
    module, _, function = named.rpartition(".")

    out = run(
        None,
        f"import importlib, inspect\nfound = getattr(importlib.import_module({module!r}), {function!r})\n"
        "print(len(inspect.signature(found).parameters), inspect.iscoroutinefunction(found.__call__), found.__name__)",
    )

    assert out.split() == ["5", "True", "dikast"]


TRACE = """
import asyncio, json
import verifiers.v1 as vf
from verifiers.v1.graph import MessageNode
from pathlib import Path
from dikast.conform.recorded import Recorded

class Clause(vf.TaskData):
    contract: str
    rule: str

class Review(vf.Task[Clause]):
    pass

one = Recorded(folder=Path(".")).rollouts()[0]
data = Clause(prompt=one.prompt[0].content, contract=one.columns["contract"], rule=one.columns["rule"])
trace = vf.Trace(task=vf.TraceTask(type="Review", data=data), agent=vf.AgentInfo(name="agent", config=vf.AgentConfig()))
trace.nodes.append(MessageNode(message=vf.AssistantMessage(content=one.completion), sampled=True))
asyncio.run(Review(data, vf.TaskConfig(**CONFIG)).score(trace))
print(json.dumps(trace.reward))
"""


@pytest.mark.slow
def test_verifiers_scores_a_trace_with_the_judge_and_with_the_function(run: Any, folder: Recorded):
    task = tomllib.loads(EXAMPLES["toml", "verifiers"])["taskset"]["task"]
    (folder.folder / "my_rewards.py").write_text(EXAMPLES["python", "verifiers-function"])
    found = re.search(r"# taskset\.task\.rewards\.(\w+) = \{fn = \"(\S+)\"", EXAMPLES["python", "verifiers-function"])
    assert found is not None
    function = {"rewards": {found[1]: {"fn": found[2]}}}

    rewards = [json.loads(run("verifiers", TRACE.replace("CONFIG", repr(config)))) for config in (task, function)]

    assert rewards == [folder.expected()[0].score] * 2


@pytest.mark.slow
def test_tinkers_groups_are_built_and_rewarded(run: Any, folder: Recorded):
    out = run(
        "tinker",
        EXAMPLES["python", "tinker"]
        + """
import asyncio
from pathlib import Path
from tinker_cookbook import renderers
from tinker_cookbook.rl.rollouts import do_group_rollout
from dikast.conform.drivers.tinker import Reciting
from dikast.conform.recorded import Recorded
from dikast.train.tiny import make_tokenizer

group = Recorded(folder=Path(".")).rollouts()[:4]
tokenizer = make_tokenizer([one.completion for one in group])
builder = next(builders(renderers.get_renderer("qwen3_instruct", tokenizer)))
policy = Reciting(tokenizer, group)
done = asyncio.run(do_group_rollout(builder, policy))
print(json.dumps(dict(zip(policy.whose(done.trajectories_G), done.get_total_rewards()))))
""",
    )

    assert json.loads(out) == {score.id: score.score for score in folder.expected()[:4]}


@pytest.mark.slow
def test_arts_groups_are_gathered_and_rewarded(run: Any, folder: Recorded):
    out = run(
        "art",
        EXAMPLES["python", "art"]
        + """
import asyncio, json
from pathlib import Path
from dikast.conform.drivers.art import written
from dikast.conform.recorded import Recorded

[group] = asyncio.run(judged_groups([written(Recorded(folder=Path(".")).rollouts()[:4])]))
print(json.dumps([one.reward for one in group]))
""",
    )

    assert json.loads(out) == [score.score for score in folder.expected()[:4]]


@pytest.mark.slow
def test_gyms_server_takes_its_configuration_and_answers(run: Any, folder: Recorded):
    server = yaml.safe_load(EXAMPLES["yaml", "nemo-gym"])["dikast"]["resources_servers"]["dikast"]
    given = {name: value for name, value in server.items() if name not in ("entrypoint", "domain")}
    app = EXAMPLES["python", "nemo-gym"].replace('__name__ == "__main__"', "False")

    out = run(
        "nemo-gym",
        app
        + f"""
import json
from pathlib import Path
from fastapi.testclient import TestClient
from dikast.conform.drivers.nemo_gym import asked, server_of
from dikast.conform.recorded import Recorded

assert callable(DikastResourcesServer.run_webserver)
with TestClient(server_of(**{given!r}).setup_webserver()) as web:
    print(json.dumps(web.post("/verify", json=asked(Recorded(folder=Path(".")).rollouts()[0])).json()["reward"]))
""",
    )

    assert json.loads(out) == folder.expected()[0].score


def test_the_page_names_the_versions_that_are_tested():
    environments = Environments(PROJECT / "conformance")
    for name, trainer in TRAINERS.items():
        version = (
            importlib.metadata.version(trainer.distribution)
            if trainer.environment is None
            else environments.version_of(trainer.environment, trainer.distribution)
        )
        assert version in PAGE, name


def test_the_page_has_no_example_that_no_test_runs():
    source = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_trainers*.py"))

    assert [name for _, name in EXAMPLES if f'"{name}"' not in source] == []
