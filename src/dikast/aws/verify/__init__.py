"""Checks a reward Lambda, deployed or local, for what breaks a training job and the vendor's verifier lets pass."""
