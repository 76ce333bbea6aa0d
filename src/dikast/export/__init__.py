"""A run for another trainer: its configuration, its data and the entry point that asks the reward. One file a trainer."""
