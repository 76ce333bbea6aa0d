"""The traps of ms-swift, in the package itself: what it makes of None, and its event loop of one step."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_it_makes_zero_of_none_and_the_worst_of_the_group_of_that(asked_in: Any):
    told = asked_in(
        "ms-swift",
        """
        import torch
        from swift.rl_core.advantage import compute_advantages

        def worth(rewards):
            return compute_advantages(torch.tensor(rewards).unsqueeze(1), torch.ones(1), len(rewards))[0].tolist()

        print(json.dumps([worth([float("nan"), 1.0, 0.9, 0.8]), worth([0.9, 1.0, 0.9, 0.8])]))
        """,
    )

    without_us, with_us = told
    assert without_us[0] == pytest.approx(-1.48, abs=0.01)
    assert with_us[0] == pytest.approx(0.0, abs=1e-3)


def test_every_step_has_a_loop_of_its_own_and_our_connections_outlive_it(asked_in: Any):
    told = asked_in(
        "ms-swift",
        """
        import torch
        from pathlib import Path
        from dikast.adapters.ms_swift import reward_class
        from dikast.conform.drivers import ms_swift as driver
        from dikast.conform.recorded import Recorded

        loops = []

        class Watched(reward_class({"reward": folder + "/reward.yaml"})):
            async def __call__(self, completions, **columns):
                loops.append(id(asyncio.get_running_loop()))
                held.append(asyncio.get_running_loop())
                return await super().__call__(completions, **columns)

        held = []
        rollouts = Recorded(folder=Path(folder)).rollouts()[:4]
        reward = Watched(args=None)
        steps = [
            driver.compute_rewards_per_func([driver.sample_of(one) for one in rollouts], [reward], [None],
                                            torch.device("cpu")).squeeze(1).tolist()
            for _ in range(3)
        ]
        print(json.dumps([len(set(loops)), steps]))
        """,
    )

    loops, steps = told
    assert loops == 3
    assert steps == [steps[0]] * 3
