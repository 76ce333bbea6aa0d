"""A judge that fails gives null, another one NaN, and a pass is a boolean: none of them is a score."""

import math


def judge(answer):
    if len(answer) % 3 == 0:
        return None
    return math.nan if len(answer) % 3 == 1 else True


def lambda_handler(event, context):
    return [
        {"id": sample["id"], "aggregate_reward_score": judge(str(sample["messages"][-1]["content"]))}
        for sample in event
    ]
