"""What a job left back, read whatever it holds: archives, logs with other lines, and numbers that are none."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from dikast.aws.jobs import unpacking
from dikast.aws.jobs.reading import read_outputs
from dikast.errors import DataError
from dikast.records import Rollout
from dikast.rollouts import group_of, write_rows
from dikast.spec.reward import RewardSpec, read_reward

EXAMPLE = Path(__file__).parents[3] / "examples" / "contract_review"
COLUMNS = {"contract": "c", "playbook": "p", "expert_review": "e"}
KNOWN = {group_of("p"): Rollout(id="known", group=group_of("p"), prompt="p", completion="", columns=COLUMNS)}


@pytest.fixture
def reward() -> RewardSpec:
    return read_reward(EXAMPLE / "reward_bedrock.yaml")


def evaluated(**answer: Any) -> dict[str, Any]:
    return {"id": "a", "prompt": "p", "completion": "c", "reward": {"aggregate_reward_score": 0.5, **answer}}


def sample(**more: Any) -> dict[str, Any]:
    return {"id": "a", "score": 0.5, "status": "scored", "parts": [], "prompt": "p", "completion": "c", **more}


def pack(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


ROW = json.dumps(evaluated()).encode()


def test_of_an_archive_only_files_with_rows_are_unpacked_and_nothing_stays(
    tmp_path: Path, reward: RewardSpec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    archive = pack(
        tmp_path / "output.tar.gz",
        (member("link.jsonl", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (member("pipe.jsonl", tarfile.FIFOTYPE), b""),
        (member("folder.jsonl", tarfile.DIRTYPE), b""),
        (member("weights.bin"), b"w"),
        (member("rows.jsonl"), ROW),
    )

    assert len(read_outputs([archive], reward, KNOWN).answers) == 1

    assert [path.name for path in tmp_path.iterdir()] == ["output.tar.gz"]


def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, reward: RewardSpec):
    archive = pack(tmp_path / "output.tar.gz", (member("../../evil.jsonl"), ROW))

    with pytest.raises(DataError, match=r"output\.tar\.gz: cannot be unpacked .*outside the destination"):
        read_outputs([archive], reward, KNOWN)


def test_an_archive_that_ends_too_early_is_told(tmp_path: Path, reward: RewardSpec):
    archive = pack(tmp_path / "output.tar.gz", (member("rows.jsonl"), ROW * 1000))
    archive.write_bytes(archive.read_bytes()[:-40])

    with pytest.raises(DataError, match=r"output\.tar\.gz: cannot be unpacked"):
        read_outputs([archive], reward, KNOWN)


def test_an_archive_of_too_many_bytes_is_refused_before_they_are_written(
    tmp_path: Path, reward: RewardSpec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(unpacking, "MOST_UNPACKED", 1000)
    archive = pack(tmp_path / "output.tar.gz", (member("rows.jsonl"), b"0" * 1001))

    with pytest.raises(DataError, match="more than 1000 bytes"):
        read_outputs([archive], reward, KNOWN)


def test_lines_of_a_log_that_are_no_json_are_counted_and_left_out(tmp_path: Path, reward: RewardSpec):
    log = tmp_path / "lambda.log"
    log.write_text(f"START RequestId: 1\n{json.dumps({'samples': [sample()]})}\nREPORT RequestId: 1\n")

    found = read_outputs([log], reward, KNOWN)

    assert (len(found.answers), found.unread) == (1, 2)


def test_answers_to_one_row_get_names_of_their_own_and_a_given_id_stays(tmp_path: Path, reward: RewardSpec):
    log = tmp_path / "log.jsonl"
    write_rows(log, [{"samples": [sample(id="row-1"), sample(id="row-1")]}, {"samples": [sample(), sample(id=None)]}])

    answers = read_outputs([log], reward, KNOWN).answers

    assert [one.rollout.id for one in answers] == ["row-1", "row-1#1", "a", "log-2-1"]
    assert [one.score.id for one in answers] == [one.rollout.id for one in answers]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 400, "true", '"0.5"'])
def test_a_score_that_is_no_number_is_no_answer(tmp_path: Path, reward: RewardSpec, number: str):
    rows = tmp_path / "rows.jsonl"
    bad = json.dumps(evaluated()).replace("0.5", number)
    logged = json.dumps({"samples": [sample()]}).replace("0.5", number)
    rows.write_text(f"{json.dumps(evaluated())}\n{bad}\n{logged}\n")

    found = read_outputs([rows], reward, KNOWN)

    assert (len(found.answers), found.unread) == (1, 2)


@pytest.mark.parametrize("listed", [5, "abc", None, [5], [{"name": "same_point", "value": "x"}]])
def test_a_list_of_metrics_that_is_none_costs_the_parts_and_not_the_answer(
    tmp_path: Path, reward: RewardSpec, listed: Any
):
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, [evaluated(metrics_list=listed)])

    [answer] = read_outputs([rows], reward, KNOWN).answers

    assert (answer.score.score, answer.score.parts) == (0.5, ())


def test_a_score_outside_the_range_is_another_reward_s(tmp_path: Path, reward: RewardSpec):
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, [evaluated(aggregate_reward_score=7)])

    with pytest.raises(DataError, match=r"rows\.jsonl:1: the score 7 is outside the reward's range \[0, 1\]"):
        read_outputs([rows], reward, KNOWN)


def test_a_row_that_is_nested_too_deeply_is_left_out(tmp_path: Path, reward: RewardSpec):
    rows = tmp_path / "rows.jsonl"
    deep = json.dumps({**evaluated(), "more": "D"}).replace('"D"', "[" * 950 + "]" * 950)
    rows.write_text(f"{json.dumps(evaluated())}\n{deep}\n")

    found = read_outputs([rows], reward, KNOWN)

    assert (len(found.answers), found.unread) == (1, 1)


def test_answers_to_prompts_that_nobody_knows_are_counted_with_the_way_out(tmp_path: Path, reward: RewardSpec):
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, [evaluated(), {**evaluated(), "id": "b", "prompt": "another"}])

    with pytest.raises(DataError, match=r"1 of 2 answers, the first 'b', have a prompt of no row .* data\.test"):
        read_outputs([rows], reward, KNOWN)
