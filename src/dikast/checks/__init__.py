"""The deterministic parts of a reward: one file a kind of check. No model, no network."""
