"""autorubric's CriterionGrader: one grader for all, its cache off as it is by default; litellm asks the model."""

import os

from harness import CRITERION, KEY, MODEL, Case, Judge, main, yes_or_no


def connect(url: str) -> Judge:
    """Makes the grader and its rubric of one criterion, without the download of prices that litellm begins with."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    from autorubric import LLMConfig, Rubric
    from autorubric.graders import CriterionGrader

    config = LLMConfig(model=f"openai/{MODEL}", api_base=f"{url}/v1", api_key=KEY)
    grader = CriterionGrader(judge_model_config=config)
    rubric = Rubric.from_dict([{"name": "follows", "weight": 1.0, "requirement": CRITERION}])

    async def judge(case: Case) -> bool:
        query = f"# Document\n{case.document}\n\n# Question\n{case.question}"
        report = await rubric.grade(to_grade=case.answer, grader=grader, query=query)
        return yes_or_no(report.score, yes=1.0, no=0.0)

    return judge


if __name__ == "__main__":
    main(connect)
