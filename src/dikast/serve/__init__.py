"""The reward over HTTP: one process with one journal and one budget for all ranks, in the shapes that trainers speak."""
