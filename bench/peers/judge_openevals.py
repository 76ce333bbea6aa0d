"""openevals' create_async_llm_as_judge: one evaluator and one client for all; the reply fits a JSON schema."""

import os

from harness import CRITERION, KEY, MODEL, Case, Judge, main, yes_or_no

PROMPT = f"""You judge whether an answer follows from the document.

<document>
{{context}}
</document>
<input>
{{inputs}}
</input>
<output>
{{outputs}}
</output>

{CRITERION}"""


def connect(url: str) -> Judge:
    """Makes the evaluator, with tracing off."""
    os.environ["LANGSMITH_TRACING"] = "false"
    from openai import AsyncOpenAI
    from openevals.llm import create_async_llm_as_judge

    evaluator = create_async_llm_as_judge(
        prompt=PROMPT, judge=AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY), model=MODEL
    )

    async def judge(case: Case) -> bool:
        result = await evaluator(inputs=case.question, outputs=case.answer, context=case.document)
        return yes_or_no(result["score"], yes=True, no=False)

    return judge


if __name__ == "__main__":
    main(connect)
