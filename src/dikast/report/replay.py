"""A replay for people: its tables as rows of texts, and what it comes to in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from dikast.evaluate.replay import LEAST_STEPS, STATUSES
from dikast.evaluate.replayed import Change, Compared, Replay, Rise
from dikast.evaluate.siblings import ALIKE
from dikast.evaluate.summary import LEAST_DOCUMENTS
from dikast.report.words import interval, number
from dikast.stats.intervals import Interval

SHORT_HASH = 8

Rows = list[tuple[str, ...]]


def verdict_of(found: Compared) -> tuple[str, ...]:
    """Says what the figures come to, and claims no more than their intervals do."""
    if found.same:
        return ("Nothing changes: every score is what it was, to the last digit.", *_of_rise(found))
    return (*_of_groups(found), *_of_rise(found))


def heading(replay: Replay) -> Iterator[str]:
    """What was scored, by whom then and by whom now."""
    some = replay.rollouts < replay.logged_rollouts
    of = f" of {replay.logged_rollouts} in {replay.logged_groups}" if some else ""
    yield (
        f"{replay.run}, phase {replay.phase}: {_many(replay.rollouts, 'rollout')}{of}, {_many(replay.groups, 'group')}, {_many(replay.steps, 'step')}"
    )
    for one in replay.then:
        share = "" if len(replay.then) == 1 else f", {one.rollouts} rollouts"
        yield f"then: {_named(one.reward, one.reward_hash, one.certificate_hash)}{share}"
    now = replay.now
    yield f"now:  {_named(now.reward, now.reward_hash, now.certificate_hash)}, {now.model}"


def transitions(replay: Replay) -> Rows:
    """What rollouts were then, down, and are now, across."""
    return [
        (then, *(str(replay.transitions[then][now]) for now in STATUSES))
        for then in STATUSES
        if any(replay.transitions[then].values())
    ]


def figures(replay: Replay) -> Rows:
    """One row a figure: then, now, and what it rests on."""
    mean, order = replay.mean, replay.order
    rows: Rows = [
        ("coverage", _shown(replay.coverage_then), _shown(replay.coverage), "", f"{replay.rollouts} rollouts"),
        (
            "mean score",
            _shown(mean.then),
            _shown(mean.now),
            "—" if mean.difference is None else _shown(mean.difference),
            f"{mean.then.n} with both scores",
        ),
    ]
    if rise := replay.rise:
        apart = "—" if rise.apart is None else _shown(_negative(rise.apart))
        rows.append(
            (
                "rise over the run",
                _shown(rise.then),
                _shown(rise.now),
                apart,
                f"first and last {rise.steps} of {replay.steps} steps",
            )
        )
    rows.append(
        ("flat groups", _shown(order.flat_then), _shown(order.flat_now), "", f"{order.flat_then.n} with siblings")
    )
    return rows


def orders(replay: Replay) -> Rows:
    """How far both put rollouts in the same order."""
    order = replay.order
    pairs = f"{order.pairs} pairs in {order.swapped.n} groups"
    return [
        ("rank correlation, all rollouts", _shown(order.spearman), f"{order.spearman.n} rollouts"),
        ("pairs of siblings the other way round", _shown(order.swapped), pairs),
        ("pairs tied then, not now", _shown(order.untied), pairs),
        ("pairs tied now, not then", _shown(order.tied), pairs),
        ("groups whose best is another", _shown(order.another_best), f"{order.another_best.n} groups"),
        ("rollouts on the other side of their group's mean", _shown(order.turned), f"{replay.mean.then.n} rollouts"),
    ]


def parts(replay: Replay) -> Rows:
    """The parts that both rewards have."""
    return [
        (name, _shown(part.then), _shown(part.now), _shown(part.changed), str(part.n))
        for name, part in replay.parts.items()
    ]


def notes(replay: Replay) -> Iterator[str]:
    """What stands under the tables."""
    if replay.mean.why:
        yield f"no difference: {replay.mean.why}"
    if replay.parts_then_only:
        yield f"parts only then: {', '.join(replay.parts_then_only)}"
    if replay.parts_now_only:
        yield f"parts only now: {', '.join(replay.parts_now_only)}"
    for when, reasons in (("then", replay.missing_then), ("now", replay.missing)):
        if reasons:
            yield f"missing {when}: " + ", ".join(f"{reason} {count}" for reason, count in reasons.items())


def change_line(change: Change, *, by: str) -> str:
    """One line about a rollout that changes much."""
    moved = f"{number(change.then, 3)} → {number(change.now, 3)}"
    if by == "rank":
        moved += f" (rank {'up' if change.by > 0 else 'down'} by {abs(change.by):.0%} of all)"
    line = f"{_short(change.id)}, step {change.step}: {moved}"
    if part := change.part:
        line += f"; {part.name} {number(part.then)} → {number(part.now)}"
        line += f": {part.reason}" if part.reason else ""
    if change.gated:
        line += f"; gated {change.gated} by {change.detail}"
    return line


def _of_groups(found: Compared) -> Iterator[str]:
    order = found.order
    if not order.pairs:
        yield "No rollout has a sibling with both scores: what a trainer that compares siblings would learn is not said."
        return
    yield (
        f"Of the pairs of siblings {_share(order.swapped)} stand the other way round, {_share(order.untied)} were tied and "
        f"are not, {_share(order.tied)} are tied and were not; {_share(order.turned)} of the rollouts are on the other side of "
        "their group's mean."
    )


def _of_rise(found: Compared) -> Iterator[str]:
    rise = found.rise
    if rise is None:
        logged = "all rollouts are logged as of one step" if found.steps == 1 else f"{found.steps} steps are logged"
        yield f"Whether scores rise over the run is not said: {logged}, and it takes {LEAST_STEPS}."
    elif rise.then.value is None or rise.now.value is None:
        yield "Whether scores rise over the run is not said: no rollout of its beginning or its end has both scores."
    elif rise.groups < LEAST_DOCUMENTS:
        yield (
            f"Whether scores rise over the run is not claimed: {rise.groups} groups at one end are too few "
            f"(it takes {LEAST_DOCUMENTS})."
        )
    elif not found.same:
        yield from _risen(rise)
    elif _side(rise.then) > 0:
        yield f"Scores rise over the run by {_shown(rise.then)}."


def _risen(rise: Rise) -> Iterator[str]:
    then, now = _side(rise.then), _side(rise.now)
    figures = f"{_shown(rise.then)} then, {_shown(rise.now)} now"
    if then <= 0:
        shown = "falls" if then < 0 else "no rise is shown"
        yield f"Under the reward that scored then {shown} over the run ({figures})."
    elif now > 0:
        yield f"The run rises under both rewards ({figures})."
    else:
        shown = "they fall" if now < 0 else "no rise is shown"
        yield (
            f"Scores rise over the run under the reward that scored then; under this one {shown} ({figures}). That is how "
            "it looks when a policy learns to please its judge, and it is no proof of it: this reward may miss what the "
            "other one sees. Let people look at late rollouts."
        )
        if rise.apart is not None and _side(rise.apart) <= 0:
            yield f"That the two rise differently is itself not shown ({_shown(rise.apart)})."


def _side(shown: Interval) -> int:
    """1 or −1 where the whole interval lies on that side of zero."""
    if shown.low is None or shown.high is None:
        return 0
    return int(shown.low > 0) - int(shown.high < 0)


def _named(name: str | None, reward: str, certificate: str | None) -> str:
    trust = f"certificate {certificate[:SHORT_HASH]}" if certificate else "no certificate"
    return f"{name or 'a reward that is not at hand'} ({reward[:SHORT_HASH]}), {trust}"


def _shown(one: Interval) -> str:
    # What is left of nothing by rounding is nothing.
    return interval(*(None if x is None else 0.0 if abs(x) <= ALIKE else x for x in (one.value, one.low, one.high)))


def _share(one: Interval) -> str:
    return "—" if one.value is None else f"{one.value:.1%}"


def _negative(one: Interval) -> Interval:
    """Then less now, the other way round."""
    low, value, high = (None if x is None else -x for x in (one.high, one.value, one.low))
    return Interval(value=value, low=low, high=high, n=one.n)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}…"
