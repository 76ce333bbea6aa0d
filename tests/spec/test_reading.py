"""Configuration is hostile input: whatever stands in the file, there is a value or one line that says where."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dikast.errors import ConfigError
from dikast.spec.reading import MAX_BYTES, load_yaml, read_struct


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    weight: float
    way: Literal["first", "second"] | None = None


class Cat(msgspec.Struct, frozen=True, tag_field="kind", tag="cat"):
    lives: int = 9


class Dog(msgspec.Struct, frozen=True, tag_field="kind", tag="dog"):
    pass


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    parts: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = {}
    by_number: dict[int, str] = {}
    pets: tuple[Cat | Dog, ...] = ()
    colour: Literal["red", "green", "blue"] | int = "red"


BOMB = """
a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
d: [*c, *c, *c, *c, *c, *c, *c, *c, *c]
"""
MERGE_BOMB = """
a: &a {x: 1}
b: &b {<<: [*a, *a, *a, *a, *a, *a, *a, *a]}
c: {<<: [*b, *b, *b, *b, *b, *b, *b, *b]}
"""


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "file.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_file_that_fits_is_read_into_its_struct(file_of: Callable[[str], Path]):
    path = file_of("name: a\nparts:\n  - weight: 2\nby_name: {x: {weight: 0.5}}\n")

    assert read_struct(path, Outer) == Outer(name="a", parts=(Inner(weight=2.0),), by_name={"x": Inner(weight=0.5)})


@pytest.mark.parametrize(
    ("written", "number"),
    [("5e-5", 5e-5), ("1E3", 1000.0), ("1.e+2", 100.0), ("-2.5e-1", -0.25), ("3", 3.0), (".5", 0.5)],
)
def test_a_number_may_be_written_with_an_exponent_and_without_a_dot(
    file_of: Callable[[str], Path], written: str, number: float
):
    assert read_struct(file_of(f"weight: {written}"), Inner).weight == number


@pytest.mark.parametrize("written", ["2026-11-24", "2026-13-99", "2026-11", "2001-12-14t21:59:43.10-05:00"])
def test_what_looks_like_a_date_is_a_text(file_of: Callable[[str], Path], written: str):
    assert read_struct(file_of(f"name: {written}"), Outer).name == written


@pytest.mark.parametrize("written", ["5e", "e5", "1e5x", "0x1e5 m", "1e-5-1"])
def test_a_text_that_only_looks_like_a_number_stays_one(file_of: Callable[[str], Path], written: str):
    assert read_struct(file_of(f"name: {written}"), Outer).name == written


@pytest.mark.parametrize("written", ["2026-11-01", "2026-11", "2026-13-01", "2026-11-01 10:00:00"])
def test_a_date_is_the_text_that_it_looks_like(file_of: Callable[[str], Path], written: str):
    assert read_struct(file_of(f"name: {written}"), Outer).name == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\npart: []", "unknown key 'part'; did you mean 'parts'?"),
        ("name: a\nparts: [{wieght: 1}]", "parts[0]: unknown key 'wieght'; did you mean 'weight'?"),
        ("name: a\nzzzzzz: 1", "unknown key 'zzzzzz'; remove it or see docs/reference.md for the keys"),
        ("parts: []", "'name' is missing; add it"),
        ("name: a\nparts: [{}]", "parts[0]: 'weight' is missing; add it"),
        ("name: a\nparts: [{weight: heavy}]", "parts[0].weight: Expected `float`, got `str`"),
        ("", "Expected `object`, got `null`; write the keys as in docs/reference.md"),
        ("- name", "Expected `object`, got `array`; write the keys as in docs/reference.md"),
        ("name: a\nby_number: {low: x}", "by_number: Expected `int`, got `str`"),
        ("name: a\ncolour: pink", "colour: Invalid enum value 'pink'; write red, green or blue"),
        ("name: a\nparts: [{weight: 1, way: 3rd}]", "parts[0].way: Invalid enum value '3rd'; write first or second"),
        ("name: a\nby_name: {x: {weight: 1, way: no}}", "by_name[...].way: Expected `str | null`, got `bool`"),
        (
            "name: a\nby_name: {x: {weight: 1, way: z}}",
            "by_name[...].way: Invalid enum value 'z'; write first or second",
        ),
        ("name: a\npets: [{kind: cow}]", "pets[0].kind: Invalid value 'cow'; write cat or dog"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place_and_mend(file_of: Callable[[str], Path], text: str, said: str):
    path = file_of(text)

    with pytest.raises(ConfigError) as error:
        read_struct(path, Outer)

    assert str(error.value) == f"{path}: {said}"


@pytest.mark.parametrize("bomb", [BOMB, MERGE_BOMB, "a: &a [*a]", "a: &a {b: *a}"])
def test_an_alias_is_refused_so_that_no_few_lines_stand_for_a_billion_values(file_of: Callable[[str], Path], bomb: str):
    path = file_of(bomb)

    with pytest.raises(ConfigError, match=r"file.yaml: line \d: not valid YAML \('\*a' repeats another part"):
        load_yaml(path)


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_deep_nesting_is_refused_or_does_not_fit(file_of: Callable[[str], Path], opening: str, depth: int):
    path = file_of(f"name: {opening * depth}")

    with pytest.raises(ConfigError):
        read_struct(path, Outer)


def test_blocks_nested_deeply_are_refused(file_of: Callable[[str], Path]):
    path = file_of("- " * 20_000 + "a")

    with pytest.raises(ConfigError, match="nested too deeply"):
        load_yaml(path)


def test_a_key_that_stands_twice_is_refused_since_one_of_the_two_would_be_ignored(file_of: Callable[[str], Path]):
    path = file_of("name: a\nparts: []\nname: b\n")

    with pytest.raises(ConfigError, match=r"line 3: not valid YAML \(the key 'name' stands twice\)"):
        load_yaml(path)


@pytest.mark.parametrize(
    "tagged", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!python/tuple [1]", "!mine x"]
)
def test_no_tag_makes_an_object(file_of: Callable[[str], Path], tagged: str):
    path = file_of(f"name: {tagged}")

    with pytest.raises(ConfigError, match="line 1: not valid YAML"):
        load_yaml(path)


def test_a_tag_that_another_library_taught_pyyaml_is_none_here(file_of: Callable[[str], Path], monkeypatch):
    monkeypatch.setattr(yaml.SafeLoader, "yaml_multi_constructors", {"!": lambda loader, suffix, node: "made"})

    with pytest.raises(ConfigError, match="line 1: not valid YAML"):
        load_yaml(file_of("name: !mine x"))


@pytest.mark.parametrize(
    "value",
    [
        "!!timestamp 2024-99-99",
        "!!int foo",
        "!!float foo",
        "!!bool foo",
        "!!timestamp foo",
        "0b_",
        "9" * 5_000,
        "!!binary é",
        r'"\ud800"',
        "\x00",
        "{[a]: b}",
        "{{a: b}: c}",
    ],
)
def test_a_value_that_yaml_itself_stumbles_over_is_an_error_of_the_file(file_of: Callable[[str], Path], value: str):
    path = file_of(f"name: {value}")

    with pytest.raises(ConfigError) as error:
        load_yaml(path)

    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("date", ["2026-11-01", "2026-11-01 12:00:00", "2026-11"])
def test_a_date_is_the_text_that_it_is_written_as(file_of: Callable[[str], Path], date: str):
    assert load_yaml(file_of(f"name: {date}")) == {"name": date}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name: \xc3"])
def test_bytes_that_are_no_utf_8_are_told_with_their_place(file_of: Callable[[bytes], Path], content: bytes):
    path = file_of(content)

    with pytest.raises(ConfigError, match=r"not UTF-8 \(byte \d+\); save it as UTF-8"):
        load_yaml(path)


def test_a_data_file_named_by_mistake_is_not_loaded(file_of: Callable[[bytes], Path]):
    path = file_of(b"#" * (MAX_BYTES + 1))

    with pytest.raises(ConfigError, match="too large for a configuration file"):
        load_yaml(path)


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path: Path):
    with pytest.raises(ConfigError, match="no such file"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_yaml(tmp_path)


def read_or_told(path: Path, into: Any) -> Any:
    try:
        return read_struct(path, into)
    except ConfigError as error:
        return str(error)


YAML_LIKE = st.text("ab:-[]{}&*!?|>'\"#%@\\<0x19.~ \n\t", max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(text=st.one_of(YAML_LIKE, st.text(max_size=60), st.binary(max_size=60)))
def test_any_file_fits_or_is_a_config_error_and_nothing_else(tmp_path: Path, text: str | bytes):
    path = tmp_path / "any.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))

    for into in (Outer, dict[str, Any]):
        outcome = read_or_told(path, into)

        assert isinstance(outcome, Outer | dict) or outcome.startswith(f"{path}: ")


def test_the_number_of_a_level_may_be_written_as_json_has_it(file_of: Callable[[str], Path]):
    assert read_struct(file_of('{"name": "a", "by_number": {"1": "x"}}'), Outer).by_number == {1: "x"}


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a\\nb", "parts": [{"weight": 1e-3}, {"weight": -2}]}',
        '{"name": "\\ud83d\\ude00"}'.replace("\\ud83d\\ude00", "\U0001f600"),
        '{"by_name": {}, "date": "2026-11-24", "none": null, "yes": true}',
    ],
)
def test_json_is_read_as_the_yaml_that_it_is(file_of: Callable[[str | bytes], Path], text: str):
    assert load_yaml(file_of(text)) == load_yaml(file_of("\n" + text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice"),
        ('{"a": 1', "line 1: not valid YAML"),
        ('{"a": "\\ud83d"}', "not valid YAML"),
    ],
)
def test_broken_json_is_told_as_broken_yaml_is(file_of: Callable[[str | bytes], Path], text: str, problem: str):
    with pytest.raises(ConfigError, match=problem):
        load_yaml(file_of(text))


def test_what_begins_as_json_and_goes_on_as_yaml_is_yaml(file_of: Callable[[str | bytes], Path]):
    assert load_yaml(file_of("{name: review, parts: [{weight: 1e-3}]}  # short")) == {
        "name": "review",
        "parts": [{"weight": 1e-3}],
    }
