"""What `dikast export` writes, read by the trainer's own loader; for TRL, run."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exported_run import export, write_run

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def test_trl_trains_with_the_script_on_a_cpu(tmp_path: Path):
    from dikast.conform.recorded import Recorded
    from dikast.train.tiny import make_model, make_tokenizer

    run = write_run(tmp_path)
    tokenizer = make_tokenizer([one.completion for one in Recorded(folder=tmp_path).rollouts()])
    tokenizer.save_pretrained(tmp_path / "policy")
    make_model(len(tokenizer), tokenizer).save_pretrained(tmp_path / "policy")
    folder, command = export("trl", run, gpus=0)

    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.accelerate_cli", *command.split()[1:]],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src"), "HF_HUB_OFFLINE": "1"},
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert (folder / "policy" / "config.json").is_file()


def test_verl_takes_the_file_over_its_own_defaults_with_no_name_that_it_does_not_know(
    asked_in: Callable[[str, str], Any], tmp_path: Path
):
    folder, _ = export("verl", write_run(tmp_path))

    told = asked_in(
        "verl",
        f"""
        from pathlib import Path
        from hydra import compose, initialize_config_dir, initialize_config_module
        from omegaconf import OmegaConf
        from dikast.conform.drivers.verl import save_model
        from verl.experimental.reward_loop import migrate_legacy_reward_impl
        from verl.trainer.ppo.reward import load_reward_manager
        from verl.utils import hf_tokenizer
        from verl.utils.config import omega_conf_to_dataclass, validate_config
        from verl.utils.dataset.rl_dataset import RLHFDataset

        def leaves(node, path=()):
            for name, value in node.items():
                if isinstance(value, dict):
                    yield from leaves(value, (*path, name))
                else:
                    yield ".".join((*path, name))

        save_model(Path({str(tmp_path / "policy")!r}), ["one two"])
        with initialize_config_dir({str(folder)!r}, version_base=None):
            config = compose("verl")
        with initialize_config_module("verl.trainer.config", version_base=None):
            known = set(leaves(OmegaConf.to_container(compose("ppo_trainer"), resolve=False)))
        ours = OmegaConf.to_container(OmegaConf.load({str(folder / "verl.yaml")!r}))
        del ours["hydra"], ours["defaults"]
        config = migrate_legacy_reward_impl(config)
        validate_config(config, use_reference_policy=False, use_critic=False)
        for part in (config.actor_rollout_ref.rollout, config.actor_rollout_ref.actor, config.algorithm):
            omega_conf_to_dataclass(part)
        tokenizer = hf_tokenizer(config.actor_rollout_ref.model.path)
        data = RLHFDataset(data_files=[config.data.train_files], tokenizer=tokenizer, config=config.data)
        manager = load_reward_manager(config, tokenizer, reward_router_address=None, reward_model_tokenizer=None)
        print(json.dumps({{
            "unknown": [one for one in leaves(ours) if one not in known],
            "v1": config.trainer.use_v1,
            "rows": len(data),
            "row": sorted(data[0]["extra_info"]),
            "manager": type(manager).__name__,
        }}))
        """,
    )

    assert [name for name in told.pop("unknown") if not name.startswith("reward.reward_kwargs.")] == []
    assert told == {
        "v1": True,
        "rows": 40,
        "row": ["contract", "index", "rule", "split"],
        "manager": "DikastRewardManager",
    }


def test_openrlhf_takes_the_command_line(asked_in: Callable[[str, str], Any], tmp_path: Path):
    folder, _ = export("openrlhf", write_run(tmp_path))

    told = asked_in(
        "openrlhf",
        f"""
        import shlex, sys
        from pathlib import Path
        from dikast.conform.drivers.standing_in import stand_in_for

        stand_in_for("vllm", "ray", "deepspeed", "flash_attn", "peft", "bitsandbytes", "openrlhf.trainer", "wandb")
        import openrlhf.cli.train_ppo_ray as command

        text = Path({str(folder / "train.sh")!r}).read_text()
        sys.argv = shlex.split(text[text.index("python -m"):].replace(chr(92) + chr(10), " "))[2:]
        # All of the module's main but the training itself.
        source = Path(command.__file__).read_text()
        assert source.rstrip().endswith("train(args)")
        names = {{"__name__": "__main__"}}
        exec(compile(source.rstrip().removesuffix("train(args)"), command.__file__, "exec"), names)
        args = names["args"]
        print(json.dumps([args.reward.remote_url, args.rollout.n_samples_per_prompt, args.actor.adam.lr,
                          args.algo.dynamic_filtering_range, args.data.apply_chat_template]))
        """,
    )

    url = "http://127.0.0.1:8600/openrlhf?label=json&siblings=3&on_missing=native&dynamic_filtering=true"
    assert told == [[url], 4, 1e-5, [-2.0, 3.0], True]


def test_verifiers_loads_the_taskset_and_the_judge_of_the_toml(asked_in: Callable[[str, str], Any], tmp_path: Path):
    folder, _ = export("prime-rl", write_run(tmp_path))

    told = asked_in(
        "verifiers",
        f"""
        import sys, tomllib
        from pathlib import Path

        sys.path.insert(0, {str(folder)!r})
        import verifiers.v1 as vf
        from verifiers.v1.utils.loaders import import_taskset

        document = tomllib.loads(Path({str(folder / "rl.toml")!r}).read_text())
        env = document["orchestrator"]["train"]["source"][0]["env"]
        config = vf.TasksetConfig.model_validate(env["taskset"])
        taskset = import_taskset(config.id).DikastTaskset(config)
        [judge] = config.task.judges
        tasks = list(taskset)
        print(json.dumps([type(judge).__name__, judge.reward, len(tasks), sorted(tasks[0].data.model_extra)]))
        """,
    )

    assert told == ["DikastConfig", str(tmp_path / "reward.yaml"), 40, ["contract", "reference", "rule"]]


def test_gyms_own_parser_takes_the_configuration_and_its_server_the_settings(
    asked_in: Callable[[str, str], Any], tmp_path: Path
):
    folder, _ = export("nemo-gym", write_run(tmp_path))

    told = asked_in(
        "nemo-gym",
        f"""
        from nemo_gym.global_config import GlobalConfigDictParser, GlobalConfigDictParserConfig
        from omegaconf import OmegaConf
        from dikast.adapters.nemo_gym_server import DikastServerConfig

        # What a user names beside it: a model of Gym's own.
        model = GlobalConfigDictParserConfig.NO_MODEL_GLOBAL_CONFIG_DICT
        path = {str(folder / "resources_servers/dikast/configs/dikast.yaml")!r}
        given = OmegaConf.merge(model, OmegaConf.create({{"config_paths": [path]}}))
        parser = GlobalConfigDictParser()
        config = parser.parse(GlobalConfigDictParserConfig(
            initial_global_config_dict=given, skip_load_from_cli=True, skip_load_from_dotenv=True, offline=True,
        ))
        servers = parser.filter_for_server_instance_configs(config)
        ours = OmegaConf.to_container(config["dikast"]["resources_servers"]["dikast"])
        made = DikastServerConfig(name="dikast", **ours)
        print(json.dumps([sorted(one.name for one in servers), parser.detect_and_report_almost_servers(config),
                          made.reward, made.deadline]))
        """,
    )

    # Gym puts a server of its own before the agent.
    names = ["dikast", "dikast_agent", "dikast_environment_server", "policy_model"]
    assert told == [names, [], str(tmp_path / "reward.yaml"), 120.0]


def test_gym_finds_nothing_undefined_in_the_printed_command(python_of: Callable[[str], Path], tmp_path: Path):
    gym = python_of("nemo-gym").parent / "gym"
    folder, command = export("nemo-gym", write_run(tmp_path))
    start = shlex.split(command.replace("URL", "http://127.0.0.1:9/v1"))
    assert start[:6] == ["cd", str(folder), "&&", "gym", "env", "start"]

    done = subprocess.run(
        [gym, "env", "validate", "--strict", *start[6:]],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src")},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Config is valid" in done.stdout + done.stderr
