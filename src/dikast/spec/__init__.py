"""The files that a user writes: reward.yaml, run.yaml, models.yaml. The only reader of user configuration."""
