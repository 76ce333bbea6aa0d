"""A reward and its certificate: the pair fits, or is refused with the command that mends it."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from plain_reward import TWO

from dikast.certify.certificate import (
    Certificate,
    ChosenReading,
    Consistency,
    CriterionCertificate,
    ModelIdentity,
    certificate_hash,
)
from dikast.certify.files import write_whole
from dikast.certify.labels import Split
from dikast.errors import ConfigError, NotGoodEnoughError
from dikast.journal import Journal
from dikast.loading import load, open_uncertified, plan_reward
from dikast.models.base import Reply
from dikast.records import Rollout
from dikast.reward.parts import Reading
from dikast.spec.judge import PREFERENCE
from dikast.stats.intervals import Interval

REWARD = TWO.replace("scripted:judge", "openai:big")
NONE = Interval(value=None, low=None, high=None, n=0)


def criterion(factor: float) -> CriterionCertificate:
    names = ("tpr", "tnr", "precision", "j", "kappa", "ac1", "auc", "flip_rate", "variance", "within_group")
    return CriterionCertificate(
        n=0,
        yes=0,
        no=0,
        level="green",
        factor=factor,
        reading=ChosenReading(threshold=0.4),
        why="made by a test",
        base_rate=None,
        **dict.fromkeys(names, NONE),
    )


@pytest.fixture
def reward_path(reward_file: Callable[..., Path]) -> Path:
    models = "big: {provider: openai, endpoint: 'http://127.0.0.1:9/v1', logprobs: true}"
    return reward_file(REWARD, {"models.yaml": models})


@pytest.fixture
def certificate_of(reward_path: Path, tmp_path: Path) -> Callable[..., Path]:
    """A certificate of the reward, with factors by criterion and whatever else is changed."""

    def write(factors: dict[str, float], **changes: object) -> Path:
        reward = load(reward_path)
        certificate = Certificate(
            reward="plain",
            reward_hash=reward.hash,
            model=ModelIdentity(name=reward.model, fingerprint=reward.fingerprint),
            level="green",
            criteria={name: criterion(factor) for name, factor in factors.items()},
            annotators=("author-pass-1",),
            labels_hash="",
            split=Split(by="hash", tuning=(), certificate=(), hash=""),
            consistency=Consistency(units=0, variants={}),
            seed=0,
            made_with={},
            date="2026-01-01",
        )
        path = tmp_path / "certificate.json"
        write_whole(msgspec.structs.replace(certificate, **changes), path)
        return path

    return write


def test_without_a_certificate_every_criterion_counts_as_the_file_says(reward_path: Path):
    reward = load(str(reward_path))

    assert reward.certificate_hash is None
    assert [c.id for c in reward.criteria] == ["good", "useful"]
    assert reward.journal.path is None


def test_a_certificate_weighs_the_criteria_and_its_hash_goes_with_the_reward(
    reward_path: Path, certificate_of: Callable[..., Path], tmp_path: Path
):
    path = certificate_of({"good": 0.0, "useful": 0.5})

    reward = load(reward_path, certificate=path, journal=tmp_path / "journal.db")

    assert [c.id for c in reward.criteria] == ["useful"]
    assert reward.readings["useful"] == Reading(factor=0.5, threshold=0.4)
    assert reward.certificate_hash == certificate_hash(msgspec.json.decode(path.read_bytes(), type=Certificate))
    assert reward.journal.path == tmp_path / "journal.db"


def test_a_refused_reward_lets_go_of_its_journal(
    reward_path: Path, certificate_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    closed: list[Journal] = []
    close = Journal.close

    def watched(journal: Journal):
        closed.append(journal)
        close(journal)

    monkeypatch.setattr(Journal, "close", watched)

    with pytest.raises(ConfigError):
        load(reward_path, certificate=certificate_of({"good": 1.0, "useful": 1.0}, reward_hash="0" * 64))

    assert len(closed) == 1


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"reward_hash": "0" * 64}, "reward"),
        ({"model": ModelIdentity(name="openai:big", fingerprint="other")}, "model"),
    ],
)
def test_a_certificate_of_another_pair_is_refused_with_the_command_that_measures_anew(
    reward_path: Path, certificate_of: Callable[..., Path], changes: dict, what: str
):
    path = certificate_of({"good": 1.0, "useful": 1.0}, **changes)

    with pytest.raises(ConfigError) as error:
        load(reward_path, certificate=path)

    assert str(error.value) == (
        f"{path}: made for another {what} than {reward_path} uses now; "
        f"measure again with 'dikast certify {reward_path} LABELS -o {path}'"
    )


def test_a_certificate_that_trusts_nothing_leaves_nothing_to_judge(
    reward_path: Path, certificate_of: Callable[..., Path]
):
    with pytest.raises(NotGoodEnoughError, match="turns every criterion off"):
        load(reward_path, certificate=certificate_of({"good": 0.0, "useful": 0.0}))


def test_a_veto_needs_a_certificate_by_which_it_hardly_errs(reward_path: Path, certificate_of: Callable[..., Path]):
    text = reward_path.read_text().replace("id: good,", "id: good, required: true,") + "aggregate: veto\n"
    reward_path.write_text(text)

    with pytest.raises(
        NotGoodEnoughError, match=r"judge.criteria\[0\] \(good\): It is required, and the judge says no"
    ):
        load(reward_path, certificate=certificate_of({"good": 1.0, "useful": 1.0}))


def test_without_its_leave_every_criterion_counts_in_full_and_is_still_read_as_measured(
    reward_path: Path, certificate_of: Callable[..., Path]
):
    path = certificate_of({"good": 0.0, "useful": 0.5})

    reward, trust = open_uncertified(reward_path, path, None)

    assert trust is not None
    assert set(trust.criteria) == {"good", "useful"}
    assert reward.readings == {name: Reading(factor=1.0, threshold=0.4) for name in ("good", "useful")}
    assert reward.certificate_hash is None


@pytest.mark.parametrize("changes", [{"reward_hash": "0" * 64}, None])
def test_without_leave_a_certificate_of_another_reward_counts_as_none(
    reward_path: Path, certificate_of: Callable[..., Path], tmp_path: Path, changes: dict | None
):
    path = certificate_of({"good": 1.0, "useful": 1.0}, **changes) if changes else tmp_path / "none.json"

    reward, trust = open_uncertified(reward_path, path, None)

    assert trust is None
    assert not reward.readings


def test_a_reward_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.yaml")


ROLLOUTS = [Rollout(id=name, group="g", prompt="p", completion=name, columns={"contract": "text"}) for name in "abc"]


def test_a_plan_asks_what_the_certificate_leaves_on_and_names_it(
    reward_path: Path, certificate_of: Callable[..., Path]
):
    path = certificate_of({"good": 0.0, "useful": 0.5})

    with_it, without = plan_reward(reward_path, ROLLOUTS, certificate=path), plan_reward(reward_path, ROLLOUTS)

    assert (with_it.file.calls, without.file.calls) == (3, 6)
    assert with_it.certificate_hash == certificate_hash(msgspec.json.decode(path.read_bytes(), type=Certificate))
    assert (with_it.reward_hash, without.certificate_hash) == (load(reward_path).hash, None)


def test_a_plan_refuses_a_certificate_of_another_pair(reward_path: Path, certificate_of: Callable[..., Path]):
    path = certificate_of({"good": 1.0, "useful": 1.0}, reward_hash="0" * 64)

    with pytest.raises(ConfigError, match="made for another reward"):
        plan_reward(reward_path, ROLLOUTS, certificate=path)


def test_a_certificate_names_the_second_model_too_and_a_plan_knows_it(
    reward_path: Path, certificate_of: Callable[..., Path]
):
    reward_path.write_text(REWARD.replace("criteria:", "fallback: {model: 'openai:other'}\n  criteria:"))

    plan = plan_reward(reward_path, ROLLOUTS, certificate=certificate_of({"good": 1.0, "useful": 1.0}))

    assert [one.model for one in plan.models] == ["openai:big"]


COMPARES = """
name: better
objective: You compare answers.
range: [1, 5]
inputs: {Document: contract}
judge: {mode: preference, model: "scripted:judge", compare: round_robin, prefer: The shorter one.}
"""


def scored(judged_by, model, readings) -> list[float | None]:
    reward = judged_by(COMPARES, model, readings=readings)
    return [score.score for score in reward.score(ROLLOUTS)]


@pytest.mark.parametrize("factor", [1.0, 0.4])
def test_the_factor_of_a_comparison_turns_it_on_and_changes_no_score(judged_by, scripted_model, factor: float):
    def by_alphabet(request) -> Reply:
        first, second = re.findall(r"^[abc]$", request.messages[-1].content, flags=re.MULTILINE)
        share = 0.8 if first < second else 0.2
        return Reply(text="", first_token=(("A", math.log(share)), ("B", math.log(1 - share))))

    certified = scored(judged_by, scripted_model(by_alphabet), {PREFERENCE: Reading(factor=factor)})

    assert certified == scored(judged_by, scripted_model(by_alphabet), None)
    assert len(set(certified)) > 1


def test_a_comparison_loads_with_its_certificate_and_a_red_one_refuses(
    reward_path: Path, certificate_of: Callable[..., Path]
):
    reward_path.write_text(COMPARES.replace("scripted:judge", "openai:big"))

    path = certificate_of({PREFERENCE: 0.5})
    reward, plan = load(reward_path, certificate=path), plan_reward(reward_path, ROLLOUTS, certificate=path)

    assert (reward.readings[PREFERENCE].factor, reward.certificate_hash) == (0.5, plan.certificate_hash)
    assert plan.file.calls == 3
    with pytest.raises(NotGoodEnoughError, match="the certificate turns the comparison off; there is nothing to judge"):
        load(reward_path, certificate=certificate_of({PREFERENCE: 0.0}))
    opened, trust = open_uncertified(reward_path, certificate_of({PREFERENCE: 0.0}), None)
    assert opened.readings[PREFERENCE].factor == 1.0
    assert trust is not None
