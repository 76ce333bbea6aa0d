"""deepeval's GEval: one metric for each case, since it keeps its score, and one client for all."""

import os

from harness import CRITERION, KEY, MODEL, Case, Judge, main, yes_or_no


def connect(url: str) -> Judge:
    """Makes the model that the metrics share, with telemetry off.

    The steps are given, so that a judgment is one question: from a criterion alone the metric would ask for them first.
    """
    os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "1"
    from deepeval.metrics import GEval
    from deepeval.models import LocalModel
    from deepeval.test_case import LLMTestCase, SingleTurnParams

    model = LocalModel(model=MODEL, base_url=f"{url}/v1", api_key=KEY)
    judged = [SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT, SingleTurnParams.CONTEXT]

    async def judge(case: Case) -> bool:
        metric = GEval(name="follows", evaluation_steps=[CRITERION], evaluation_params=judged, model=model)
        test_case = LLMTestCase(input=case.question, actual_output=case.answer, context=[case.document])
        score = await metric.a_measure(test_case, _show_indicator=False)
        return yes_or_no(score, yes=1.0, no=0.0)

    return judge


if __name__ == "__main__":
    main(connect)
