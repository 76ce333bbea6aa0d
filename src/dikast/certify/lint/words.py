"""The words by which the linter knows a question's grammar. Small lists: a word that is not here is never accused."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


BE = words("is are was were isn't aren't wasn't weren't")
HAVE = words("has have had hasn't haven't")
ASKING = words(
    "do does did don't doesn't didn't can could will would shall should may might must can't couldn't won't wouldn't"
)
"""After these the main verb stands in its base form."""
AUXILIARY = BE | HAVE | ASKING

PRONOUNS = words("it they he she there this that these those you we one everything anything")
DETERMINERS = words(
    "the a an its their his her our your this that these those each every any all no some another one two three "
    "enough both at only"
)
ASKING_WORDS = words("whether why how what when where who whom which")
SUBORDINATE = words("that which who whose whom what whether if when where why how because since while unless until so")
PREPOSITIONS = words("by to for from with in on at of about under until")
CAUSING = words("let lets make makes help helps lest")
"""A bare infinitive follows, so that a verb after 'and' may belong to it."""
COMPARING = words("between distinguish distinguishes compare compares separate separates differ differs apart")

CLEAR_VERBS = words("""
    propose explain cite identify describe avoid suggest recommend refer include contain provide justify discuss respond
    remain refuse apologise apologize acknowledge mention specify clarify define conclude summarise summarize analyse
    analyze confirm ensure give tell say add follow warn thank greet distinguish recognise recognize consider contradict
    repeat omit ignore invite encourage remind advise instruct inform prove demonstrate illustrate express maintain
    adhere comply conform invent fabricate exaggerate misstate criticise criticize reject accept approve allow require
    argue assert assume connect relate rely translate convert speak begin reflect convey understand
    """)
"""Verbs that are nothing else."""
VERBS = CLEAR_VERBS | words("""
    name use show quote state list address answer offer note cover match support point flag respect praise demand limit
    report record claim attribute link return read write sound stay start end detail reference highlight present help
    leave mean need try work fit trust set put turn sign call rate make take keep ask get find see know compare copy date
    solve check lead stick
    """)
"""With those that may be nouns or adjectives as well."""

_ADJECTIVES = words("""
    clear concise correct accurate complete polite professional helpful relevant specific actionable truthful honest
    precise brief short readable friendly respectful consistent coherent persuasive neutral objective thorough detailed
    useful grammatical faithful factual original engaging empathetic comprehensive logical understandable succinct
    balanced fluent exact calm kind warm organised organized structured formatted free
    """)
QUALITIES = _ADJECTIVES | {f"{word}ly" for word in _ADJECTIVES} | {"politely", "truly", "readably"}
"""What can be said of an answer, as an adjective or an adverb: two of them joined are two judgments."""

IRREGULAR_PARTICIPLES = words("given written made shown said told kept met drawn taken broken seen put set")
NO_PARTICIPLES = words("need indeed speed feed seed deed weed exceed proceed succeed bleed breed")

FIXED = words("""
    terms-conditions pros-cons null-void safe-sound free-clear if-when when-if as-when look-feel give-take wear-tear read-write
    rights-duties rights-obligations supply-demand trial-error cause-effect research-development profit-loss
    indemnify-hold defend-indemnify fair-reasonable joint-several do-don't dos-don'ts copy-paste cut-paste
    question-answer check-balance use-enjoy try-test track-trace
    """)
"""Pairs that are one thing in two words."""
