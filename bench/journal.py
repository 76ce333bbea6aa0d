"""How many verdicts a second the journal takes, in the small batches in which they arrive."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from measuring import costs, show

from dikast.journal import Answered, Journal

VERDICTS = 50_000
REQUEST, REPLY = b"q" * 1500, b'{"text":"{\\"verdicts\\": {}}","finish":"stop"}' * 4


def main() -> None:
    """Measures batches of several sizes: what arrives in one turn of the event loop is one batch."""
    rows = []
    for batch in (1, 8, 64, 256):
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal.open(Path(folder) / "journal.db")
            answers = [
                Answered(key=hashlib.sha256(str(at).encode()).digest(), model="m", request=REQUEST, reply=REPLY)
                for at in range(VERDICTS)
            ]

            def work(journal: Journal = journal, answers: list[Answered] = answers, batch: int = batch) -> int:
                for start in range(0, VERDICTS, batch):
                    journal.keep(answers[start : start + batch])
                return VERDICTS

            found = costs(work)
            journal.close()
        rows.append({"batch": batch, "verdicts a second": found["per_second"], "CPU us each": 1000 * found["cpu_ms"]})
    show("journal", rows, list(rows[0]))


if __name__ == "__main__":
    main()
