"""The grammar of one question: where something is joined in it, and which two questions come of that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from dikast.certify.lint.words import (
    ASKING,
    ASKING_WORDS,
    AUXILIARY,
    BE,
    CAUSING,
    CLEAR_VERBS,
    COMPARING,
    DETERMINERS,
    FIXED,
    HAVE,
    IRREGULAR_PARTICIPLES,
    NO_PARTICIPLES,
    PREPOSITIONS,
    PRONOUNS,
    QUALITIES,
    SUBORDINATE,
    VERBS,
)

MOST_WORDS = 500
"""Of a question that are looked at: nothing that long is one."""

_TOKEN = re.compile(r"[\w'’-]+|[,;]")  # noqa: RUF001  both apostrophes are meant


class Halves(NamedTuple):
    """The two questions that one was."""

    first: str
    second: str


def as_question(text: str) -> str:
    """Half of a question as one of its own."""
    text = " ".join(text.split()).strip(" ,;?.!")
    asks = text.partition(" ")[0].lower() in AUXILIARY or "," in text
    return text[:1].upper() + text[1:] + ("?" if asks else ".")


class Question:
    """A question as words, with their places in the text."""

    def __init__(self, text: str, masked: str) -> None:
        self.text = text
        self.words: list[str] = []
        self.spans: list[tuple[int, int]] = []
        self.after_comma: set[int] = set()
        for token in islice(_TOKEN.finditer(masked), MOST_WORDS):
            if token[0] in ",;":
                self.after_comma.add(len(self.words))
            else:
                self.words.append(token[0].lower().replace("’", "'"))  # noqa: RUF001  the curly one is what is replaced
                self.spans.append(token.span())
        opening = (
            at for at, word in enumerate(self.words) if word in AUXILIARY and (at == 0 or at in self.after_comma)
        )
        self.main = next(opening, None)
        """The auxiliary that asks; None for a statement."""

    def word(self, at: int) -> str:
        return self.words[at] if 0 <= at < len(self.words) else ""

    def joints(self) -> Iterator[int]:
        """Where something is joined: the place of 'and', 'or', 'but', and of a second question after a comma."""
        begin = 0 if self.main is None else self.main
        for at in range(begin + 1, len(self.words)):
            joined = self.word(at) in ("and", "or", "but") and f"{self.word(at - 1)}-{self.word(at + 1)}" not in FIXED
            if joined or (self.main is not None and at in self.after_comma and self._asks(at, strictly=True)):
                yield at

    def parted(self, at: int) -> Halves | None:
        """The two questions that are joined here, if they are two."""
        joint = self.word(at)
        if joint not in ("and", "or", "but"):
            return self._cut(at, at)
        if joint == "and" and COMPARING & set(self._before(at)):
            return None
        after = self._past_adverbs(at + 1)
        if self._asks(after) and (joint != "or" or self._has_noun(after)) and not self._hidden(at, after):
            return self._cut(at, after)
        return (
            self._second_verb(at, after)
            or (None if joint == "or" else self._second_asking_word(at))
            or (self._second_quality(at) if joint == "and" else None)
        )

    def _before(self, at: int) -> list[str]:
        return self.words[(0 if self.main is None else self.main + 1) : at]

    def _past_adverbs(self, at: int) -> int:
        for _ in range(2):
            word = self.word(at)
            if word in ("also", "then", "not", "never", "therefore") or (word.endswith("ly") and word not in VERBS):
                at += 1
        return at

    def _asks(self, at: int, *, strictly: bool = False) -> bool:
        """Whether a question begins here: an auxiliary, strictly with its subject after it."""
        return self.word(at) in AUXILIARY and (not strictly or self._has_noun(at))

    def _has_noun(self, at: int) -> bool:
        """Whether what follows can only begin with a noun: the subject after an auxiliary, the object after a verb."""
        following = self.word(at + 1)
        return following in PRONOUNS or following in DETERMINERS or following.endswith("'s")

    def _hidden(self, at: int, after: int) -> bool:
        """Whether the second auxiliary may belong to a clause inside the first question."""
        if self.word(after + 1) in PRONOUNS - DETERMINERS or (self.word(after) in ASKING and self._has_noun(after)):
            return False
        inside = SUBORDINATE if self.main is None else SUBORDINATE | AUXILIARY
        return bool(inside & set(self._before(at)))

    def _second_verb(self, at: int, after: int) -> Halves | None:
        """'name a rule and propose a fix'; of a statement, 'names a rule and proposes a fix'."""
        verb = self.word(after)
        asked = self.main is not None and self.words[self.main] in ASKING
        if self.main is None:
            stem = _stem(verb)
            if not stem or SUBORDINATE & set(self._before(at)):
                return None
        elif not asked or verb not in VERBS or self._infinitive(at):
            return None
        else:
            stem = verb
        if not self._is_verb(after, stem):
            return None
        first = self._first_verb(at)
        if self.word(at) == "or" and (first is None or first + 1 == at):
            return None  # 'insult or threaten the reader': one object, one thing
        return Halves(
            as_question(self.text[: self.spans[at][0]]),
            as_question(self._subject(first) + self.text[self.spans[after][0] :]),
        )

    def _subject(self, verb: int | None) -> str:
        """What stands before the first verb: 'Does the comment '. Where that verb is not known, a pronoun."""
        if verb is not None:
            return self.text[self.spans[self.main or 0][0] : self.spans[verb][0]]
        if self.main is None:
            return "it "
        return f"{self.words[self.main]} {'they' if self.words[self.main] in ('do', 'are', 'have') else 'it'} "

    def _first_verb(self, at: int) -> int | None:
        def known(k: int) -> bool:
            stem = self.words[k] if self.main is not None else _stem(self.words[k])
            return stem in VERBS and (k + 1 == at or self._is_verb(k, stem))

        return next((k for k in range((self.main or 0) + 2, at) if known(k)), None)

    def _is_verb(self, at: int, stem: str) -> bool:
        """Whether a word that may be a noun is a verb here: something follows that its object may begin with."""
        return stem in CLEAR_VERBS or self.word(at + 1) in ASKING_WORDS or self._has_noun(at)

    def _infinitive(self, at: int) -> bool:
        """Whether a base form after the joint may go with one inside: 'tells them to delete and return it'."""
        before = self._before(at)
        for word, following in zip(before, [*before[1:], ""], strict=True):
            if word in CAUSING or word in ASKING:
                return True
            if word == "to" and following not in DETERMINERS | PRONOUNS | ASKING_WORDS and not following.endswith("'s"):
                return True
        return False

    def _second_asking_word(self, at: int) -> Halves | None:
        """'say what is wrong and why'."""
        after = at + 1 + (self.word(at + 1) in PREPOSITIONS)
        word = self.word(after)
        before = self._before(at)
        if word not in ASKING_WORDS - {"which", "whom"} or (word in ("when", "where", "who") and word in before):
            return None
        first = next((k for k in range((self.main or 0) + 1, at) if self.words[k] in ASKING_WORDS), None)
        rest = self.text[self.spans[at + 1][0] :]
        lead = self.text[: self.spans[first][0]] if first is not None else f"{self._subject(self._first_verb(at))}say "
        return Halves(as_question(self.text[: self.spans[at][0]]), as_question(lead + rest))

    def _second_quality(self, at: int) -> Halves | None:
        """'clear and concise', 'named and explained', 'the rule named and the excerpt quoted'."""
        first, second = self.word(at - 1), self.word(at + 1)
        passive = (
            self.main is not None and self.words[self.main] in BE | HAVE and not SUBORDINATE & set(self._before(at))
        )
        if first in QUALITIES and second in QUALITIES:
            # 'accurate and correctly formatted': the adverb takes its word with it.
            return self._either(at, at + 2 if second.endswith("ly") and not first.endswith("ly") else at + 1)
        if passive and _participle(first) and _participle(second):
            return self._either(at, at + 1)
        if passive and _participle(first) and second in DETERMINERS and _participle(self.words[-1]):
            return Halves(
                as_question(self.text[: self.spans[at][0]]),
                as_question(f"{self.words[self.main or 0]} {self.text[self.spans[at + 1][0] :]}"),
            )
        return None

    def _cut(self, at: int, after: int) -> Halves:
        rest = self.text[self.spans[after][0] :]
        if self.word(after) in AUXILIARY and not self._has_noun(after) and self.main is not None:
            rest = f"{self.words[after]} it {self.text[self.spans[after][1] :]}"
        return Halves(as_question(self.text[: self.spans[at][0]]), as_question(rest))

    def _either(self, at: int, last: int) -> Halves:
        """The question with the word before the joint, and with what comes after it up to the last word."""
        (begin, end), second = self.spans[at - 1], self.spans[at + 1][0]
        lead = self.text[: self.spans[at - 2][0] if self.word(at - 2) == "both" else begin]
        until = self.spans[min(last, len(self.spans) - 1)][1]
        return Halves(
            as_question(lead + self.text[begin:end] + self.text[until:]),
            as_question(lead + self.text[second:until] + self.text[until:]),
        )


def _stem(word: str) -> str:
    """The verb of its third person, 'name' of 'names'; empty where it is none."""
    return next((verb for end in ("s", "es") if (verb := word.removesuffix(end)) in VERBS and verb != word), "")


def _participle(word: str) -> bool:
    return word in IRREGULAR_PARTICIPLES or (len(word) > 4 and word.endswith("ed") and word not in NO_PARTICIPLES)
