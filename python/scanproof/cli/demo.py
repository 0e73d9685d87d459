"""``scanproof demo``."""

from scanproof.cli.exits import FINDING, PASSED
from scanproof.cli.options import Json, Quiet


def demo(json: Json = False, quiet: Quiet = False) -> int:
    """Check the proofs, check PyTorch code against the Lean runner, and catch two injected faults."""
    import torch

    from scanproof.demo.tour import run_demo

    torch.set_num_threads(1)  # on tensors this small, threads would wait for each other
    return PASSED if run_demo(as_json=json, quiet=quiet) else FINDING
