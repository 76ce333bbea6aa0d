"""The rubric's critic: reads a reward as a reviewer would, and says what will not measure well.

    findings = lint(file)                                      # a `RewardFile`; no model is asked
    findings = lint(file, certificate=certificate, labels=labels)

The rules are plain patterns over English. They rather miss a fault than call a good question a bad one;
in another language only those that look at numbers and settings find anything.
"""
