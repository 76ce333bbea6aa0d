"""The values that flow: what they carry, and what they never turn into."""

import msgspec
import pytest

from dikast.records import MISSING_REASONS, Message, Missing, Rollout, Score, Usage, Verdict


def test_a_column_is_found_by_its_name_the_fixed_ones_included():
    rollout = Rollout(id="r", group="g", prompt="p", completion="c", reference="ref", columns={"contract": "text"})

    assert [rollout.column(name) for name in ("id", "group", "prompt", "completion", "reference", "contract")] == [
        "r", "g", "p", "c", "ref", "text",
    ]  # fmt: skip
    with pytest.raises(KeyError):
        rollout.column("none")


def test_costs_add_up_field_by_field():
    one = Usage(questions=1, asked=1, prompt_tokens=10, cached_tokens=4, completion_tokens=2, seconds=0.5)

    assert one + Usage() == one
    assert one + one == Usage(questions=2, asked=2, prompt_tokens=20, cached_tokens=8, completion_tokens=4, seconds=1.0)


def test_a_missing_verdict_is_no_number():
    with pytest.raises(TypeError):
        float(Missing("timeout"))


def test_every_reason_can_be_written_and_read_again():
    for reason in MISSING_REASONS:
        score = Score(id="r", group="g", score=None, status="missing", missing=reason)

        assert msgspec.json.decode(msgspec.json.encode(score), type=Score) == score


@pytest.mark.parametrize(
    "value",
    [Message(role="user", content=""), Missing("timeout"), Verdict(value=1.0), Usage()],
    ids=lambda v: type(v).__name__,
)
def test_records_do_not_change(value: msgspec.Struct):
    with pytest.raises(AttributeError):
        setattr(value, value.__struct_fields__[0], None)
