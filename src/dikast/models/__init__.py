"""Who answers: local models and any server that speaks chat completions. Attempts and limits live here only."""
