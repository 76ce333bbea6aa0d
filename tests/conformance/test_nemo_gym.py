"""The traps of NeMo Gym, in the package itself."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

SERVER = """
from pathlib import Path
from fastapi.testclient import TestClient
from dikast.conform.drivers import nemo_gym as driver
from dikast.conform.recorded import Recorded

rollouts = {one.id: one for one in Recorded(folder=Path(folder)).rollouts()}

def verify(name, **config):
    with TestClient(driver.server_of(folder + "/reward.yaml", **config).setup_webserver()) as web:
        answer = web.post("/verify", json=driver.asked(rollouts[name]))
        return answer.status_code, answer.json()
"""


def test_a_missing_score_is_masked_with_a_kind_of_gyms_own_list(asked_in: Any):
    told = asked_in(
        "nemo-gym",
        SERVER
        + """
print(json.dumps({name: {key: verify(name)[1][key] for key in ("reward", "mask_sample", "failure_kind", "failure_reason")}
                  for name in ("r03-0", "r11-0", "r23-0", "r00-0")}))
""",
    )

    assert told["r03-0"]["failure_kind"] == "judge_failed"
    assert told["r11-0"]["failure_kind"] == "judge_unparseable"
    assert told["r23-0"]["failure_kind"] == "verifier_error"
    assert told["r23-0"]["failure_reason"].startswith("check_error: short: conformance_checks.py:")
    assert [told[name]["mask_sample"] for name in told] == [True, True, True, False]
    assert told["r00-0"]["failure_kind"] is None


def test_the_reward_is_the_sum_of_its_components_which_always_have_the_same_names(asked_in: Any):
    told = asked_in(
        "nemo-gym",
        SERVER
        + """
print(json.dumps([(told["reward"], told["reward_components"]) for told in
                  (verify(name)[1] for name in ("r00-0", "r03-0", "r05-0"))]))
""",
    )

    scored, missing, gated = told
    for reward, components in told:
        assert list(components) == ["artifacts", "short", "judge"]
        assert sum(components.values()) == pytest.approx(reward, abs=1e-12)
    assert missing == [0.0, {"artifacts": 0.0, "short": 0.0, "judge": 0.0}]
    assert gated[0] == -1.0
    assert scored[1]["artifacts"] == pytest.approx(0.3)


def test_parts_are_fields_of_their_own_and_the_rows_fields_come_back(asked_in: Any):
    told = asked_in("nemo-gym", SERVER + 'print(json.dumps(verify("r00-0")[1]))')

    assert told["part_on_the_clause"] in (0.0, 1.0)
    assert told["contract"].startswith("1. The ")
    assert "on_the_clause: read" in told["score_reasons"]


def test_raise_is_gyms_own_judge_error_and_a_constant_is_a_reward(asked_in: Any):
    told = asked_in(
        "nemo-gym",
        SERVER
        + """
print(json.dumps([verify("r03-0", on_missing="raise"), verify("r03-0", on_missing={"constant": -1.0})]))
""",
    )

    (_, raised), (_, constant) = told
    assert raised["failure_kind"] == "judge_failed"
    assert raised["mask_sample"] is True
    assert (constant["reward"], constant["mask_sample"]) == (-1.0, False)
