"""inspect-ai's model_graded_qa: one scorer and one client for all, which may have as many connections as are used."""

from harness import CRITERION, KEY, MODEL, Case, Judge, main, yes_or_no
from measuring import AT_ONCE


def connect(url: str) -> Judge:
    """Makes the scorer."""
    from inspect_ai.model import GenerateConfig, ModelName, ModelOutput, get_model
    from inspect_ai.scorer import Target, model_graded_qa
    from inspect_ai.solver import TaskState

    name = f"openai-api/bench/{MODEL}"
    config = GenerateConfig(max_connections=AT_ONCE)
    model = get_model(name, base_url=f"{url}/v1", api_key=KEY, config=config)
    scorer = model_graded_qa(model=model)

    async def judge(case: Case) -> bool:
        state = TaskState(
            model=ModelName(name),
            sample_id=case.question,
            epoch=1,
            input=f"{case.document}\n\n{case.question}",
            messages=[],
            output=ModelOutput.from_content(MODEL, case.answer),
        )
        score = await scorer(state, Target(CRITERION))
        return yes_or_no(score.value if score else None, yes="C", no="I")

    return judge


if __name__ == "__main__":
    main(connect)
