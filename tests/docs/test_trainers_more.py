"""The examples of verl, OpenRLHF, slime, LLaMA-Factory, ms-swift, SkyRL gym and AReaL mean what they say."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import running_serve
import yaml
from environments import Environments

from dikast.adapters.opening import read_settings
from dikast.conform.recorded import lay_out
from dikast.serve.dialects import openrlhf
from dikast.serve.options import require_known, stand_in_of

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "trainers.md").read_text("utf-8")
EXAMPLES = {
    name: text for _kind, name, text in re.findall(r"```(\w+)\n# example: (\S+)\n(.*?)```", PAGE, flags=re.DOTALL)
}
IN_AN_ENVIRONMENT = {
    "ms-swift": "assert orms['dikast'](args=None).__name__ == 'dikast'",
    "skyrl-gym": "import skyrl_gym\nskyrl_gym.make('dikast', env_config={'reward': 'reward.yaml'}, extras={})",
    "areal": """
from areal.api.cli_args import GenerationHyperparameters
from dikast.train.tiny import make_tokenizer
made = workflow(GenerationHyperparameters(max_new_tokens=8), make_tokenizer(['a']))
assert made.inner.async_reward_fn == made._reward
""",
}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("verl", ("reward", "reward_kwargs")),
        ("verl-function", ("reward", "custom_reward_function", "reward_kwargs")),
        ("slime", ("dikast",)),
    ],
)
def test_the_settings_of_a_configuration_are_ours(name: str, place: tuple[str, ...]):
    settings: Any = yaml.safe_load(EXAMPLES[name])
    for part in place:
        settings = settings[part]

    assert read_settings(settings, where=name).reward == "/data/reward.yaml"


def test_the_servers_options_in_the_command_line_are_known_and_allowed():
    words = shlex.split(EXAMPLES["openrlhf"].replace("\\\n", " "))
    url = urlsplit(words[words.index("--reward.remote_url") + 1])
    options = dict(parse_qsl(url.query))

    require_known(options, openrlhf.DIALECT.options)
    stand_in = stand_in_of(options, "group_mean", drops_nan=openrlhf.DIALECT.drops_nan(options))
    stand_in.check((0.0, 1.0))
    assert url.path == "/openrlhf"
    assert stand_in.enough == int(words[words.index("--rollout.n_samples_per_prompt") + 1]) - 1


def test_llama_factorys_address_is_answered_as_it_asks(tmp_path: Path):
    """It posts the address as it is, and takes what is under `scores` (its train/ppo/ppo_utils.py, 0.9.5)."""
    said = yaml.safe_load(EXAMPLES["llama-factory"])
    url = urlsplit(said["reward_model"])
    lay_out(tmp_path)
    text = (tmp_path / "reward.yaml").read_text()
    (tmp_path / "reward.yaml").write_text(text.replace("  Contract: contract\n  Rule: rule\n", "  Contract: prompt\n"))
    server = running_serve.RunningServe(tmp_path / "reward.yaml", "--journal", str(tmp_path / "served.db"))
    try:
        told = server.ask(f"{url.path}?{url.query}", {"model": "model", "messages": ["Q\nAssistant:  "]})
    finally:
        server.stop()

    assert (said["stage"], said["reward_model_type"]) == ("ppo", "api")
    # Nothing was written, and a gate needs no judge to see that.
    assert told == {"scores": [-1.0]}


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_AN_ENVIRONMENT)
def test_an_example_runs_where_its_trainer_is(name: str, tmp_path: Path):
    python = Environments(PROJECT / "conformance").made(name)
    if python is None:
        pytest.skip(f"conformance/.environments/{name} is not made; 'make conformance-{name}' makes it")
    lay_out(tmp_path)

    done = subprocess.run(
        [str(python), "-c", EXAMPLES[name] + "\n" + IN_AN_ENVIRONMENT[name]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(PROJECT / "src"), "HOME": str(tmp_path)},
    )

    assert done.returncode == 0, done.stderr[-1500:]
