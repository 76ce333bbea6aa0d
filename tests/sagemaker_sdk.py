"""A SageMaker SDK with the names of the installed one: its source is read, not imported, since what it needs is heavy.

What it does is what was seen of 3.27.0: a trainer reads a recipe of the hub when it is made, refuses a hyperparameter
that this recipe lacks, and ends the job's name with the time.
"""

import ast
import importlib.metadata
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


def arguments(file: str, owner: str, method: str) -> frozenset[str]:
    """The names that a method of the installed sagemaker-train takes, without those that it hands on."""
    try:
        package = importlib.metadata.distribution("sagemaker-train")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("sagemaker-train is not installed")
    source = str(package.locate_file(f"sagemaker/train/{file}.py"))
    with open(source, encoding="utf-8") as text:  # noqa: PTH123  what the package gives is no Path
        tree = ast.parse(text.read())
    for one in ast.walk(tree):
        if isinstance(one, ast.ClassDef) and one.name == owner:
            for part in one.body:
                if isinstance(part, ast.FunctionDef) and part.name == method:
                    return frozenset(name.arg for name in (*part.args.args, *part.args.kwonlyargs)) - {"self"}
    raise AssertionError(f"{owner}.{method} is not in {source}")


TRAINERS = {"RLVRTrainer": "rlvr_trainer", "RLAIFTrainer": "rlaif_trainer"}
IN_THE_HUB = {"max_steps": 10, "learning_rate": 1e-5, "replicas": 2, "judge_model_id": "x"}
"""Settings of the hub's recipe, with their defaults."""


class RoleValidationError(Exception):
    """As in the SDK: an Exception and nothing more."""


@dataclass
class Session:
    boto_session: Any
    default_bucket: str
    default_bucket_prefix: str | None


@dataclass
class StoppingCondition:
    max_runtime_in_seconds: int


@dataclass
class VpcConfig:
    security_group_ids: list[str]
    subnets: list[str]


@dataclass
class TrainingJobCompute:
    instance_type: str
    instance_count: int
    volume_size_in_gb: int


class Options(SimpleNamespace):
    def __setattr__(self, name: str, value: Any) -> None:
        if name not in IN_THE_HUB:
            raise AttributeError(f"'{name}' is not a valid fine-tuning option.\nValid options: {list(IN_THE_HUB)}")
        super().__setattr__(name, value)


class Sdk:
    """The stand-in, and what it was asked for."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.refuses_job: Exception | None = None
        self.before_job: Any = lambda: None

    def trainer(self, owner: str) -> type:
        takes = arguments(TRAINERS[owner], owner, "__init__") | arguments("base_trainer", "BaseTrainer", "__init__")
        train_takes = arguments(TRAINERS[owner], owner, "train")
        sdk = self

        class Trainer:
            def __init__(self, **given: Any) -> None:
                if unknown := set(given) - takes:
                    raise TypeError(f"{owner} got an unexpected keyword argument {unknown}")
                self.given = given
                self.hyperparameters = Options(**IN_THE_HUB)
                for name, value in given["hyperparameters"].items():
                    setattr(self.hyperparameters, name, value)
                sdk.made.append(self)

            def train(self, **given: Any) -> Any:
                if unknown := set(given) - train_takes:
                    raise TypeError(f"train got an unexpected keyword argument {unknown}")
                if given.get("wait", True):
                    raise AssertionError("it would wait for the job's end")
                sdk.before_job()
                if sdk.refuses_job:
                    raise sdk.refuses_job
                return SimpleNamespace(training_job_name=f"{self.given['base_job_name']}-20261130041345")

        Trainer.__name__ = owner
        return Trainer

    def install(self, patch: pytest.MonkeyPatch) -> None:
        held = {
            **{f"train.{file}": [self.trainer(owner)] for owner, file in TRAINERS.items()},
            "core.helper.session_helper": [Session],
            "core.shapes": [StoppingCondition, VpcConfig],
            "core.training.configs": [TrainingJobCompute],
            "core.helper.iam_role_resolver": [RoleValidationError],
        }
        for path, classes in held.items():
            module = ModuleType(f"sagemaker.{path}")
            for one in classes:
                setattr(module, one.__name__, one)
            patch.setitem(sys.modules, module.__name__, module)
