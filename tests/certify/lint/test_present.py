import io
import json

from good_rubric import criteria, file_of, spoilt
from rich.console import Console

from dikast.certify.lint.critic import lint
from dikast.certify.lint.present import as_json, counted, plain, rich

FOUND = lint(
    file_of(
        *(one | {"paraphrases": []} for one in criteria()[:1]),
        criteria()[1] | {"ask": "Is it clear\nand concise?"},
        *criteria()[2:],
        items="comments",
    )
)


def test_the_findings_are_grouped_by_level_errors_first():
    lines = plain("reward.yaml", FOUND).splitlines()

    assert lines[0] == "reward.yaml: 1 error, 1 warning, 1 info"
    headings = [line for line in lines[1:] if line and not line.startswith(" ")]
    assert headings == ["Errors", "Warnings", "Infos"]


def test_a_finding_says_where_what_why_and_what_would_be_better():
    lines = plain("reward.yaml", FOUND).splitlines()

    at = lines.index("  judge.criteria[1] (rule_holds) [compound]")
    assert lines[at + 1] == "    It asks two things at once: 'Is it clear and concise?'"
    assert lines[at + 2].startswith("    why: ")
    assert lines[at + 3] == "    better: Two criteria: 'Is it clear?' and 'Is it concise?'; code adds them up."


def test_the_terminal_shows_the_same_words():
    out = io.StringIO()
    console = Console(file=out, width=70)

    console.print(rich("reward.yaml", FOUND))

    assert out.getvalue().split() == plain("reward.yaml", FOUND).split()
    assert max(map(len, out.getvalue().splitlines())) <= 70


def test_json_has_the_findings_and_their_number():
    shown = json.loads(as_json("reward.yaml", FOUND))

    assert shown["reward"] == "reward.yaml"
    assert shown["counts"] == {"error": 1, "warning": 1, "info": 1}
    assert [set(one) for one in shown["findings"]] == 3 * [{"level", "rule", "where", "problem", "why", "better"}]


def test_nothing_found_is_said_in_a_line():
    assert counted(lint(file_of())) == "nothing to say"
    assert plain("reward.yaml", []) == "reward.yaml: nothing to say"


def test_what_the_file_says_is_shortened_and_cannot_move_the_cursor():
    [finding] = lint(spoilt(ask=f"Is it clear and concise\x1b[2J, {'very ' * 100}indeed?"))

    assert "\x1b" not in plain("reward.yaml", [finding])
    assert all(len(line) < 600 for line in plain("reward.yaml", [finding]).splitlines())
