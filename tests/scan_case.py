"""The scans of the package, and a random call of one."""

from functools import partial

import torch

from scanproof.scans import selective_scan, selective_scan_associative, selective_scan_chunked

SCANS = {
    "sequential": selective_scan,
    "chunked": partial(selective_scan_chunked, chunk_size=3),
    "associative": selective_scan_associative,
}


def scan_case(
    batch=2, channels=3, length=21, states=4, *, seed=0, dtype=torch.float32, leave_out=(), groups=0
):
    """Return arguments; B and C have an axis of groups where there are groups."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=rng, dtype=torch.float64).to(dtype)

    per_group = (batch, *[groups] * (groups > 0), states, length)
    case = {
        "u": normal(batch, channels, length),
        "delta": normal(batch, channels, length),
        "A": -torch.exp(normal(channels, states)),
        "B": normal(*per_group),
        "C": normal(*per_group),
        "D": normal(channels),
        "z": normal(batch, channels, length),
        "delta_bias": normal(channels),
    }
    return {name: tensor for name, tensor in case.items() if name not in leave_out}
