"""The traps of AReaL, in the package itself: its pool makes 0 of what is late, its norm counts in slices."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_its_own_wrapper_makes_zero_of_a_function_that_is_late(asked_in: Any):
    told = asked_in(
        "areal",
        """
        import time
        from areal.api import AsyncRewardWrapper

        if __name__ == "__main__":
            wrapper = AsyncRewardWrapper(time.sleep, timeout_seconds=0.2, max_workers=1, max_retries=1)
            print(json.dumps(asyncio.run(wrapper(3))))
        """,
    )

    assert told == 0


def test_a_group_that_lacks_a_rollout_would_shift_the_others_into_their_neighbours(asked_in: Any):
    told = asked_in(
        "areal",
        """
        import torch
        from dikast.conform.drivers.areal import normed

        whole = torch.tensor([0.0, 1.0, 5.0, 6.0, 8.0, 9.0])
        print(json.dumps([normed(whole, 2), normed(whole[1:], 2)]))
        """,
    )

    whole, lacking = told
    assert whole == pytest.approx([-0.7071, 0.7071] * 3, abs=1e-3)
    # The first of the second prompt stands beside the last of the first, and the last rollout has no baseline at all.
    assert lacking[1:3] == pytest.approx([0.7071, -0.7071], abs=1e-3)
    assert abs(lacking[4]) > 1


def test_its_completion_has_the_marks_in_it_and_ours_has_not(asked_in: Any):
    told = asked_in(
        "areal",
        """
        from pathlib import Path
        from dikast.conform.drivers import areal as driver
        from dikast.conform.recorded import Recorded

        rollouts = Recorded(folder=Path(folder)).rollouts()[:1]
        tokenizer = driver.make_tokenizer([one.completion for one in rollouts])
        seen = []

        class Watched(driver.Kept):
            async def _reward(self, prompt, completion, *given, **row):
                seen.append(completion)
                return await super()._reward(prompt, completion, *given, **row)

        engine = driver.Reciting(tokenizer)
        engine.left = list(rollouts)
        inner = driver.RLVRWorkflow(driver.never, driver.GenerationHyperparameters(max_new_tokens=8), tokenizer)
        workflow = Watched(inner, {"reward": folder + "/reward.yaml"})
        asyncio.run(workflow.arun_episode(engine, driver.row_of(rollouts[0])))
        [(_, said)] = workflow.given
        print(json.dumps([seen[0].endswith("<|im_end|>"), said == rollouts[0].completion]))
        """,
    )

    assert told == [True, True]
