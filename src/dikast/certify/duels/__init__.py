"""What a preference judge is worth: pairs that people compared, asked in both orders, and the certificate of it."""
