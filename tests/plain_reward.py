"""The smallest rewards, which tests of several folders start from: `from plain_reward import ONE`."""

ONE = """
name: plain
objective: Judge the answer.
inputs: {Document: contract}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""
TWO = ONE + '    - {id: useful, ask: "Is it useful?"}\n'
