"""A user's own check: loaded from beside the reward, and never able to stop a run."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dikast.checks.base import Checked, CheckFunction, Outcome
from dikast.checks.user import python_check
from dikast.errors import ConfigError
from dikast.records import Missing

See = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path) -> Callable[[str], CheckFunction]:
    def make(source: str) -> CheckFunction:
        path = tmp_path / "my_checks.py"
        path.write_text(source, "utf-8")
        return python_check(path, "f", where="reward.yaml: checks (mine)")

    return make


def giving(expression: str) -> str:
    return f"def f(rollout):\n    return {expression}\n"


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("True", Outcome(value=1.0)),
        ("False", Outcome(value=0.0)),
        ("0.25", Outcome(value=0.25)),
        ("1", Outcome(value=1.0)),
        ("(0.5, 'half of it')", Outcome(value=0.5, reason="half of it")),
        ("(False, None)", Outcome(value=0.0)),
        ("(0, 'two\\nlines')", Outcome(value=0.0, reason="two lines")),
        ("len(rollout.completion) / 10", Outcome(value=0.4)),
    ],
)
def test_a_number_a_bool_or_a_pair_with_a_reason_is_an_outcome(
    expression: str, outcome: Outcome, see: See, check: Callable[[str], CheckFunction]
):
    assert check(giving(expression))(see("four")) == outcome


@pytest.mark.parametrize("expression", ["np.float32(0.5)", "np.float64(0.5)", "(np.float64(0.5), None)"])
def test_numbers_of_numpy_are_numbers(expression: str, see: See, check: Callable[[str], CheckFunction]):
    pytest.importorskip("numpy")

    assert check(f"import numpy as np\n{giving(expression)}")(see("x")) == Outcome(value=0.5)


@pytest.mark.parametrize(
    "expression",
    ["None", "'0.5'", "float('nan')", "float('inf')", "-0.01", "1.01", "10 ** 400", "1j", "[]", "(0.5,)", "(0.5, 7)"],
)
def test_what_is_no_number_in_range_leaves_the_check_missing(
    expression: str, see: See, check: Callable[[str], CheckFunction]
):
    outcome = check(giving(expression))(see("x"))

    assert isinstance(outcome, Missing)
    assert outcome.reason == "check_error"


@pytest.mark.parametrize(
    "statement",
    [
        "1 / 0",
        "raise MemoryError",
        "raise SystemExit(0)",
        "f(rollout)",
        "raise ExceptionGroup('two', [ValueError()])",
        "raise ValueError('a\\nb')",
    ],
)
def test_whatever_it_raises_leaves_the_check_missing_in_one_line(
    statement: str, see: See, check: Callable[[str], CheckFunction]
):
    outcome = check(f"def f(rollout):\n    {statement}\n")(see("x"))

    assert isinstance(outcome, Missing)
    assert outcome.reason == "check_error"
    assert outcome.detail.startswith("my_checks.py:2: ")
    assert outcome.detail.isprintable()


def test_an_interrupt_is_not_swallowed(see: See, check: Callable[[str], CheckFunction]):
    run = check("def f(rollout):\n    raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        run(see("x"))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def g(rollout): ...", "no function 'f'"),
        ("f = 7", "no function 'f'"),
        ("async def f(rollout): ...", "is async"),
        ("def f(): ...", "must take one argument"),
        ("def f(rollout, threshold): ...", "must take one argument"),
        ("def f(rollout:", "SyntaxError"),
        ("import no_such_module_anywhere\ndef f(rollout): ...", r"my_checks\.py:1: ModuleNotFoundError"),
        ("x = 1\nraise RuntimeError('at once')", r"my_checks\.py:2: RuntimeError: at once"),
    ],
)
def test_what_cannot_be_loaded_or_called_is_a_configuration_error(
    source: str, problem: str, check: Callable[[str], CheckFunction]
):
    with pytest.raises(ConfigError, match=rf"^reward\.yaml: checks \(mine\): .*{problem}") as caught:
        check(source)

    assert "\n" not in str(caught.value)


def test_the_module_has_a_name_of_our_own_and_takes_none_of_the_users(see: See, check: Callable[[str], CheckFunction]):
    run = check(giving("(0.5, __name__)"))

    outcome = run(see("x"))

    assert isinstance(outcome, Outcome)
    assert (outcome.reason or "").startswith("_dikast_check_")
    assert "my_checks" not in sys.modules


def test_a_changed_file_is_loaded_anew(see: See, check: Callable[[str], CheckFunction]):
    before = check(giving("0.25"))(see("x"))

    after = check(giving("0.75"))(see("x"))

    assert (before, after) == (Outcome(value=0.25), Outcome(value=0.75))


def test_dataclasses_work_in_a_users_file(see: See, check: Callable[[str], CheckFunction]):
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Limit:\n    most: float\ndef f(rollout):\n    return Limit(0.5).most\n"
    )

    assert check(source)(see("x")) == Outcome(value=0.5)


def test_a_relative_path_is_fine(see: See, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_checks.py").write_text("def f(rollout):\n    return 1 / 0\n", "utf-8")
    monkeypatch.chdir(tmp_path)

    outcome = python_check(Path("my_checks.py"), "f", where="w")(see("x"))

    assert isinstance(outcome, Missing)
    assert outcome.detail == "my_checks.py:2: ZeroDivisionError: division by zero"
