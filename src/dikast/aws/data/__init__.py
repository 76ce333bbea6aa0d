"""Training data in the forms of Nova and of SageMaker's open-weight recipes: made of rollouts' rows, and checked."""
