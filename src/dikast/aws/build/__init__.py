"""Packages a reward as a Lambda function: a zip that is the same twice, and a SAM template beside it."""
