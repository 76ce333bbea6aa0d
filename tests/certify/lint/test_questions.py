"""Questions as people write them: the good ones are left alone, and each bad one is told for what it is."""

import time
from collections import Counter

import pytest
from good_rubric import rules, spoilt, the_finding
from hypothesis import example, given
from hypothesis import strategies as st

from dikast.certify.lint.compound import compound
from dikast.certify.lint.critic import lint
from dikast.certify.lint.grammar import Halves

GOOD = """
Is the comment about what the quoted excerpt says?
Does a rule of the Terms justify the concern?
Is the comment praise or filler without a concern?
Does the comment make the same point as the expert?
Does the answer keep to the terms and conditions of the TargetDocument?
Does the reply name the date by which the goods must be returned?
Are the rights and duties of the supplier stated as the TargetDocument states them?
Does the summary leave out a decision that the meeting took?
Does the note give the dose of each drug as the chart gives it?
Is the diagnosis that the note draws supported by the findings it lists?
Does the reply blame the customer for the delay?
Is the amount in the comment the amount in the TargetDocument?
Does the action say who has to take the next step?
Would a reader who does not know the clause understand the comment?
Does the summary claim something that the TargetDocument does not say?
Is the tone of the reply fit for a complaint?
If the excerpt sets a deadline, does the comment name that deadline?
Does the comment read the liability cap as higher than it is?
Does the action ask the supplier to delete and return the data?
Does the comment distinguish between what the clause allows and what the rule allows?
Does the comment name a rule that the supplier must keep and report the loss?
Is there a clause that names a party and is the last of its kind?
Does the comment name a party who has signed and is bound?
Does the reply promise a refund that the Terms forbid?
Does the summary give the reason for the decision on the budget?
Is a party called by a name that it does not have in the TargetDocument?
Does the comment take a duty of the customer for a duty of the supplier?
Does the reply advise the customer to read the manual before calling again?
Does the answer give the total amount of the invoice as the TargetDocument computes it?
Does the comment say how many days' notice the clause demands?
Does the summary state the percentage of the fee that falls due on signature?
Does the comment call the clause unlimited although it has a cap?
Does the reply name the goods and services that the TargetDocument covers?
Does the comment speak about the indemnity for loss and damage?
Do the comment and the excerpt speak about the same right?
Does the summary name the person who chaired and closed the meeting?
Does the note mention a symptom that the patient denies?
Is the proposed wording weaker than the rule that it is meant to meet?
Does the reply tell the customer what to do first?
Does the summary keep the order in which things happened?
Does the explanation of the English term fit its use in the TargetDocument?
Does the comment say that the notice must be in writing?
Does the reply repeat what the customer has already said?
Does the comment say that the fee is above the limit of the Terms?
Does the comment rate the risk higher than the Terms do?
Does the reply give the customer the number of the claim?
Is the previous owner named as the seller?
Does the answer name the highest and the lowest bid?
Does the summary mention the research and development budget?
Does the note say when and if the drug was stopped?
Does the refusal name what the model can help with instead?
Is a medical or legal claim made without a source?
Does the answer explain how to write valid JSON for the request?
Does the excerpt support the comment?
Is the quote in the title meant as a joke?
Does the play have at least one character who lies?
Does the table use season, game, and score as its columns?
Does the reply insult or threaten the reader?
Does the reply ask 'Is it late and is it lost?' of the customer?
Are the follow-up questions based on the answers to earlier ones?
Does the text follow the guideline that every other letter is a capital?
When the clause sets a deadline, does the comment name it?
Does the reply ask for one thing only?
Does the answer name at least one risk?
Does the clause give the tenant at least 30 days?
Is the price lower than in the offer, as the buyer asked?
Is the sum insured the one in the policy that the TargetDocument shows?
""".strip().splitlines()

BAD = {
    "compound": """
Is the comment correct and does it name a rule?
Does the comment name the breached rule and propose a fix?
Does the reply greet and thank the customer?
Is the answer clear and concise?
Does the comment say what is wrong and why?
Does the comment say who must act and by when?
Is the rule named and the excerpt quoted?
Does it cite a rule and, if so, is it the right one?
Is the date right? Is the place right?
Does the comment name a rule or propose a fix?
The comment names a rule and proposes a fix.
Does the answer identify the risk and explain its consequence?
Is the summary accurate, complete and readable?
Does the note state the diagnosis and is the dose right?
Has the date been named and explained?
Does the answer name the rule but not quote it?
Does the comment name the rule that is broken and propose a fix?
Is it correct, is it complete?
""",
    "self_contained": """
Does the comment keep to the rules as above?
Does the comment differ from the previous comment?
Does the reply follow the guidelines?
Does the answer match the reference answer?
Does the reply comply with our refund policy?
Is the comment better than the other comments?
Is the answer to question 2 still yes?
Does the answer agree with the ground truth?
Does the tone match the style guide?
Does the reply answer the user's question?
Is the comment consistent with the TargetDocuments?
Is the answer as good as the reference?
Is the reply similar to the expected answer?
Does it fulfil the above?
""",
    "arithmetic": """
Count the errors in the comment.
How many rules does the comment name?
Is the number of false claims below three?
Are more than half of the claims supported?
What percentage of the claims is supported?
Rate the comment from 1 to 10.
Is the average of the scores above 3?
Is the overall score at least 7?
Does it get one point for each rule that it names?
On a scale of 1 to 5, is it clear?
Does the answer mention at least three risks?
Does the reply give more than two concrete examples?
Sum the points that the answer earns.
""",
    "checkable": """
Is the excerpt in the contract?
Does the excerpt appear in the TargetDocument?
Does the comment quote the rule verbatim?
Is each excerpt copied word for word from the contract?
Is the output valid JSON?
Can the answer be parsed as JSON?
Is the comment at most 50 words long?
Is the answer shorter than three sentences?
How long is the answer?
Is the reply written in English?
Is the answer in the same language as the prompt?
Which language is the answer in?
Does the text contain odd characters?
Does the answer repeat itself?
Does the output follow the schema?
""",
    "open_question": """
How clear is the comment?
What does the comment say about the fee?
To what extent does the reply help?
Why is the clause a risk?
""",
}


@pytest.mark.parametrize("ask", GOOD)
def test_a_good_question_is_left_alone(ask: str):
    assert rules(spoilt(ask=ask)) == []


@pytest.mark.parametrize(
    ("rule", "ask"), [(rule, ask) for rule, asked in BAD.items() for ask in asked.strip().splitlines()]
)
def test_a_bad_question_has_one_error_of_its_kind(rule: str, ask: str):
    finding = the_finding(spoilt(ask=ask))

    assert (finding.level, finding.rule) == ("error", rule)
    assert finding.where == "judge.criteria[0] (on_the_excerpt)"


def test_the_table_is_long_enough_to_keep_false_alarms_down():
    assert len(GOOD) >= 40
    assert not [ask for ask, times in Counter(GOOD).items() if times > 1]


@pytest.mark.parametrize(
    ("ask", "first", "second"),
    [
        (
            "Does the comment name the rule and propose a fix?",
            "Does the comment name the rule?",
            "Does the comment propose a fix?",
        ),
        ("Is it right and does it say why?", "Is it right?", "Does it say why?"),
        ("Is the answer both clear and short?", "Is the answer clear?", "Is the answer short?"),
        ("Is the text clear and correctly formatted?", "Is the text clear?", "Is the text correctly formatted?"),
        (
            "Does the comment say what is wrong and why?",
            "Does the comment say what is wrong?",
            "Does the comment say why?",
        ),
        ("Do they greet and apologise?", "Do they greet?", "Do they apologise?"),
        ("Is the rule named and the excerpt quoted?", "Is the rule named?", "Is the excerpt quoted?"),
        (
            "Does the offer letter address the reader and propose a date?",
            "Does the offer letter address the reader?",
            "Does the offer letter propose a date?",
        ),
        (
            "The comment names a rule and proposes a fix.",
            "The comment names a rule.",
            "The comment proposes a fix.",
        ),
    ],
)
def test_two_questions_come_of_a_compound_one(ask: str, first: str, second: str):
    assert compound(ask) == Halves(first, second)


def test_a_paraphrase_is_read_as_the_question_is():
    finding = the_finding(spoilt(paraphrases=["Is the comment about the excerpt and does it say why?"]))

    assert (finding.level, finding.rule) == ("error", "compound")
    assert "Does it say why?" in finding.better


@pytest.mark.parametrize(
    "ask",
    [
        "Does the answer name both the price and the date?",
        "Does the reply name the goods and/or services?",
        "Does the note give the dose as well as the reason?",
    ],
)
def test_words_that_often_join_two_questions_are_a_warning(ask: str):
    assert rules(spoilt(ask=ask)) == [("warning", "compound")]


def test_a_check_is_proposed_as_it_would_be_written():
    finding = the_finding(spoilt(ask="Does the excerpt appear in the TargetDocument?"))

    assert "{check: quote, field: text_excerpt, source: TargetDocument, gate: true}" in finding.better


JOINTS = """and or but , ; ? . ' " ( ) if so is does the it that name propose clear concise both count rate at most
five words as above Target TargetDocument verbatim json NAME's ‘ “ a"""  # noqa: RUF001  quotation marks as people type them
UNITS = st.sampled_from(JOINTS.split(" "))


@given(st.one_of(st.text(), st.lists(UNITS).map(" ".join), st.lists(UNITS).map("".join)))
def test_no_text_makes_the_linter_raise(text: str):
    file = spoilt(ask=text, fail=text, paraphrases=[text], scale=[1, 2], levels={1: text, 2: "x"})

    for finding in [*lint(file), *lint(spoilt(ask=text, **{"pass": text, "na": True}))]:
        assert finding.problem
        assert finding.where
        assert "\n" not in finding.problem + finding.better


@given(st.text())
@example(";?")
def test_halves_are_never_empty(text: str):
    halves = compound(f"{text} Is it clear? Is it {text}?")

    assert halves is None or all(half.strip("?. ") for half in halves)


@pytest.mark.parametrize("unit", ["and ", "?", "(", "'", "is it, ", "the other ", "\n", "follow the a "])
def test_a_very_long_question_is_read_in_seconds(unit: str):
    began = time.process_time()

    lint(spoilt(ask=unit * (100_000 // len(unit))))

    assert time.process_time() - began < 10
