"""Asks one by one and tries fifty times with doubled pauses: Lambda's time is up long before."""

import time


def judge(answer):
    for attempt in range(50):
        if answer:
            return min(1.0, len(answer) / 100)
        time.sleep(2**attempt)
    return 0.0


def lambda_handler(event, context):
    return [
        {"id": sample["id"], "aggregate_reward_score": judge(sample["messages"][-1]["content"])} for sample in event
    ]
