"""What the published recipes of Nova 2 Lite hold and take: every setting with its default and its bounds.

Read off the vendor's public recipes and the table of allowed values beside them; a setting without published
bounds has only its type. Where the vendor's guides name a setting that a recipe file lacks, it is `ABSENT` here:
it enters the recipe only when it is set.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Target = Literal["smtj", "serverless", "hyperpod", "bedrock"]
TARGETS: tuple[Target, ...] = ("smtj", "serverless", "hyperpod", "bedrock")


class _Absent:
    """A setting that the recipe file does not hold."""


ABSENT = _Absent()


class Between(NamedTuple):
    """A number within bounds, both included; None where none is published."""

    low: float | None
    high: float | None
    whole: bool = True


class OneOf(NamedTuple):
    """One of a few values."""

    values: tuple[Any, ...]


class Setting(NamedTuple):
    """One setting of a recipe, by its whole path."""

    path: str
    default: Any
    takes: Between | OneOf | type

    @property
    def leaf(self) -> str:
        return self.path.rpartition(".")[2]


COUNT = Between(1, None)
_SHARE = Between(0, None, whole=False)
_TRUTH = OneOf((True, False))
_EFFORT = OneOf(("high", "low", None))
_TRAIN = "training_config"
_ROLLOUT = f"{_TRAIN}.rollout"
_TRAINER = f"{_TRAIN}.trainer"
_ENDPOINT = f"{_ROLLOUT}.rewards.api_endpoint"
_CURRICULUM = f"{_TRAINER}.adaptive_curriculum"

_BOTH = (
    Setting(f"{_TRAIN}.data.shuffle", False, _TRUTH),
    Setting(f"{_TRAIN}.reasoning_effort", "high", _EFFORT),
    Setting(f"{_ROLLOUT}.generator.set_random_seed", True, _TRUTH),
    Setting(f"{_ROLLOUT}.generator.temperature", 1, Between(0, None, whole=False)),
    Setting(f"{_TRAINER}.max_steps", 10, Between(5, 100_000)),
    Setting(f"{_TRAINER}.optim_config.weight_decay", 0.0, _SHARE),
    Setting(f"{_TRAINER}.optim_config.adam_beta1", 0.9, Between(0, 1, whole=False)),
    Setting(f"{_TRAINER}.optim_config.adam_beta2", 0.95, Between(0, 1, whole=False)),
    Setting(f"{_TRAINER}.peft.lora_tuning.alpha", 32, OneOf((16, 32, 64))),
    Setting(f"{_TRAINER}.peft.peft_scheme", "lora", OneOf(("lora", None))),
)

HYPERPOD = (
    *_BOTH,
    Setting("run.replicas", 2, OneOf((2, 4, 8, 16))),
    Setting("run.generation_replicas", 2, COUNT),
    Setting("run.rollout_worker_replicas", 1, COUNT),
    Setting(f"{_TRAIN}.max_length", 10_240, Between(4096, 32_768)),
    Setting(f"{_TRAIN}.global_batch_size", 256, Between(16, 256)),
    Setting(f"{_ROLLOUT}.rollout_strategy.type", "off_policy_async", OneOf(("off_policy_async",))),
    Setting(f"{_ROLLOUT}.rollout_strategy.age_tolerance", 2, Between(1, 20)),
    Setting(f"{_ROLLOUT}.advantage_strategy.number_generation", 8, Between(2, 16)),
    Setting(f"{_ROLLOUT}.generator.max_new_tokens", 8192, COUNT),
    Setting(f"{_ROLLOUT}.generator.top_k", 0, Between(-1, None)),
    Setting(f"{_ENDPOINT}.lambda_concurrency_limit", 100, COUNT),
    Setting(f"{_TRAINER}.save_steps", ABSENT, Between(0, 100_000)),
    Setting(f"{_TRAINER}.save_top_k", 5, COUNT),
    Setting(f"{_TRAINER}.refit_freq", 4, Between(1, 4)),
    Setting(f"{_TRAINER}.clip_ratio_high", 0.2, Between(0.1, 10, whole=False)),
    Setting(f"{_TRAINER}.ent_coeff", 0.001, Between(0, 0.1, whole=False)),
    Setting(f"{_TRAINER}.loss_scale", 1, Between(None, None, whole=False)),
    Setting(f"{_TRAINER}.optim_config.lr", 7e-7, Between(1e-8, 1e-3, whole=False)),
    Setting(f"{_TRAINER}.peft.lora_tuning.loraplus_lr_ratio", 64.0, Between(1, 70, whole=False)),
)

SMTJ = (
    *_BOTH,
    Setting("run.replicas", 4, COUNT),
    Setting("run.generation_replicas", ABSENT, COUNT),
    Setting(f"{_TRAIN}.max_length", 8192, Between(4096, 32_768)),
    Setting(f"{_TRAIN}.global_batch_size", 64, OneOf((16, 32, 64, 128, 256))),
    Setting(f"{_ROLLOUT}.rollout_strategy.type", ABSENT, OneOf(("off_policy_async",))),
    Setting(f"{_ROLLOUT}.rollout_strategy.age_tolerance", ABSENT, Between(1, 20)),
    Setting(f"{_ROLLOUT}.advantage_strategy.number_generation", 2, Between(2, 16)),
    Setting(f"{_ROLLOUT}.generator.max_new_tokens", 6000, COUNT),
    Setting(f"{_ROLLOUT}.generator.top_k", 1, Between(-1, None)),
    Setting(f"{_ROLLOUT}.rewards.preset_reward_function", ABSENT, OneOf(("exact_match", None))),
    Setting(f"{_ENDPOINT}.lambda_concurrency_limit", 12, COUNT),
    Setting(f"{_ENDPOINT}.lambda_batch_size", ABSENT, COUNT),
    Setting(f"{_TRAINER}.save_steps", ABSENT, Between(0, 100_000)),
    Setting(f"{_TRAINER}.test_steps", ABSENT, COUNT),
    Setting(f"{_TRAINER}.save_top_k", 5, COUNT),
    Setting(f"{_TRAINER}.refit_freq", ABSENT, Between(1, 4)),
    Setting(f"{_TRAINER}.clip_ratio_high", ABSENT, Between(0.1, 10, whole=False)),
    Setting(f"{_TRAINER}.ent_coeff", 0.0, Between(0, 0.1, whole=False)),
    Setting(f"{_TRAINER}.kl_loss_coef", 0.001, _SHARE),
    Setting(f"{_TRAINER}.loss_scale", ABSENT, Between(None, None, whole=False)),
    Setting(f"{_TRAINER}.optim_config.lr", 1e-5, Between(1e-7, 1e-3, whole=False)),
    Setting(f"{_TRAINER}.peft.lora_tuning.lora_plus_lr_ratio", 64.0, Between(0, 100, whole=False)),
    Setting(f"{_CURRICULUM}.enable", ABSENT, _TRUTH),
    Setting(f"{_CURRICULUM}.selection_pool_multiplier", ABSENT, Between(1, 32)),
    Setting(f"{_CURRICULUM}.prediction_mode", ABSENT, OneOf(("pass_rate", "spread"))),
    Setting(f"{_CURRICULUM}.exemplar_history_steps", ABSENT, COUNT),
    Setting(f"{_CURRICULUM}.reinforce_coef", ABSENT, _SHARE),
    Setting(f"{_CURRICULUM}.predictor_prompt_column", ABSENT, str),
    Setting(f"{_CURRICULUM}.selection_lookahead_steps", ABSENT, Between(1, 16)),
)

SERVERLESS = {
    "name": "name",
    "global_batch_size": "global_batch_size",
    "reasoning_effort": "reasoning_effort",
    "lr": "learning_rate",
    "lora_plus_lr_ratio": "learning_rate_ratio",
    "alpha": "lora_alpha",
    "max_length": "max_length",
    "max_steps": "max_steps",
    "save_steps": "save_steps",
}
"""Leaf of the SageMaker recipe → the hyperparameter that carries it in a serverless job; there are no others."""

BEDROCK = (
    Setting("epochCount", ABSENT, Between(1, 50)),
    Setting("batchSize", ABSENT, Between(16, 512)),
    Setting("learningRate", ABSENT, Between(1e-7, 1e-3, whole=False)),
    Setting("maxPromptLength", ABSENT, COUNT),
    Setting("trainingSamplePerPrompt", ABSENT, Between(2, 16)),
    Setting("inferenceMaxTokens", ABSENT, COUNT),
    Setting("reasoningEffort", ABSENT, OneOf(("low", "medium", "high"))),
    Setting("evalInterval", ABSENT, Between(1, 100)),
)

JUDGES_OF_RLAIF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "openai.gpt-oss-120b-1:0",
            "openai.gpt-oss-20b-1:0",
            "qwen.qwen3-32b-v1:0",
            "qwen.qwen3-coder-30b-a3b-v1:0",
        ),
        ("us-west-2", "us-east-1", "ap-northeast-1", "eu-west-1"),
    ),
    **dict.fromkeys(
        ("qwen.qwen3-coder-480b-a35b-v1:0", "qwen.qwen3-235b-a22b-2507-v1:0"), ("us-west-2", "ap-northeast-1")
    ),
}
"""Judge that SageMaker's own RLAIF may ask → the regions where it may."""


def settings_of(target: Target) -> tuple[Setting, ...]:
    """The settings that a target's recipe knows."""
    match target:
        case "hyperpod":
            return HYPERPOD
        case "smtj":
            return SMTJ
        case "serverless":
            return tuple(setting for setting in SMTJ if setting.leaf in SERVERLESS)
        case "bedrock":
            return BEDROCK
