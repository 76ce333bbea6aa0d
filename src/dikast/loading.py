"""Opens a reward together with its certificate: the pair that scores and trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dikast.certify.certificate import Certificate
    from dikast.reward.reward import Reward


def load(path: str | Path, *, certificate: str | Path | None = None, journal: str | Path | None = None) -> Reward:
    """Opens a reward file.

    With a certificate each criterion counts as the certificate lets it: its factor, its reading, red ones off.
    Without a journal path, answers are remembered for the life of the process only. Raises `ConfigError`
    where a file does not fit, and where the certificate was made for another reward or model.
    """
    return open_reward(Path(path), Path(certificate) if certificate else None, Path(journal) if journal else None)


def open_reward(reward: Path, certificate: Path | None, journal: Path | None) -> Reward:
    """`load` with paths."""
    from dikast.reward.reward import Reward

    if certificate is None:
        return Reward.open(reward, journal=journal)
    from dikast.certify.certificate import certificate_hash, read_certificate

    trust = read_certificate(certificate)
    opened = Reward.open(reward, journal=journal, readings=trust.readings(), certificate_hash=certificate_hash(trust))
    try:
        require_fit(trust, certificate, opened)
    except BaseException:
        opened.close()
        raise
    return opened


def open_uncertified(reward: Path, certificate: Path, journal: Path | None) -> tuple[Reward, Certificate | None]:
    """Opens a reward with every criterion on at its full weight, whatever its certificate allows.

    Where the certificate is there and speaks about this reward and model, its readings hold and it is given
    too: how a verdict is best read was measured, whatever the verdict is worth.
    """
    import msgspec

    from dikast.certify.certificate import read_certificate
    from dikast.reward.reward import Reward

    trust = read_certificate(certificate) if certificate.is_file() else None
    plain = Reward.open(reward, journal=journal)
    if trust is None or not trust.fits(plain.hash, plain.model.fingerprint):
        return plain, None
    plain.close()
    readings = {name: msgspec.structs.replace(reading, factor=1.0) for name, reading in trust.readings().items()}
    return Reward.open(reward, journal=journal, readings=readings), trust


def require_fit(certificate: Certificate, path: Path, reward: Reward) -> None:
    """Raises `ConfigError` where a certificate speaks about another reward or another model."""
    from dikast.errors import ConfigError

    if not certificate.fits(reward.hash, reward.model.fingerprint):
        what = "reward" if certificate.reward_hash != reward.hash else "model"
        raise ConfigError(
            f"{path}: made for another {what} than {reward.spec.path} uses now; "
            f"measure again with 'dikast certify {reward.spec.path} LABELS -o {path}'"
        )
