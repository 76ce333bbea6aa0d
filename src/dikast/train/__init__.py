"""From a run file to a trained policy: warm start, reinforcement learning, and the folder they leave."""
