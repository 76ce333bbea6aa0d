"""autoevals' LLMClassifier: one classifier and one client for all; the choice comes by a function call."""

from harness import CRITERION, KEY, MODEL, Case, Judge, main, yes_or_no

PROMPT = f"""You judge whether an answer follows from the document.

[Document]: {{{{document}}}}
[Question]: {{{{input}}}}
[Answer]: {{{{output}}}}

{CRITERION}"""


def connect(url: str) -> Judge:
    """Makes the classifier."""
    from autoevals import LLMClassifier
    from autoevals.oai import LLMClient
    from openai import AsyncOpenAI

    classifier = LLMClassifier(
        name="follows",
        prompt_template=PROMPT,
        choice_scores={"Yes": 1, "No": 0},
        model=MODEL,
        client=LLMClient(openai=AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY), is_async=True),
    )

    async def judge(case: Case) -> bool:
        score = await classifier.eval_async(output=case.answer, input=case.question, document=case.document)
        return yes_or_no(score.score, yes=1, no=0)

    return judge


if __name__ == "__main__":
    main(connect)
