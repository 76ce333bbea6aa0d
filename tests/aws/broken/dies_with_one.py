"""A thread for each sample, and `result()` raises again: one bad sample takes the batch down."""

from concurrent.futures import ThreadPoolExecutor


def score(sample):
    answer = sample["messages"][-1]["content"]
    return {"id": sample["id"], "aggregate_reward_score": min(1.0, len(answer) / 100)}


def lambda_handler(event, context):
    with ThreadPoolExecutor(max_workers=len(event)) as threads:
        running = [threads.submit(score, sample) for sample in event]
        return [one.result() for one in running]
