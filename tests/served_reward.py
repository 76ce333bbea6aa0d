"""The smallest served reward and judges that fail, for tests of the server: `from served_reward import PLAIN`."""

from collections.abc import Callable

from dikast.errors import ModelError
from dikast.models.base import Request

PLAIN = """
name: plain
objective: Judge the answer.
inputs: {Question: prompt}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""


def candidate_of(request: Request) -> str:
    """What the judge is asked about."""
    return request.messages[-1].content


def fails_on(*words: str) -> Callable[[Request], float | BaseException]:
    """A judge that says .8, or fails where a word stands in the candidate; `low` gets .2."""

    def answer(request: Request) -> float | BaseException:
        text = candidate_of(request)
        if any(word in text for word in words):
            return ModelError("timeout", "the judge did not answer")
        return 0.2 if "low" in text else 0.8

    return answer
