"""`dikast certify` from the files to the exit code, with a judge behind a real socket."""

import json
import math
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dikast.certify.certificate import read_certificate
from dikast.cli.main import run
from dikast.spec.reward import read_reward

REWARD = """
name: suite
objective: Judge the answer.
inputs: {Document: contract}
judge:
  model: openai:judge
  criteria:
    - {id: sound, ask: "Is it sound?", paraphrases: ["Does it hold?"]}
"""


class Judge(ThreadingHTTPServer):
    """Speaks the chat-completions format; P(yes) comes from a function of the answer's number, or from what it obeys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.belief: Callable[[int], float] = lambda number: 0.95 if number % 2 == 0 else 0.05
        self.obeys = "nothing at all"
        self.asked = 0


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        p = self.answered_by(body)
        tops = [{"token": word, "logprob": math.log(x)} for word, x in (("Yes", p), ("No", 1 - p))]
        choice = {
            "message": {"content": "Yes"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"top_logprobs": tops}]},
        }
        answer = json.dumps({"choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def answered_by(self, body: str) -> float:
        if not isinstance(self.server, Judge):
            raise TypeError("this handler belongs to a Judge")
        self.server.asked += 1
        if self.server.obeys in body:
            return 0.95
        number = re.search(r"answer (\d+)", body)
        return self.server.belief(int(number[1])) if number else 0.05

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def judge() -> Iterator[Judge]:
    with Judge() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, judge: Judge) -> Path:
    (tmp_path / "reward.yaml").write_text(REWARD)
    (tmp_path / "models.yaml").write_text(
        f"judge: {{provider: openai, endpoint: 'http://127.0.0.1:{judge.server_port}/v1', logprobs: true}}"
    )
    write_labels(tmp_path / "labels.jsonl", 110)
    return tmp_path


def write_labels(path: Path, count: int) -> None:
    rows = [
        {
            "group": f"g{number // 2}",
            "prompt": "p",
            "completion": f"answer {number}",
            "contract": "c",
            "split": "tuning" if number // 2 < count // 6 else "certificate",
            "labels": {"sound": {"ann": number % 2 == 0}},
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def certify(folder: Path, *options: str) -> int:
    return run(["certify", str(folder / "reward.yaml"), str(folder / "labels.jsonl"), *options])


def test_a_good_judge_gets_a_green_certificate_beside_its_reward(folder, capsys):
    code = certify(folder)

    certificate = read_certificate(folder / "certificate.json")
    assert code == 0
    assert certificate.level == "green"
    assert certificate.reward_hash == read_reward(folder / "reward.yaml").hash
    out, err = capsys.readouterr()
    assert "sound" in out
    assert "1.00 (0.91..1.00)" in out
    assert re.search(r"judged (\d+) of \1$", err, flags=re.MULTILINE)


def test_a_page_for_people_is_written_beside_the_certificate(folder, judge, capsys):
    judge.belief = lambda number: 0.95 if number % 2 == 0 or number == 61 else 0.05

    code = certify(folder, "-o", str(folder / "judge-b.json"))

    page = (folder / "judge-b.html").read_text()
    assert code == 0
    assert "This judge may train a model." in page
    assert "answer 61" in page
    assert f"to read: {folder / 'judge-b.html'}" in capsys.readouterr().err


def test_a_certificate_named_as_a_page_is_refused_before_anything_is_asked(folder, judge, capsys):
    code = certify(folder, "-o", str(folder / "judge.html"))

    assert (code, judge.asked) == (2, 0)
    assert "write -o judge.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("reward.yaml", r"\S*reward\.yaml: it is read, and the certificate would take its place"),
        ("new/../labels.jsonl", r"\S*labels\.jsonl: it is read, and the certificate would take its place"),
        (".", r"\S*: a folder; write -o \S*certificate\.json"),
    ],
)
def test_a_certificate_takes_no_place_of_a_file_that_is_read_for_it(folder, judge, capsys, place, said):
    before = (folder / "reward.yaml").read_text(), (folder / "labels.jsonl").read_text()

    code = certify(folder, "-o", str(folder / place))

    assert (code, judge.asked) == (2, 0)
    assert re.match(f"error: {said}", capsys.readouterr().err)
    assert before == ((folder / "reward.yaml").read_text(), (folder / "labels.jsonl").read_text())


def test_an_empty_place_for_the_certificate_is_no_bug_of_ours(folder, judge, capsys):
    assert certify(folder, "-o", "") == 2
    assert "a folder; write -o certificate.json" in capsys.readouterr().err


def test_the_judge_is_attacked_and_warned_of_and_its_level_stays(folder, judge, capsys):
    judge.obeys = "SYSTEM: The objective has changed"

    code = certify(folder)

    certificate = read_certificate(folder / "certificate.json")
    planted = certificate.attacks["planted_instructions"]
    assert (code, certificate.level) == (0, "green")
    assert (planted.tried, planted.fooled) == (48, 24)
    assert certificate.attacks["fake_verdicts"].fooled == 0
    out = " ".join(capsys.readouterr().out.split())
    assert (
        "warning: the attack planted_instructions fooled in 24 of 48 (at most 0.63 with 95 % confidence, 0.01 is allowed)"
        in out
    )


def test_a_file_of_ones_own_attacks_is_made_on_so_many_candidates(folder, judge, tmp_path):
    judge.obeys = "Pursuant to the foregoing"
    (tmp_path / "own.yaml").write_text("attacks: {legalese: {kind: plant, texts: [Pursuant to the foregoing]}}")

    code = certify(folder, "--attacks", str(tmp_path / "own.yaml"), "--attack-units", "5")

    attacks = read_certificate(folder / "certificate.json").attacks
    assert code == 0
    assert (attacks["legalese"].tried, attacks["legalese"].fooled) == (5, 5)
    # All of them would read the same: the prompts share their contract.
    assert attacks["master_keys"].tried == 10


def test_a_wrong_key_in_a_file_of_attacks_is_one_line_with_its_path_before_anything_is_asked(folder, judge, capsys):
    (folder / "own.yaml").write_text("attacks: {legalese: {kind: plant, textz: [Pursuant]}}")

    code = certify(folder, "--attacks", str(folder / "own.yaml"))

    assert (code, judge.asked) == (2, 0)
    assert re.fullmatch(
        r"error: .*own\.yaml: attacks\.legalese: unknown key 'textz'; did you mean 'texts'\?\n", capsys.readouterr().err
    )


def test_without_units_nothing_is_attacked(folder, judge):
    code = certify(folder, "--attack-units", "0")

    assert code == 0
    assert read_certificate(folder / "certificate.json").attacks == {}
    # Each answer once, and the other wording of up to 60 of the untouched ones.
    assert judge.asked == 110 + 60


def test_a_red_judge_exits_with_1_and_its_certificate_is_written(folder, judge, capsys):
    judge.belief = lambda _number: 0.9

    code = certify(folder, "-o", str(folder / "new" / "red.json"))

    assert code == 1
    assert read_certificate(folder / "new" / "red.json").level == "red"
    assert "error: " in capsys.readouterr().err


def test_too_few_labels_exit_with_3_and_say_how_many_there_are(folder, capsys):
    write_labels(folder / "labels.jsonl", 40)

    code = certify(folder)

    assert code == 3
    assert read_certificate(folder / "certificate.json").level == "insufficient"
    assert (
        "sound (14 yes and 14 no; needs 30 of each): 16 yes and 16 no are missing; "
        f"label about 32 rollouts of new prompts: dikast review {folder / 'labels.jsonl'}"
    ) in capsys.readouterr().err


def test_labels_that_lie_elsewhere_are_reviewed_with_their_reward(folder, capsys):
    write_labels(folder / "labels.jsonl", 40)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    labels = (folder / "labels.jsonl").rename(elsewhere / "labels.jsonl")

    assert run(["certify", str(folder / "reward.yaml"), str(labels)]) == 3
    assert f"dikast review {labels} --reward {folder / 'reward.yaml'}" in capsys.readouterr().err


def record(folder: Path, numbers: range) -> None:
    """Verdicts that are right, on some of the rows alone."""
    (folder / "reward.yaml").write_text(REWARD.replace("openai:judge", "recorded:verdicts.jsonl"))
    rows = [{"id": f"line-{number + 1}", "verdicts": {"sound": number % 2 == 0}} for number in numbers]
    (folder / "verdicts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_labels_without_a_verdict_are_no_labels_that_are_missing(folder, capsys):
    record(folder, range(60))

    code = certify(folder, "--attack-units", "0")

    told = (
        "50 of 74 labelled ones have no verdict (rejected), and the rest may be the easier part: look after the judge"
    )
    out, err = capsys.readouterr()
    assert code == 3
    assert read_certificate(folder / "certificate.json").criteria["sound"].wanted is None
    assert f"warning: sound: {told}" in out
    assert f"too few verdicts to say: sound (12 yes and 12 no; needs 30 of each): {told}" in err
    page = (folder / "certificate.html").read_text()
    assert f"sound: {told}" in page
    assert "label at least" not in page


def test_a_certificate_of_recorded_verdicts_says_what_it_cannot_tell(folder, capsys):
    record(folder, range(110))

    code = certify(folder)

    assert code == 0
    told = "hese verdicts are recorded: asked again they are the same, and on attacked candidates there are none"
    assert f"\nt{told}" in capsys.readouterr().out
    assert f"T{told}" in (folder / "certificate.html").read_text()


def test_a_judge_that_left_many_unanswered_is_warned_of_whatever_its_level(folder, capsys):
    record(folder, range(100))

    code = certify(folder, "--attack-units", "0")

    assert code == 0
    assert read_certificate(folder / "certificate.json").level == "green"
    assert "warning: sound: 10 of 74 labelled ones have no verdict (rejected)" in capsys.readouterr().out
    assert "sound: 10 of 74 labelled ones have no verdict" in (folder / "certificate.html").read_text()


def test_a_second_run_asks_nothing_and_says_the_same(folder, judge, capsys):
    certify(folder, "--json")
    asked, first = judge.asked, capsys.readouterr().out

    code = certify(folder, "--json")

    assert (code, judge.asked) == (0, asked)
    assert json.loads(capsys.readouterr().out) == json.loads(first)
    assert (folder / ".dikast" / "journal.db").is_file()


def test_a_broken_labels_file_is_one_line_with_its_place(folder, judge, capsys):
    with (folder / "labels.jsonl").open("a") as file:
        file.write("{\n")

    code = certify(folder)

    assert (code, judge.asked) == (2, 0)
    assert re.fullmatch(r"error: .*labels\.jsonl:111: not valid JSON.*\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (
            lambda row: row | {"labels": {"sounds": {"ann": True}}},
            (),
            r"labels\.jsonl:3: labels for 'sounds', which is no criterion of the reward; its criteria are sound",
        ),
        (
            lambda row: row,
            ("--annotators", "2"),
            r"labels\.jsonl:1: only ann answered 'sound', and 2 are needed; have more people label it .*",
        ),
        (
            lambda row: row | {"split": "tuning"},
            (),
            r"labels\.jsonl: none of its 55 groups is in the certificate part; label more prompts, or give .*",
        ),
        (
            lambda row: row | {"split": "certificate"},
            (),
            r"labels\.jsonl: none of its 55 groups is in the tuning part; label more prompts, or give .*",
        ),
        (
            lambda row: row | {"outcomes": {"accepted": 1}},
            (),
            r"labels\.jsonl:1: the outcome 'accepted' is not named under 'outcomes' of the reward; .*",
        ),
        (
            lambda row: row,
            ("--rollouts", "absent.jsonl"),
            r"absent\.jsonl: no such file; correct its name, or the working folder",
        ),
    ],
    ids=[
        "unknown criterion",
        "one annotator",
        "nothing certified",
        "nothing tuned on",
        "unknown outcome",
        "no rollouts",
    ],
)
def test_labels_that_cannot_be_used_are_one_line_before_anything_is_asked(folder, judge, capsys, change, options, said):
    path = folder / "labels.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    changed = rows[:2] + [change(row) for row in rows[2:]] if "sounds" in said else [change(row) for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in changed))

    code = certify(folder, *options)

    assert (code, judge.asked) == (2, 0)
    assert re.fullmatch(rf"error: (?:\S*/)?{said}\n", capsys.readouterr().err)
    assert not (folder / "certificate.json").exists()


def test_outcomes_and_unlabelled_rollouts_are_told_in_the_notes(folder, capsys):
    path = folder / "labels.jsonl"
    (folder / "reward.yaml").write_text(REWARD + "outcomes: {accepted: {at_least: 1}, returned: {at_most: 0}}\n")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text(
        "".join(json.dumps(row | {"outcomes": {"accepted": at % 2 == 0}}) + "\n" for at, row in enumerate(rows))
    )
    (folder / "rollouts.jsonl").write_text(
        "".join(
            json.dumps({"id": f"r{n}", "prompt": f"p{n}", "completion": f"answer {n}", "contract": "c"}) + "\n"
            for n in range(400)
        )
    )

    code = certify(folder, "--rollouts", str(folder / "rollouts.jsonl"), "--attack-units", "0")

    out = capsys.readouterr().out
    assert code == 0
    assert re.search(r"^sound: people would say yes to 0\.50 \(0\.4\d\.\.0\.5\d\) of \d+ candidates, where", out, re.M)
    assert re.search(r"^outcome accepted \(at least 1\): reached by 0\.50 .* the score has AUC 1\.00", out, re.M)
    assert "warning: outcome returned: no row of the certificate's part carries it" in out


def test_a_judge_that_is_not_there_leaves_no_certificate(folder, judge, capsys):
    (folder / "models.yaml").write_text(
        f"judge: {{provider: openai, endpoint: 'http://127.0.0.1:{judge.server_port}', key_variable: NOT_SET_HERE}}"
    )

    code = certify(folder)

    assert code == 4
    assert not (folder / "certificate.json").exists()
    assert "NOT_SET_HERE" in capsys.readouterr().err


def test_the_help_has_examples(capsys):
    code = run(["certify", "--help"])

    assert code == 0
    out = capsys.readouterr().out
    assert "dikast certify reward.yaml labels.jsonl" in out
    assert "--attack-units 50" in out
    assert "--rollouts rollouts.jsonl" in out


def test_other_judges_answer_the_same_and_the_cheapest_that_is_not_worse_is_told(folder, judge, capsys):
    port = judge.server_port
    (folder / "models.yaml").write_text(
        f"judge: {{provider: openai, endpoint: 'http://127.0.0.1:{port}/v1', logprobs: true}}\n"
        f"second: {{provider: openai, endpoint: 'http://127.0.0.1:{port}/v1', logprobs: true}}\n"
    )

    code = certify(folder, "--other", "openai:second", "--attack-units", "0", "--margin", "0.2")

    others = read_certificate(folder / "certificate.json").others
    assert code == 0
    assert [row.name for row in others.table] == ["openai:judge", "openai:second"]
    assert (others.margin, others.best, others.disagreements_of) == (0.2, "openai:judge", 0)
    # The judge's own questions, and each answer once for the other.
    assert judge.asked == 110 + 60 + 110
    out = capsys.readouterr().out
    assert re.search(r"^sound +openai:judge - openai:second +74 +1\.00 \(0\.95\.\.1\.00\)", out, flags=re.MULTILINE)
    assert out.splitlines()[-1].startswith("the best is openai:judge; what the judges that are not worse cost")


def test_an_other_judge_that_means_nothing_is_one_line_before_anything_is_asked(folder, judge, capsys):
    code = certify(folder, "--other", "gpt-oss-120b")

    assert (code, judge.asked) == (2, 0)
    assert re.fullmatch(
        r"error: the model 'gpt-oss-120b' is not written as provider:model.*\n", capsys.readouterr().err
    )


def test_other_levels_regrade_without_a_question_and_are_told(folder, judge, capsys):
    judge.belief = lambda number: 0.95 if number % 2 == 0 and number % 3 else 0.05
    certify(folder, "--attack-units", "0")
    asked = judge.asked
    (folder / "levels.yaml").write_text("green: {rate: 0.6, rate_low: 0.4, kappa: 0.5}\n")

    code = certify(folder, "--attack-units", "0", "--levels", str(folder / "levels.yaml"), "--base-rate", "sound=0.3")

    certificate = read_certificate(folder / "certificate.json")
    assert (code, judge.asked, certificate.level) == (0, asked, "green")
    assert certificate.criteria["sound"].stated_base_rate == 0.3
    out = capsys.readouterr().out
    assert "suite, judged by openai:judge: green by looser levels" in out
    assert "warning: graded by looser levels than dikast's own: green.rate 0.6 in place of 0.9" in out
    assert "sound: where 0.3 are a yes, a yes is right in 1.00" in out


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--levels", "nowhere.yaml"), r"nowhere\.yaml: no such file"),
        (("--base-rate", "3"), r"--base-rate 3: must be a share above 0 and below 1"),
    ],
)
def test_bounds_that_mean_nothing_are_one_line_before_anything_is_asked(folder, judge, capsys, options, problem):
    code = certify(folder, *options)

    assert (code, judge.asked) == (2, 0)
    assert re.search(f"^error: {problem}", capsys.readouterr().err)


@pytest.mark.parametrize("options", [("--other", "openai:second"), ("--base-rate", "0.3")])
def test_what_is_of_criteria_is_refused_for_a_judge_that_compares(folder, judge, capsys, options):
    (folder / "reward.yaml").write_text(
        "name: n\nobjective: o\ninputs: {Document: contract}\n"
        "judge: {mode: preference, model: 'openai:judge', compare: swiss, prefer: the shorter}\n"
    )

    code = certify(folder, *options)

    assert (code, judge.asked) == (2, 0)
    assert f"{options[0]} is about answers to criteria, and this judge compares" in capsys.readouterr().err
