"""Whether a function returns the same bits when it runs again, and the likely cause if it does not."""

from collections.abc import Callable

import torch
from torch import Tensor

from scanproof.foundation.seeds import seed_torch


def unsteady(run: Callable[[], Tensor], y: Tensor) -> str | None:
    """Say why another ``run`` does not return ``y`` bit for bit; None if it does."""
    again = run()
    if torch.equal(y, again):
        return None
    devices = [y.device] if y.device.type == "cuda" else []
    seeded = []
    for _ in range(2):
        with torch.random.fork_rng(devices):
            seed_torch()
            seeded.append(run())
    cause = (
        "it draws random numbers from torch (dropout, sampling): after torch.manual_seed, two runs agree"
        if torch.equal(*seeded)
        else "two runs differ after torch.manual_seed too, so the cause is state kept between calls, another "
        "source of random numbers, or an operation that is not deterministic"
    )
    size = (y.double() - again.double()).abs().max().item()
    return f"fn returns something else when it runs again on the same x, by up to {size:.2e}; {cause}"
