"""The number that repeats a random check."""

import torch

from scanproof.errors import InvalidArgument


def seed_of(check: str, generator: torch.Generator | None) -> int:
    """Return a seed that repeats this call, and advance ``generator`` so that the next call differs.

    Raises:
        InvalidArgument: ``generator`` is none.
    """
    if generator is None:
        return 0
    if not isinstance(generator, torch.Generator):
        raise InvalidArgument(
            f"{check}: generator is {generator!r}; give torch.Generator().manual_seed(…), or None for seed 0."
        )
    fresh = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    untouched = torch.equal(fresh.get_state(), generator.get_state())
    drawn = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    return generator.initial_seed() if untouched else drawn
