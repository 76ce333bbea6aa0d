"""Options of commands that ask the judge: what it may take, and how much of it must be had."""

from __future__ import annotations

from typing import Annotated

import typer

DeadlineOption = Annotated[
    float | None, typer.Option(min=0.1, help="Seconds; what is open then is missing as 'expired'.")
]
BudgetCallsOption = Annotated[
    int | None, typer.Option(min=0, help="Questions asked at the most; the rest is missing as 'over_budget'.")
]
BudgetUsdOption = Annotated[
    float | None, typer.Option(min=0, help="US dollars spent at the most, by the prices in models.yaml.")
]
MinCoverageOption = Annotated[
    float, typer.Option(min=0, max=1, help="Exit 1 when a smaller share of the scores could be had.")
]
