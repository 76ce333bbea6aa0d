"""Takes the id from the wrong place: the builtin function, or "0" where the sample's own is not a number."""


def lambda_handler(event, context):
    rows = []
    for sample in event:
        says = sample["messages"][-1]["content"]
        name = sample["id"] if str(sample.get("id")).isdigit() else "0"
        rows.append({"id": name, "aggregate_reward_score": min(1.0, len(str(says)) / 100)})
    return rows
