import hashlib
import json

import msgspec
import pytest

from dikast.certify.attacks import Reworded
from dikast.certify.bounds import Levels
from dikast.certify.certificate import (
    ChosenReading,
    Disagreement,
    certificate_hash,
    read_certificate,
)
from dikast.certify.expected import ExpectedAnswer
from dikast.certify.files import write_whole
from dikast.certify.measure import certify
from dikast.errors import ConfigError, UnavailableError


@pytest.fixture
async def certificate(reward, suite, judge_of, perfect):
    return await certify(reward, suite, judge=judge_of(perfect))


async def test_a_certificate_is_read_as_it_was_written(certificate, tmp_path):
    path = tmp_path / "new" / "certificate.json"

    write_whole(certificate, path)

    assert read_certificate(path) == certificate
    assert certificate_hash(read_certificate(path)) == certificate_hash(certificate)
    assert [left.name for left in path.parent.iterdir()] == ["certificate.json"]


async def test_the_file_has_the_keys_that_others_rely_on(certificate, tmp_path):
    write_whole(certificate, tmp_path / "c.json")

    content = json.loads((tmp_path / "c.json").read_text())

    assert {"reward", "reward_hash", "model", "level", "criteria", "attacks", "annotators", "made_with", "date"} <= set(
        content
    )
    one = content["criteria"]["on_topic"]
    assert {"n", "level", "factor", "reading", "tpr", "tnr", "precision", "j", "kappa", "ac1", "auc"} <= set(one)
    assert set(one["tpr"]) == set(one["flip_rate"]) == set(one["within_group"]) == {"value", "low", "high", "n"}
    assert one["reading"] == {"soft": True}
    assert content["model"] == {"name": "scripted:judge", "fingerprint": "f00d"}


async def test_a_certificate_with_attacks_keeps_their_keys_and_its_bond(reward, suite, judge_of, perfect, tmp_path):
    attacks = {"paraphrases": Reworded(fooled_at_most=0.1)}
    certificate = await certify(reward, suite, judge=judge_of(perfect), attacks=attacks)

    write_whole(certificate, tmp_path / "c.json")

    told = json.loads((tmp_path / "c.json").read_text())["attacks"]["paraphrases"]
    assert {"tried", "fooled", "high", "stopped", "missing", "already", "shift", "gain", "criteria"} <= set(told)
    assert read_certificate(tmp_path / "c.json") == certificate
    assert certificate.fits(reward.hash, "f00d")


async def test_a_certificate_from_before_attacks_is_still_read(certificate, tmp_path):
    content = json.loads(msgspec.json.encode(certificate))
    del content["attacks"]
    (tmp_path / "c.json").write_text(json.dumps(content))

    assert read_certificate(tmp_path / "c.json") == certificate


async def test_the_hash_forgets_the_date_and_nothing_else(certificate):
    later = msgspec.structs.replace(certificate, date="2031-01-01")
    other = msgspec.structs.replace(certificate, seed=1)

    assert certificate_hash(later) == certificate_hash(certificate)
    assert certificate_hash(other) != certificate_hash(certificate)


async def test_a_certificate_without_what_is_held_since_keeps_the_hash_that_it_had(reward, suite, judge_of, perfect):
    certificate = msgspec.structs.replace(await certify(reward, suite, judge=judge_of(perfect)), disagreements=())
    since = {"disagreements", "expected", "regression", "outcomes", "rollouts_hash", "levels", "others", "wordings"}
    of_criteria = {"pass_rate", "preference", "precision_at_stated", "stated_base_rate", "unheard", "wanted"}

    older = msgspec.to_builtins(certificate)
    older["criteria"] = {
        name: {key: value for key, value in one.items() if key not in of_criteria}
        for name, one in older["criteria"].items()
    }
    older = {key: value for key, value in older.items() if key not in since | {"date"}}

    as_it_was = hashlib.sha256(msgspec.json.encode(older, order="deterministic")).hexdigest()
    assert certificate_hash(certificate) == as_it_was


async def test_what_is_held_since_belongs_to_the_hash_where_there_is_any(certificate):
    known = ExpectedAnswer(id="r", criterion="useful", content="c", expect=True, said=True)
    differs = Disagreement(id="r1", item=None, criterion="useful", people={"ann": True}, value=0.1)
    plain = certificate_hash(certificate)

    assert certificate_hash(msgspec.structs.replace(certificate, expected=(known,))) != plain
    assert certificate_hash(msgspec.structs.replace(certificate, disagreements=(differs,))) != plain
    assert certificate_hash(msgspec.structs.replace(certificate, rollouts_hash="c0ffee")) != plain
    assert certificate_hash(msgspec.structs.replace(certificate, levels=Levels(weight=0.4))) != plain


async def test_a_certificate_fits_its_reward_with_its_model_only(certificate, reward):
    assert certificate.fits(reward.hash, "f00d")
    assert not certificate.fits(reward.hash, "beef")
    assert not certificate.fits("0" * 64, "f00d")


def test_a_reading_is_soft_or_hard():
    assert msgspec.json.encode(ChosenReading(threshold=0.5)) == b'{"threshold":0.5}'
    with pytest.raises(ValueError, match="soft or has a threshold"):
        ChosenReading()
    with pytest.raises(ValueError, match="soft or has a threshold"):
        ChosenReading(soft=True, threshold=0.5)


def test_no_certificate_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match="dikast certify REWARD LABELS"):
        read_certificate(tmp_path / "none.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b'{"reward": "\xff"}', b'{"level": "gold"}'])
def test_what_is_no_certificate_is_refused_in_one_line(tmp_path, content: bytes):
    path = tmp_path / "c.json"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match="not a certificate"):
        read_certificate(path)


async def test_a_factor_beyond_one_is_refused(certificate, tmp_path):
    path = tmp_path / "c.json"
    write_whole(certificate, path)
    path.write_text(path.read_text().replace('"factor": 1.0', '"factor": 3.0'))

    with pytest.raises(ConfigError, match="factor"):
        read_certificate(path)


async def test_a_place_that_cannot_be_written_is_told(certificate, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UnavailableError, match="cannot be written"):
        write_whole(certificate, tmp_path / "file" / "certificate.json")


async def test_a_certificate_from_before_outcomes_and_pass_rates_is_still_read(certificate, tmp_path):
    content = json.loads(msgspec.json.encode(certificate))
    for key in ("outcomes", "rollouts_hash"):
        del content[key]
    for criterion in content["criteria"].values():
        del criterion["pass_rate"]
    (tmp_path / "c.json").write_text(json.dumps(content))

    assert read_certificate(tmp_path / "c.json") == certificate


async def test_outcomes_and_pass_rates_are_read_as_they_were_written(
    reward_of, reward_text, labels_of, row, judge_of, perfect, tmp_path
):
    rows = [row(n, outcomes={"accepted": n % 3}) for n in range(240)] + [row(n, labels={}) for n in range(240, 300)]
    reward = reward_of(reward_text + "outcomes: {accepted: {at_least: 1, criteria: [useful]}}\n")
    certificate = await certify(reward, labels_of(rows), judge=judge_of(perfect))

    write_whole(certificate, tmp_path / "c.json")

    content = json.loads((tmp_path / "c.json").read_text())
    assert read_certificate(tmp_path / "c.json") == certificate
    assert set(content["outcomes"]) == {"metrics", "unserved", "serving_none"}
    assert set(content["outcomes"]["metrics"]["accepted"]["score"]) == {"spearman", "auc"}
    assert set(content["outcomes"]["metrics"]["accepted"]["score"]["auc"]) == {"value", "low", "high", "n"}
    rate = content["criteria"]["useful"]["pass_rate"]
    assert set(rate) == {"judge", "corrected", "rogan_gladen", "labelled", "unlabelled"}
