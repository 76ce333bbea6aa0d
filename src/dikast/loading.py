"""Opens a reward together with its certificate: the pair that scores and trains."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dikast.certify.certificate import Certificate
    from dikast.journal import Journal
    from dikast.records import Rollout
    from dikast.reward.assembly import Judges
    from dikast.reward.engine import Progress
    from dikast.reward.planning import Plan, Training
    from dikast.reward.reward import Reward


def load(path: str | Path, *, certificate: str | Path | None = None, journal: str | Path | None = None) -> Reward:
    """Opens a reward file.

    With a certificate each criterion counts as the certificate lets it: its factor, its reading, red ones off.
    Without a journal path, answers are remembered for the life of the process only. Raises `ConfigError`
    where a file does not fit, and where the certificate was made for another reward or model.
    """
    return open_reward(Path(path), Path(certificate) if certificate else None, Path(journal) if journal else None)


def open_reward(
    path: Path,
    certificate: Path | None,
    journal: Path | Journal | None,
    *,
    budget_calls: int | None = None,
    budget_usd: float | None = None,
) -> Reward:
    """`load` with paths or a journal of the caller's, and with what the judge may ask at the most."""
    with _judges(path, journal, budget_calls=budget_calls, budget_usd=budget_usd) as judges:
        return trusted(judges, certificate)


def trusted(judges: Judges, certificate: Path | None) -> Reward:
    """Gives the reward of judges that are open, as its certificate lets it count; without one, as the file says.

    Raises what `load` raises.
    """
    from dikast.reward.reward import Reward

    if certificate is None:
        return Reward(judges)
    from dikast.certify.certificate import certificate_hash, read_certificate
    from dikast.certify.lint.measured import vetoes
    from dikast.errors import NotGoodEnoughError

    trust = read_certificate(certificate)
    require_fit(trust, certificate, judges)
    for finding in vetoes(judges.spec.file, trust):
        raise NotGoodEnoughError(f"{judges.spec.path}: {finding.where}: {finding.problem}")
    return Reward(judges, readings=trust.readings(), certificate_hash=certificate_hash(trust))


def open_uncertified(
    path: Path,
    certificate: Path,
    journal: Path | None,
    *,
    budget_calls: int | None = None,
    budget_usd: float | None = None,
) -> tuple[Reward, Certificate | None]:
    """Opens a reward with every criterion on at its full weight, whatever its certificate allows.

    Where the certificate is there and speaks about this reward and model, its readings hold and it is given
    too: how a verdict is best read was measured, whatever the verdict is worth.
    """
    import msgspec

    from dikast.certify.certificate import read_certificate
    from dikast.reward.reward import Reward

    trust = read_certificate(certificate) if certificate.is_file() else None
    with _judges(path, journal, budget_calls=budget_calls, budget_usd=budget_usd) as judges:
        if trust is None or not trust.fits(judges.spec.hash, judges.fingerprint):
            return Reward(judges), None
        readings = {name: msgspec.structs.replace(reading, factor=1.0) for name, reading in trust.readings().items()}
        return Reward(judges, readings=readings), trust


def plan_reward(
    path: Path,
    rollouts: Sequence[Rollout],
    *,
    certificate: Path | None = None,
    journal: Path | None = None,
    training: Training | None = None,
    latency: float | None = None,
    concurrency: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Says what `open_reward(path, certificate, journal)` would ask about rollouts, and asks nothing.

    Raises what it would raise, but for models and keys that are not here: a plan needs none.
    """
    from dikast.certify.certificate import certificate_hash, read_certificate
    from dikast.reward.planning import Planner
    from dikast.spec.reward import read_reward

    spec = read_reward(path)
    with _names_in(path):
        planner = Planner.open(spec, journal)
    try:
        trust = None if certificate is None else read_certificate(certificate)
        if trust is not None and certificate is not None:
            require_fit(trust, certificate, planner.judges)
        return planner.plan(
            rollouts,
            readings=trust.readings() if trust else None,
            certificate_hash=certificate_hash(trust) if trust else None,
            training=training,
            latency=latency,
            concurrency=concurrency,
            progress=progress,
        )
    finally:
        planner.close()


@contextmanager
def _judges(
    path: Path, journal: Path | Journal | None, *, budget_calls: int | None = None, budget_usd: float | None = None
) -> Generator[Judges]:
    """Opens the models and the journal of a reward, and lets go of the journal where the reward is then refused."""
    from dikast.journal import Journal
    from dikast.reward.assembly import Judges
    from dikast.spec.reward import read_reward

    spec = read_reward(path)
    kept = journal if isinstance(journal, Journal) else Journal.open(journal)
    try:
        with _names_in(path):
            judges = Judges.open(spec, kept, calls=budget_calls, usd=budget_usd)
        yield judges
    except BaseException:
        kept.close()
        raise


@contextmanager
def _names_in(path: Path) -> Generator[None]:
    """Tells the file in which a model's name stands that means nothing."""
    from dikast.errors import ConfigError
    from dikast.models.catalog import UnknownModelError

    try:
        yield
    except UnknownModelError as error:
        raise ConfigError(f"{path}: {error}") from error


def require_fit(certificate: Certificate, path: Path, judges: Judges) -> None:
    """Raises `ConfigError` where a certificate speaks about another reward or another model."""
    from dikast.errors import ConfigError

    spec = judges.spec
    if not certificate.fits(spec.hash, judges.fingerprint):
        what = "reward" if certificate.reward_hash != spec.hash else "model"
        raise ConfigError(
            f"{path}: made for another {what} than {spec.path} uses now; "
            f"measure again with 'dikast certify {spec.path} LABELS -o {path}'"
        )
