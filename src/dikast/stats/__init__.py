"""Statistics of verdicts: intervals and agreement. Pure: numbers in, numbers out."""
