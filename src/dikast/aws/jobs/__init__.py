"""Jobs of Nova and Bedrock: recipes, requests, following, evaluation and release."""
