"""The number that repeats a random check, and torch's own generators."""

import torch

from scanproof.errors import InvalidArgument


def check_seed(check: str, seed: object) -> int:
    """Return ``seed``.

    Raises:
        InvalidArgument: ``seed`` is not a whole number from 0 to 2^63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InvalidArgument(f"{check}: seed must be a whole number from 0 to 2**63 - 1, got {seed!r}.")
    return seed


def seed_of(check: str, generator: torch.Generator) -> int:
    """Return a seed that repeats this call, and advance ``generator`` so that the next call differs.

    Raises:
        InvalidArgument: ``generator`` is not a ``torch.Generator``.
    """
    if not isinstance(generator, torch.Generator):
        raise InvalidArgument(
            f"{check}: generator must be a torch.Generator, got {generator!r}; pass seed= instead."
        )
    fresh = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    untouched = torch.equal(fresh.get_state(), generator.get_state())
    drawn = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    return generator.initial_seed() if untouched else drawn


def seed_torch() -> None:
    """Seed torch's own generators with 0.

    Without an accelerator, only that of the CPU is seeded. ``torch.manual_seed`` also walks the stack and
    queues a call for each kind of device, which takes longer than a small model.
    """
    if getattr(torch, "accelerator", torch.cuda).is_available():
        torch.manual_seed(0)
    else:
        torch.default_generator.manual_seed(0)
