"""Makes one verdict of several: of a panel's members, or of one model asked several times."""

from __future__ import annotations

from collections.abc import Sequence

from dikast.records import Missing, Verdict
from dikast.spec.judge import PanelRule


def merged(said: Sequence[Verdict | Missing], rule: PanelRule) -> Verdict | Missing:
    """Gives the mean, the lowest or the majority's verdict of those that could be had.

    Missing only where all are. N/a where most of those that answered say so. Without a majority, half of the
    votes each way, the verdict is the mean. Reason and evidence are those of the member nearest to the outcome.
    """
    answered = [verdict for verdict in said if isinstance(verdict, Verdict)]
    if not answered:
        return next(missing for missing in said if isinstance(missing, Missing))
    applying = [(verdict.value, verdict) for verdict in answered if verdict.value is not None]
    votes = tuple(verdict.value if isinstance(verdict, Verdict) else None for verdict in said)
    if 2 * len(applying) < len(answered) or not applying:
        silent = next(verdict for verdict in answered if verdict.value is None)
        return Verdict(value=None, reason=silent.reason, votes=votes)
    value = _by_rule([value for value, _ in applying], rule)
    _, nearest = min(applying, key=lambda pair: abs(pair[0] - value))
    return Verdict(value=value, reason=nearest.reason, evidence=nearest.evidence, votes=votes)


def _by_rule(values: Sequence[float], rule: PanelRule) -> float:
    mean = sum(values) / len(values)
    if rule == "min":
        return min(values)
    if rule == "majority":
        yes = sum(value > 0.5 for value in values)
        no = sum(value < 0.5 for value in values)
        return mean if yes == no else float(yes > no)
    return mean
