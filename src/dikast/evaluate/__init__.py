"""Compares arms on held-out documents: what they answered, what it is worth, and how sure that is."""
