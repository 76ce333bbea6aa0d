"""openenv-core's LLMJudge: one judge and one client for all; the score is the first number of the reply."""

from harness import CRITERION, KEY, MODEL, Case, Judge, main, yes_or_no

PROMPT = f"""You judge whether an answer follows from the document.

{{observation}}

# Answer
{{action}}

{CRITERION} Reply with one number: 1 for yes, 0 for no."""


def connect(url: str) -> Judge:
    """Makes the judge."""
    from openenv.core.llm_client import OpenAIClient
    from openenv.core.rubrics.llm_judge import LLMJudge

    endpoint, _, port = url.rpartition(":")
    rubric = LLMJudge(PROMPT, OpenAIClient(endpoint, int(port), model=MODEL, api_key=KEY))

    async def judge(case: Case) -> bool:
        score = await rubric(case.answer, f"# Document\n{case.document}\n\n# Question\n{case.question}")
        return yes_or_no(score, yes=1.0, no=0.0)

    return judge


if __name__ == "__main__":
    main(connect)
