"""certificate.json: the measured evidence that a judge may be trusted, bound to a reward and a model.

    certificate = read_certificate(Path("certificate.json"))
    if certificate.fits(reward.hash, model.fingerprint):
        readings = certificate.readings()

What trains is the pair of reward and certificate: the certificate may weigh criteria down or turn them off.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from dikast.certify.bounds import Levels, Share
from dikast.certify.expected import ExpectedAnswer, Regression
from dikast.certify.files import read_whole
from dikast.certify.labels import Split, Vote
from dikast.certify.others import Others
from dikast.reward.parts import Reading
from dikast.stats.association import Association
from dikast.stats.correction import Corrected
from dikast.stats.intervals import Interval

Level = Literal["green", "amber", "red", "insufficient"]

MIDDLE = 0.5
"""Where a soft reading is cut for the figures that need yes or no."""
_HELD_LATER = (
    "disagreements",
    "expected",
    "others",
    "outcomes",
    "pass_rate",
    "precision_at_stated",
    "preference",
    "rollouts_hash",
    "stated_base_rate",
    "unheard",
    "wanted",
    "wordings",
)


class ChosenReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a criterion's P(yes) counts: soft, as it is, or hard: 1 from the threshold on and 0 below."""

    soft: bool = False
    threshold: Share | None = None

    def __post_init__(self) -> None:
        if self.soft == (self.threshold is not None):
            raise ValueError("a reading is soft or has a threshold")

    @property
    def cut(self) -> float:
        """From which P(yes) on an answer is a yes."""
        return MIDDLE if self.threshold is None else self.threshold


class HumanCeiling(msgspec.Struct, frozen=True, kw_only=True):
    """How well annotators agree with each other: what a judge can be expected to reach."""

    agreement: Interval
    kappa: Interval


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Labels that a criterion lacks before anything is said of it."""

    yes: int
    no: int
    """Missing in the untouched part."""
    first: tuple[str, ...]
    """Rows of that part, `id` or `id#item`, that people have not answered yet or not alike: to be labelled first."""
    first_of: int
    """How many such rows there are."""
    new: int
    """Rollouts of new prompts that it takes beside them, as an estimate."""


class PreferenceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of duels alone. A judge's tie is half right; people's ties are in no rate but `consistency`."""

    swap: bool
    """Whether both orders train, as their mean, and the certificate is of that; else one at random, and it is of that."""
    accuracy: Interval
    """Of what trains, over the pairs of which people prefer one; pairs as the independent units."""
    by_order: dict[str, Interval]
    """Accuracy by the side that was shown first."""
    one_order: Interval
    """Accuracy of one order at random."""
    both_orders: Interval
    """Accuracy of the mean of both."""
    right_twice: Interval
    """Share of the pairs that are right in either order."""
    consistency: Interval
    """Share of all pairs that have the same winner, or a tie, in both orders."""
    first_place: Interval
    """Share of the answers that prefer the one shown first, ties left out: .5 where place does not matter."""
    tuning: Interval
    """Accuracy on the tuning part: higher than the other where the wording was fitted to it."""


class CriterionCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What the judge's answers to one criterion are worth. All figures are of the untouched part."""

    n: int
    """Labelled units with a verdict; `yes` and `no` of them by people's answers."""
    yes: int
    no: int
    level: Level
    factor: Share
    """What the criterion's weight is multiplied by."""
    reading: ChosenReading
    why: str
    """What decided the level."""
    tpr: Interval
    tnr: Interval
    precision: Interval
    """At the base rate of this sample, which `base_rate` gives; elsewhere it differs."""
    base_rate: float | None
    stated_base_rate: float | None = None
    """The share of yes where the judge is used, as the user states it."""
    precision_at_stated: Interval | None = None
    """Precision there, from TPR and TNR. Amber goes by it where it is stated."""
    j: Interval
    kappa: Interval
    ac1: Interval
    auc: Interval
    flip_rate: Interval
    """Share of answers that differ when the same is asked in another wording or order, or again; n counts units."""
    variance: Interval
    """Mean over units of the variance of P(yes) under the same."""
    within_group: Interval
    """Share of yes/no pairs of one prompt that the reading ranks rightly."""
    human: HumanCeiling | None = None
    """None with fewer than two annotators."""
    missing: dict[str, int] = {}
    """Verdicts that could not be had, by reason. They are in no rate."""
    unheard: int = 0
    """Labelled units, or pairs, that are in no rate for that."""
    left_out: dict[str, int] = {}
    """Units in no rate for another reason: people disagree, or they or the judge said n/a."""
    tuning: dict[str, int] = {}
    """Labels that the reading was chosen on."""
    wanted: Wanted | None = None
    """What is missing, where too few labels are there."""
    pass_rate: Corrected | None = None
    """Share of yes among what the labels are a sample of; None where nothing was judged without labels."""
    preference: PreferenceFigures | None = None
    """Of a preference judge: there a yes is that side a is the better one."""


class VariantResult(msgspec.Struct, frozen=True, kw_only=True):
    """How often one way of asking the same changed the answer."""

    flip_rate: Interval
    missing: int


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked again, and what came of it: criterion → variant → result."""

    units: int
    variants: dict[str, dict[str, VariantResult]]


class WordingsResult(msgspec.Struct, frozen=True, kw_only=True):
    """How far a criterion's verdicts stay when the judge's prompt is worded otherwise."""

    agreement: Interval
    """With the judge's own wording, over units and wordings; n counts units."""
    changed_at_most: float | None
    """Upper bound of the share that changes, one-sided at 95 %; None where nothing could be compared."""
    by: dict[str, VariantResult]


class CriterionAttack(msgspec.Struct, frozen=True, kw_only=True):
    """What an attack did to one criterion."""

    tried: int
    fooled: int


class AttackResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an attack did, over all criteria. A try is one criterion, one candidate that people give no credit, one way."""

    tried: int
    """Tries with a verdict, where the candidate had no credit before."""
    fooled: int
    """Of those, where the judge gave credit."""
    high: float | None
    """Upper bound of the share, one-sided at 95 %, exact for tries that are independent; None without a try."""
    stopped: int = 0
    """What a gate of the reward stopped: never asked, and not tried."""
    missing: int = 0
    """Verdicts that could not be had."""
    already: int = 0
    """Candidates to which the judge gave credit without the attack."""
    shift: float | None = None
    """Mean |change of P(credit)| against the candidate as it was; None where the two cannot be compared."""
    gain: float | None = None
    """Mean change of P(credit): what the attack pays."""
    fooled_at_most: Share
    gain_at_most: Share | None = None
    """The limits that this is held against; they decide nothing."""
    fooled_by: dict[str, int] = {}
    """Way of the attack → how often it fooled."""
    criteria: dict[str, CriterionAttack] = {}

    @property
    def too_much(self) -> bool:
        """Whether a limit is passed."""
        gained = self.gain_at_most is not None and abs(self.gain or 0.0) > self.gain_at_most
        return gained or self.fooled > self.fooled_at_most * self.tried


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of the untouched part on which the judge's answer is not people's. Its texts stand in the labels file."""

    id: str
    """The rollout's, or the pair's."""
    item: int | None
    criterion: str
    people: dict[str, Vote]
    """annotator → answer; of a pair whether a is the better side, "n/a" for a tie."""
    value: float
    """P(yes), or the share of a scale; of a pair P(a), as the mean of both orders."""
    reason: str | None = None
    evidence: str | None = None

    @property
    def distance(self) -> float:
        """How far P(yes) lies from the share of the people who say yes, among those who say yes or no."""
        votes = [vote for vote in self.people.values() if isinstance(vote, bool)]
        return abs(self.value - sum(votes) / len(votes))


class OutcomeCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """How the judge goes with one metric of production."""

    n: int
    """Units of the untouched part that carry it."""
    reached: Interval
    """Share of them that did well by it."""
    at_least: float | None
    at_most: float | None
    meant: tuple[str, ...]
    """Criteria that the reward says should serve it; empty where it says nothing."""
    score: Association
    """With the metric, or with less of it where less is better."""
    parts: dict[str, Association]
    """Checks and criteria, each by what it counts for the rollout."""
    served_by: tuple[str, ...]
    """Of those that are meant to, or of all where none is said to, the criteria whose AUC is above .5 with its lower bound."""
    missing: dict[str, int] = {}
    """Scores that could not be had, by reason."""


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """How the judge goes with what became of the rollouts."""

    metrics: dict[str, OutcomeCertificate]
    unserved: tuple[str, ...]
    """Metrics that no criterion is shown to serve."""
    serving_none: tuple[str, ...]
    """Criteria that are shown to serve no metric."""


class ModelIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The model that was measured."""

    name: str
    fingerprint: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The whole."""

    reward: str
    reward_hash: str
    model: ModelIdentity
    level: Level
    criteria: dict[str, CriterionCertificate]
    attacks: dict[str, AttackResult] = {}
    """Empty where none was made."""
    wordings: dict[str, WordingsResult] = {}
    """Criterion → what other wordings of the judge's prompt changed. Empty where they were not asked."""
    others: Others | None = None
    """Other judges beside this one; None where none was asked."""
    levels: Levels = Levels()
    """The bounds that it was graded by."""
    disagreements: tuple[Disagreement, ...] = ()
    """Between the judge and people, the worst ones first."""
    expected: tuple[ExpectedAnswer, ...] = ()
    """What the judge says where the labels expect an answer."""
    regression: Regression | None = None
    """What of that changed; None where no earlier certificate has any of it."""
    annotators: tuple[str, ...]
    labels_hash: str
    split: Split
    consistency: Consistency
    seed: int
    made_with: dict[str, str]
    date: str
    outcomes: Outcomes | None = None
    """None where the reward names none."""
    rollouts_hash: str | None = None
    """SHA-256 of the file of rollouts without labels, where there was one."""

    def fits(self, reward_hash: str, fingerprint: str) -> bool:
        """Whether this is a certificate of that reward with that model."""
        return self.reward_hash == reward_hash and self.model.fingerprint == fingerprint

    def readings(self) -> dict[str, Reading]:
        """What a reward needs of it: each criterion's factor, and how it is read."""
        return {
            name: Reading(factor=criterion.factor, threshold=criterion.reading.threshold)
            for name, criterion in self.criteria.items()
        }


def read_certificate(path: Path) -> Certificate:
    """Reads a certificate. Raises `ConfigError` where there is none, or the file is none."""
    return read_whole(
        path,
        Certificate,
        absent=f"no such certificate; measure one with: dikast certify REWARD LABELS -o {path}",
        other="not a certificate",
        mend="measure it anew with dikast certify",
    )


def certificate_hash(certificate: Certificate) -> str:
    """SHA-256 of the canonical JSON without the date and the past: measured again with the same result, it is the same.

    What certificates came to hold later is left out where it is empty, so that older ones keep their hash.
    """
    content = msgspec.to_builtins(certificate)
    del content["date"], content["regression"]
    if certificate.levels == Levels():
        del content["levels"]
    for held in (content, *content["criteria"].values()):
        for name in _HELD_LATER:
            if name in held and not held[name]:
                del held[name]
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
