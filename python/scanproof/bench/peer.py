"""The published tool: causal-certificate 0.1.0, an optional dependency."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from scanproof.errors import MissingDependency

PEER = "causal-certificate 0.1.0"


def require_peer() -> None:
    """Do nothing if causal-certificate is installed.

    Raises:
        MissingDependency: causal-certificate is not installed.
    """
    if find_spec("causal_certificate") is None:
        raise MissingDependency(
            "bench causality needs causal-certificate, which is missing; pip install 'scanproof[bench]'."
        )


def peer_certify(fn: Any, x: Any, **options: Any) -> Any:
    """Return the report of causal-certificate; ``options`` are arguments of its ``certify``."""
    return import_module("causal_certificate").certify(fn, x, **options)
