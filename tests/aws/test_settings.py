"""What the handler is told: a file of the package, with variables laid over it."""

import msgspec
import pytest

from dikast.aws.settings import FILE_NAME, HandlerSettings, read_settings, require_answerable, written
from dikast.errors import ConfigError
from dikast.spec.run import Constant

UNIT = (0.0, 1.0)


def test_what_build_writes_is_what_the_handler_reads(tmp_path):
    told = HandlerSettings(reward="a/reward.yaml", alone=Constant(constant=0.25), target="hyperpod", envelope=True)
    (tmp_path / FILE_NAME).write_bytes(written(told))

    read = read_settings(tmp_path, {})

    assert read == told
    assert written(read) == written(told)


@pytest.mark.parametrize(
    ("variable", "value", "field", "read"),
    [
        ("DIKAST_ON_MISSING", "raise", "on_missing", "raise"),
        ("DIKAST_ALONE", '{"constant": 0.5}', "alone", Constant(constant=0.5)),
        ("DIKAST_ALONE", "fail", "alone", "fail"),
        ("DIKAST_WARM_UP", "false", "warm_up", False),
        ("DIKAST_DEADLINE_MARGIN_S", "1.5", "deadline_margin_s", 1.5),
        ("DIKAST_JOURNAL", "/tmp/journal.db", "journal", "/tmp/journal.db"),
    ],
)
def test_a_variable_is_laid_over_the_file(tmp_path, variable, value, field, read):
    (tmp_path / FILE_NAME).write_bytes(written(HandlerSettings(reward="reward.yaml", alone=Constant(constant=0.0))))

    settings = read_settings(tmp_path, {variable: value, "DIKAST_SHARED": "somebody else's"})

    assert getattr(settings, field) == read
    assert settings.reward == "reward.yaml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[1]", "must be a JSON object"),
        (b"{", "cannot be read"),
        (b"{}", "'reward' is missing"),
        (b'{"reward": "r", "allone": "fail"}', "did you mean 'alone'"),
        (b'{"reward": "r", "on_missing": "native"}', "on_missing"),
    ],
)
def test_a_broken_file_is_told_with_its_place(tmp_path, text, told):
    (tmp_path / FILE_NAME).write_bytes(text)

    with pytest.raises(ConfigError, match=told) as caught:
        read_settings(tmp_path, {})

    assert str(tmp_path / FILE_NAME) in str(caught.value)


@pytest.mark.parametrize("target", ["hyperpod", "smtj"])
def test_a_mean_over_siblings_needs_a_word_for_who_has_none(target):
    settings = HandlerSettings(reward="r", target=target)

    with pytest.raises(ConfigError, match="alone"):
        require_answerable(settings, UNIT)
    require_answerable(msgspec.structs.replace(settings, alone="fail"), UNIT)


@pytest.mark.parametrize("changes", [{"alone": Constant(constant=2.0)}, {"on_missing": Constant(constant=-0.1)}])
def test_a_constant_lies_in_the_range(changes):
    settings = HandlerSettings(reward="r", **{"alone": "fail", **changes})

    with pytest.raises(ConfigError, match="outside the reward's range"):
        require_answerable(settings, UNIT)
