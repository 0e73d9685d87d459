"""``scanproof demo``."""

from scanproof.cli.exits import FINDING, PASSED
from scanproof.cli.options import Json, Quiet


def demo(json: Json = False, quiet: Quiet = False) -> int:
    """Check the proofs, audit PyTorch implementations against the Lean runner, catch two injected faults."""
    from scanproof.demo.tour import run_demo

    return PASSED if run_demo(as_json=json, quiet=quiet) else FINDING
