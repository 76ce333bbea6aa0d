"""Where the CPU multiplies in bfloat16, a pass does so too, and an optimizer step between two passes is not lost."""

import pytest
import torch

from dikast.train import policy
from dikast.train.policy import fast_products


@pytest.mark.parametrize("units", [True, False])
def test_products_are_bfloat16_where_the_cpu_has_units_for_it(monkeypatch: pytest.MonkeyPatch, units: bool):
    monkeypatch.setattr(policy, "has_bfloat16", lambda: units)
    layer = torch.nn.Linear(8, 8)

    with fast_products():
        found = layer(torch.ones(1, 8))

    assert found.dtype == (torch.bfloat16 if units else torch.float32)
    assert layer.weight.dtype == torch.float32


def test_a_step_between_two_passes_counts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy, "has_bfloat16", lambda: True)
    layer = torch.nn.Linear(8, 8, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)

    def one_pass() -> torch.Tensor:
        with fast_products():
            return layer(torch.ones(1, 8)).float().sum()

    before = one_pass()
    before.backward()
    optimizer.step()

    assert one_pass().item() == pytest.approx(before.item() - 64, abs=0.5)
