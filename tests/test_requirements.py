"""The pins and pyproject.toml say the same."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[0-9][0-9A-Za-z.]*)$")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for line in (PROJECT / "requirements" / file).read_text().splitlines():
        if line.startswith("-r "):
            found |= pins(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            pin = PIN.match(line)
            assert pin, f"{file}: '{line}' is not pinned"
            found[normal(pin["name"])] = numbers(pin["version"])
    return found


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def wanted(*extras: str) -> dict[str, tuple[int, ...]]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    split = (re.split(r"(?:\[\w+\])?>=", line) for line in lines if not line.startswith("dikast["))
    return {normal(name): numbers(bound) for name, bound in split}


@pytest.mark.parametrize(
    ("file", "extras"),
    [("all.txt", ("stats", "local", "train", "aws")), ("dev.txt", ("stats", "local", "train", "aws", "dev"))],
)
def test_every_dependency_is_pinned_at_or_above_its_lower_bound(file: str, extras: tuple[str, ...]):
    pinned = pins(file)

    too_low = {
        name: (bound, pinned.get(name)) for name, bound in wanted(*extras).items() if pinned.get(name, ()) < bound
    }

    assert not too_low


@pytest.mark.parametrize("file", ["dev.txt", "docs.txt", "vendor.txt"])
def test_no_file_pins_anew_what_all_txt_pins(file: str):
    lines = (PROJECT / "requirements" / file).read_text().splitlines()

    again = {normal(line.partition("==")[0]) for line in lines} & pins("all.txt").keys()

    assert not again


def test_the_core_has_at_most_ten_dependencies():
    assert len(wanted()) <= 10
