"""A whole file of training data: converted from rows of ours, or checked as it stands, with line numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from dikast.aws.data.plain import has_mark, repeated_keys, unsayable
from dikast.aws.data.rft import TAKEN, Row, rft_problems, rft_row, verl_problems, verl_row
from dikast.aws.data.sft import sft_problems, sft_row
from dikast.errors import DataError, UsageError
from dikast.reward.binding import require_columns
from dikast.rollouts import read_rows, rollout_of, rows_or_errors, write_rows
from dikast.spec.reward import RewardSpec

Form = Literal["rft", "sft", "verl"]

LARGEST = 1024**3
"""Bytes of a file that SageMaker's registry takes."""
ROWS: dict[Form, tuple[int, int]] = {"rft": (100, 20_000), "sft": (200, 20_000), "verl": (1, 1_000_000)}
"""How many rows Bedrock takes; SageMaker's own jobs advise the same least number. Of verl none is published."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, and where: line 0 is the file as a whole."""

    line: int
    what: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds."""

    path: Path
    rows: int
    bytes: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    def require_good(self) -> None:
        """Raises `DataError` with the first problem, and how many there are."""
        if self.problems:
            raise DataError(f"{told(self, self.problems[0])} ({len(self.problems)} problems in all)")


_MARKS: dict[Form, frozenset[str]] = {
    "rft": frozenset({"messages"}),
    "sft": frozenset({"messages"}),
    "verl": frozenset({"data_source", "reward_model"}),
}
"""What a row of a form has and one of ours has not."""


def told(checked: Checked, problem: Problem) -> str:
    """A problem with its place, as an editor takes it."""
    return f"{checked.path}:{problem.line}: {problem.what}" if problem.line else f"{checked.path}: {problem.what}"


def check_file(path: Path, form: Form) -> Checked:
    """Checks a file of training data as it stands."""
    return _checked(path, form, lambda row, _line: row, whole=path)


def convert_file(
    source: Path, target: Path, form: Form, *, reward: RewardSpec | None = None, drop: Collection[str] = ()
) -> Checked:
    """Converts rows of ours, and checks what comes of them. All columns are kept but those to `drop`.

    Where a row cannot be converted, lacks what the reward reads, or becomes one that is refused, the problems are the
    source's and nothing is written.
    """

    def made(row: Row, line: int) -> Row:
        return _made(row, form, source=source, line=line, drop=drop, reward=reward)

    if drop:
        _require_columns_to_drop(source, drop)
    checked = _checked(source, form, made)
    if checked.problems:
        return checked
    write_rows(target, (made(row, line) for line, row in read_rows(source)))
    return check_file(target, form)


def _require_columns_to_drop(source: Path, drop: Collection[str]) -> None:
    """Raises `UsageError` for a column that no row has: what was meant would stay."""
    held = {column for _, row in rows_or_errors(source) if not isinstance(row, DataError) for column in row}
    if held and (absent := [column for column in drop if column not in held]):
        raise UsageError(f"--drop {absent[0]}: no row of {source} has it; they have {', '.join(sorted(held))}")


def _checked(path: Path, form: Form, made: Callable[[Row, int], Row], *, whole: Path | None = None) -> Checked:
    """Checks what becomes of each row of a file; of `whole`, which is the file that is sent, its bytes too."""
    problems = [*_problems_of_bytes(whole)] if whole else []
    repeated: dict[int, str] | None = None
    rows = 0
    for line, row in rows_or_errors(path):
        # Only now is it known that the file can be read.
        repeated = repeated_keys(path) if repeated is None else repeated
        problems += (Problem(line, what) for what in _problems_at(row, path, line, form, made, first=rows == 0))
        if line in repeated:
            problems.append(Problem(line, repeated[line]))
        rows += 1
    least, most = ROWS[form]
    if not rows:
        problems.append(Problem(0, "it holds no row; name a file that does"))
    if rows > most:
        problems.append(Problem(0, f"{rows} rows; at the most {most} are taken, split it"))
    few = [f"{rows} rows; Bedrock takes {least} and more, and SageMaker advises as many"] if 0 < rows < least else []
    return Checked(path=path, rows=rows, bytes=path.stat().st_size, problems=tuple(problems), notes=tuple(few))


def _problems_of_bytes(path: Path) -> Iterator[Problem]:
    if not path.is_file():
        return
    if has_mark(path):
        yield Problem(1, "it begins with a byte order mark, which many readers refuse; save it as UTF-8 without")
    if (size := path.stat().st_size) > LARGEST:
        yield Problem(0, f"{size} bytes; at the most {LARGEST} are taken, drop columns or rows")


def _problems_at(
    row: Row | DataError, path: Path, line: int, form: Form, made: Callable[[Row, int], Row], *, first: bool
) -> list[str]:
    """What is wrong with one row, or with what it becomes."""
    try:
        if isinstance(row, DataError):
            raise row
        ready = made(row, line)
    except DataError as error:
        return [_said(error, path, line)]
    if "prompt" in ready and _MARKS[form].isdisjoint(ready):
        return ["it has a 'prompt' and is no training data yet; convert it with -o FILE"]
    return [*_problems(ready, form, first=first), *unsayable(ready)]


def _problems(row: Mapping[str, Any], form: Form, *, first: bool) -> Iterator[str]:
    match form:
        case "rft":
            return rft_problems(row, first=first)
        case "sft":
            return sft_problems(row)
        case "verl":
            return verl_problems(row)


def _said(error: DataError, path: Path, line: int) -> str:
    """What is wrong, without the place, which is told beside it."""
    return str(error).removeprefix(f"{path}:{line}: ")


def _made(row: Row, form: Form, *, source: Path, line: int, drop: Collection[str], reward: RewardSpec | None) -> Row:
    if "messages" in row and "prompt" not in row:
        raise DataError(f"{source}:{line}: it has 'messages' already; check it as it stands, without -o")
    row = {column: value for column, value in row.items() if column not in drop}
    rollout = rollout_of(row, path=source, line=line, completion="")
    if reward is not None:
        try:
            require_columns(reward, rollout)
        except DataError as error:
            raise DataError(f"{source}:{line}: {error}") from None
    given = _reference(row, form, f"{source}:{line}")
    if form != "rft" and isinstance(given, dict):
        rollout = msgspec.structs.replace(rollout, reference=msgspec.json.encode(given).decode())
    if form == "sft":
        return sft_row(rollout)
    if form == "verl":
        return verl_row(rollout, source=reward.file.name if reward else source.stem)
    if clash := TAKEN & rollout.columns.keys():
        raise DataError(f"{source}:{line}: the column '{min(clash)}' means something else to the trainer; rename it")
    return rft_row(rollout, reference=given)


def _reference(row: Row, form: Form, where: str) -> str | Row | None:
    """The row's reference, where the form can hold it."""
    given = row.get("reference")
    if not isinstance(given, str | dict | None):
        raise DataError(f"{where}: 'reference' must be a text or an object; write it as a text")
    if problem := next(unsayable({"reference": given}), None):
        raise DataError(f"{where}: {problem}")
    if form == "sft" and (given is None or given == ""):
        raise DataError(f"{where}: no 'reference', which is the answer that is learnt; add it, or drop the row")
    return given
