"""The fake judge answers other packages' judges in their forms, and a made-up verdict among theirs is noticed."""

import importlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

BENCH = Path(__file__).parents[1] / "bench"
PEERS = BENCH / "peers"
PIN = re.compile(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*")
NAMES = [path.stem for path in sorted((PEERS / "requirements").glob("*.txt"))]

CHOICE = {"type": "object", "properties": {"reasons": {"type": "string"}, "choice": {"enum": ["Yes", "No"]}}}
STATUS = {
    "type": "object",
    "properties": {"criterion_status": {"$ref": "#/$defs/Status"}, "explanation": {"type": "string"}},
    "$defs": {"Status": {"type": "string", "enum": ["MET", "UNMET", "CANNOT_ASSESS"]}},
}
FORCED = {
    "tools": [{"type": "function", "function": {"name": "select_choice", "parameters": CHOICE}}],
    "tool_choice": {"type": "function", "function": {"name": "select_choice"}},
}
VERDICTS = '{"verdicts": [{"name": ...}]}\n- follows: Does it? (answer one of, worst to best: no, yes)\n'
SCORE = '- `"score"`: an integer between 0 and 10\nJSON:\n'


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


REPLIES: Any = module(BENCH / "peer_replies.py")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports modules of the benchmark as its scripts do, and forgets them."""
    known = set(sys.modules)
    monkeypatch.delenv("DIKAST_ENVIRONMENTS", raising=False)
    monkeypatch.setattr(sys, "path", [str(PEERS), str(BENCH), *sys.path])
    yield importlib.import_module
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCH)):
            del sys.modules[name]


def by_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "form", "schema": schema}}}


def answers() -> tuple[str, str]:
    """One that the judge accepts, and one that it does not."""
    texts = [f"Answer {at}: ten days." for at in range(20)]
    return next(filter(REPLIES.says_yes, texts)), next(text for text in texts if not REPLIES.says_yes(text))


@pytest.mark.parametrize(
    ("asked", "words", "read", "yes", "no"),
    [
        (FORCED, "", lambda said: json.loads(said["tool_calls"][0]["function"]["arguments"])["choice"], "Yes", "No"),
        (by_schema(STATUS), "", lambda said: json.loads(said["content"])["criterion_status"], "MET", "UNMET"),
        (
            by_schema({"type": "object", "properties": {"score": {"type": "boolean"}}}),
            "",
            lambda said: json.loads(said["content"])["score"],
            True,
            False,
        ),
        ({}, "'GRADE: $LETTER' (without quotes)", lambda said: said["content"].rpartition("GRADE: ")[2], "C", "I"),
        ({}, VERDICTS, lambda said: json.loads(said["content"])["verdicts"][0]["verdict"], "yes", "no"),
        ({}, SCORE, lambda said: json.loads(said["content"])["score"], 10, 0),
        ({}, "Reply with one number.", lambda said: float(said["content"]), 1.0, 0.0),
    ],
    ids=["function", "schema", "boolean", "grade", "verdicts", "score", "number"],
)
def test_a_verdict_comes_in_the_form_that_is_asked_for(
    asked: dict[str, Any], words: str, read: Callable[[Any], Any], yes: Any, no: Any
):
    said = [
        json.loads(REPLIES.completion({"model": "judge", **asked}, f"{words}\n{answer}"))["choices"][0]["message"]
        for answer in answers()
    ]

    assert [read(one) for one in said] == [yes, no]


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    plain = st.sampled_from(["boolean", "number", "integer", "string"]).map(lambda kind: {"type": kind})
    chosen = st.lists(st.text(), min_size=1, unique=True).map(lambda offered: {"enum": offered})
    return st.recursive(
        plain | chosen | st.just({"$ref": "#/$defs/Status"}),
        lambda inner: (
            st.builds(lambda items: {"type": "array", "items": items, "minItems": 1}, inner)
            | st.builds(lambda first, second: {"anyOf": [first, second]}, inner, inner)
            | st.builds(
                lambda parts: {"type": "object", "properties": parts, "required": list(parts)},
                st.dictionaries(st.text(), inner, max_size=3),
            )
        ),
        max_leaves=8,
    )


@given(part=schemas(), yes=st.booleans())
def test_a_reply_fits_the_schema_that_came_with_the_question(part: dict[str, Any], yes: bool):
    schema = {"type": "object", "properties": {"it": part}, "required": ["it"], "$defs": STATUS["$defs"]}

    jsonschema.validate(REPLIES.filled(schema, yes), schema)


DRIVER = """
import asyncio, json, urllib.request
from harness import MODEL, main, yes_or_no

def ask(url, answer):
    words = "Reply with one number. " + answer
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": words}]}).encode()
    with urllib.request.urlopen(url + "/v1/chat/completions", body, timeout=60) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]

def connect(url):
    async def judge(case):
        said = float(await asyncio.to_thread(ask, url, case.answer))
        VERDICT
    return judge

main(connect)
"""


def drive(folder: Path, url: str, verdict: str) -> subprocess.CompletedProcess[str]:
    """Runs a driver whose judge makes a verdict out of the number that the server said."""
    script = folder / "driver.py"
    script.write_text(f"import sys\nsys.path.append({str(PEERS)!r})\n" + DRIVER.replace("VERDICT", verdict))
    command = [sys.executable, str(script), "--url", url, "--judgments", "40"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_driver_that_passes_on_every_verdict_says_what_they_cost(tmp_path: Path, judge_server: Callable[..., Any]):
    done = drive(tmp_path, judge_server().url, "return yes_or_no(said, yes=1.0, no=0.0)")

    found = json.loads(done.stdout)
    assert found["units"] == 40
    assert min(found["per_second"], found["cpu_ms"], found["peak_mb"]) > 0


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ("return case.question == 'Question 0?' and said == 1.0", r"\d+ of 40 judgments failed, the first with bool"),
        ("return 1 / 0 if case.question == 'Question 7?' else said == 1.0", "1 of 40 .* ZeroDivisionError"),
        ("return yes_or_no(None, yes=1.0, no=0.0)", "1 of 1 judgments failed, .* None is no verdict"),
    ],
    ids=["made up", "raised", "none"],
)
def test_a_driver_with_a_verdict_that_the_judge_did_not_give_fails(
    tmp_path: Path, judge_server: Callable[..., Any], verdict: str, reason: str
):
    done = drive(tmp_path, judge_server().url, verdict)

    assert done.returncode
    assert re.search(reason, done.stderr.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_every_peer_is_pinned_with_all_that_it_needs(load: Callable[[str], Any], name: str):
    lines = (PEERS / "requirements" / f"{name}.txt").read_text().splitlines()

    assert [line for line in lines if not line.startswith("#") and not PIN.fullmatch(line)] == []
    assert load("environments").Environments(PEERS).version_of(name)


def test_every_peer_has_a_driver_and_its_requirements(load: Callable[[str], Any]):
    drivers = [path.stem.removeprefix("judge_").replace("_", "-") for path in PEERS.glob("judge_*.py")]

    assert sorted(load("run").PEERS) == sorted(drivers) == sorted(NAMES)


def requirements(folder: Path, text: str) -> None:
    (folder / "requirements").mkdir()
    (folder / "requirements" / "peer.txt").write_text(text)


def test_an_environment_is_made_once(load: Callable[[str], Any], tmp_path: Path):
    requirements(tmp_path, "peer==1.0\n")
    (tmp_path / ".environments" / "peer").mkdir(parents=True)
    (tmp_path / ".environments" / "peer" / "made-from.txt").write_text("peer==1.0\n")
    environments = load("environments").Environments(tmp_path)

    assert environments.python_of("peer") == tmp_path / ".environments" / "peer" / "bin" / "python"
    assert environments.made("peer") == environments.python_of("peer")
    assert environments.names() == ["peer"]


def test_an_environment_that_other_requirements_made_is_not_taken(load: Callable[[str], Any], tmp_path: Path):
    requirements(tmp_path, "peer==1.0\n")
    environments = load("environments").Environments(tmp_path)
    never = environments.made("peer")
    (tmp_path / ".environments" / "peer").mkdir(parents=True)
    (tmp_path / ".environments" / "peer" / "made-from.txt").write_text("peer==0.9\n")

    assert never is None
    assert environments.made("peer") is None


def test_a_python_that_is_not_here_is_named(load: Callable[[str], Any], tmp_path: Path):
    requirements(tmp_path, "# python 3.99\npeer==1.0\n")

    with pytest.raises(load("environments").NotInstalledError, match=r"no Python 3\.99"):
        load("environments").Environments(tmp_path).python_of("peer")


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_says_why_and_is_tried_again(load: Callable[[str], Any], tmp_path: Path):
    requirements(tmp_path, "./no-such-folder\n")
    environments = load("environments")

    for _ in range(2):
        with pytest.raises(environments.NotInstalledError, match="no-such-folder"):
            environments.Environments(tmp_path).python_of("peer")


def test_a_peer_that_failed_stands_in_the_table_with_its_reason(load: Callable[[str], Any]):
    run = load("run")
    entrants = [
        run.Entrant(
            who=who, version="1.0", judgments=2000, runs=[{"per_second": speed, "cpu_ms": 1.0, "peak_mb": 50.0}]
        )
        for who, speed in (("dikast aiohttp", 2000.0), ("dikast pyreqwest", 3000.0), ("slow", 100.0))
    ]
    entrants.append(run.Entrant(who="broken", version="2.0", judgments=512, failed="not installed: no such release"))

    rows = {row["who"]: row for row in run.table(entrants)}

    assert (rows["slow"]["dikast aiohttp / it"], rows["slow"]["dikast pyreqwest / it"]) == (20.0, 30.0)
    assert rows["broken"] | {"note": ""} == {
        **dict.fromkeys(rows["broken"]),
        "who": "broken",
        "version": "2.0",
        "judgments": 512,
        "note": "",
    }
    assert rows["broken"]["note"] == "not installed: no such release"
