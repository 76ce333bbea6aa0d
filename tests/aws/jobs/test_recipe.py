"""The settings of a recipe: known, in bounds, or told with the nearest that is known."""

from typing import Any

import pytest

from dikast.aws.jobs.recipe import settled
from dikast.errors import ConfigError

LEGAL_CASE: dict[str, Any] = {
    "max_length": 64_000,
    "global_batch_size": 64,
    "reasoning_effort": None,
    "shuffle": False,
    "type": "off_policy_async",
    "age_tolerance": 2,
    "training_config.rollout.rollout_strategy.proc_num": 6,
    "number_generation": 8,
    "max_new_tokens": 16_000,
    "set_random_seed": True,
    "temperature": 1,
    "top_k": 0,
    "lambda_concurrency_limit": 100,
    "max_steps": 516,
    "save_steps": 32,
    "save_top_k": 17,
    "refit_freq": 4,
    "clip_ratio_high": 0.28,
    "ent_coeff": 0.0,
    "loss_scale": 1,
}


def test_a_setting_is_found_by_its_leaf_or_its_whole_path():
    found = settled("smtj", {"max_steps": 20, "training_config.trainer.ent_coeff": 0.01}, where="recipe")

    assert found.nested()["training_config"]["trainer"]["max_steps"] == 20
    assert found.leaf("ent_coeff") == 0.01
    assert found.beyond == ()


def test_every_setting_of_the_legal_case_can_be_written_and_those_that_are_not_public_are_said():
    found = settled(
        "hyperpod",
        LEGAL_CASE,
        unpublished=["max_length", "training_config.rollout.rollout_strategy.proc_num"],
        where="recipe",
    )

    assert {name.rpartition(".")[2]: found.leaf(name.rpartition(".")[2]) for name in LEGAL_CASE} == {
        name.rpartition(".")[2]: value for name, value in LEGAL_CASE.items()
    }
    assert found.nested()["training_config"]["rollout"]["rollout_strategy"]["proc_num"] == 6
    assert found.beyond == (
        "max_length: 64000 is outside the published range 4096 to 32768",
        "training_config.rollout.rollout_strategy.proc_num: no published recipe has it",
    )


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("max_length", r"recipe.max_length: 64000 is outside the published range 4096 to 32768 .*aws.unpublished"),
        ("proc_num", r"recipe.training_config.*proc_num: the published recipe of hyperpod has no such setting"),
    ],
)
def test_what_the_public_recipes_refuse_of_it_is_refused_where_nobody_says_otherwise(left_out: str, said: str):
    names = ["max_length", "training_config.rollout.rollout_strategy.proc_num"]

    with pytest.raises(ConfigError, match=said):
        settled("hyperpod", LEGAL_CASE, unpublished=[n for n in names if not n.endswith(left_out)], where="recipe")


def test_a_setting_that_no_recipe_has_needs_its_whole_path():
    with pytest.raises(ConfigError, match="write its whole path"):
        settled("hyperpod", {"proc_num": 6}, unpublished=["proc_num"], where="recipe")


@pytest.mark.parametrize(
    ("target", "given", "said"),
    [
        ("smtj", {"max_stepz": 20}, "did you mean 'max_steps'"),
        ("smtj", {"loraplus_lr_ratio": 64.0}, "did you mean 'lora_plus_lr_ratio'"),
        ("hyperpod", {"lora_plus_lr_ratio": 64.0}, "did you mean 'loraplus_lr_ratio'"),
        ("hyperpod", {"lambda_batch_size": 64}, "no such setting"),
        ("serverless", {"number_generation": 8}, "published recipe of serverless has no such setting"),
        ("bedrock", {"learning_rate": 1e-5}, "did you mean 'learningRate'"),
        ("smtj", {"max_steps": 4}, "4 is outside the published range 5 to 100000"),
        ("smtj", {"max_steps": 20.5}, "must be a whole number, not 20.5"),
        ("smtj", {"max_steps": True}, "must be a whole number, not true"),
        ("smtj", {"lr": "1e-5"}, "must be a number, not 1e-5"),
        ("smtj", {"alpha": 128}, "128 is none of those published: 16, 32, 64"),
        ("smtj", {"reasoning_effort": "medium"}, "medium is none of those published: high, low, null"),
        ("bedrock", {"epochCount": 51}, "51 is outside the published range 1 to 50"),
        ("smtj", {"save_steps": 30, "max_steps": 20}, "save_steps 30 is more than max_steps 20"),
        ("smtj", {"max_new_tokens": 8192}, "leaves no room for a prompt"),
        ("hyperpod", {"global_batch_size": 100}, "a multiple of number_generation 8"),
    ],
)
def test_a_setting_that_does_not_fit_is_told(target: Any, given: dict[str, Any], said: str):
    with pytest.raises(ConfigError, match=said):
        settled(target, given, where="recipe")


def test_bedrock_s_bounds_are_its_service_s_and_cannot_be_waived():
    with pytest.raises(ConfigError) as told:
        settled("bedrock", {"batchSize": 8}, where="hyperparameters")

    assert "unpublished" not in str(told.value)


def test_a_name_under_unpublished_that_is_not_set_is_a_mistake():
    with pytest.raises(ConfigError, match="unpublished: 'max_length' is not set"):
        settled("smtj", {}, unpublished=["max_length"], where="recipe")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("unpublished", [(), ("temperature",)])
def test_a_number_without_an_end_is_none_that_any_recipe_takes(value: float, unpublished: tuple[str, ...]):
    with pytest.raises(ConfigError, match=r"aws\.recipe\.temperature: must be a number, not (nan|inf)$"):
        settled("smtj", {"temperature": value}, unpublished=unpublished, where="aws.recipe")


def test_a_setting_that_is_given_by_leaf_and_by_path_is_told():
    given = {"max_steps": 5, "training_config.trainer.max_steps": 6}

    with pytest.raises(ConfigError, match=r"trainer\.max_steps: is given twice"):
        settled("smtj", given, where="aws.recipe")


@pytest.mark.parametrize("name", ["training_config.trainer", "training_config.trainer.max_steps.more"])
def test_a_path_that_would_take_the_place_of_settings_is_told(name: str):
    with pytest.raises(ConfigError, match=r"cannot stand beside training_config\.trainer\.max_steps"):
        settled("smtj", {name: 1}, unpublished=[name], where="aws.recipe")
