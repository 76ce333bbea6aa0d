"""What is asked of a judge, and how its answer is read."""
