"""The page on which people label rollouts, blind: what is labelled and in which order, what was answered, what it says of the judge."""
