"""What a run says before it begins."""

from pathlib import Path

import msgspec

from dikast.certify.bounds import Amber, Levels
from dikast.certify.certificate import read_certificate
from dikast.train.stages import told_of

CERTIFICATE = Path(__file__).parents[2] / "examples" / "contract_review" / "certificate.json"


def test_a_run_names_the_bounds_of_its_certificate_where_they_are_looser_than_dikasts_own():
    certificate = read_certificate(CERTIFICATE)
    looser = msgspec.structs.replace(certificate, levels=Levels(amber=Amber(j=0.3)))

    ours, theirs = list(told_of(certificate)), list(told_of(looser))

    assert len(ours) == 1
    assert ours[0].startswith(f"certificate: {certificate.level}; ")
    assert theirs == [
        *ours,
        "certificate: warning: graded by looser levels than dikast's own: amber.j 0.3 in place of 0.6",
    ]
