"""py-openjudge's LLMGrader: one grader and one client for all; the reply fits a pydantic model."""

from harness import CRITERION, KEY, MODEL, Case, Judge, main, yes_or_no

PROMPT = f"""You judge whether an answer follows from the document.

# Document
{{context}}

# Question
{{query}}

# Answer
{{response}}

{CRITERION} The score is 1 for yes and 0 for no."""


def connect(url: str) -> Judge:
    """Makes the grader."""
    from openjudge.graders.llm_grader import LLMGrader
    from openjudge.models.openai_chat_model import OpenAIChatModel

    model = OpenAIChatModel(model=MODEL, api_key=KEY, base_url=f"{url}/v1")
    grader = LLMGrader(model=model, name="follows", template=PROMPT)

    async def judge(case: Case) -> bool:
        result = await grader.aevaluate(query=case.question, response=case.answer, context=case.document)
        return yes_or_no(result.score, yes=1, no=0)

    return judge


if __name__ == "__main__":
    main(connect)
