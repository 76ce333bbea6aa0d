"""Which checkpoint a run goes on from."""

import json

from dikast.train.rl import newest_checkpoint


def checkpoint(work, step: int, *, whole: bool = True):
    folder = work / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    if whole:
        (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return folder


def test_the_newest_whole_checkpoint_counts_and_a_half_written_one_goes(tmp_path):
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    broken = checkpoint(tmp_path, 11, whole=False)

    assert newest_checkpoint(tmp_path) == newest
    assert not broken.exists()


def test_a_state_that_was_cut_off_is_no_checkpoint(tmp_path):
    (checkpoint(tmp_path, 3, whole=False) / "trainer_state.json").write_text('{"global_st')

    assert newest_checkpoint(tmp_path) is None


def test_without_a_folder_there_is_none(tmp_path):
    assert newest_checkpoint(tmp_path / "nowhere") is None
