"""What a client and `dikast serve` must both keep to."""

from __future__ import annotations

TOKEN_VARIABLE = "DIKAST_SERVE_TOKEN"
MOST_SECONDS = 24 * 3600.0
"""The longest deadline of a request."""
