"""One file a shape: how a trainer's request becomes rollouts, and scores its answer."""
