"""Decides which certificate goes with a reward into its package: none is a choice that must be made."""

from __future__ import annotations

from pathlib import Path

from dikast.errors import ConfigError, NotGoodEnoughError
from dikast.spec.reward import RewardSpec


def certificate_for(spec: RewardSpec, given: Path | None, *, uncertified: bool) -> Path | None:
    """Gives the certificate named, or the one beside the reward; None where the user says `--uncertified`.

    Raises `NotGoodEnoughError` where there is none or it forbids training, `ConfigError` where it speaks about another
    reward or model.
    """
    if uncertified:
        return None
    from dikast.certify.certificate import read_certificate
    from dikast.loading import require_fit
    from dikast.reward.planning import Planner

    path = given or spec.folder / "certificate.json"
    if not path.is_file():
        raise NotGoodEnoughError(
            f"{path}: no certificate, so nobody knows what the judge is worth; measure it with "
            f"'dikast certify {spec.path} LABELS -o {path}', or say --uncertified"
        )
    trust = read_certificate(path)
    if trust.level in ("red", "insufficient"):
        raise NotGoodEnoughError(
            f"{path}: the certificate is {trust.level}; mend the criteria and certify again, or say --uncertified"
        )
    planner = Planner.open(spec, None)
    try:
        require_fit(trust, path, planner.judges)
    except ConfigError as error:
        raise ConfigError(f"{error}, or say --uncertified") from None
    finally:
        planner.close()
    return path
