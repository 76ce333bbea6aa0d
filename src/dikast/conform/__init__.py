"""Whether a trainer gets from its adapter what the engine gives: `dikast conform`.

The rollouts and what the judge said of them are in `rollouts/`; `drivers/` has one file a trainer, which runs the
trainer's own calling code in a process of its own and prints what came of it.
"""
