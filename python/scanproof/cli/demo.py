"""``scanproof demo``."""

from scanproof.cli.exits import FINDING, PASSED


def demo() -> int:
    """Check the proofs, audit PyTorch implementations against the Lean runner, catch two injected faults."""
    from scanproof.demo.tour import run_demo

    return PASSED if run_demo() else FINDING
