"""What a judge is worth: measured against people's labels, and written down as a certificate."""
